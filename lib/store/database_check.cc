#include "store/database_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "base/text.h"
#include "module/goversion.h"
#include "module/releases.h"
#include "os/file.h"
#include "sqlite/sqlite.h"
#include "store/packed_version.h"
#include "store/record_rows.h"
#include "store/schema.h"
#include "store/version_chunk.h"
#include "tlog/checkpoint.h"
#include "tlog/go_log.h"
#include "tlog/hash.h"
#include "tlog/tile.h"
#include "tlog/tree.h"

namespace gw::store {
namespace {

// A summary without what a database of versions alone cannot tell: which of them have no go.mod.
std::string without_marks(std::string_view summary) {
  std::string out(summary);
  std::erase(out, '!');
  return out;
}

// Also without the prerelease in front, which programs before that did not keep.
std::string without_prerelease(std::string summary) {
  const std::size_t end = std::min(summary.find('='), summary.size());
  if (summary.substr(0, end).find('-') == std::string::npos) return summary;
  const std::size_t space = summary.find(' ');
  return space == std::string::npos ? "" : summary.substr(space + 1);
}

// Of a release and its record: equal sums of these tell equal sets, as far as accidents go.
std::uint64_t mark_of(std::string_view path, std::string_view version, std::uint64_t record) {
  const std::string text = fmt::format("{} {}", path, version);
  return std::hash<std::string_view>{}(text) * (2 * record + 1);
}

// The same of the record's own text: what is before its second blank.
std::uint64_t mark_of(std::string_view text, std::uint64_t record) {
  const std::size_t path = std::min(text.find(' '), text.size());
  const std::size_t version = std::min(text.find(' ', path + 1), text.size());
  return std::hash<std::string_view>{}(text.substr(0, version)) * (2 * record + 1);
}

class Inspection {
 public:
  Inspection(sqlite::Database& db, const std::function<bool()>& go_on) : db_(db), go_on_(go_on) {}
  Result<DatabaseFindings> run();

 private:
  struct SignedRoot {
    std::uint64_t size;
    Hash root;
  };

  void fault(std::string what) {
    if (found_.faults.size() < kMostFaults) found_.faults.push_back(std::move(what));
  }
  // An error of what is stored is a fault; others end the check.
  Status noted(Status status);
  Status may_go_on() const {
    return go_on_ && !go_on_() ? Status(unavailable_error("stopped")) : Status();
  }
  Status look_at_pages();
  Status look_at_heads();
  void look_at_head(const tlog::VerifierKey& key, std::uint64_t size, std::string_view root,
                    std::string_view note);
  Status look_at_tree();
  Status look_at_edge(const tlog::Frontier& tree, std::uint64_t tile);
  void compare_roots(const tlog::Frontier& tree, std::span<const Hash> leaves);
  Result<std::optional<std::vector<Hash>>> leaves_of(std::uint64_t tile, std::size_t count);
  Status look_at_records();
  void compare_versions(std::uint64_t tile, std::span<const std::string> texts);
  Status look_at_modules();
  Status look_at_module(std::uint64_t id, std::string_view path, std::string_view latest);
  Status look_at_others();
  void take_record(std::uint64_t record);
  std::string summary_of(std::string_view path) const;

  sqlite::Database& db_;
  const std::function<bool()>& go_on_;
  DatabaseFindings found_;
  LogState state_;
  tlog::Frontier start_, frontier_;
  std::vector<Hash> tail_;
  std::vector<SignedRoot> roots_;  // ascending
  std::size_t next_root_ = 0;
  std::vector<bool> seen_;                                       // by record number
  std::vector<std::uint64_t> marks_;                             // of versions, by tile
  std::vector<std::pair<std::string, std::uint64_t>> versions_;  // of the module at hand
  sqlite::Statement chunks_;
};

Status Inspection::noted(Status status) {
  if (status || (status.error().kind != ErrorKind::kCorrupt &&
                 status.error().kind != ErrorKind::kUntrusted)) {
    return status;
  }
  fault(status.error().message);
  return {};
}

Status Inspection::look_at_pages() {
  GW_TRY(sqlite::Statement s, db_.prepare("PRAGMA integrity_check(20)"));
  while (true) {
    GW_TRY(const bool row, s.step());
    if (!row) return {};
    // Of a damaged page one row has many lines, below a title.
    for (std::string_view rest = s.bytes(0); !rest.empty();) {
      const std::string_view line = take_line(rest);
      if (line != "ok" && !line.starts_with("***")) fault(std::string(line));
    }
  }
}

void Inspection::look_at_head(const tlog::VerifierKey& key, std::uint64_t size,
                              std::string_view root, std::string_view note) {
  const auto head = tlog::Checkpoint::open(note, key, format_of(state_.keep));
  if (!head) return fault(fmt::format("head of {} records: {}", size, head.error().message));
  if (head->size() != size || as_bytes(head->root()) != root) {
    return fault(fmt::format("head of {} records: its row is not what its note signs", size));
  }
  ++found_.heads;
}

Status Inspection::look_at_heads() {
  auto key = tlog::VerifierKey::parse(state_.log_key);
  if (!key) {
    fault("the log's key: " + key.error().message);
    return {};
  }
  for (const char* table : {"head", "unproven"}) {
    GW_TRY(sqlite::Statement s,
           db_.prepare(fmt::format("SELECT size, root, note FROM {} ORDER BY size", table)));
    while (true) {
      GW_TRY(const bool row, s.step());
      if (!row) break;
      look_at_head(*key, s.u64(0), s.bytes(1), s.bytes(2));
      if (std::string_view(table) == "head" && s.bytes(1).size() == sizeof(Hash)) {
        roots_.push_back({s.u64(0), hash_from_bytes(s.bytes(1))});
      }
    }
  }
  return {};
}

// The first leaf hashes of a tile; none when the database does not hold what that takes.
Result<std::optional<std::vector<Hash>>> Inspection::leaves_of(std::uint64_t tile,
                                                               std::size_t count) {
  std::optional<std::vector<Hash>> leaves;
  if (tile == state_.position / tlog::kTileWidth && count <= tail_.size()) {
    leaves.emplace(tail_.begin(), tail_.begin() + static_cast<std::ptrdiff_t>(count));
    return leaves;
  }
  if (state_.keep != Keep::kRecords) return leaves;
  GW_TRY(const auto texts, load_records(db_, tile));
  if (texts.size() < count) return leaves;
  leaves.emplace();
  for (std::size_t i = 0; i < count; ++i) leaves->push_back(tlog::leaf_hash(texts[i]));
  return leaves;
}

// Against the signed roots that lie in the tile behind `tree`, as far as `leaves` reach.
void Inspection::compare_roots(const tlog::Frontier& tree, std::span<const Hash> leaves) {
  tlog::Frontier at = tree;
  for (std::size_t i = 0; i <= leaves.size(); ++i) {
    if (i > 0) at.append(leaves[i - 1]);
    while (next_root_ < roots_.size() && roots_[next_root_].size < at.size()) ++next_root_;
    if (next_root_ == roots_.size() || roots_[next_root_].size != at.size()) continue;
    if (roots_[next_root_].root == at.root()) {
      ++found_.roots;
    } else {
      fault(fmt::format("the stored tree of {} records is not the one of its signed head",
                        at.size()));
    }
  }
}

// Roots within the tile that begins where `tree` ends.
Status Inspection::look_at_edge(const tlog::Frontier& tree, std::uint64_t tile) {
  const std::uint64_t end = std::min((tile + 1) * tlog::kTileWidth - 1, state_.position);
  while (next_root_ < roots_.size() && roots_[next_root_].size < tree.size()) ++next_root_;
  std::optional<std::uint64_t> last;
  for (std::size_t i = next_root_; i < roots_.size() && roots_[i].size <= end; ++i) {
    last = roots_[i].size;
  }
  if (!last) return {};
  GW_TRY(const auto leaves, leaves_of(tile, *last - tree.size()));
  compare_roots(tree, leaves ? std::span<const Hash>(*leaves) : std::span<const Hash>());
  return {};
}

Status Inspection::look_at_tree() {
  GW_TRY(sqlite::Statement log, db_.prepare("SELECT start, frontier, tail FROM log"));
  GW_TRY(const bool there, log.step());
  if (!there) return corrupt_error("the table log is empty");
  GW_TRY(start_, tlog::Frontier::parse(state_.first_record, log.bytes(0)));
  GW_TRY(frontier_, tlog::Frontier::parse(state_.position, log.bytes(1)));
  auto tail = tlog::parse_hashes(log.bytes(2));
  if (!tail) return corrupt_error("the hashes of the last tile are damaged");
  tail_ = *std::move(tail);
  tlog::Frontier tree = start_;
  const std::uint64_t full = state_.position / tlog::kTileWidth;
  GW_TRY(sqlite::Statement rows, db_.prepare("SELECT n, hashes FROM level1 ORDER BY n"));
  while (true) {
    GW_TRY(const bool row, rows.step());
    if (!row) break;
    GW_CHECK(may_go_on());
    const auto hashes = tlog::parse_hashes(rows.bytes(1));
    if (!hashes || rows.u64(0) != tree.size() / tlog::kTileWidth / tlog::kTileWidth) {
      return corrupt_error(fmt::format("the level-1 entries of row {} are damaged", rows.u64(0)));
    }
    for (const Hash& hash : *hashes) {
      GW_CHECK(look_at_edge(tree, tree.size() / tlog::kTileWidth));
      tree.append_subtree(tlog::kTileHeight, hash);
    }
  }
  if (tree.size() != full * tlog::kTileWidth) {
    return corrupt_error(fmt::format("there are level-1 entries of {} records, not of {}",
                                     tree.size(), full * tlog::kTileWidth));
  }
  GW_CHECK(look_at_edge(tree, full));
  for (const Hash& leaf : tail_) tree.append(leaf);
  if (tree != frontier_) {
    return corrupt_error("the level-1 entries do not give the tree that is stored");
  }
  return {};
}

// Whether the versions of modules that are told of a tile's records are those of their texts. Of
// records that repeat one, none is told.
void Inspection::compare_versions(std::uint64_t tile, std::span<const std::string> texts) {
  const std::uint64_t begin = tile * tlog::kTileWidth;
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const std::uint64_t at = begin + i - state_.first_record;
    if (at < seen_.size() && seen_[at]) sum += mark_of(texts[i], begin + i);
  }
  const std::uint64_t at = tile - state_.first_record / tlog::kTileWidth;
  if (at < marks_.size() && marks_[at] != sum) {
    fault(fmt::format("the versions of the records of tile {} are not those of their texts", tile));
  }
}

// Every record's text into its tile's root.
Status Inspection::look_at_records() {
  if (state_.keep != Keep::kRecords) return {};
  GW_TRY(sqlite::Statement s, db_.prepare("SELECT hashes FROM level1 WHERE n = ?"));
  const std::uint64_t first = state_.first_record / tlog::kTileWidth;
  for (std::uint64_t tile = first; tile * tlog::kTileWidth < state_.position; ++tile) {
    GW_CHECK(may_go_on());
    const auto texts = load_records(db_, tile);
    if (!texts) {
      GW_CHECK(noted(texts.error()));
      continue;
    }
    std::vector<Hash> leaves;
    for (const std::string& text : *texts) leaves.push_back(tlog::leaf_hash(text));
    bool good = false;
    if (leaves.size() == tlog::kTileWidth) {
      GW_TRY(const bool row, s.bind(1, tile / tlog::kTileWidth).step());
      const std::uint64_t row_first = std::max(tile / tlog::kTileWidth * tlog::kTileWidth, first);
      const std::size_t at = (tile - row_first) * sizeof(Hash);
      good = row && s.bytes(0).size() >= at + sizeof(Hash) &&
             hash_from_bytes(s.bytes(0).substr(at, sizeof(Hash))) == tlog::subtree_root(leaves);
      s.reset();
    } else {
      good = tile == state_.position / tlog::kTileWidth && leaves == tail_;
    }
    if (good) {
      found_.hashed += leaves.size();
      compare_versions(tile, *texts);
    } else {
      fault(fmt::format("the records of tile {} are not those of the log's tree", tile));
    }
  }
  return {};
}

void Inspection::take_record(std::uint64_t record) {
  if (record < state_.first_record || record >= state_.position) {
    return fault(fmt::format("record {} is beyond the database's {}", record, state_.position));
  }
  if (seen_[record - state_.first_record]) {
    return fault(fmt::format("record {} is there twice", record));
  }
  seen_[record - state_.first_record] = true;
  ++found_.records;
}

std::string Inspection::summary_of(std::string_view path) const {
  mod::ReleaseSummary releases;
  mod::ToolchainSummary toolchains;
  const bool toolchain = path == mod::kToolchainModule;
  for (const auto& [version, record] : versions_) {
    if (toolchain) {
      toolchains.add(version, record);
    } else {
      releases.add(version, record);
    }
  }
  return toolchain ? toolchains.format() : releases.format();
}

Status Inspection::look_at_module(std::uint64_t id, std::string_view path,
                                  std::string_view latest) {
  if (!tlog::is_record_module(path)) {
    fault(fmt::format("module {} is called {}, which no record can name", id, quoted(path)));
  }
  versions_.clear();
  VersionChunk chunk;
  std::string first;  // where the next chunk is to begin
  bool more = true;   // whether there is to be one
  chunks_.bind(1, id);
  while (true) {
    GW_TRY(const bool row, chunks_.step());
    if (!row) break;
    bool good = more && chunks_.bytes(0) == first && parse_chunk(chunks_.bytes(1), chunk);
    for (std::size_t i = 0; good && i < chunk.entries.size(); ++i) {
      const auto version = unpack_version(chunk.entries[i].packed);
      good = version.has_value();
      if (!good) break;
      const std::uint64_t record = chunk.entries[i].record;
      take_record(record);
      if (record >= state_.first_record && record < state_.position && !marks_.empty()) {
        marks_[(record - state_.first_record) / tlog::kTileWidth] +=
            mark_of(path, *version, record);
      }
      versions_.emplace_back(*version, chunk.entries[i].record);
    }
    if (!good) {
      chunks_.reset();
      fault(fmt::format("the versions of module {} are damaged", quoted(path)));
      return {};
    }
    first = chunk.upper;
    more = !first.empty();
  }
  std::string stored = without_marks(latest);
  std::string made = summary_of(path);
  if (state_.gomod_unknown()) {
    stored = without_prerelease(std::move(stored));
    made = without_prerelease(std::move(made));
  }
  if (more || versions_.empty() || stored != made) {
    fault(fmt::format("the latest versions of module {} are not those of its versions",
                      quoted(path)));
  }
  return {};
}

Status Inspection::look_at_modules() {
  GW_TRY(chunks_, db_.prepare("SELECT first, data FROM version WHERE module = ? ORDER BY first"));
  GW_TRY(sqlite::Statement s, db_.prepare("SELECT id, path, latest FROM module ORDER BY id"));
  while (true) {
    GW_TRY(const bool row, s.step());
    if (!row) break;
    if (++found_.modules % 4096 == 0) GW_CHECK(may_go_on());
    GW_CHECK(look_at_module(s.u64(0), s.bytes(1), s.bytes(2)));
  }
  if (found_.modules != state_.modules) {
    fault(fmt::format("{} modules are there, not {}", found_.modules, state_.modules));
  }
  GW_TRY(const std::int64_t strays,
         db_.integer("SELECT count(*) FROM version WHERE module NOT IN (SELECT id FROM module)"));
  if (strays > 0) fault("there are versions of no module");
  return {};
}

// Records that are no versions of modules, and those that repeat one.
Status Inspection::look_at_others() {
  for (const char* table : {"irregular", "build"}) {
    GW_TRY(sqlite::Statement s, db_.prepare(fmt::format("SELECT record FROM {}", table)));
    while (true) {
      GW_TRY(const bool row, s.step());
      if (!row) break;
      take_record(s.u64(0));
    }
  }
  const std::uint64_t all = found_.records + state_.duplicates + state_.conflicts;
  if (all != state_.records) {
    fault(fmt::format("{} records and {} repeated ones are there, not {}", found_.records,
                      state_.duplicates + state_.conflicts, state_.records));
  }
  return {};
}

Result<DatabaseFindings> Inspection::run() {
  GW_CHECK(noted(look_at_pages()));
  // What the pages are wrong about is read no further.
  if (!found_.faults.empty()) return std::move(found_);
  auto state = load_state(db_);
  if (!state) {
    GW_CHECK(noted(state.error()));
    return std::move(found_);
  }
  state_ = *std::move(state);
  // A damaged number must become neither memory nor time: there is a hash for each whole tile.
  GW_TRY(const std::int64_t hashes,
         db_.integer("SELECT coalesce(sum(length(hashes)), 0) FROM level1"));
  const std::uint64_t tiles = static_cast<std::uint64_t>(hashes) / sizeof(Hash);
  if (state_.records / tlog::kTileWidth > tiles + 1) {
    fault(fmt::format("of {} records, the hashes of {} tiles alone are there", state_.records,
                      tiles));
    return std::move(found_);
  }
  seen_.assign(state_.records, false);
  if (state_.keep == Keep::kRecords) marks_.assign(state_.records / tlog::kTileWidth + 1, 0);
  GW_CHECK(noted(look_at_heads()));
  GW_CHECK(noted(look_at_tree()));
  GW_CHECK(noted(look_at_modules()));
  GW_CHECK(noted(look_at_records()));
  GW_CHECK(noted(look_at_others()));
  return std::move(found_);
}

}  // namespace

Result<DatabaseFindings> check_database(const std::string& path,
                                        const std::function<bool()>& go_on) {
  if (!os::file_exists(path)) return not_found_error(path + ": no database there");
  if (!os::is_regular_file(path)) return usage_error(path + ": not a regular file");
  const auto run = [&]() -> Result<DatabaseFindings> {
    GW_TRY(sqlite::Database db, sqlite::Database::open(path, sqlite::Database::Mode::kRead));
    DatabaseFindings damaged;
    auto version = check_schema(db);
    if (!version && version.error().kind == ErrorKind::kCorrupt) {
      damaged.faults.push_back(version.error().message);
      return damaged;
    }
    if (!version) return std::move(version).error();
    if (*version == 0) return not_found_error("no head of a log has been stored yet");
    if (*version != schema_version()) {
      return usage_error(fmt::format("its schema has version {}, this gwtool checks {}", *version,
                                     schema_version()),
                         "start gwtool follow-tlog on it: it brings it up to date");
    }
    GW_CHECK(db.exec("PRAGMA cache_size = -16384; BEGIN"));
    return Inspection(db, go_on).run();
  };
  auto found = run();
  if (!found) return std::move(found).error().in(path);
  return found;
}

}  // namespace gw::store
