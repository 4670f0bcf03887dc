#include "net/http_url.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "base/bytes.h"
#include "base/text.h"

namespace gw::net {

namespace {

using Url = std::unique_ptr<CURLU, decltype(&curl_url_cleanup)>;

Url parse_url(const std::string& text) {
  Url url(curl_url(), curl_url_cleanup);
  if (url && curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) url.reset();
  return url;
}

std::string url_part(const Url& url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url.get(), part, &text, flags) != CURLUE_OK) return {};
  std::string out = text;
  curl_free(text);
  return out;
}

}  // namespace

Status check_url(std::string_view text) {
  const auto bad = [&](std::string_view why) {
    // What misses its scheme, or has it in the wrong place, may hold a password all the same.
    std::string_view shown = text;
    if (const auto at = text.substr(0, text.find('/')).rfind('@'); at != std::string_view::npos) {
      shown.remove_prefix(at + 1);
    }
    return usage_error(fmt::format("bad URL {}: {}", quoted(redact_url(shown)), why));
  };
  const std::string lower = to_lower(text.substr(0, 8));
  if (!lower.starts_with("https://") && !lower.starts_with("http://")) {
    return bad("neither http:// nor https://");
  }
  if (!std::all_of(text.begin(), text.end(), is_visible)) {
    return bad("holds a space, a control character or non-ASCII");
  }
  if (text.size() > 8192) return bad("longer than 8192 bytes");
  // Curl would take the first element of the path for the host.
  if (text.substr(text.find("://") + 3).starts_with('/')) return bad("no host");
  const Url url = parse_url(std::string(text));
  if (!url || url_part(url, CURLUPART_HOST).empty()) return bad("malformed");
  return {};
}

Result<std::string> base_url(std::string_view url) {
  GW_CHECK(check_url(url));
  if (url.find_first_of("?#") != std::string_view::npos) {
    return usage_error(
        fmt::format("bad URL {}: holds a query or fragment", quoted(redact_url(url))));
  }
  while (url.ends_with('/')) url.remove_suffix(1);
  return std::string(url);
}

std::string redact_url(std::string_view url) {
  auto slashes = url.find("://");
  if (slashes == std::string_view::npos) return std::string(url);
  auto begin = slashes + 3;
  auto end = url.find_first_of("/?#", begin);
  const std::string_view authority =
      url.substr(begin, end == std::string_view::npos ? end : end - begin);
  auto at = authority.rfind('@');
  if (at == std::string_view::npos) return std::string(url);
  std::string out(url.substr(0, begin));
  out += url.substr(begin + at + 1);
  return out;
}

std::string url_origin(const std::string& text) {
  const Url url = parse_url(text);
  if (!url) return text;
  return to_lower(fmt::format("{}://{}:{}", url_part(url, CURLUPART_SCHEME),
                              url_part(url, CURLUPART_HOST),
                              url_part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT)));
}

std::string url_proxy(const std::string& text, const ProxySettings& proxies) {
  const Url url = parse_url(text);
  if (!url) return "";
  const auto port = parse_decimal(url_part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT));
  return proxies.proxy_for(to_lower(url_part(url, CURLUPART_SCHEME)), url_part(url, CURLUPART_HOST),
                           static_cast<unsigned>(port.value_or(0)));
}

std::string url_host(const std::string& text) {
  const Url url = parse_url(text);
  if (!url) return "";
  std::string host = to_lower(url_part(url, CURLUPART_HOST));
  if (host.starts_with('[') && host.ends_with(']')) return host.substr(1, host.size() - 2);
  return host;
}

}  // namespace gw::net
