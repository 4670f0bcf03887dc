#include "build/proxy_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/bytes.h"
#include "net/http_url.h"
#include "os/dir.h"

namespace gw::build {

namespace {

using Kind = mod::ProxyRequest::Kind;

constexpr int kMaxRedirects = 10;  // proxies redirect to their stores
constexpr std::chrono::minutes kZipTime{15};
constexpr std::chrono::seconds kFileTime{60};

Result<std::string> read_local(const std::string& directory, const std::string& path, Kind kind) {
  GW_TRY(const os::Dir dir, os::Dir::open(directory));
  return dir.read_file(path, mod::max_answer_bytes(kind));
}

// Escaped paths hold "!", letters, digits and what is plain in a URL; "+" and "~" are, too.
std::string url_of(const std::string& base, const std::string& path) {
  return fmt::format("{}/{}", base, path);
}

// A body that is counted while it comes; of an answer that is none, its beginning.
struct Received {
  static constexpr std::size_t kMaxRefusal = 4096;
  std::string body = {};
  bool too_large = false;

  bool add(const net::HttpResponse& head, std::string_view bytes, std::size_t most) {
    const bool good = head.status == 200;
    if (good && body.size() + bytes.size() > most) {
      too_large = true;
      return false;
    }
    body += bytes.substr(0, good ? bytes.size() : kMaxRefusal - std::min(kMaxRefusal, body.size()));
    return true;
  }
};

std::uint64_t length_of(const net::HttpResponse& head) {
  const std::string* length = head.header("content-length");
  return length == nullptr ? 0 : parse_decimal(*length).value_or(0);
}

}  // namespace

Result<std::unique_ptr<ProxyClient>> ProxyClient::create(std::string_view list,
                                                         net::HttpOptions options,
                                                         OnReceived on_received) {
  GW_TRY(auto entries, mod::parse_proxy_entries(list));
  // Only that the options are good.
  GW_TRY(const auto first, net::HttpClient::create(options));
  return std::unique_ptr<ProxyClient>(
      new ProxyClient(std::move(entries), std::move(options), std::move(on_received)));
}

Result<std::string> ProxyClient::fetch_url(const std::string& url, const mod::ProxyRequest& asked) {
  std::optional<net::HttpClient> client;
  {
    const MutexLock lock(mutex_);
    if (!idle_.empty()) {
      client = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  if (!client) {
    GW_TRY(client, net::HttpClient::create(options_));
  }
  net::HttpRequest request;
  request.url = url;
  const bool zip = asked.kind == Kind::kZip;
  request.max_body = mod::max_answer_bytes(asked.kind);
  request.timeout = zip ? Duration(kZipTime) : Duration(kFileTime);
  request.max_redirects = kMaxRedirects;
  Received received;
  if (zip && on_received_) {
    request.take = [&](const net::HttpResponse& head, std::string_view bytes) {
      if (!received.add(head, bytes, request.max_body)) return false;
      if (head.status == 200) on_received_(asked, received.body.size(), length_of(head));
      return true;
    };
  }
  auto response = client->fetch_one(request);
  if (response && request.take) response->body = std::move(received.body);
  Result<std::string> body =
      received.too_large ? untrusted_error(fmt::format("{}: body larger than {} bytes",
                                                       net::redact_url(url), request.max_body))
                         : net::require_ok(std::move(response), request);
  const MutexLock lock(mutex_);
  idle_.push_back(*std::move(client));
  return body;
}

Result<std::string> ProxyClient::fetch_from(const mod::ProxyEntry& entry,
                                            const mod::ProxyRequest& request,
                                            const std::string& path) {
  switch (entry.kind) {
    case mod::ProxyEntry::Kind::kFile: {
      auto body = read_local(entry.place, path, request.kind);
      if (!body) return std::move(body).error().in(entry.place);
      return body;
    }
    case mod::ProxyEntry::Kind::kUrl:
      return fetch_url(url_of(entry.place, path), request);
    case mod::ProxyEntry::Kind::kDirect:
      return not_found_error(path + ": no proxy has it",
                             "modules are never fetched from their repositories: name a proxy that "
                             "has it with --proxy");
    case mod::ProxyEntry::Kind::kOff:
      return not_found_error(path + ": no proxy has it, and the list ends in off");
  }
  return internal_error("a proxy entry of no kind");
}

Result<std::string> ProxyClient::fetch(const mod::ProxyRequest& request) {
  GW_TRY(const std::string path, mod::format_proxy_path(request));
  std::optional<Error> error;
  for (const mod::ProxyEntry& entry : entries_) {
    auto body = fetch_from(entry, request, path);
    if (body) return body;
    const bool absent = body.error().kind == ErrorKind::kNotFound;
    // What a proxy that failed might have said is not known: its error is the one to tell.
    if (!error || error->kind == ErrorKind::kNotFound) error = std::move(body).error();
    if (!absent && !entry.after_any) break;
  }
  return *std::move(error);
}

}  // namespace gw::build
