// IP addresses with ports, as written on command lines and in configuration files.
//
// Nothing here ever looks a name up: an address is digits, so that what is listened on or asked
// does not depend on somebody's answer.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace gw::os {

// An IPv4 or IPv6 address and a port. A small value; freely copied.
class SocketAddress {
 public:
  // 0.0.0.0:0
  SocketAddress();

  // "192.0.2.1:53", "192.0.2.1@53", "[2001:db8::1]:53", "2001:db8::1@53", "[2001:db8::1]@53"; with
  // a `default_port` also the address alone. IPv6 scopes ("fe80::1%eth0") are taken. Port 0 is
  // taken: the kernel chooses. kUsage, naming the text, for anything else.
  static Result<SocketAddress> parse(std::string_view text,
                                     std::optional<std::uint16_t> default_port = std::nullopt);

  // Nothing for other families, or when `size` is too small for the family.
  static std::optional<SocketAddress> from_sockaddr(const sockaddr* address, socklen_t size);

  const sockaddr* data() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t size() const { return is_v6() ? sizeof(sockaddr_in6) : sizeof(sockaddr_in); }

  int family() const { return storage_.any.sa_family; }
  bool is_v6() const { return family() == AF_INET6; }
  std::uint16_t port() const;
  void set_port(std::uint16_t port);
  bool is_wildcard() const;  // 0.0.0.0 or ::
  bool is_loopback() const;  // 127.0.0.0/8, ::1, ::ffff:127.0.0.0/104

  // The address in network order: 4 or 16 bytes. A view into this object.
  std::string_view ip_bytes() const;
  std::string format_ip() const;  // "192.0.2.1", "2001:db8::1" (RFC 5952)
  std::string format() const;     // "192.0.2.1:53", "[2001:db8::1]:53"

  bool operator==(const SocketAddress& other) const;

 private:
  union {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
  } storage_;
};

}  // namespace gw::os
