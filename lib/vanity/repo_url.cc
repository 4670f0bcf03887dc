#include "vanity/repo_url.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <string>

#include "base/bytes.h"
#include "base/text.h"

namespace gw::vanity {
namespace {

bool contains(std::string_view set, char c) { return set.find(c) != set.npos; }

Error bad(std::string_view what, std::string_view url) {
  return not_found_error(fmt::format("root {} {}", quoted(url), what));
}

// Every "%" starts an escape of two hexadecimal digits.
bool escapes_ok(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') continue;
    if (i + 2 >= text.size() || !is_hex_digit(text[i + 1]) || !is_hex_digit(text[i + 2]))
      return false;
    i += 2;
  }
  return true;
}

bool is_host_char(char c) { return is_alnum(c) || contains("-_.~!$&'()*+,;=:[]<>\"", c); }

// Few characters besides letters and digits may stand, and only what is not ASCII may be escaped;
// in the zone of an IPv6 address (RFC 6874) only what might as well stand, or a space.
bool host_text_ok(std::string_view host, bool zone) {
  if (!escapes_ok(host)) return false;
  for (std::size_t i = 0; i < host.size(); ++i) {
    const char c = host[i];
    if (c == '%') {
      const std::string_view escape = host.substr(i, 3);
      const char value = decode_hex(escape.substr(1)).value_or(" ")[0];
      const bool ok =
          zone ? value == ' ' || is_host_char(value) : static_cast<unsigned char>(value) >= 0x80;
      if (!ok && escape != "%25") return false;
      i += 2;
    } else if (static_cast<unsigned char>(c) < 0x80 && !is_host_char(c)) {
      return false;
    }
  }
  return true;
}

bool port_ok(std::string_view port) {
  if (port.empty()) return true;
  return port[0] == ':' && std::all_of(port.begin() + 1, port.end(), is_digit);
}

// What is between "[" and "]": an IPv6 address, with a zone behind "%25".
bool ip_literal_ok(std::string_view text) {
  const std::size_t zone = text.find("%25");
  if (zone != text.npos && (zone + 3 == text.size() || !host_text_ok(text.substr(zone), true))) {
    return false;
  }
  in6_addr address{};
  return ::inet_pton(AF_INET6, std::string(text.substr(0, zone)).c_str(), &address) == 1;
}

// What is wrong with a host and its port; "" when nothing is.
std::string_view host_fault(std::string_view scheme, std::string_view host) {
  const std::size_t open = host.rfind('[');
  if (open != host.npos) {
    const std::size_t end = host.rfind(']');
    if (open > 0 || end == host.npos || !ip_literal_ok(host.substr(1, end - 1))) {
      return "has a bad IP address in brackets";
    }
    return port_ok(host.substr(end + 1)) ? "" : "has a bad host or port";
  }
  const std::size_t colon = host.rfind(':');
  if ((scheme == "http" || scheme == "https") && host.find(':') != colon) {
    return "has a colon in its host";
  }
  const bool good =
      (colon == host.npos || port_ok(host.substr(colon))) && host_text_ok(host, false);
  return good ? "" : "has a bad host or port";
}

bool user_ok(std::string_view user) {
  return escapes_ok(user) && std::all_of(user.begin(), user.end(), [](char c) {
           return is_alnum(c) || contains("-._:~!$&'()*+,;=%@", c);
         });
}

}  // namespace

std::string url_scheme(std::string_view url) {
  for (std::size_t i = 0; i < url.size(); ++i) {
    const char c = url[i];
    if (c == ':') return to_lower(url.substr(0, i));
    if (!is_letter(c) && (i == 0 || (!is_alnum(c) && !contains("+-.", c)))) return {};
  }
  return {};
}

Status check_repo_url(std::string_view url) {
  if (std::any_of(url.begin(), url.end(), is_control)) return bad("holds a control character", url);
  const std::string scheme = url_scheme(url);
  if (scheme.empty()) return bad("has no scheme", url);
  if (scheme == "file") return bad("is a file", url);
  std::string_view rest = url.substr(scheme.size() + 1);
  const std::size_t hash = rest.find('#');
  if (hash != rest.npos) {
    if (!escapes_ok(rest.substr(hash + 1))) return bad("has a bad escape", url);
    rest = rest.substr(0, hash);
  }
  rest = rest.substr(0, rest.find('?'));
  if (rest.empty() || rest[0] != '/') return {};  // opaque, as in lp:project
  if (rest.starts_with("//")) {
    const std::string_view authority = rest.substr(2, rest.find('/', 2) - 2);
    rest = rest.substr(2 + authority.size());
    const std::size_t at = authority.rfind('@');
    if (at != authority.npos && !user_ok(authority.substr(0, at)))
      return bad("has a bad user", url);
    const std::string_view host = at == authority.npos ? authority : authority.substr(at + 1);
    const std::string_view fault = host_fault(scheme, host);
    if (!fault.empty()) return bad(fault, url);
  }
  if (!escapes_ok(rest)) return bad("has a bad escape", url);
  return {};
}

namespace {

// Whether the port, where there is one, can be connected to.
bool is_port(std::string_view host) {
  std::string_view port = host.substr(host.find(']') + 1);  // npos + 1 is 0
  const std::size_t colon = port.rfind(':');
  if (colon == port.npos || colon + 1 == port.size()) return true;
  port.remove_prefix(std::min(port.find_first_not_of('0', colon + 1), port.size()));
  const auto number = parse_decimal(port);
  return number && *number <= 65535;
}

// The schemes that a version control system could fetch from; none listed: any, as git has them by
// helper programs of its own.
bool fetches_from(std::string_view vcs, std::string_view scheme) {
  if (vcs == "mod") return scheme == "https" || scheme == "http";
  if (vcs == "git") return scheme != "ext" && scheme != "fd";  // these run a command
  const bool common = scheme == "https" || scheme == "http" || scheme == "ssh";
  if (vcs == "hg") return common || scheme == "static-http";
  if (vcs == "fossil") return common;
  if (vcs == "svn") return scheme == "https" || scheme == "http" || scheme.starts_with("svn");
  return true;
}

}  // namespace

Status check_repo_root(std::string_view vcs, std::string_view root) {
  GW_CHECK(check_repo_url(root));
  const std::string scheme = url_scheme(root);
  const std::string_view rest = root.substr(scheme.size() + 1);
  // lp:x, https:host, host:8443/x, ext::sh: the go command wants "://", and a host after it.
  if (!rest.starts_with("//")) return bad("has no \"://\" after its scheme", root);
  const std::string_view authority = rest.substr(2, rest.find_first_of("/?#", 2) - 2);
  const std::string_view host = authority.substr(authority.rfind('@') + 1);  // npos + 1 is 0
  if (host.empty() || host[0] == ':') return bad("has no host", root);
  // What ssh, and with it git and hg, would take for an option is refused by them.
  if (authority[0] == '-' || host[0] == '-') return bad("has a host that starts with \"-\"", root);
  if (!is_port(host)) return bad("has a port that is not one of 1 to 65535", root);
  if (fetches_from(vcs, scheme)) return {};
  if (vcs == "mod") return bad("is no module proxy: that takes https or http", root);
  return bad("cannot be fetched from by " + std::string(vcs), root);
}

bool is_secure_scheme(std::string_view scheme) {
  return scheme == "https" || scheme == "ssh" || scheme == "git+ssh" || scheme == "svn+ssh" ||
         scheme == "bzr+ssh";
}

}  // namespace gw::vanity
