#include "build/client.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/bytes.h"
#include "tlog/bad_tiles.h"
#include "tlog/evidence.h"

namespace gw::build {
namespace {

constexpr std::string_view kLog = "/tlog";
constexpr std::uint64_t kPiece = std::uint64_t{1} << 20;
constexpr int kTries = 5;  // of a piece

// That the log has gone on from where it was. The evidence is carried when it has not.
Status compare(tlog::Client& client, const tlog::Checkpoint& old, const tlog::Checkpoint& head) {
  auto found = client.compare(old, head);
  if (found && !found->fork()) return {};
  const tlog::SeenHead then{"remembered", old.size(), old.note()};
  const tlog::SeenHead now{"with the lookup", head.size(), head.note()};
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

Result<std::string> service_base(std::string_view url, std::string_view key_name) {
  std::string base = url.empty() ? tlog::build_log_url(key_name) : std::string(url);
  while (base.ends_with('/')) base.pop_back();
  if (base.ends_with(kLog)) base.resize(base.size() - kLog.size());
  GW_CHECK(net::check_url(base));
  return base;
}

std::string ProvenBuild::download_path() const {
  return fmt::format("{}{}/{}", format_key(key_), sum_, binary_name(key_));
}

Result<ProvenBuild> prove_build(tlog::Client& client, const Key& key,
                                const std::optional<std::string>& remembered) {
  GW_CHECK(check_key(key));
  GW_TRY(const tlog::VerifiedLookup found, client.lookup(format_key(key)));
  std::string newest = found.head().note();
  if (remembered) {
    auto old = tlog::Checkpoint::open(*remembered, client.key(), client.format());
    if (!old) return std::move(old).error().in("the remembered head");
    GW_CHECK(compare(client, *old, found.head()));
    if (old->size() > found.head().size()) newest = *remembered;
  }
  // From here on the record is the log's word.
  const auto record = tlog::parse_build_record(found.text());
  if (!record || record->target != key.view()) return tlog::another_record_error(format_key(key));
  return ProvenBuild(key, record->size, std::string(record->sum), found.head(), std::move(newest));
}

Status download(net::HttpClient& http, const std::string& base, const ProvenBuild& build,
                const Sink& sink) {
  const std::string url = fmt::format("{}/{}", base, build.download_path());
  std::uint64_t done = 0;
  int tries = 0;
  while (done < build.size()) {
    const std::uint64_t end = std::min(build.size(), done + kPiece);
    net::HttpRequest request;
    request.url = url;
    request.headers = {{"Range", fmt::format("bytes={}-{}", done, end - 1)}};
    request.timeout = std::chrono::minutes(10);
    // A server that knows no ranges answers with all of it.
    request.max_body = static_cast<std::size_t>(done == 0 ? build.size() : end - done);
    auto response = http.fetch_one(request);
    if (response && response->status == 200 && done == 0) {
      if (response->body.size() == build.size()) return sink(response->body);
      return untrusted_error(fmt::format("{}: {} bytes, not the {} of the record", url,
                                         response->body.size(), build.size()));
    }
    if (response && response->status == 206 && response->body.size() == end - done) {
      GW_CHECK(sink(response->body));
      done = end;
      tries = 0;
      continue;
    }
    const bool passing = response ? response->status >= 500 || response->status == 206
                                  : response.error().kind == ErrorKind::kUnavailable;
    if (passing && ++tries < kTries) continue;
    if (!response) return std::move(response).error();
    if (response->status == 206) return untrusted_error(url + ": not the range that was asked for");
    GW_TRY([[maybe_unused]] const auto body, net::require_ok(std::move(response), request));
    return untrusted_error(url + ": the whole file for a part of it");
  }
  return {};
}

}  // namespace gw::build
