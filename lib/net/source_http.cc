#include "net/source_http.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "base/bytes.h"
#include "base/text.h"
#include "module/gzip.h"
#include "net/http_url.h"
#include "net/source.h"

namespace gw::net {

using mod::ProxyEntry;
using std::chrono::seconds;

namespace {

constexpr int kTries = 6;
constexpr seconds kMostQuiet{300};
constexpr seconds kMostWaiting{60};  // of what a server asked for, before an error says so
constexpr int kRedirects = 5;        // proxies redirect to their object store

bool may_pass(const Result<HttpResponse>& response) {
  if (!response) return response.error().kind == ErrorKind::kUnavailable;
  const int status = response->status;
  return status >= 500 || status == 408 || status == 429;
}

// What somebody on the way answers in the log's name, as captive portals do: no file of a log
// begins like this.
bool is_web_page(std::string_view body) {
  const std::string begin = to_lower(trim(body.substr(0, 64)));
  return begin.starts_with("<!doctype html") || begin.starts_with("<html");
}

// Some servers compress unasked.
Result<std::string> unpacked(std::string body, const std::string& encoding,
                             const HttpRequest& request) {
  const std::string how = to_lower(encoding);
  if (how.empty() || how == "identity") return body;
  if (how != "gzip" && how != "x-gzip") {
    return unavailable_error(fmt::format("{}: compressed in a way that nobody asked for: {}",
                                         redact_url(request.url), quoted(encoding)));
  }
  auto bytes = mod::gunzip(body, request.max_body);
  if (bytes) return bytes;
  Error error = std::move(bytes).error().in(redact_url(request.url));
  error.kind = ErrorKind::kUnavailable;
  return error;
}

Result<std::string> require_file(Result<HttpResponse> response, const HttpRequest& request) {
  const std::string* header = response ? response->header("content-encoding") : nullptr;
  const std::string encoding = header == nullptr ? "" : *header;
  GW_TRY(std::string packed, require_ok(std::move(response), request));
  GW_TRY(std::string body, unpacked(std::move(packed), encoding, request));
  if (!is_web_page(body)) return body;
  return unavailable_error(redact_url(request.url) + ": a web page, and no file of a log",
                           "is there a captive portal between, or is the address another one?");
}

}  // namespace

Result<HttpFiles> HttpFiles::create(const HttpOptions& options, Pace pace,
                                    std::vector<HttpHeader> headers) {
  GW_TRY(HttpClient client, HttpClient::create(options));
  return HttpFiles(std::move(client), options, pace, std::move(headers));
}

std::vector<HttpFiles::Reply> HttpFiles::fetch_once(const std::string& base,
                                                    std::span<const tlog::FetchRequest> requests) {
  std::vector<Reply> out;
  out.reserve(requests.size());
  if (const Duration quiet = quiet_for(base); quiet > Duration::zero()) {
    const auto left = std::chrono::ceil<seconds>(quiet);
    out.assign(requests.size(),
               {unavailable_error(fmt::format("{}: asked not to be asked again for {} s",
                                              redact_url(base), left.count())),
                true});
    return out;
  }
  std::vector<HttpRequest> sent;
  sent.reserve(requests.size());
  for (const tlog::FetchRequest& r : requests) {
    if (!is_source_path(r.path)) continue;
    HttpRequest& http = sent.emplace_back();
    http.url = fmt::format("{}/{}", base, r.path);
    http.max_body = r.max_bytes;
    http.timeout = pace_.timeout;
    http.headers = headers_;
    http.max_redirects = kRedirects;
  }
  auto responses = client_.fetch(sent);
  std::size_t next = 0;
  for (const tlog::FetchRequest& r : requests) {
    if (!is_source_path(r.path)) {
      out.push_back({usage_error("bad log path " + quoted(r.path))});
      continue;
    }
    auto& response = responses[next];
    if (response && response->retry_after && response->status >= 400) {
      const auto wait = std::min(*response->retry_after, kMostQuiet);
      MonoTime& until = quiet_until_[base];
      until = std::max(until, system_clock().mono() + wait);
    }
    const bool passing = may_pass(response);
    out.push_back({require_file(std::move(response), sent[next]), passing});
    ++next;
  }
  return out;
}

// How much longer the server wants to be left alone.
Duration HttpFiles::quiet_for(const std::string& base) const {
  const auto until = quiet_until_.find(base);
  if (until == quiet_until_.end()) return Duration::zero();
  return std::max(Duration::zero(), until->second - system_clock().mono());
}

Duration HttpFiles::most_waiting() const {
  return pace_.patience > Duration::zero() ? pace_.patience : Duration(kMostWaiting);
}

// False when there is no time for that, or the server wants to be left alone for longer.
bool HttpFiles::wait(Duration pause) const {
  const MonoTime then = system_clock().mono() + pause;
  if (pause > most_waiting() || (deadline_ && then >= *deadline_)) return false;
  if (stop_ != nullptr) return !stop_->wait_for(pause);
  std::this_thread::sleep_for(pause);
  return true;
}

// Asks again for what may come the next time.
void HttpFiles::fetch_failed(const std::string& base, std::span<const tlog::FetchRequest> requests,
                             std::vector<Reply>& replies) {
  std::vector<std::size_t> failed;
  std::vector<tlog::FetchRequest> again;
  for (std::size_t i = 0; i < replies.size(); ++i) {
    if (!replies[i].passing) continue;
    failed.push_back(i);
    again.push_back(requests[i]);
  }
  std::vector<Reply> more = fetch_once(base, again);
  for (std::size_t k = 0; k < failed.size(); ++k) replies[failed[k]] = std::move(more[k]);
}

std::vector<Result<std::string>> HttpFiles::fetch(const std::string& base,
                                                  std::span<const tlog::FetchRequest> requests) {
  if (const Duration quiet = quiet_for(base); quiet > Duration::zero()) {
    [[maybe_unused]] const bool waited = wait(quiet);
  }
  const MonoTime begin = system_clock().mono();
  Duration waited{};
  std::vector<Reply> replies = fetch_once(base, requests);
  const auto some = [&](auto which) { return std::any_of(replies.begin(), replies.end(), which); };
  Duration pause = pace_.pause;
  for (int tries = 1; some([](const Reply& r) { return r.passing; });) {
    const Duration quiet = quiet_for(base);
    // What the server itself asked us to wait is not held against it.
    if (quiet <= Duration::zero()) {
      if (!some([](const Reply& r) { return r.body.has_value(); })) break;
      if (++tries > kTries || system_clock().mono() - begin - waited > pace_.timeout) break;
    }
    if (waited + quiet > most_waiting()) break;
    Duration next = std::max(pause, quiet);
    if (quiet > Duration::zero()) next = std::min(next, most_waiting() - waited);
    if (!wait(next)) break;
    waited += next;
    pause *= 2;
    fetch_failed(base, requests, replies);
  }
  std::vector<Result<std::string>> out;
  out.reserve(replies.size());
  for (Reply& reply : replies) out.push_back(std::move(reply.body));
  return out;
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
    const ProxyEntry& first = list_.at(std::min(at_, list_.size() - 1));
    if (first.kind == ProxyEntry::Kind::kUrl) return redact_url(first.place + suffix_);
    return direct_ ? direct_->describe() : "no source";
  }
  bool is_log() const override { return chosen_ && base_.empty() && direct_->is_log(); }
  // What comes after the chosen one in the list, where the list allows that for any fault.
  bool try_next() override {
    if (!chosen_ || base_.empty() || !list_[at_].after_any) return false;
    if (at_ + 1 < list_.size() && list_[at_ + 1].kind == ProxyEntry::Kind::kOff) return false;
    ++at_;
    chosen_ = false;
    base_.clear();
    return true;
  }

 private:
  Status choose();

  std::vector<ProxyEntry> list_;
  std::string suffix_;
  HttpFiles files_;
  std::unique_ptr<tlog::TileSource> direct_;
  bool chosen_ = false;
  std::size_t at_ = 0;  // where the list is looked through from; once chosen, which one
  std::string base_;    // empty: direct
};

Status ProxySource::choose() {
  constexpr std::size_t kMostAnswer = std::size_t{1} << 20;
  if (chosen_) return {};
  bool failed = false;  // one that may carry it
  for (std::size_t i = at_; i < list_.size(); ++i) {
    const ProxyEntry& entry = list_[i];
    if (entry.kind == ProxyEntry::Kind::kOff) {
      const std::string none = "no module proxy carries the log, and the list ends in off";
      if (failed || at_ > 0) {
        at_ = 0;  // the one that was given up may be better by now
        return unavailable_error(none);
      }
      // Each has said so, or there is none to ask: asking again does not help.
      return usage_error(none, "name one that does, or end the list in direct");
    }
    if (entry.kind == ProxyEntry::Kind::kDirect) break;
    // Any page will do for yes, and what a no has to say is not read either.
    tlog::FetchRequest probe{"supported", kMostAnswer};
    auto answer = std::move(files_.fetch(entry.place + suffix_, {&probe, 1})[0]);
    if (answer) {
      base_ = entry.place + suffix_;
      at_ = i;
      chosen_ = true;
      return {};
    }
    failed = failed || answer.error().kind != ErrorKind::kNotFound;
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
