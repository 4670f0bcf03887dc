#include "net/http_proxy.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include <array>
#include <cstring>

#include "base/bytes.h"
#include "base/text.h"

namespace gw::net {

namespace {

// 16 bytes; IPv4 as ::ffff:a.b.c.d.
using Ip = std::array<unsigned char, 16>;

std::optional<Ip> parse_ip(std::string_view text) {
  if (const std::size_t zone = text.find('%'); zone != text.npos) text = text.substr(0, zone);
  const std::string copy(text);
  Ip ip{};
  if (::inet_pton(AF_INET6, copy.c_str(), ip.data()) == 1) return ip;
  ip = {};
  ip[10] = ip[11] = 0xff;
  if (::inet_pton(AF_INET, copy.c_str(), ip.data() + 12) == 1) return ip;
  return std::nullopt;
}

bool is_v4(const Ip& ip) {
  constexpr unsigned char kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return std::memcmp(ip.data(), kMapped, sizeof kMapped) == 0;
}

bool is_loopback(const Ip& ip) {
  if (is_v4(ip)) return ip[12] == 127;
  const Ip one = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return ip == one;
}

// Whether `ip` is in "NET/BITS"; nothing when that is no network.
std::optional<bool> in_network(std::string_view network, const std::optional<Ip>& ip) {
  const std::size_t slash = network.find('/');
  if (slash == network.npos) return std::nullopt;
  const auto base = parse_ip(network.substr(0, slash));
  const auto bits = parse_decimal(network.substr(slash + 1));
  if (!base || !bits) return std::nullopt;
  const unsigned width = is_v4(*base) ? 32 : 128;
  if (*bits > width) return std::nullopt;
  if (!ip || is_v4(*ip) != is_v4(*base)) return false;
  const std::size_t same = *bits + 128 - width;
  for (std::size_t i = 0; i < same; ++i) {
    const unsigned mask = 0x80U >> (i % 8);
    if (((*ip)[i / 8] & mask) != ((*base)[i / 8] & mask)) return false;
  }
  return true;
}

// An entry's host and port. A port needs exactly one colon outside brackets, as in
// net.SplitHostPort.
struct HostPort {
  std::string_view host;
  std::string_view port;
};

HostPort split_port(std::string_view entry) {
  HostPort out{entry, {}};
  const std::size_t bracket = entry.starts_with('[') ? entry.find(']') : entry.npos;
  if (bracket != entry.npos) {
    out.host = entry.substr(1, bracket - 1);
    if (entry.substr(bracket + 1).starts_with(':')) out.port = entry.substr(bracket + 2);
    return out;
  }
  const std::size_t colon = entry.find(':');
  if (colon == entry.npos || entry.find(':', colon + 1) != entry.npos) return out;
  return {entry.substr(0, colon), entry.substr(colon + 1)};
}

// Whether an entry of NO_PROXY, in small letters, is for this host.
bool is_exempt(std::string_view entry, std::string_view host, std::string_view port) {
  const auto ip = parse_ip(host);
  if (const auto inside = in_network(entry, ip)) return *inside;
  HostPort own = split_port(entry);
  if (own.host.empty()) return false;
  if (!own.port.empty() && own.port != port) return false;
  if (const auto address = parse_ip(own.host)) return ip && *ip == *address;
  if (ip) return false;
  if (own.host.starts_with("*.")) own.host.remove_prefix(1);
  if (own.host.starts_with('.')) return host.ends_with(own.host);
  return host == own.host || host.ends_with("." + std::string(own.host));
}

template <class Use>
void each_entry(std::string_view list, const Use& use) {
  const std::string lower = to_lower(list);
  std::string_view rest = lower;
  while (!rest.empty()) {
    const std::string_view one = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), one.size() + 1));
    if (const auto entry = trim(one); !entry.empty()) use(entry);
  }
}

}  // namespace

ProxySettings ProxySettings::from_environment(const Variable& variable) {
  const auto first = [&](const char* capitals, const char* small) {
    for (const char* name : {capitals, small}) {
      const char* value = variable(name);
      if (value != nullptr && *value != '\0') return std::string(value);
    }
    return std::string();
  };
  ProxySettings out{first("HTTP_PROXY", "http_proxy"), first("HTTPS_PROXY", "https_proxy"),
                    first("NO_PROXY", "no_proxy")};
  if (const char* cgi = variable("REQUEST_METHOD"); cgi != nullptr && *cgi != '\0') out.http = "";
  return out;
}

std::string ProxySettings::proxy_for(std::string_view scheme, std::string_view host_text,
                                     unsigned port) const {
  const std::string& proxy = scheme == "https" ? https : http;
  if (proxy.empty()) return "";
  std::string host = to_lower(host_text);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host == "localhost") return "";
  if (const auto ip = parse_ip(host); ip && is_loopback(*ip)) return "";
  bool direct = false;
  const std::string port_text = std::to_string(port);
  each_entry(no, [&](std::string_view entry) {
    direct = direct || entry == "*" || is_exempt(entry, host, port_text);
  });
  return direct ? "" : proxy;
}

std::string ProxySettings::no_for_curl() const {
  std::string out;
  bool all = false;
  each_entry(no, [&](std::string_view entry) {
    all = all || entry == "*";  // which curl knows by itself only
    HostPort own = split_port(entry);
    if (own.host.starts_with("*.")) own.host.remove_prefix(1);
    if (!own.host.empty()) out += (out.empty() ? "" : ",") + std::string(own.host);
  });
  return all ? "*" : out;
}

}  // namespace gw::net
