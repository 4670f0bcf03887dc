// A file by its path, found in one directory and nowhere else: openat2(2), and what stands in for
// it.
//
// The kernel does all of it at once. Where it does not know the call (before Linux 5.6), or a
// filter says so (systemd's RestrictSUIDSGID= and DynamicUser=, which cannot look at its
// arguments), each component is opened by itself, and none that is a link is followed.
//
// Sources: openat2(2), open(2), systemd.exec(5).
#pragma once

#include <sys/types.h>

#include <string>

namespace gw::os {

enum class Resolve {
  kAny,      // as open(2)
  kNoLinks,  // ELOOP: a component is a symbolic link
  kBeneath,  // that, and EXDEV: it leads out of the directory
};

// The descriptor, closed on exec, or the negative errno value. Any thread.
int open_resolved(int at, const std::string& path, int flags, mode_t mode, Resolve resolve);

}  // namespace gw::os
