#include "http/endpoint.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

namespace gw::http {

namespace {

constexpr int kBacklog = 1024;
constexpr std::string_view kUnix = "unix:";

Error listen_error(const Endpoint& endpoint, int err) {
  Error error = errno_error("listening on " + endpoint.format(), err);
  if (err == EADDRINUSE || err == EADDRNOTAVAIL || err == EACCES) error.kind = ErrorKind::kUsage;
  return error;
}

Result<Fd> listen_on_address(Endpoint& endpoint) {
  const SocketAddress& address = endpoint.address;
  Fd fd(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
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

Result<Listener> listen_on(Endpoint& endpoint) {
  if (!endpoint.is_unix()) {
    GW_TRY(Fd fd, listen_on_address(endpoint));
    return Listener{std::move(fd), {}};
  }
  GW_TRY(os::PathListener listener,
         os::listen_on_path(endpoint.unix_path, {.mode = endpoint.unix_mode, .backlog = kBacklog}));
  return Listener{std::move(listener.fd), std::move(listener.file)};
}

}  // namespace gw::http
