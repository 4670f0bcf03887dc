#include "store/schema.h"

#include <fmt/format.h>

#include <array>
#include <string>

#include "base/bytes.h"
#include "tlog/note.h"

namespace gw::store {
namespace {

constexpr const char* kVersion1 = R"sql(
CREATE TABLE log(
  only INTEGER PRIMARY KEY CHECK(only = 1),
  name TEXT NOT NULL,
  key TEXT NOT NULL,
  keep TEXT NOT NULL,
  first_record INTEGER NOT NULL,
  start BLOB NOT NULL,
  position INTEGER NOT NULL,
  frontier BLOB NOT NULL,
  tail BLOB NOT NULL,
  target INTEGER,
  reached INTEGER,
  checked_at INTEGER,
  modules INTEGER NOT NULL DEFAULT 0,
  duplicates INTEGER NOT NULL DEFAULT 0,
  conflicts INTEGER NOT NULL DEFAULT 0,
  irregular INTEGER NOT NULL DEFAULT 0,
  commits INTEGER NOT NULL DEFAULT 0,
  alarm_kind TEXT,
  alarm_message TEXT,
  alarm_evidence TEXT,
  alarm_at INTEGER
) STRICT;
CREATE TABLE head(
  size INTEGER PRIMARY KEY,
  root BLOB NOT NULL,
  note BLOB NOT NULL,
  accepted_at INTEGER NOT NULL
) STRICT;
CREATE TABLE module(
  id INTEGER PRIMARY KEY,
  path TEXT NOT NULL UNIQUE,
  latest TEXT NOT NULL
) STRICT;
CREATE TABLE version(
  module INTEGER NOT NULL,
  first BLOB NOT NULL,
  data BLOB NOT NULL,
  PRIMARY KEY(module, first)
) STRICT, WITHOUT ROWID;
CREATE TABLE sums(tile INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;
CREATE TABLE irregular(record INTEGER PRIMARY KEY, text BLOB NOT NULL) STRICT;
CREATE TABLE level1(n INTEGER PRIMARY KEY, hashes BLOB NOT NULL) STRICT;
CREATE TABLE change(number INTEGER PRIMARY KEY, modules BLOB) STRICT;
CREATE TABLE conflict(
  record INTEGER PRIMARY KEY,
  first INTEGER NOT NULL,
  module TEXT NOT NULL,
  version TEXT NOT NULL,
  cleared_at INTEGER
) STRICT;
CREATE TABLE post(id INTEGER PRIMARY KEY, url TEXT NOT NULL, size INTEGER NOT NULL) STRICT;
)sql";

// Only databases of build logs, which are no older, have something in it.
constexpr const char* kVersion2 = R"sql(
CREATE TABLE build(record INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, text TEXT NOT NULL) STRICT;
)sql";

// What is in `module` says since then, too, which versions have no go.mod (module/releases.h).
constexpr const char* kVersion3 = R"sql(
ALTER TABLE log ADD COLUMN identity BLOB;
ALTER TABLE log ADD COLUMN gomod_from INTEGER NOT NULL DEFAULT 0;
UPDATE log SET identity = randomblob(16), gomod_from = position;
)sql";

// Signed heads that wait for the tree to get to their size.
constexpr const char* kVersion4 = R"sql(
CREATE TABLE unproven(
  size INTEGER NOT NULL,
  root BLOB NOT NULL,
  note BLOB NOT NULL,
  origin TEXT NOT NULL,
  seen_at INTEGER NOT NULL,
  PRIMARY KEY(size, root)
) STRICT, WITHOUT ROWID;
)sql";

constexpr std::array<const char*, 4> kMigrations = {kVersion1, kVersion2, kVersion3, kVersion4};

// A reader does not bring an older database up to date.
Result<std::uint64_t> count_unproven(sqlite::Database& db) {
  GW_TRY(const std::int64_t there,
         db.integer("SELECT count(*) FROM sqlite_schema WHERE name = 'unproven'"));
  if (there == 0) return std::uint64_t{0};
  GW_TRY(const std::int64_t count, db.integer("SELECT count(*) FROM unproven"));
  return static_cast<std::uint64_t>(count);
}

}  // namespace

std::span<const char* const> schema_migrations() { return kMigrations; }

std::int64_t schema_version() { return static_cast<std::int64_t>(kMigrations.size()); }

namespace {

Error newer_schema(std::int64_t version) {
  return usage_error(fmt::format("its schema has version {}, this gwtool knows versions up to {}",
                                 version, schema_version()),
                     "use the newer gwtool that wrote it");
}

}  // namespace

Result<std::int64_t> check_schema(sqlite::Database& db) {
  GW_TRY(const std::int64_t application, db.integer("PRAGMA application_id"));
  GW_TRY(const std::int64_t version, db.integer("PRAGMA user_version"));
  if (application == kApplicationId) {
    if (version > schema_version()) return newer_schema(version);
    if (version < 1) return corrupt_error(fmt::format("its schema has version {}", version));
    return version;
  }
  GW_TRY(const std::int64_t tables, db.integer("SELECT count(*) FROM sqlite_schema"));
  if (application != 0 || version != 0 || tables != 0) {
    return usage_error("an SQLite database of another program, not of gwtool follow-tlog");
  }
  return std::int64_t{0};
}

Status migrate_schema(sqlite::Database& db, std::int64_t from) {
  for (std::int64_t v = from; v < schema_version(); ++v) {
    GW_CHECK(db.exec(kMigrations[static_cast<std::size_t>(v)]));
  }
  GW_CHECK(db.exec(fmt::format("PRAGMA application_id = {}", kApplicationId)));
  return db.exec(fmt::format("PRAGMA user_version = {}", schema_version()));
}

Result<std::optional<Head>> load_head(sqlite::Database& db, std::uint64_t size) {
  GW_TRY(sqlite::Statement s,
         db.prepare("SELECT root, CASE WHEN length(note) <= ? THEN note END, accepted_at "
                    "FROM head WHERE size = ?"));
  GW_TRY(const bool found, s.bind(1, tlog::kMaxNoteBytes).bind(2, size).step());
  if (!found) return std::optional<Head>();
  if (s.bytes(0).size() != sizeof(Hash)) return corrupt_error("a stored head has a damaged root");
  if (s.is_null(1)) return corrupt_error("a stored head has a note that is too long");
  Head head;
  head.size = size;
  head.root = hash_from_bytes(s.bytes(0));
  head.note = s.bytes(1);
  head.accepted = from_unix(s.integer(2));
  return std::optional<Head>(std::move(head));
}

Result<LogState> load_state(sqlite::Database& db) {
  GW_TRY(const std::int64_t version, db.integer("PRAGMA user_version"));
  // A newer gwtool may have migrated what was open here already.
  if (version > schema_version()) return newer_schema(version);
  const std::string_view newer =
      version >= kGomodVersion ? "identity, gomod_from" : "NULL, position";
  GW_TRY(sqlite::Statement s,
         db.prepare(fmt::format(
             "SELECT name, key, keep, first_record, position, target, reached, checked_at, "
             "modules, duplicates, conflicts, irregular, commits, alarm_kind, alarm_message, "
             "alarm_evidence, alarm_at, (SELECT count(*) FROM post), {} FROM log",
             newer)));
  GW_TRY(const bool found, s.step());
  if (!found) return corrupt_error("the table log is empty");
  LogState state;
  state.log_name = s.bytes(0);
  state.log_key = s.bytes(1);
  const auto keep = parse_keep(s.bytes(2));
  if (!keep) return corrupt_error("unknown keep mode " + quoted(s.bytes(2)));
  state.keep = *keep;
  state.first_record = s.u64(3);
  state.position = s.u64(4);
  if (state.position < state.first_record) return corrupt_error("position below the first record");
  state.records = state.position - state.first_record;
  // They say how much is loaded.
  if (s.u64(8) > state.records) {
    return corrupt_error(fmt::format("{} modules in {} records", s.u64(8), state.records));
  }
  if (!s.is_null(5)) {
    GW_TRY(state.target, load_head(db, s.u64(5)));
    if (!state.target) return corrupt_error("the head aimed at is missing");
    if (state.position > state.target->size) {
      return corrupt_error(
          fmt::format("a position of {} records is beyond the head", state.position));
    }
  }
  if (!s.is_null(6)) {
    GW_TRY(state.reached, load_head(db, s.u64(6)));
    if (!state.reached) return corrupt_error("the head reached is missing");
  }
  if (!s.is_null(7)) state.checked = from_unix(s.integer(7));
  (state.keep == Keep::kBuilds ? state.builds : state.modules) = s.u64(8);
  state.duplicates = s.u64(9);
  state.conflicts = s.u64(10);
  state.irregular = s.u64(11);
  state.commit = s.u64(12);
  if (!s.is_null(13)) {
    state.alarm = Alarm{std::string(s.bytes(13)), std::string(s.bytes(14)),
                        std::string(s.bytes(15)), from_unix(s.integer(16))};
  }
  state.pending_gossip = s.u64(17);
  state.identity = s.bytes(18);
  state.gomod_from = s.u64(19);
  GW_TRY(state.unproven, count_unproven(db));
  return state;
}

}  // namespace gw::store
