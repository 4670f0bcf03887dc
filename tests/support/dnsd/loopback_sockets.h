// UDP and TCP clients on loopback that wait for what is said, five seconds where nothing comes.
#pragma once

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <string>

#include "os/address.h"
#include "os/file.h"

namespace gw::dnsd {

class LoopbackClient {
 public:
  // Connected, so that only what comes from `server` itself is received.
  LoopbackClient(const os::SocketAddress& server, int type)
      : fd_(::socket(server.family(), type | SOCK_CLOEXEC, 0)),
        connected_(::connect(fd_.get(), server.data(), server.size()) == 0) {}

  bool connected() const { return connected_; }
  bool send(const std::string& bytes) {
    return ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(bytes.size());
  }
  // A datagram, or what there is of a stream; empty at its end and when nothing comes.
  std::string receive(int wait_ms = 5000) {
    pollfd p{.fd = fd_.get(), .events = POLLIN, .revents = 0};
    if (::poll(&p, 1, wait_ms) != 1) return "";
    std::array<char, 65537> buffer;
    const ssize_t n = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    return n <= 0 ? "" : std::string(buffer.data(), static_cast<std::size_t>(n));
  }
  // The next framed message of a stream, without its length; empty at its end.
  std::string receive_framed() {
    for (;;) {
      if (in_.size() >= 2) {
        const std::size_t size =
            256U * static_cast<unsigned char>(in_[0]) + static_cast<unsigned char>(in_[1]);
        if (in_.size() >= 2 + size) {
          std::string message = in_.substr(2, size);
          in_.erase(0, 2 + size);
          return message;
        }
      }
      const std::string more = receive();
      if (more.empty()) return "";
      in_ += more;
    }
  }

 private:
  os::Fd fd_;
  bool connected_;
  std::string in_;
};

}  // namespace gw::dnsd
