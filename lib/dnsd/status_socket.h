// Where `serve-dns status` asks: a control socket whose answer to any command is one JSON document.
//
// The file belongs to the server's user and lets nobody else connect, unless the umask says
// otherwise.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/json.h"
#include "base/result.h"
#include "os/control_socket.h"
#include "os/loop.h"
#include "os/thread.h"

namespace gw::dnsd {

class StatusSocket {
 public:
  // `document` is called on a thread of its own, for each connection. kUsage: the path is too long
  // for a socket, is something else than a socket, or another server answers there. kIo.
  static Result<std::unique_ptr<StatusSocket>> start(const std::string& path,
                                                     std::function<Json()> document);
  ~StatusSocket();  // removes the file
  StatusSocket(const StatusSocket&) = delete;
  StatusSocket& operator=(const StatusSocket&) = delete;

  // Where a server of this database listens unless told otherwise.
  static std::string default_path(const std::string& db) { return db + ".serve-dns.sock"; }

  // The other side: asks the server there. kUnavailable: none is running (or not there); kCorrupt.
  static Result<Json> ask(const std::string& path);

 private:
  explicit StatusSocket(std::unique_ptr<os::Loop> loop) : loop_(std::move(loop)) {}

  std::unique_ptr<os::Loop> loop_;
  std::unique_ptr<os::ControlSocket> socket_;
  os::Thread thread_;
};

// The document as text for a person.
std::string format_status(const Json& status);

}  // namespace gw::dnsd
