// What the sources of files, directories and processes share. Private to lib/os.
#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <memory>
#include <optional>
#include <string>

#include "os/file.h"

namespace gw::os {

struct CloseDirectory {
  void operator()(DIR* d) const { ::closedir(d); }
};
using DirStream = std::unique_ptr<DIR, CloseDirectory>;

// open(2) with O_CLOEXEC, again after a signal; errno says why there is none.
Fd open_retry(const std::string& path, int flags, mode_t mode = 0);

// The rest of an open file, as read_file().
Result<std::string> read_open_file(const Fd& fd, const std::string& path, std::size_t max_bytes);

// What is there, without following a link; nothing when nothing is.
Result<std::optional<struct stat>> look_at(const std::string& path);

}  // namespace gw::os
