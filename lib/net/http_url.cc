#include <curl/curl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "base/bytes.h"
#include "net/http.h"
#include "net/http_transfer.h"

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
  Url url = parse_url(std::string(text));
  if (!url || url_part(url, CURLUPART_HOST).empty()) return bad("malformed");
  return {};
}

std::string redact_url(std::string_view url) {
  auto slashes = url.find("://");
  if (slashes == std::string_view::npos) return std::string(url);
  auto begin = slashes + 3;
  auto end = url.find_first_of("/?#", begin);
  std::string_view authority = url.substr(begin, end == std::string_view::npos ? end : end - begin);
  auto at = authority.rfind('@');
  if (at == std::string_view::npos) return std::string(url);
  std::string out(url.substr(0, begin));
  out += url.substr(begin + at + 1);
  return out;
}

std::string url_origin(const std::string& text) {
  Url url = parse_url(text);
  if (!url) return text;
  return to_lower(fmt::format("{}://{}:{}", url_part(url, CURLUPART_SCHEME),
                              url_part(url, CURLUPART_HOST),
                              url_part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT)));
}

std::string url_proxy(const std::string& text, const ProxySettings& proxies) {
  Url url = parse_url(text);
  if (!url) return "";
  const auto port = parse_decimal(url_part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT));
  return proxies.proxy_for(to_lower(url_part(url, CURLUPART_SCHEME)), url_part(url, CURLUPART_HOST),
                           static_cast<unsigned>(port.value_or(0)));
}

std::string url_host(const std::string& text) {
  Url url = parse_url(text);
  if (!url) return "";
  std::string host = to_lower(url_part(url, CURLUPART_HOST));
  if (host.starts_with('[') && host.ends_with(']')) return host.substr(1, host.size() - 2);
  return host;
}

Result<std::string> find_ca_file(const std::string& ca_file) {
  const auto readable = [](const std::string& path) { return ::access(path.c_str(), R_OK) == 0; };
  if (!ca_file.empty()) {
    if (readable(ca_file)) return ca_file;
    return usage_error(fmt::format("CA file {}: cannot be read", ca_file));
  }
  if (const char* env = std::getenv("SSL_CERT_FILE"); env != nullptr && *env != '\0') {
    // Somebody chose this one: falling back to another would trust what they did not name.
    if (readable(env)) return std::string(env);
    return usage_error(fmt::format("CA file {}: cannot be read", env), "see SSL_CERT_FILE");
  }
  constexpr const char* kPlaces[] = {
      "/etc/ssl/certs/ca-certificates.crt",                 // Debian, Alpine, Arch
      "/etc/pki/tls/certs/ca-bundle.crt",                   // Fedora, RHEL
      "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  // RHEL
      "/etc/ssl/ca-bundle.pem",                             // openSUSE
      "/etc/ssl/cert.pem",                                  // the BSDs, Alpine
  };
  std::string tried;
  for (const char* path : kPlaces) {
    if (readable(path)) return std::string(path);
    tried += std::string(tried.empty() ? "" : ", ") + path;
  }
  return usage_error("no CA certificates to check servers with: tried " + tried,
                     "install ca-certificates, or name a PEM file with --ca-file or SSL_CERT_FILE");
}

Result<std::string> require_ok(Result<HttpResponse> response, const HttpRequest& request) {
  if (!response) return std::move(response).error();
  if (response->status == 200) return std::move(response->body);
  std::string message = fmt::format("{}: status {}", redact_url(request.url), response->status);
  if (const std::string* to = response->header("location");
      to != nullptr && response->status / 100 == 3) {
    message += ", a redirect to " + quoted(redact_url(*to));
  }
  const std::string* type = response->header("content-type");
  if (type != nullptr && type->starts_with("text/plain")) {
    std::string_view line = response->body;
    line = line.substr(0, line.find_first_of("\r\n"));
    if (!line.empty()) message += ": " + quoted(line, 120);
  }
  if (response->retry_after) {
    message += fmt::format(", to be asked again after {} s", response->retry_after->count());
  }
  if (response->status == 404 || response->status == 410) {
    return not_found_error(std::move(message));
  }
  return unavailable_error(std::move(message));
}

bool is_unresolved(const Error& error) {
  return dynamic_cast<const UnresolvedHost*>(error.detail.get()) != nullptr;
}

const std::string* HttpResponse::header(std::string_view name) const {
  for (const HttpHeader& h : headers) {
    if (h.name == name) return &h.value;
  }
  return nullptr;
}

}  // namespace gw::net
