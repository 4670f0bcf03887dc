#include "build/log_client.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/crypto.h"
#include "module/gzip.h"
#include "module/semver.h"
#include "net/source.h"
#include "os/file.h"
#include "tlog/bad_tiles.h"
#include "tlog/build_log.h"
#include "tlog/evidence.h"
#include "tlog/lookup.h"
#include "tlog/remembered_head.h"

namespace gw::build {

namespace {

constexpr std::uint64_t kMaxBinary = std::uint64_t{2} << 30U;
// Asked for at once, so that a connection that breaks costs no more than this.
constexpr std::uint64_t kRange = std::uint64_t{8} << 20U;
constexpr int kRangeTries = 4;
// What gzip may add to bytes that it cannot make smaller.
constexpr std::uint64_t kPackedExtra = 1U << 16U;

bool is_url(std::string_view place) { return place.find("://") != std::string_view::npos; }

std::string without_end(std::string text, std::string_view end) {
  while (text.size() > 1 && text.ends_with('/')) text.pop_back();
  if (text.ends_with(end)) text.resize(text.size() - end.size());
  return text;
}

}  // namespace

Key key_of_record(const tlog::BuildRecord& record) {
  const tlog::BuildTarget& t = record.target;
  return {std::string(t.module),    std::string(t.version),
          std::string(t.dir),       {std::string(t.goos), std::string(t.goarch)},
          std::string(t.goversion), t.stripped};
}

LogClient::LogClient(LogClientOptions options, std::string place,
                     std::unique_ptr<tlog::TileSource> source, const Clock& clock)
    : options_(std::move(options)),
      place_(std::move(place)),
      source_(std::move(source)),
      client_(*source_, options_.key, tlog::kBuildLog),
      clock_(clock) {}

Result<std::unique_ptr<LogClient>> LogClient::make(LogClientOptions options, const Clock& clock) {
  std::string place =
      options.source.empty() ? tlog::build_log_url(options.key.name()) : options.source;
  // A build says nothing for minutes.
  options.http.stall_timeout = std::max(options.http.stall_timeout, Duration(options.wait));
  net::SourceOptions source_options;
  source_options.log_name = options.key.name();
  source_options.source = place;
  source_options.http = options.http;
  source_options.timeout = options.wait;
  GW_TRY(auto source, net::make_source(source_options));
  if (place.starts_with("file://")) place.erase(0, std::string_view("file://").size());
  std::unique_ptr<LogClient> out(
      new LogClient(std::move(options), place, std::move(source), clock));
  if (is_url(place)) {
    GW_TRY(auto http, net::HttpClient::create(out->options_.http));
    out->http_.emplace(std::move(http));
  }
  return out;
}

namespace {

// Whether `query` may mean that version: itself, any for latest, a branch or a commit, and the
// releases of v1.2 for "v1.2".
bool means_version(const std::string& query, const std::string& version) {
  if (!mod::parse_semver(query)) return true;
  return mod::canonical_version(query) == query ? version == query
                                                : version.starts_with(query + ".");
}

bool means_go(std::string_view query, std::string_view go_version) {
  constexpr std::string_view kLatest = "latest";
  if (!query.ends_with(kLatest)) return go_version == query;
  return go_version.starts_with(query.substr(0, query.size() - kLatest.size()));
}

}  // namespace

Result<Key> LogClient::resolve(const Key& query) {
  const std::string path = "lookup/" + format_key(query);
  const tlog::FetchRequest request{path, tlog::kMaxLookupBytes};
  GW_TRY(const std::string reply, source_->fetch({&request, 1}).at(0));
  GW_TRY(const auto parsed, tlog::parse_lookup(reply));
  const auto record = tlog::parse_build_record(parsed.record);
  if (!record)
    return untrusted_error("the answer is not a build's record: " + quoted(parsed.record));
  Key found = key_of_record(*record);
  if (found.module != query.module || found.dir != query.dir || found.target != query.target ||
      found.stripped != query.stripped || !means_version(query.version, found.version) ||
      !means_go(query.go_version, found.go_version)) {
    return untrusted_error(fmt::format("{}: the service answers with another build: {}",
                                       format_key(query), quoted(parsed.record)));
  }
  GW_CHECK(check_key(found));
  return found;
}

Result<tlog::Checkpoint> LogClient::latest() {
  GW_TRY(tlog::Checkpoint head, client_.fetch_latest());
  GW_CHECK(remember(head));
  return head;
}

std::string LogClient::checkpoint_of(const tlog::Checkpoint& head) {
  const tlog::FetchRequest request{"checkpoint", tlog::kMaxNoteBytes};
  const auto note = source_->fetch({&request, 1}).at(0);
  if (!note) return "";
  const std::string origin = options_.key.name() + "/tlog";
  return note->starts_with(tlog::format_tree_text(origin, head.size(), head.root())) ? *note : "";
}

Result<FoundBuild> LogClient::find(const Key& key) {
  GW_CHECK(check_key(key));
  const std::string name = format_key(key);
  // Its head is signed, and it is in that head's tree under exactly this key.
  GW_TRY(const tlog::VerifiedLookup lookup, client_.lookup(name));
  // The head is of one history with all that was seen.
  GW_CHECK(remember(lookup.head()));
  const auto record = tlog::parse_build_record(lookup.text());
  if (!record || key_of_record(*record) != key) {
    return untrusted_error(name + ": the record is of another build");
  }
  if (record->size > kMaxBinary) return untrusted_error(name + ": larger than any binary");
  return FoundBuild{key,
                    lookup.text(),
                    lookup.number(),
                    record->size,
                    std::string(record->sum),
                    lookup.head().size(),
                    lookup.head().note()};
}

// Compares with the head of earlier calls, and leaves the larger one.
Status LogClient::remember(const tlog::Checkpoint& head) {
  const std::string path = options_.state + "/head";
  GW_TRY(auto file, tlog::RememberedHead::open(path));
  if (!file.note()) return file.save(head.note());
  auto known = tlog::Checkpoint::open(*file.note(), options_.key, tlog::kBuildLog);
  if (!known) {
    return untrusted_error(
        fmt::format("the head of {} that is remembered in {} is not signed by this key",
                    options_.key.name(), path),
        "a service that has a new key has a new log: remove the file if you know why");
  }
  if (known->same_tree(head)) return {};
  GW_TRY(const tlog::HeadComparison found, client_.compare(*known, head));
  if (!found.fork()) return head.size() > known->size() ? file.save(head.note()) : Status();
  const tlog::SeenHead before{"remembered in " + path, known->size(), known->note()};
  const tlog::SeenHead now{"of " + place_, head.size(), head.note()};
  const bool grows = head.size() >= known->size();
  const auto evidence = tlog::fork_evidence(grows ? before : now, grows ? now : before, found);
  const auto saved =
      tlog::save_evidence(tlog::evidence_json(evidence, options_.key.format(), clock_.now()),
                          options_.state + "/evidence", clock_.now());
  return untrusted_error(
      fmt::format("the log {} told two histories: {}; {}", options_.key.name(), evidence.message,
                  saved ? "evidence: " + *saved : saved.error().message),
      "keep the evidence and tell others who use the log");
}

// ---- binaries ----

Result<std::string> LogClient::fetch_record(std::string_view record) {
  const auto parsed = tlog::parse_build_record(record);
  if (!parsed) return usage_error("not a build's record: " + quoted(record));
  FoundBuild found;
  found.key = key_of_record(*parsed);
  found.size = parsed->size;
  found.sum = parsed->sum;
  if (found.size > kMaxBinary) return untrusted_error(found.sum + ": larger than any binary");
  return fetch(found);
}

Result<std::string> LogClient::fetch(const FoundBuild& found) {
  const std::string path =
      fmt::format("{}{}/{}.gz", format_key(found.key), found.sum, binary_name(found.key));
  GW_TRY(const std::string packed, fetch_file(path, found.size + found.size / 8 + kPackedExtra));
  auto bytes = mod::gunzip(packed, found.size);
  if (!bytes) return std::move(bytes).error().in(path);
  const std::string sum = format_binary_sum(sha256(*bytes));
  if (bytes->size() == found.size && sum == found.sum) return bytes;
  return untrusted_error(
      fmt::format("{}: the service sent {} bytes with the sum {}; the log says "
                  "{} and {}",
                  format_key(found.key), bytes->size(), sum, found.size, found.sum));
}

Result<std::string> LogClient::fetch_file(const std::string& path, std::uint64_t max_bytes) {
  // Pages lie beside the log.
  const std::string file = fmt::format("{}/{}", without_end(place_, "/tlog"), path);
  if (http_) return fetch_url(file, max_bytes);
  return os::read_file(file, max_bytes);
}

// In pieces, so that after a broken connection only a piece is fetched again.
Result<std::string> LogClient::fetch_url(const std::string& url, std::uint64_t max_bytes) {
  std::string out;
  int tries = 0;
  while (true) {
    net::HttpRequest request;
    request.url = url;
    request.headers = {{"Range", fmt::format("bytes={}-{}", out.size(), out.size() + kRange - 1)}};
    request.max_body = max_bytes;
    request.timeout = options_.wait;
    request.max_redirects = 3;
    const auto answer = http_->fetch_one(request);
    if (!answer) {
      if (answer.error().kind != ErrorKind::kUnavailable || ++tries >= kRangeTries) {
        return answer.error();
      }
      continue;
    }
    if (answer->status == 206) {
      tries = 0;
      out += answer->body;
      if (out.size() > max_bytes) return untrusted_error(url + ": more than the record says");
      if (answer->body.size() < kRange) return out;
      continue;
    }
    // It ended exactly where a piece did.
    if (answer->status == 416 && !out.empty()) return out;
    // A server that knows no ranges sends all of it.
    return net::require_ok(answer, request);
  }
}

}  // namespace gw::build
