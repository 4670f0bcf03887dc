// Sockets that the service manager opened for us.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>

#include "base/bytes.h"
#include "os/systemd.h"

namespace gw::os {

namespace {

std::string take_variable(const char* name) {
  const char* value = std::getenv(name);
  std::string text = value == nullptr ? "" : value;
  ::unsetenv(name);
  return text;
}

}  // namespace

Result<std::vector<HandedSocket>> take_listening_sockets() {
  constexpr int kFirst = 3;
  constexpr std::uint64_t kMost = 1024;
  const std::string pid = take_variable("LISTEN_PID");
  const std::string count = take_variable("LISTEN_FDS");
  std::string names = take_variable("LISTEN_FDNAMES");
  std::vector<HandedSocket> sockets;
  // They are in the environment of whoever was started by the one they were for.
  if (pid != std::to_string(::getpid())) return sockets;
  const auto n = parse_decimal(count);
  if (!n || *n > kMost) return usage_error(fmt::format("LISTEN_FDS={}: no number", quoted(count)));
  for (int fd = kFirst; fd < kFirst + static_cast<int>(*n); ++fd) {
    const int flags = ::fcntl(fd, F_GETFD);
    if (flags < 0 || ::fcntl(fd, F_SETFD, flags | FD_CLOEXEC) != 0) {
      return usage_error(fmt::format("LISTEN_FDS={}: descriptor {} is not open", *n, fd));
    }
    const auto colon = names.find(':');
    sockets.push_back({Fd(fd), names.substr(0, colon)});
    names.erase(0, colon == std::string::npos ? colon : colon + 1);
  }
  return sockets;
}

}  // namespace gw::os
