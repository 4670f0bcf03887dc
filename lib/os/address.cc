#include "os/address.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <net/if.h>

#include <cstring>

#include "base/bytes.h"

namespace gw::os {

SocketAddress::SocketAddress() {
  std::memset(&storage_, 0, sizeof storage_);
  storage_.v4.sin_family = AF_INET;
}

namespace {

struct Split {
  std::string_view ip;
  std::optional<std::string_view> port;
};

// Takes the port off; nothing when the text has neither form. IPv6 without brackets has colons of
// its own, so only "@" can set a port off it.
std::optional<Split> split_port(std::string_view text) {
  if (text.starts_with('[')) {
    auto close = text.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    const std::string_view ip = text.substr(1, close - 1);
    if (ip.find(':') == std::string_view::npos) return std::nullopt;
    const std::string_view rest = text.substr(close + 1);
    if (rest.empty()) return Split{ip, std::nullopt};
    if (rest[0] != ':' && rest[0] != '@') return std::nullopt;
    return Split{ip, rest.substr(1)};
  }
  if (auto at = text.find('@'); at != std::string_view::npos) {
    return Split{text.substr(0, at), text.substr(at + 1)};
  }
  auto colon = text.find(':');
  if (colon == std::string_view::npos || text.find(':', colon + 1) != std::string_view::npos) {
    return Split{text, std::nullopt};
  }
  return Split{text.substr(0, colon), text.substr(colon + 1)};
}

std::optional<std::uint32_t> parse_scope(std::string_view text) {
  if (auto n = parse_decimal(text); n && *n > 0 && *n <= UINT32_MAX) {
    return static_cast<std::uint32_t>(*n);
  }
  unsigned index = ::if_nametoindex(std::string(text).c_str());
  if (index == 0) return std::nullopt;
  return index;
}

Error bad_address(std::string_view text, std::string_view why) {
  return usage_error(fmt::format("bad address {}: {}", quoted(text), why),
                     "write 192.0.2.1:53 or [2001:db8::1]:53");
}

}  // namespace

Result<SocketAddress> SocketAddress::parse(std::string_view text,
                                           std::optional<std::uint16_t> default_port) {
  if (text.find('\0') != std::string_view::npos) return bad_address(text, "holds a NUL");
  auto split = split_port(text);
  if (!split) return bad_address(text, "malformed brackets");
  if (!split->port && !default_port) return bad_address(text, "no port");
  std::uint16_t port = default_port.value_or(0);
  if (split->port) {
    auto n = parse_decimal(*split->port);
    if (!n || *n > 65535) return bad_address(text, "the port is not a number up to 65535");
    port = static_cast<std::uint16_t>(*n);
  }
  SocketAddress out;
  const std::string_view ip = split->ip;
  auto percent = ip.find('%');
  const std::string digits(ip.substr(0, percent));
  if (::inet_pton(AF_INET6, digits.c_str(), &out.storage_.v6.sin6_addr) == 1) {
    out.storage_.v6.sin6_family = AF_INET6;
    // What IPv4's address shared with these fields is gone; set them all.
    out.storage_.v6.sin6_flowinfo = 0;
    out.storage_.v6.sin6_scope_id = 0;
    if (percent != std::string_view::npos) {
      auto scope = parse_scope(ip.substr(percent + 1));
      if (!scope) return bad_address(text, "no such network interface");
      out.storage_.v6.sin6_scope_id = *scope;
    }
  } else if (percent == std::string_view::npos &&
             ::inet_pton(AF_INET, digits.c_str(), &out.storage_.v4.sin_addr) == 1) {
    out.storage_.v4.sin_family = AF_INET;
  } else {
    return bad_address(text, "not an IP address");
  }
  out.set_port(port);
  return out;
}

std::optional<SocketAddress> SocketAddress::from_sockaddr(const sockaddr* address, socklen_t size) {
  SocketAddress out;
  // The family is read once the size says that it is there.
  if (address == nullptr || size < sizeof(sa_family_t)) return std::nullopt;
  socklen_t need = 0;
  if (address->sa_family == AF_INET) need = sizeof(sockaddr_in);
  if (address->sa_family == AF_INET6) need = sizeof(sockaddr_in6);
  if (need == 0 || size < need) return std::nullopt;
  std::memcpy(&out.storage_, address, need);
  return out;
}

std::uint16_t SocketAddress::port() const {
  return ntohs(is_v6() ? storage_.v6.sin6_port : storage_.v4.sin_port);
}

void SocketAddress::set_port(std::uint16_t port) {
  (is_v6() ? storage_.v6.sin6_port : storage_.v4.sin_port) = htons(port);
}

std::string_view SocketAddress::ip_bytes() const {
  if (is_v6()) return {reinterpret_cast<const char*>(&storage_.v6.sin6_addr), 16};
  return {reinterpret_cast<const char*>(&storage_.v4.sin_addr), 4};
}

bool SocketAddress::is_wildcard() const {
  return ip_bytes().find_first_not_of('\0') == std::string_view::npos;
}

bool SocketAddress::is_loopback() const {
  const std::string_view ip = ip_bytes();
  if (!is_v6()) return ip[0] == 127;
  constexpr std::string_view kMapped("\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f", 13);
  return IN6_IS_ADDR_LOOPBACK(&storage_.v6.sin6_addr) || ip.starts_with(kMapped);
}

std::string SocketAddress::format_ip() const {
  char text[INET6_ADDRSTRLEN] = "";
  ::inet_ntop(family(), ip_bytes().data(), text, sizeof text);
  std::string out = text;
  if (is_v6() && storage_.v6.sin6_scope_id != 0) {
    char name[IF_NAMESIZE] = "";
    const bool named = ::if_indextoname(storage_.v6.sin6_scope_id, name) != nullptr;
    out += '%';
    out += named ? std::string(name) : std::to_string(storage_.v6.sin6_scope_id);
  }
  return out;
}

std::string SocketAddress::format() const {
  std::string ip = format_ip();
  if (is_v6()) ip = fmt::format("[{}]", ip);
  return fmt::format("{}:{}", ip, port());
}

bool SocketAddress::operator==(const SocketAddress& other) const {
  if (family() != other.family() || port() != other.port()) return false;
  if (ip_bytes() != other.ip_bytes()) return false;
  return !is_v6() || storage_.v6.sin6_scope_id == other.storage_.v6.sin6_scope_id;
}

}  // namespace gw::os
