// Where `serve-dns status` asks: a Unix socket that answers every connection with one JSON document
// and closes it.
//
// The file belongs to the server's user and lets nobody else connect, unless the umask says
// otherwise. One that a dead server left behind is replaced; a living one's is not.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "base/json.h"
#include "base/result.h"
#include "os/file.h"
#include "os/stop.h"

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
  StatusSocket(std::string path, os::Fd listener, std::function<Json()> document)
      : path_(std::move(path)), listener_(std::move(listener)), document_(std::move(document)) {}
  void run();

  const std::string path_;
  os::Fd listener_;
  std::function<Json()> document_;
  os::Stop stop_;
  std::thread thread_;
};

// The document as text for a person.
std::string format_status(const Json& status);

}  // namespace gw::dnsd
