// What file.cc and lock_file.cc share. Private to lib/os.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>

#include <optional>
#include <string>

#include "os/file.h"

namespace gw::os {

// open(2) with O_CLOEXEC, again after a signal; errno says why there is none.
Fd open_retry(const std::string& path, int flags, mode_t mode = 0);

// The directory that the path's last name is in.
std::string directory_of(const std::string& path);

// What is there, without following a link; nothing when nothing is.
Result<std::optional<struct stat>> look_at(const std::string& path);

}  // namespace gw::os
