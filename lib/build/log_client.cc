#include "build/log_client.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/text.h"
#include "build/logged_binary.h"
#include "module/semver.h"
#include "net/http.h"
#include "net/source.h"
#include "os/file.h"
#include "tlog/build_log.h"
#include "tlog/evidence.h"
#include "tlog/lookup.h"
#include "tlog/remembered_head.h"

namespace gw::build {

namespace {

bool is_url(std::string_view place) { return place.find("://") != std::string_view::npos; }

}  // namespace

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
  source_options.patience = options.wait;
  source_options.headers = options.headers;
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
  auto fetched = source_->fetch({&request, 1}).at(0);
  // A service says in plain text why it has none, which the message then has behind the status.
  if (!fetched && fetched.error().kind == ErrorKind::kNotFound && fetched.error().hint.empty() &&
      (!http_ || fetched.error().message.find(": status 404: ") == std::string::npos)) {
    fetched.error().hint =
        "files of a copied log do not say what is newest: there name the version, and --go";
  }
  if (!fetched) return with_place(std::move(fetched).error());
  const std::string& reply = *fetched;
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
  auto fetched = client_.fetch_latest();
  if (!fetched) return with_place(std::move(fetched).error());
  tlog::Checkpoint head = *std::move(fetched);
  GW_TRY([[maybe_unused]] const std::string newest, remember(head));
  return head;
}

Result<std::string> LogClient::checkpoint_of(const tlog::Checkpoint& head,
                                             const tlog::VerifierKey& key) {
  const tlog::FetchRequest request{"checkpoint", tlog::kMaxNoteBytes};
  const auto note = source_->fetch({&request, 1}).at(0);
  if (!note && note.error().kind == ErrorKind::kNotFound) return std::string();
  if (!note) return note.error();
  auto text = tlog::open_note(*note, key);
  if (!text) return std::move(text).error().in("checkpoint");
  // From here on it is the log's word. Witnesses may need a while: one that is behind is left out.
  std::string_view rest = *text;
  if (take_line(rest) != key.name()) return untrusted_error("checkpoint: of another log");
  if (take_line(rest) != std::to_string(head.size())) return std::string();
  if (text->starts_with(tlog::format_tree_text(key.name(), head.size(), head.root()))) return *note;
  return untrusted_error(
      fmt::format("checkpoint: another tree of {} records than `latest` has", head.size()),
      "the log tells two histories: keep both heads and tell others who use it");
}

Result<ProvenBuild> LogClient::find(const Key& key) {
  auto found =
      prove_build(client_, key, [this](const tlog::Checkpoint& head) { return remember(head); });
  return found ? std::move(found) : with_place(std::move(found).error());
}

// Who gives a service's address in the place of its log's is told so, or a copy's directory.
Error LogClient::with_place(Error error) const {
  if (!error.hint.empty()) return error;
  if (!http_) {
    const std::string inside = place_ + "/tlog";
    if (os::file_exists(inside + "/latest")) error.hint = "the log is in " + inside;
    return error;
  }
  const std::string pages = pages_place(place_ + "/");
  if (net::is_not_there(error) && place_.find("/tlog", pages.size()) == std::string::npos) {
    error.hint =
        fmt::format("the log of a build service is below /tlog: perhaps at {}/tlog", pages);
  }
  return error;
}

// Compares with the head of earlier calls, and leaves the larger one.
Result<std::string> LogClient::remember(const tlog::Checkpoint& head) {
  const std::string path = options_.state + "/head";
  GW_TRY(auto file, tlog::RememberedHead::open(path));
  while (true) {
    auto newest = newest_head(client_, file.note(), head, "remembered in " + path);
    if (!newest) return keep_evidence(newest.error());
    if (file.note() && *newest == *file.note()) return newest;
    // False when another call left another head meanwhile.
    GW_TRY(const bool saved, file.save(*newest));
    if (saved) return newest;
  }
}

Error LogClient::keep_evidence(const Error& error) const {
  const tlog::Contradiction* found = tlog::find_contradiction(error);
  if (found == nullptr) return error;
  const auto saved =
      tlog::save_evidence(tlog::evidence_json(found->evidence, options_.key.format(), clock_.now()),
                          options_.state + "/evidence", clock_.now());
  return untrusted_error(
      fmt::format("the log {} told two histories: {}; {}", options_.key.name(),
                  found->evidence.message, saved ? "evidence: " + *saved : saved.error().message),
      "keep the evidence and tell others who use the log");
}

// ---- binaries ----

Result<std::string> LogClient::fetch_record(std::string_view record) {
  const auto parsed = tlog::parse_build_record(record);
  if (!parsed) return usage_error("not a build's record: " + quoted(record));
  return fetch_binary(key_of_record(*parsed), LoggedBinary(*parsed));
}

Status LogClient::check_unpacked(std::string_view record) {
  const auto parsed = tlog::parse_build_record(record);
  if (!parsed) return usage_error("not a build's record: " + quoted(record));
  const LoggedBinary logged(*parsed);
  if (logged.size > kMaxBinaryBytes) return untrusted_error("larger than any binary");
  const std::string path = binary_path(key_of_record(*parsed), parsed->sum);
  auto fetched = fetch_file(path, logged.size);
  if (!fetched && fetched.error().kind == ErrorKind::kNotFound) return {};
  GW_TRY(const std::string bytes, std::move(fetched));
  Status same = check_logged(bytes, logged);
  return same ? same : std::move(same).error().in(path);
}

Result<std::string> LogClient::fetch(const ProvenBuild& found) {
  return fetch_binary(found.key(), {found.size(), found.sum()});
}

Result<std::string> LogClient::fetch_binary(const Key& key, const LoggedBinary& logged) {
  if (logged.size > kMaxBinaryBytes) {
    return untrusted_error(format_key(key) + ": larger than any binary");
  }
  const std::string path = binary_path(key, logged.sum, true);
  GW_TRY(const std::string packed, fetch_file(path, max_packed_size(logged)));
  auto bytes = unpack_logged(packed, logged);
  return bytes ? std::move(bytes) : std::move(bytes).error().in(path);
}

Result<std::string> LogClient::fetch_file(const std::string& path, std::uint64_t max_bytes) {
  const std::string place = fmt::format("{}/{}", pages_place(place_), path);
  if (!http_) return os::read_file(place, max_bytes);
  FileRequest file;
  file.url = place;
  file.size = max_bytes;
  file.exact = false;
  file.timeout = options_.wait;
  file.patience = options_.wait;
  file.stop = options_.http.stop;
  std::string out;
  GW_CHECK(download(*http_, file, [&](std::string_view bytes) -> Status {
    out += bytes;
    return {};
  }));
  return out;
}

}  // namespace gw::build
