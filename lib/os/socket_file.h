// The file of a Unix socket that listens. It stays when the descriptor is closed, and by then its
// name may be another's: only the file that was there when it was noted is removed, in the
// directory that was there then, wherever the path leads by now.
//
// Any thread. Source: unix(7).
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "os/dir.h"

namespace gw::os {

struct SocketFile {
  Dir directory;
  std::string name;
  dev_t device = 0;
  ino_t inode = 0;

  // Nothing when the socket `fd` is not bound to the path, or no socket is there.
  static std::optional<SocketFile> of(int fd, const std::string& path);
  void remove() const;
};

}  // namespace gw::os
