#include "build/client.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "net/http_url.h"
#include "tlog/bad_tiles.h"
#include "tlog/evidence.h"

namespace gw::build {
namespace {

constexpr std::string_view kLog = "/tlog";
constexpr std::uint64_t kPiece = std::uint64_t{1} << 20;
constexpr int kTries = 5;      // of a piece
constexpr int kRedirects = 3;  // to a CDN, an object store

}  // namespace

std::string pages_place(std::string_view log_place) {
  while (log_place.size() > 1 && log_place.ends_with('/')) log_place.remove_suffix(1);
  if (log_place.ends_with(kLog)) log_place.remove_suffix(kLog.size());
  return std::string(log_place);
}

Result<std::string> service_base(std::string_view url, std::string_view key_name) {
  return net::base_url(pages_place(url.empty() ? tlog::build_log_url(key_name) : std::string(url)));
}

// ---- proofs ----

namespace {

// That the log has gone on from where it was. The evidence is carried when it has not.
Status compare_heads(tlog::Client& client, const tlog::Checkpoint& old,
                     const tlog::Checkpoint& head, std::string_view what) {
  auto found = client.compare(old, head);
  if (found && !found->fork()) return {};
  const tlog::SeenHead then{std::string(what), old.size(), old.note()};
  const tlog::SeenHead now{"with the answer", head.size(), head.note()};
  const bool grown = old.size() <= head.size();
  if (found) {
    return tlog::contradiction_error(
        tlog::fork_evidence(grown ? then : now, grown ? now : then, *found));
  }
  const tlog::BadTiles* bad = tlog::find_bad_tiles(found.error());
  if (bad == nullptr) return std::move(found).error();
  return tlog::contradiction_error(tlog::bad_tile_evidence({then, now}, *bad));
}

}  // namespace

Result<std::string> newest_head(tlog::Client& client, const std::optional<std::string>& remembered,
                                const tlog::Checkpoint& head, std::string_view what) {
  if (!remembered) return head.note();
  auto old = tlog::Checkpoint::open(*remembered, client.key(), client.format());
  if (!old) {
    return untrusted_error(
        fmt::format("the head of {} that is {} is not signed by this key", client.key().name(),
                    what),
        "a service that has a new key has a new log: forget that head if you know why");
  }
  if (old->same_tree(head)) return *remembered;
  GW_CHECK(compare_heads(client, *old, head, what));
  return old->size() > head.size() ? *remembered : head.note();
}

class BuildProver {
 public:
  static Result<ProvenBuild> prove(tlog::Client& client, const Key& key, const Remember& remember) {
    GW_CHECK(check_key(key));
    // Its head is signed, and it is in that head's tree under exactly this key.
    auto answer = client.lookup(format_key(key));
    if (!answer) return worse(std::move(answer).error(), remember);
    const tlog::VerifiedLookup found = *std::move(answer);
    ProvenBuild out(found.head());
    // The head is of one history with all that was seen.
    GW_TRY(out.newest_note_, remember(found.head()));
    // From here on the record is the log's word.
    const auto record = tlog::parse_build_record(found.text());
    if (!record || record->target != key.view()) return tlog::another_record_error(format_key(key));
    if (record->size > kMaxBinaryBytes) {
      return untrusted_error(format_key(key) + ": larger than any binary");
    }
    out.key_ = key;
    out.size_ = record->size;
    out.sum_ = record->sum;
    out.record_ = found.text();
    out.number_ = found.number();
    return out;
  }

 private:
  // A head that is signed is the log's word, whatever was wrong beside it: two histories are worse
  // than an answer that does not verify, and leave evidence.
  static Error worse(Error error, const Remember& remember) {
    const tlog::Checkpoint* head = tlog::find_unshown_head(error);
    if (head == nullptr || error.kind != ErrorKind::kUntrusted) return error;
    auto newest = remember(*head);
    if (!newest && newest.error().kind == ErrorKind::kUntrusted) return std::move(newest).error();
    return error;
  }
};

Result<ProvenBuild> prove_build(tlog::Client& client, const Key& key, const Remember& remember) {
  return BuildProver::prove(client, key, remember);
}

Result<ProvenBuild> prove_build(tlog::Client& client, const Key& key,
                                const std::optional<std::string>& remembered) {
  return prove_build(client, key, [&](const tlog::Checkpoint& head) {
    return newest_head(client, remembered, head);
  });
}

// ---- bytes ----

namespace {

class Download {
 public:
  Download(net::HttpClient& http, const FileRequest& file, const Sink& sink)
      : http_(http), file_(file), sink_(sink), until_(system_clock().mono() + file.patience) {}

  Status run() {
    // One byte more than it may have shows that it has too many.
    const std::uint64_t limit = file_.exact ? file_.size : file_.size + 1;
    while (!ended_ && done_ < limit) {
      const std::uint64_t end = std::min(limit, done_ + kPiece);
      const net::HttpRequest request = request_for(end);
      auto response = http_.fetch_one(request);
      if (!response) {
        if (response.error().kind == ErrorKind::kUnavailable && ++tries_ < kTries) continue;
        return std::move(response).error();
      }
      if (wait_if_asked(*response)) continue;
      if (response->status == 206 && takes(*response, end)) {
        done_ += response->body.size();
        if (done_ > file_.size) break;
        GW_CHECK(sink_(response->body));
        ended_ = !file_.exact && done_ < end;
        tries_ = 0;
        continue;
      }
      if (response->status == 200 && done_ == 0) return take_whole(response->body);
      // It ended exactly where a piece did.
      if (response->status == 416 && !file_.exact && done_ > 0) return {};
      if ((response->status >= 500 || response->status == 206) && ++tries_ < kTries) continue;
      if (response->status == 206) {
        return untrusted_error(file_.url + ": not the range that was asked for");
      }
      GW_TRY([[maybe_unused]] const auto body, net::require_ok(std::move(response), request));
      return untrusted_error(file_.url + ": the whole file for a part of it");
    }
    if (done_ <= file_.size) return {};
    return untrusted_error(fmt::format("{}: more than {} bytes", file_.url, file_.size));
  }

 private:
  net::HttpRequest request_for(std::uint64_t end) const {
    net::HttpRequest request;
    request.url = file_.url;
    request.headers = {{"Range", fmt::format("bytes={}-{}", done_, end - 1)}};
    request.timeout = file_.timeout;
    request.max_redirects = kRedirects;
    // A server that knows no ranges answers with all of it.
    request.max_body = static_cast<std::size_t>(done_ == 0 ? file_.size : end - done_);
    return request;
  }

  bool takes(const net::HttpResponse& response, std::uint64_t end) const {
    const std::uint64_t size = response.body.size();
    return file_.exact ? size == end - done_ : size > 0 && size <= end - done_;
  }

  Status take_whole(const std::string& body) {
    if (!file_.exact || body.size() == file_.size) return sink_(body);
    return untrusted_error(
        fmt::format("{}: {} bytes, not the {} of the record", file_.url, body.size(), file_.size));
  }

  // Whether the server was busy, and has been left alone for as long as it asked.
  bool wait_if_asked(const net::HttpResponse& response) const {
    if (response.status != 503 && response.status != 429) return false;
    if (!response.retry_after || file_.patience.count() == 0) return false;
    const Duration wait = *response.retry_after;
    if (system_clock().mono() + wait > until_) return false;
    if (file_.stop != nullptr) return !file_.stop->wait_for(wait);
    std::this_thread::sleep_for(wait);
    return true;
  }

  net::HttpClient& http_;
  const FileRequest& file_;
  const Sink& sink_;
  const MonoTime until_;
  std::uint64_t done_ = 0;
  int tries_ = 0;
  bool ended_ = false;
};

}  // namespace

Status download(net::HttpClient& http, const FileRequest& file, const Sink& sink) {
  return Download(http, file, sink).run();
}

Status download(net::HttpClient& http, const std::string& base, const ProvenBuild& build,
                const Sink& sink) {
  FileRequest file;
  file.url = fmt::format("{}/{}", base, build.download_path());
  file.size = build.size();
  return download(http, file, sink);
}

}  // namespace gw::build
