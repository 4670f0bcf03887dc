#include "store/gomod_fill.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "module/dirhash.h"
#include "module/goversion.h"
#include "module/releases.h"
#include "module/semver.h"
#include "store/packed_version.h"
#include "store/record_rows.h"
#include "store/version_chunk.h"
#include "tlog/go_log.h"
#include "tlog/tile.h"

namespace gw::store {
namespace {

// A module's newest version of v0 or v1 that is no pseudo-version, and what it is.
struct Newest {
  std::uint64_t record = 0;
  std::uint64_t module = 0;
  bool release = false;
};

// Calls `f` with each version of a chunk. False when the chunk is damaged.
template <class F>
bool each_version(std::string_view bytes, VersionChunk& chunk, const F& f) {
  if (!parse_chunk(bytes, chunk)) return false;
  for (const VersionEntry& entry : chunk.entries) {
    if (packed_is_pseudo(entry.packed)) continue;
    const auto version = unpack_version(entry.packed);
    if (!version) return false;
    f(*version, entry.record);
  }
  return true;
}

Result<std::vector<Newest>> newest_versions(sqlite::Database& db) {
  std::vector<Newest> all;
  std::string best;
  VersionChunk chunk;
  GW_TRY(sqlite::Statement s,
         db.prepare("SELECT module, data FROM version WHERE module != coalesce((SELECT id FROM "
                    "module WHERE path = ?), 0) ORDER BY module"));
  s.bind_text(1, mod::kToolchainModule);
  while (true) {
    GW_TRY(const bool row, s.step());
    if (!row) {
      if (!all.empty() && best.empty()) all.pop_back();
      return all;
    }
    const std::uint64_t module = s.u64(0);
    if (all.empty() || all.back().module != module || best.empty()) {
      if (!all.empty() && best.empty()) all.pop_back();  // the one before had none
      best.clear();
      all.push_back({0, module, false});
    }
    const bool good = each_version(s.bytes(1), chunk, [&](const std::string& text, auto record) {
      const auto v = mod::parse_semver(text);
      if (!v || v->incompatible || mod::compare_number(v->major, "1") > 0) return;
      if (mod::parse_pseudo_version(text)) return;
      if (!best.empty() && mod::compare_semver(*v, *mod::parse_semver(best)) <= 0) return;
      best = text;
      all.back() = {record, module, v->is_release()};
    });
    if (!good) return corrupt_error("the versions of a module are damaged");
  }
}

// The module's summary from all its versions; `newest` has a go.mod or not.
Result<std::string> summarize(sqlite::Statement& chunks, const Newest& newest, bool no_gomod) {
  mod::ReleaseSummary summary;
  VersionChunk chunk;
  chunks.bind(1, newest.module);
  while (true) {
    GW_TRY(const bool row, chunks.step());
    if (!row) break;
    const bool good = each_version(chunks.bytes(0), chunk, [&](const std::string& v, auto record) {
      summary.add(v, record, no_gomod && record == newest.record);
    });
    if (!good) return corrupt_error("the versions of a module are damaged");
  }
  chunks.reset();
  return summary.format();
}

}  // namespace

Status fill_gomod(sqlite::Database& db) {
  GW_TRY(std::vector<Newest> all, newest_versions(db));
  std::sort(all.begin(), all.end(),
            [](const Newest& a, const Newest& b) { return a.record < b.record; });
  GW_TRY(sqlite::Statement chunks, db.prepare("SELECT data FROM version WHERE module = ?"));
  GW_TRY(sqlite::Statement update, db.prepare("UPDATE module SET latest = ? WHERE id = ?"));
  std::vector<std::string> texts;
  std::uint64_t tile = ~std::uint64_t{0};
  for (const Newest& newest : all) {
    if (newest.record / tlog::kTileWidth != tile) {
      tile = newest.record / tlog::kTileWidth;
      GW_TRY(texts, load_records(db, tile));
    }
    const std::uint64_t at = newest.record % tlog::kTileWidth;
    const auto record = at < texts.size() ? tlog::parse_go_record(texts[at]) : std::nullopt;
    if (!record) return corrupt_error(fmt::format("record {} is missing", newest.record));
    const bool no_gomod =
        mod::hash_gomod(fmt::format("module {}\n", record->module)) == record->gomod_sum;
    // Of a release that has one the summary needs to say nothing.
    if (newest.release && !no_gomod) continue;
    GW_TRY(const std::string latest, summarize(chunks, newest, no_gomod));
    GW_CHECK(update.bind_text(1, latest).bind(2, newest.module).run());
  }
  // Who reads beside us is told as if by a commit, to read all again.
  return db.exec(
      "UPDATE log SET gomod_from = first_record, commits = commits + 1; "
      "INSERT INTO change(number, modules) SELECT commits, NULL FROM log");
}

}  // namespace gw::store
