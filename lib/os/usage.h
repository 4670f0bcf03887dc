// What processes and directories use, for who has to keep strangers within limits where the kernel
// keeps no count for a group of them (no delegated cgroup).
//
// A moment's picture of something that goes on: processes come and go while it is taken, files
// change. What it cannot see is said below; hard limits (os/user.h) hold those.
//
// Any thread. Sources: proc(5), statvfs(3).
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "base/result.h"
#include "os/dir.h"

namespace gw::os {

struct TreeUsage {
  std::uint64_t threads = 0;
  // Of their own: not files that the kernel may forget, nor memory that is shared. A page that a
  // fork left to two counts twice.
  std::uint64_t memory_bytes = 0;
  // Files without a name that they hold open or mapped: no directory shows them.
  std::uint64_t nameless_bytes = 0;
};

// Of a process and its descendants, in whatever pid namespace they are; not of those whose parents
// ended where nobody of the tree adopts them. None when it is gone. Needs /proc with
// CONFIG_PROC_CHILDREN. `files`: count nameless ones, which takes longer.
TreeUsage tree_usage(pid_t top, bool files);

// Whether the kernel shows children at all. kUnavailable.
Status check_tree_usage();

struct DirectoryUsage {
  std::uint64_t bytes = 0;  // allocated, and 4 KiB for each entry
  // Some was not counted: it is more than 200 levels down, or in a directory that we may not read.
  bool hidden = false;
};

// Of a directory and all beneath, not through links. What disappears meanwhile is not counted.
DirectoryUsage directory_usage(const Dir& dir);

struct FreeSpace {
  std::uint64_t bytes = 0;  // for ordinary users
  std::uint64_t files = 0;
};
Result<FreeSpace> free_space(const Dir& dir);

}  // namespace gw::os
