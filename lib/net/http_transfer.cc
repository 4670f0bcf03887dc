#include "net/http_transfer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/text.h"
#include "net/http_certificate.h"
#include "net/http_url.h"
#include "os/file.h"

namespace gw::net {

using std::chrono::ceil;
using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr seconds kMaxRetryAfter = std::chrono::hours(24);

constexpr std::size_t kHeaderCost = 128;  // of a header besides its text

std::string in_seconds(Duration d) {
  const auto ms = duration_cast<milliseconds>(d).count();
  if (ms % 1000 == 0) return fmt::format("{} s", ms / 1000);
  return fmt::format("{}.{:03} s", ms / 1000, ms % 1000);
}

long curl_ms(Duration d) {
  // Zero would mean no limit at all.
  return std::max<long>(1, static_cast<long>(ceil<milliseconds>(d).count()));
}

bool is_2xx(int status) { return status / 100 == 2; }

Error too_large_headers(std::string message) {
  Error error = unavailable_error(std::move(message));
  error.detail = std::make_shared<LargeHeaders>();
  return error;
}

bool is_https(std::string_view url) { return to_lower(url.substr(0, 6)) == "https:"; }

}  // namespace

Status Transfer::set_headers(const HttpOptions& options) {
  curl_slist* list = nullptr;
  const auto add = [&](const std::string& line) {
    list = curl_slist_append(header_list_.release(), line.c_str());
    header_list_.reset(list);
  };
  // Curl would wait a second for a "100 Continue" that many servers never send.
  add("Expect:");
  // Unpacked here: curl takes one member with nothing behind it, and fails for other encodings.
  if (request->accept_gzip) add("Accept-Encoding: gzip");
  for (const HttpHeader& h : request->headers) {
    if (!is_http_token(h.name) || !is_http_field_value(h.value)) {
      return usage_error(
          fmt::format("{}: header {} cannot be sent", redact_url(request->url), quoted(h.name)));
    }
    // Curl drops a header without a value unless it ends in a semicolon.
    add(h.value.empty() ? h.name + ";" : fmt::format("{}: {}", h.name, h.value));
  }
  if (options.netrc != nullptr && request->verify_tls && is_https(request->url)) {
    const std::string who = options.netrc->authorization(url_host(request->url));
    if (!who.empty()) add("Authorization: " + who);
  }
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, header_list_.get());
  return {};
}

void Transfer::set_method() {
  const std::string& method = request->method;
  if (method == "HEAD") {
    curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
  } else if (method == "POST" || method == "PUT" || !request->body.empty()) {
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request->body.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body.data());
    if (method != "POST") curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method.c_str());
  } else if (method != "GET") {
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method.c_str());
  }
}

void Transfer::set_tls(TrustedCas& cas) {
  cas_ = &cas;
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (!request->verify_tls) {
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
  } else {
    check_certificates(easy, cas);
  }
}

// Curl reads the environment by rules of its own when it is told nothing.
void Transfer::set_proxy(const ProxySettings& proxies) {
  std::string proxy = url_proxy(request->url, proxies);
  std::string none;
  if (request->max_redirects > 0) {
    none = proxies.no_for_curl();
    // This host directly, and by the proxy what it may redirect to.
    const std::string& other = proxies.https.empty() ? proxies.http : proxies.https;
    if (proxy.empty() && !other.empty() && none != "*") {
      none += (none.empty() ? "" : ",") + url_host(request->url);
      proxy = other;
    }
  }
  curl_easy_setopt(easy, CURLOPT_PROXY, proxy.c_str());
  curl_easy_setopt(easy, CURLOPT_NOPROXY, none.c_str());
}

Status Transfer::prepare(const HttpOptions& options, TrustedCas& cas, Duration timeout,
                         const ProxySettings& proxies) {
  timeout_ = timeout;
  if (!is_http_token(request->method)) {
    return usage_error(fmt::format("{}: method {} cannot be sent", redact_url(request->url),
                                   quoted(request->method)));
  }
  curl_easy_reset(easy);
  GW_CHECK(set_headers(options));
  curl_easy_setopt(easy, CURLOPT_URL, request->url.c_str());
  curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  const bool https = is_https(request->url);
  curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, https ? "https" : "http,https");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, request->max_redirects > 0 ? 1L : 0L);
  curl_easy_setopt(easy, CURLOPT_MAXREDIRS, static_cast<long>(request->max_redirects));
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "gwtool/" GW_VERSION);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error_text_);
  curl_easy_setopt(easy, CURLOPT_PRIVATE, this);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  // One connection with HTTP/2 where the server has it: the second request waits to learn that.
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  curl_easy_setopt(easy, CURLOPT_PIPEWAIT, https ? 1L : 0L);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, curl_ms(timeout));
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, curl_ms(options.connect_timeout));
  if (!shares_connection) {
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 64L);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME,
                     std::max<long>(1, ceil<seconds>(options.stall_timeout).count()));
  }
  if (!options.dns_servers.empty()) {
    curl_easy_setopt(easy, CURLOPT_DNS_SERVERS, options.dns_servers.c_str());
  }
  for (const std::string& entry : options.connect_to) {
    connect_list_.reset(curl_slist_append(connect_list_.release(), entry.c_str()));
  }
  curl_easy_setopt(easy, CURLOPT_CONNECT_TO, connect_list_.get());
  set_method();
  set_tls(cas);
  set_proxy(proxies);
  return {};
}

std::size_t Transfer::on_header(char* data, std::size_t one, std::size_t size, void* self) {
  return static_cast<Transfer*>(self)->take_header({data, one * size}) ? one * size : 0;
}

std::size_t Transfer::on_body(char* data, std::size_t one, std::size_t size, void* self) {
  *static_cast<Transfer*>(self)->moved = system_clock().mono();
  return static_cast<Transfer*>(self)->take_body({data, one * size}) ? one * size : 0;
}

bool Transfer::take_header(std::string_view line) {
  header_bytes_ += line.size() + kHeaderCost;
  if (header_bytes_ > request->max_headers) {
    headers_too_large_ = true;
    return false;
  }
  if (line.starts_with("HTTP/")) {
    // Another response begins: what came before was a 1xx or a redirect.
    response_.headers.clear();
    response_.body.clear();
    received_ = 0;
    unpacker_.reset();
    headers_complete_ = false;
    auto space = line.find(' ');
    auto code = parse_decimal(line.substr(std::min(line.size(), space + 1), 3));
    response_.status = code ? static_cast<int>(*code) : 0;
    return true;
  }
  auto colon = line.find(':');
  if (trim(line).empty()) headers_complete_ = true;
  if (colon == std::string_view::npos) return true;
  response_.headers.push_back(
      {to_lower(trim(line.substr(0, colon))), std::string(trim(line.substr(colon + 1)))});
  return true;
}

bool Transfer::take_body(std::string_view chunk) {
  if (satisfied_) return true;  // the transfer ends as soon as curl has returned
  if (!request->accept_gzip) return keep_body(chunk);
  if (!unpacker_) {
    const std::string* encoding = response_.header("content-encoding");
    if (encoding == nullptr || to_lower(*encoding) != "gzip") return keep_body(chunk);
    unpacker_ = std::make_unique<mod::GzipReader>();
  }
  const auto more = unpacker_->add(
      chunk, [this](std::string_view part) { return keep_body(part) && !satisfied_; });
  damaged_ = !more;
  return more && (*more || satisfied_);
}

bool Transfer::keep_body(std::string_view chunk) {
  received_ += chunk.size();
  if (request->take) {
    satisfied_ = !request->take(response_, chunk);
    if (satisfied_) satisfied->push_back(place);
    return true;
  }
  const std::size_t room = request->max_body - std::min(request->max_body, response_.body.size());
  if (chunk.size() <= room) {
    response_.body += chunk;
    return true;
  }
  response_.body += chunk.substr(0, room);
  (is_2xx(response_.status) ? body_too_large_ : body_cut_) = true;
  return false;
}

Result<HttpResponse> Transfer::finish(CURLcode code, const HttpOptions& options) {
  // The rest of an error page is not worth an error of its own: the status says it all.
  if (code != CURLE_OK && !satisfied_ && !(code == CURLE_WRITE_ERROR && body_cut_)) {
    return describe(code, options).in(redact_url(request->url));
  }
  if (!headers_complete_) {
    return unavailable_error(redact_url(request->url) + ": headers cut short");
  }
  if (unpacker_ && !satisfied_ && !body_cut_ && !unpacker_->complete()) {
    return unavailable_error(redact_url(request->url) + ": the compressed body is cut short");
  }
  long redirects = 0;
  char* url = nullptr;
  curl_easy_getinfo(easy, CURLINFO_REDIRECT_COUNT, &redirects);
  curl_easy_getinfo(easy, CURLINFO_EFFECTIVE_URL, &url);
  if (redirects > 0 && url != nullptr) response_.redirected_to = redact_url(url);
  curl_off_t wait = 0;
  curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &wait);
  if (wait > 0) response_.retry_after = std::min(seconds(wait), kMaxRetryAfter);
  curl_off_t took = 0;
  curl_easy_getinfo(easy, CURLINFO_TOTAL_TIME_T, &took);
  response_.took = std::chrono::microseconds(took);
  return std::move(response_);
}

bool Transfer::connected() const {
  curl_off_t ready = 0;
  curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &ready);
  return ready > 0;
}

StreamWindow::Took Transfer::took() const {
  curl_off_t first = 0;
  curl_off_t last = 0;
  curl_easy_getinfo(easy, CURLINFO_STARTTRANSFER_TIME_T, &first);
  curl_easy_getinfo(easy, CURLINFO_TOTAL_TIME_T, &last);
  return {std::chrono::microseconds(last - first), std::chrono::microseconds(last)};
}

std::string Transfer::describe_timeout(const HttpOptions& options) const {
  curl_off_t took = 0;
  curl_easy_getinfo(easy, CURLINFO_TOTAL_TIME_T, &took);
  const std::string received = fmt::format(", {} bytes received", received_);
  const Duration spent = std::chrono::microseconds(took);
  if (!connected()) {
    return "no connection within " + in_seconds(std::min(timeout_, options.connect_timeout));
  }
  // Curl's own limits are rounded to milliseconds.
  if (spent + milliseconds(2) < timeout_) {
    return fmt::format("stalled for {}{}", in_seconds(options.stall_timeout), received);
  }
  return fmt::format("no complete answer within {}{}", in_seconds(timeout_), received);
}

// Only who signed it is a matter of --ca-file.
Error Transfer::describe_certificate(const std::string& detail) const {
  if (cas_ != nullptr && cas_->failure()) {
    return Error(*cas_->failure()).in("CA file " + cas_->file());
  }
  long reason = 0;
  curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &reason);
  constexpr long kNotYet = 9;                       // X509_V_ERR_CERT_NOT_YET_VALID
  constexpr long kExpired = 10;                     // X509_V_ERR_CERT_HAS_EXPIRED
  constexpr long kSigners[] = {2, 18, 19, 20, 21};  // ..._UNABLE_TO_GET_ISSUER_CERT and the like
  std::string hint;
  if (reason == kNotYet || reason == kExpired) {
    hint = "its time has passed or is yet to come, unless this machine's clock is wrong";
  } else if (std::find(std::begin(kSigners), std::end(kSigners), reason) != std::end(kSigners)) {
    hint = "--ca-file names other CAs to trust";
  }
  return unavailable_error("the server's certificate is not accepted: " + detail, std::move(hint));
}

Error Transfer::describe(CURLcode code, const HttpOptions& options) const {
  // Curl's own words, which may quote what a server sent.
  std::string detail = error_text_[0] != '\0' ? error_text_ : curl_easy_strerror(code);
  while (!detail.empty() && (detail.back() == '.' || detail.back() == '\n')) detail.pop_back();
  if (detail.size() > 1 && to_lower(detail[1]) == detail[1]) detail[0] = to_lower(detail[0]);
  for (char& c : detail) {
    if (c != ' ' && !is_visible(c)) c = '?';
  }
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST: {
      Error error = unavailable_error(detail);
      error.detail = std::make_shared<UnresolvedHost>();
      return error;
    }
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
      return unavailable_error(detail);
    case CURLE_OPERATION_TIMEDOUT:
      return unavailable_error(describe_timeout(options));
    case CURLE_PEER_FAILED_VERIFICATION:
      return describe_certificate(detail);
    case CURLE_SSL_CACERT_BADFILE:
      if (!os::is_regular_file(cas_->file())) {
        return usage_error(fmt::format("CA file {}: not a regular file", cas_->file()),
                           "it is read again for each CA that is looked for");
      }
      return usage_error(
          fmt::format("CA file {}: not certificates, or some are damaged", cas_->file()),
          "--ca-file takes certificates in PEM form");
    case CURLE_PARTIAL_FILE:
      return unavailable_error(fmt::format("body cut short after {} bytes", received_));
    case CURLE_GOT_NOTHING:
      return unavailable_error("connection closed without an answer");
    case CURLE_TOO_MANY_REDIRECTS:
      return unavailable_error(fmt::format("more than {} redirects", request->max_redirects));
    case CURLE_UNSUPPORTED_PROTOCOL:
      // Curl's word for a version of HTTP that it does not know, too.
      return unavailable_error(
          response_.status / 100 == 3 ? "redirected to a scheme that is not allowed" : detail);
    case CURLE_WRITE_ERROR:
      if (headers_too_large_) {
        return too_large_headers(fmt::format("headers larger than {} bytes", request->max_headers));
      }
      if (body_too_large_) {
        return untrusted_error(fmt::format("body larger than {} bytes", request->max_body));
      }
      if (damaged_) return unavailable_error("the compressed body is damaged");
      return unavailable_error(detail);
    case CURLE_OUT_OF_MEMORY:
      // Also what this version of curl says of a header line longer than its own limit, 100 KB.
      if (response_.status != 0 && !headers_complete_) {
        return too_large_headers("header line too long");
      }
      return internal_error(detail);
    case CURLE_FAILED_INIT:
      return internal_error(detail);
    default:
      // nghttp2's word for curl's refusal of a header: it keeps 128 KB of them over HTTP/2.
      if (!headers_complete_ && detail.find(", -902") != detail.npos) {
        return too_large_headers("headers too large");
      }
      return unavailable_error(detail);
  }
}

}  // namespace gw::net
