// Whether the directories that root works in are root's alone: where somebody else may rename or
// link, he decides what root then runs, changes and gives away.
//
// Looked at once, at the start, along the whole path: each directory and each link that leads on.
// Access lists beyond the mode are not seen. Any thread.
#pragma once

#include <string>

#include "base/result.h"
#include "os/user.h"

namespace gw::supervise {

// kUsage, naming the directory, where `user` could exchange one of the path's names, of links that
// it leads over, too. What it leads to may be his: that is for check_not_writable().
Status check_way(const os::User& user, const std::string& path);

// kUsage, naming the directory, where `user` could exchange one of the path's names, or write to
// the directory itself. In one with the sticky bit (/tmp) only what is his is his to rename.
// Nothing to say of root.
Status check_not_writable(const os::User& user, const std::string& directory);

// kUsage: a directory on the path that `user` may not go through.
Status check_reachable(const os::User& user, const std::string& directory);

}  // namespace gw::supervise
