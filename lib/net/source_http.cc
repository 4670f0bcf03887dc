#include "net/source_http.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/bytes.h"
#include "net/source.h"

namespace gw::net {

using mod::ProxyEntry;
using std::chrono::seconds;

Result<HttpFiles> HttpFiles::create(const HttpOptions& options, Duration timeout) {
  GW_TRY(HttpClient client, HttpClient::create(options));
  return HttpFiles(std::move(client), timeout);
}

std::vector<Result<std::string>> HttpFiles::fetch(const std::string& base,
                                                  std::span<const tlog::FetchRequest> requests) {
  constexpr seconds kMostQuiet{300};
  constexpr int kRedirects = 5;  // proxies redirect to their object store
  std::vector<Result<std::string>> out;
  out.reserve(requests.size());
  MonoTime now = system_clock().mono();
  if (now < quiet_until_) {
    const auto left = std::chrono::ceil<seconds>(quiet_until_ - now);
    out.assign(requests.size(),
               unavailable_error(fmt::format("{}: asked not to be asked again for {} s",
                                             redact_url(base), left.count())));
    return out;
  }
  std::vector<HttpRequest> sent;
  sent.reserve(requests.size());
  for (const tlog::FetchRequest& r : requests) {
    if (!is_source_path(r.path)) continue;
    HttpRequest& http = sent.emplace_back();
    http.url = fmt::format("{}/{}", base, r.path);
    http.max_body = r.max_bytes;
    http.timeout = timeout_;
    http.max_redirects = kRedirects;
  }
  auto responses = client_.fetch(sent);
  std::size_t next = 0;
  for (const tlog::FetchRequest& r : requests) {
    if (!is_source_path(r.path)) {
      out.push_back(usage_error("bad log path " + quoted(r.path)));
      continue;
    }
    auto& response = responses[next];
    if (response && response->retry_after && response->status >= 400) {
      const auto wait = std::min(*response->retry_after, kMostQuiet);
      quiet_until_ = std::max(quiet_until_, system_clock().mono() + wait);
    }
    out.push_back(require_ok(std::move(response), sent[next]));
    ++next;
  }
  return out;
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

Result<std::vector<ProxyEntry>> parse_proxy_list(std::string_view list) {
  return mod::parse_proxy_list(list, [](std::string_view address) -> Result<ProxyEntry> {
    GW_TRY(std::string url, base_url(address));
    return ProxyEntry{ProxyEntry::Kind::kUrl, std::move(url)};
  });
}

namespace {

// Finds out at its first use which proxy carries the log, and stays with it: a log that comes half
// through a proxy and half around it would tell the direct address what was asked for.
class ProxySource : public tlog::TileSource {
 public:
  ProxySource(std::vector<ProxyEntry> list, const std::string& log_name, HttpFiles files,
              std::unique_ptr<tlog::TileSource> direct)
      : list_(std::move(list)),
        suffix_("/sumdb/" + log_name),
        files_(std::move(files)),
        direct_(std::move(direct)) {}

  std::vector<Result<std::string>> fetch(std::span<const tlog::FetchRequest> requests) override {
    if (auto s = choose(); !s) {
      std::vector<Result<std::string>> out;
      out.assign(requests.size(), s.error());
      return out;
    }
    return base_.empty() ? direct_->fetch(requests) : files_.fetch(base_, requests);
  }

  std::string describe() const override {
    if (chosen_) return base_.empty() ? direct_->describe() : redact_url(base_);
    const ProxyEntry& first = list_.front();
    if (first.kind == ProxyEntry::Kind::kUrl) return redact_url(first.place + suffix_);
    return direct_ ? direct_->describe() : "no source";
  }

 private:
  Status choose();

  std::vector<ProxyEntry> list_;
  std::string suffix_;
  HttpFiles files_;
  std::unique_ptr<tlog::TileSource> direct_;
  bool chosen_ = false;
  std::string base_;  // empty: direct
};

Status ProxySource::choose() {
  constexpr std::size_t kMostAnswer = std::size_t{1} << 20;
  if (chosen_) return {};
  for (const ProxyEntry& entry : list_) {
    if (entry.kind == ProxyEntry::Kind::kOff) {
      return unavailable_error("no module proxy carries the log, and the list ends in off");
    }
    if (entry.kind == ProxyEntry::Kind::kDirect) break;
    // Any page will do for yes, and what a no has to say is not read either.
    tlog::FetchRequest probe{"supported", kMostAnswer};
    auto answer = std::move(files_.fetch(entry.place + suffix_, {&probe, 1})[0]);
    if (answer) {
      base_ = entry.place + suffix_;
      chosen_ = true;
      return {};
    }
    if (answer.error().kind != ErrorKind::kNotFound && !entry.after_any) {
      Error error = std::move(answer).error().in("asking a module proxy for the log");
      // What a proxy says of itself is nothing that the log vouches for.
      if (error.kind == ErrorKind::kUntrusted) error.kind = ErrorKind::kUnavailable;
      return error;
    }
  }
  chosen_ = true;
  return {};
}

}  // namespace

std::unique_ptr<tlog::TileSource> make_proxy_source(std::vector<ProxyEntry> list,
                                                    const std::string& log_name, HttpFiles files,
                                                    std::unique_ptr<tlog::TileSource> direct) {
  return std::make_unique<ProxySource>(std::move(list), log_name, std::move(files),
                                       std::move(direct));
}

}  // namespace gw::net
