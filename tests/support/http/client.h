// A client of raw bytes over a real socket: tests say exactly what is sent.
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>
#include <string>
#include <string_view>

#include "http/endpoint.h"
#include "os/file.h"

namespace gw::http::test {

// Not connected when nobody listens. `from`: an address of this machine to come from.
inline Fd connect_to(const Endpoint& to, const std::string& from = {}) {
  if (to.is_unix()) {
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, to.unix_path.c_str(), sizeof address.sun_path - 1);
    REQUIRE(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    return fd;
  }
  Fd fd(::socket(to.address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!from.empty()) {
    const auto source = *SocketAddress::parse(from, 0);
    REQUIRE(::bind(fd.get(), source.data(), source.size()) == 0);
  }
  if (::connect(fd.get(), to.address.data(), to.address.size()) != 0) fd.reset();
  return fd;
}

inline void send_all(const Fd& fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

// Everything until the server closes, or until `enough` shows up.
inline std::string read_until(const Fd& fd, std::string_view enough = "\1never\1") {
  std::string out;
  pollfd p{fd.get(), POLLIN, 0};
  std::size_t searched = 0;
  while (out.find(enough, searched) == std::string::npos && ::poll(&p, 1, 20000) > 0) {
    searched = std::max(out.size(), enough.size()) - enough.size();
    char buffer[65536];
    const ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
    if (n <= 0) break;
    out.append(buffer, static_cast<std::size_t>(n));
  }
  return out;
}

// One request on a connection of its own; "" when there is none to be had.
inline std::string ask(const Endpoint& to, std::string_view request) {
  const Fd fd = connect_to(to);
  if (!fd) return "";
  send_all(fd, request);
  return read_until(fd);
}

inline bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace gw::http::test
