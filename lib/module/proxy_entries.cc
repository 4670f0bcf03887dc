// GOPROXY, as cmd/go's proxyList() reads it.
#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/text.h"
#include "module/proxy.h"
#include "module/unicode.h"

namespace gw::mod {

namespace {

// Percent-encoded bytes as themselves; nothing for a broken escape or a zero byte.
std::optional<std::string> decode_percent(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    std::size_t used = 1;
    char c = text[0];
    if (c == '%') {
      const auto byte = decode_hex(text.substr(1, 2));
      if (!byte || byte->size() != 1) return std::nullopt;
      c = (*byte)[0];
      used = 3;
    }
    if (c == '\0') return std::nullopt;
    out.push_back(c);
    text.remove_prefix(used);
  }
  return out;
}

Result<ProxyEntry> parse_file_url(std::string_view rest) {
  // "file:///dir" or "file:/dir": a path and nothing else, no host either.
  if (rest.starts_with("//")) rest.remove_prefix(2);
  if (!rest.starts_with('/') || rest.find_first_of("?#") != std::string_view::npos) {
    return usage_error("a file URL with more than an absolute path");
  }
  auto path = decode_percent(rest);
  if (!path) return usage_error("bad escape");
  while (path->size() > 1 && path->back() == '/') path->pop_back();
  return ProxyEntry{ProxyEntry::Kind::kFile, *std::move(path), false};
}

// "user:word@host:port": a host, and no port that is no number. What the host is, its resolver
// says.
bool has_host(std::string_view authority) {
  authority.remove_prefix(authority.rfind('@') + 1);  // npos + 1 is 0
  const std::size_t end = authority.rfind(']') + 1;   // of an IPv6 address
  const std::size_t colon = authority.find(':', end);
  if (colon == 0 || authority.empty()) return false;
  if (colon == std::string_view::npos) return true;
  const auto port = parse_decimal(authority.substr(colon + 1));
  return port && *port <= 65535;
}

Result<ProxyEntry> parse_url(std::string_view text) {
  std::string url(text);
  const bool absolute = text.starts_with('/');
  if (text.find_first_of(".:/") != std::string_view::npos &&
      text.find(":/") == std::string_view::npos && !absolute) {
    url = "https://" + url;
  }
  const std::string_view view = url;
  const std::size_t colon = view.find(":/");
  if (colon == std::string_view::npos || absolute) {
    return usage_error("no scheme", "for a directory write file:// and its absolute path");
  }
  if (std::any_of(view.begin(), view.end(), [](char c) { return c <= ' ' || c == 0x7f; })) {
    return usage_error("blanks or control characters in a URL");
  }
  const std::string scheme = to_lower(view.substr(0, colon));
  const std::string_view rest = view.substr(colon + 1);
  if (scheme == "file") return parse_file_url(rest);
  if (scheme != "http" && scheme != "https") return usage_error("only https, http and file URLs");
  if (!rest.starts_with("//")) return usage_error("no host");
  if (!has_host(rest.substr(2, rest.find_first_of("/?#", 2) - 2))) {
    return usage_error("no host, or a malformed port");
  }
  if (rest.find_first_of("?#") != std::string_view::npos) {
    return usage_error("a URL with a query or a fragment");
  }
  while (url.ends_with('/')) url.pop_back();
  return ProxyEntry{ProxyEntry::Kind::kUrl, std::move(url), false};
}

// For messages: without what may be a password.
std::string redacted(std::string_view text) {
  const std::size_t at = text.rfind('@');
  if (at == std::string_view::npos) return quoted(text);
  const std::size_t slashes = text.find("//");
  const std::size_t begin = slashes < at ? slashes + 2 : 0;
  return quoted(fmt::format("{}...{}", text.substr(0, begin), text.substr(at)));
}

Result<ProxyEntry> parse_named_url(std::string_view text) {
  auto entry = parse_url(text);
  if (!entry) return std::move(entry).error().in("module proxy " + redacted(text));
  return entry;
}

}  // namespace

Result<std::vector<ProxyEntry>> parse_proxy_entries(std::string_view list) {
  return parse_proxy_list(list, parse_named_url);
}

Result<std::vector<ProxyEntry>> parse_proxy_list(std::string_view list,
                                                 AddressParser parse_address) {
  std::vector<ProxyEntry> out;
  while (!list.empty()) {
    const std::size_t end = std::min(list.find_first_of(",|"), list.size());
    const std::string_view text = trim_space(list.substr(0, end));
    const bool after_any = end < list.size() && list[end] == '|';
    list.remove_prefix(std::min(end + 1, list.size()));
    if (text.empty()) continue;
    if (text == "direct" || text == "off") {  // nothing after them is ever asked
      out.push_back(
          {text == "off" ? ProxyEntry::Kind::kOff : ProxyEntry::Kind::kDirect, "", false});
      return out;
    }
    GW_TRY(ProxyEntry entry, parse_address(text));
    entry.after_any = after_any;
    out.push_back(std::move(entry));
  }
  if (out.empty()) return usage_error("a list of module proxies that is empty");
  return out;
}

}  // namespace gw::mod
