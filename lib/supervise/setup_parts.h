// What both ways to a first binary share: its names, and the link that makes it one.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/result.h"
#include "build/key.h"
#include "os/dir.h"
#include "supervise/setup.h"

namespace gw::supervise {

inline constexpr mode_t kFirstProgram = 0755;

// Neither the binary nor the link to it is there yet. kUsage, naming `directory`, which `dir` is.
Result<Installed> first_names(const build::Key& key, const os::Dir& dir,
                              const std::string& directory);
// The last step; without it the binary goes, too.
Status link_first(const os::Dir& dir, const Installed& installed, const std::string& directory);

}  // namespace gw::supervise
