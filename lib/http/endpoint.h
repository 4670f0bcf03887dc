// Where a server listens: an IP address with a port, or a Unix socket's path.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "os/address.h"
#include "os/file.h"
#include "os/socket_file.h"

namespace gw::http {

using os::Fd;
using os::SocketAddress;

struct Endpoint {
  SocketAddress address = {};
  std::string unix_path = {};  // when it is not empty, instead of the address
  mode_t unix_mode = 0660;

  bool is_unix() const { return !unix_path.empty(); }
  // "127.0.0.1:8000", "[::1]:8000", "unix:/run/x.sock"
  std::string format() const;

  // What format() writes, with the default port where none is given. kUsage otherwise.
  static Result<Endpoint> parse(std::string_view text, std::uint16_t default_port);
};

struct Listener {
  Fd fd;
  std::optional<os::SocketFile> file;  // of a Unix socket: to be removed before the end of `fd`
};

// A listening socket that does not block; `endpoint` gets the port that the kernel chose. A Unix
// socket that nobody answers at any more is replaced. kUsage: taken, not of this machine, or not
// allowed; the message names it.
Result<Listener> listen_on(Endpoint& endpoint);

}  // namespace gw::http
