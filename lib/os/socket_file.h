// Unix sockets at a path: their addresses, how one comes to listen there, and how its file goes.
//
// The file stays when the descriptor is closed, and by then its name may be another's: only the
// file that was there when it was noted is removed, in the directory that was there then, wherever
// the path leads by now. Remove it before the descriptor is closed, which keeps the file's number
// from another one: a server that starts in between takes the path of one that answers no more.
//
// Any thread. Source: unix(7).
#pragma once

#include <sys/types.h>
#include <sys/un.h>

#include <optional>
#include <string>

#include "base/result.h"
#include "os/dir.h"
#include "os/file.h"

namespace gw::os {

// kUsage: no path, a zero byte in it, or too long for a socket.
Result<sockaddr_un> unix_address(const std::string& path);

struct SocketFile {
  Dir directory;
  std::string name;
  dev_t device = 0;
  ino_t inode = 0;

  // Nothing when the socket `fd` is not bound to the path, or no socket is there.
  static std::optional<SocketFile> of(int fd, const std::string& path);
  void remove() const;
};

// A socket that listens and does not block. Who has it removes the file.
struct PathListener {
  Fd fd;
  SocketFile file;
};

struct PathOptions {
  std::optional<mode_t> mode = {};  // who may write may connect; nothing: what the umask leaves
  int backlog = 16;                 // who may wait to be accepted
  std::string flag = {};            // the option that names the path, for hints: "--control"
};

// The file has its mode from its first moment. One that a dead server left is replaced. kUsage: no
// path for a socket, something else is there or another server answers, or it is not allowed. kIo.
// Each message names the path.
Result<PathListener> listen_on_path(const std::string& path, const PathOptions& options);

}  // namespace gw::os
