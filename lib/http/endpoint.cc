#include "http/endpoint.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace gw::http {

namespace {

constexpr int kBacklog = 1024;
constexpr std::string_view kUnix = "unix:";

Error listen_error(const Endpoint& endpoint, int err) {
  Error error = errno_error("listening on " + endpoint.format(), err);
  if (err == EADDRINUSE || err == EADDRNOTAVAIL || err == EACCES) error.kind = ErrorKind::kUsage;
  return error;
}

Fd new_socket(int family) {
  return Fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

Result<Fd> listen_on_address(Endpoint& endpoint) {
  const SocketAddress& address = endpoint.address;
  Fd fd = new_socket(address.family());
  if (!fd) return listen_error(endpoint, errno);
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address.is_v6()) ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  if (::bind(fd.get(), address.data(), address.size()) != 0 || ::listen(fd.get(), kBacklog) != 0 ||
      ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&bound), &size) != 0) {
    return listen_error(endpoint, errno);
  }
  endpoint.address = SocketAddress::from_sockaddr(reinterpret_cast<sockaddr*>(&bound), size)
                         .value_or(endpoint.address);
  return fd;
}

Result<Fd> listen_on_path(const Endpoint& endpoint) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string& path = endpoint.unix_path;
  if (path.size() >= sizeof(address.sun_path) || path.find('\0') != std::string::npos) {
    return usage_error(fmt::format("{}: the path of a socket has at most {} bytes",
                                   endpoint.format(), sizeof(address.sun_path) - 1));
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  const auto* raw = reinterpret_cast<const sockaddr*>(&address);
  struct stat info {};
  if (::lstat(path.c_str(), &info) == 0) {
    if (!S_ISSOCK(info.st_mode)) return usage_error(path + " exists and is no socket");
    // Only a refusal says that nobody listens: a server that is busy, or another user's, is one.
    const Fd probe = new_socket(AF_UNIX);
    if (::connect(probe.get(), raw, sizeof address) == 0 || errno != ECONNREFUSED) {
      return listen_error(endpoint, EADDRINUSE);
    }
    ::unlink(path.c_str());
  }
  Fd fd = new_socket(AF_UNIX);
  // Nobody can connect before listen(), so that the mode is right before the first one does.
  if (!fd || ::bind(fd.get(), raw, sizeof address) != 0 ||
      ::chmod(path.c_str(), endpoint.unix_mode) != 0 || ::listen(fd.get(), kBacklog) != 0) {
    return listen_error(endpoint, errno);
  }
  return fd;
}

}  // namespace

std::string Endpoint::format() const {
  return is_unix() ? std::string(kUnix) + unix_path : address.format();
}

Result<Endpoint> Endpoint::parse(std::string_view text, std::uint16_t default_port) {
  Endpoint out;
  if (text.starts_with(kUnix)) {
    out.unix_path = text.substr(kUnix.size());
    if (!out.unix_path.starts_with('/')) {
      return usage_error(fmt::format("{}: a socket's path begins with /", text));
    }
    return out;
  }
  GW_TRY(out.address, SocketAddress::parse(text, default_port));
  return out;
}

Result<Fd> listen_on(Endpoint& endpoint) {
  return endpoint.is_unix() ? listen_on_path(endpoint) : listen_on_address(endpoint);
}

}  // namespace gw::http
