// How a command asks a daemon of this machine: a Unix socket, one command a line, one answer, and
// the connection ends.
//
// The kernel says who asks (SO_PEERCRED), so no secret is needed. Everything is bounded: a line's
// length, an answer's, connections at once, and how long each of them may take; a peer that is too
// slow or says too much is dropped. The socket's file has its mode from its first moment. One that
// a dead server left behind is replaced; a living one's is not.
//
// A ControlSocket belongs to its loop's thread; ask_control() is for any thread. Sources: unix(7).
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "os/file.h"
#include "os/loop.h"
#include "os/socket_file.h"

namespace gw::os {

struct Peer {
  pid_t pid = 0;  // when it connected: it may have ended
  uid_t uid = 0;
  gid_t gid = 0;
};

struct ControlOptions {
  // Of the socket: who may write may connect. Nothing: what the umask leaves.
  std::optional<mode_t> mode = 0600;
  // Who is answered besides; nothing: whoever can connect. Others get no answer at all.
  std::optional<std::vector<uid_t>> users = {};
  std::size_t max_command = 4096;
  std::size_t max_connections = 16;
  Duration timeout = std::chrono::seconds(5);  // for a whole connection
  std::string flag = {};  // the option that names the path, for hints: "--control"
  // A socket that listens at the path already: taken over, and who waits there is answered. -1: one
  // is made. If nothing is at the path any more, too.
  int listening = -1;
};

class ControlSocket {
 public:
  // From a command, without its line's end, to the answer. Runs on the loop's thread.
  using Handler = std::function<std::string(const Peer& peer, const std::string& command)>;

  // kUsage: the path is too long for a socket, is something else than a socket, or another server
  // answers there. kIo. The loop must outlive it.
  static Result<std::unique_ptr<ControlSocket>> listen(Loop& loop, const std::string& path,
                                                       ControlOptions options, Handler handler);
  int fd() const { return listener_.fd.get(); }  // that listens: for who comes after us by exec(2)
  // Serves who is connected already, as exec(2) would drop them; nobody new, and no longer than
  // `most` in all. On the loop's thread, not in a handler.
  void finish(Duration most);
  ~ControlSocket();  // drops who is connected, and removes the file
  ControlSocket(const ControlSocket&) = delete;
  ControlSocket& operator=(const ControlSocket&) = delete;

 private:
  struct Connection {
    Fd fd;
    Peer peer;
    std::string in;
    std::string out;  // what is left to send
    Loop::Watch watch;
    Loop::Timer timer;
  };

  ControlSocket(Loop& loop, ControlOptions options, Handler handler, PathListener listener)
      : loop_(loop),
        options_(std::move(options)),
        handler_(std::move(handler)),
        listener_(std::move(listener)) {}
  Status start();
  void accept();
  Status serve(Fd fd, const Peer& peer);
  bool allowed(const Peer& peer) const;
  // False: the connection is over.
  bool read(Connection& connection);
  bool write(Connection& connection);
  void drop(std::uint64_t id);

  Loop& loop_;
  const ControlOptions options_;
  Handler handler_;
  const PathListener listener_;
  Loop::Watch watch_;
  Loop::Timer retry_;
  std::map<std::uint64_t, std::unique_ptr<Connection>> connections_;
  std::uint64_t next_id_ = 0;
};

// The other side. `command` has no line's end. kUnavailable: no server is there, for which `hint`
// is the error's; or it may not be asked, or does not answer in time. kCorrupt: an answer of more
// than `max_answer` bytes.
Result<std::string> ask_control(const std::string& path, std::string_view command,
                                Duration timeout = std::chrono::seconds(5),
                                std::size_t max_answer = 1U << 20, std::string hint = {});

}  // namespace gw::os
