#include "dnsd/sockets.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace gw::dnsd {

namespace {

constexpr int kBacklog = 1024;
constexpr int kReceiveBuffer = 4 << 20;  // as much of it as the system allows

bool set_option(const os::Fd& fd, int level, int name, int value) {
  return ::setsockopt(fd.get(), level, name, &value, sizeof(value)) == 0;
}

Error bind_error(const os::SocketAddress& address, const char* protocol) {
  const int e = errno;
  std::string message =
      fmt::format("listening on {} ({}): {}", address.format(), protocol, std::strerror(e));
  switch (e) {
    case EADDRINUSE:
      return usage_error(std::move(message),
                         "another server has this address: stop it, or choose another --listen");
    case EADDRNOTAVAIL:
      return usage_error(std::move(message), "this machine has no such address");
    case EACCES:
    case EPERM:
      return usage_error(std::move(message),
                         "start as root with --user, or grant the service CAP_NET_BIND_SERVICE");
    default:
      return io_error(std::move(message));
  }
}

Result<os::Fd> open_socket(const os::SocketAddress& address, int type, bool shared) {
  const char* protocol = type == SOCK_DGRAM ? "udp" : "tcp";
  os::Fd fd(::socket(address.family(), type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return bind_error(address, protocol);
  bool ok = true;
  if (address.is_v6()) ok = set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  if (type == SOCK_STREAM) ok = ok && set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (shared) ok = ok && set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  if (!ok || ::bind(fd.get(), address.data(), address.size()) != 0) {
    return bind_error(address, protocol);
  }
  if (type == SOCK_STREAM && ::listen(fd.get(), kBacklog) != 0) {
    return bind_error(address, protocol);
  }
  return fd;
}

Result<os::Fd> open_udp(const os::SocketAddress& address) {
  GW_TRY(os::Fd fd, open_socket(address, SOCK_DGRAM, true));
  set_option(fd, SOL_SOCKET, SO_RCVBUF, kReceiveBuffer);
  // Answers are small enough for every path (RFC 9715); a forged "too big" must not change that.
  if (address.is_v6()) {
    set_option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_OMIT);
  } else {
    set_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT);
  }
  if (address.is_wildcard()) {
    const bool ok = address.is_v6() ? set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)
                                    : set_option(fd, IPPROTO_IP, IP_PKTINFO, 1);
    if (!ok) return bind_error(address, "udp");
  }
  return fd;
}

Result<os::SocketAddress> bound_address(const os::Fd& fd, const os::SocketAddress& asked) {
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
  if (::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&storage), &size) != 0) {
    return bind_error(asked, "udp");
  }
  auto address = os::SocketAddress::from_sockaddr(reinterpret_cast<sockaddr*>(&storage), size);
  if (!address) return internal_error("a socket of an unknown family");
  return *address;
}

// Sees that nobody listens on the address, and settles the port when it is the kernel's to choose:
// one that is free for both protocols.
Result<os::SocketAddress> claim(const os::SocketAddress& asked) {
  constexpr int kTries = 50;
  for (int i = 0;; ++i) {
    GW_TRY(const os::Fd udp, open_socket(asked, SOCK_DGRAM, false));
    GW_TRY(os::SocketAddress address, bound_address(udp, asked));
    auto tcp = open_socket(address, SOCK_STREAM, false);
    if (tcp) return address;
    if (asked.port() != 0 || i == kTries) return std::move(tcp).error();
  }
}

}  // namespace

Result<std::vector<Endpoint>> bind_endpoints(const std::vector<os::SocketAddress>& addresses,
                                             unsigned workers) {
  // All claims before the first real socket: 0.0.0.0:53 and 127.0.0.1:53 may both be asked for.
  std::vector<Endpoint> endpoints(addresses.size());
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    GW_TRY(endpoints[i].address, claim(addresses[i]));
  }
  for (Endpoint& endpoint : endpoints) {
    for (unsigned w = 0; w < workers; ++w) {
      GW_TRY(os::Fd udp, open_udp(endpoint.address));
      endpoint.udp.push_back(std::move(udp));
      GW_TRY(os::Fd tcp, open_socket(endpoint.address, SOCK_STREAM, true));
      endpoint.tcp.push_back(std::move(tcp));
    }
  }
  return endpoints;
}

}  // namespace gw::dnsd
