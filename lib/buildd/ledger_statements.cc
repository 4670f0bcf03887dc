#include "buildd/ledger_statements.h"

#include <fmt/format.h>

namespace gw::buildd {

namespace {

constexpr std::int64_t kApplicationId = 0x67776264;  // "gwbd"
constexpr std::int64_t kVersion = 1;

constexpr const char* kSchema = R"sql(
CREATE TABLE record(
  number INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  text TEXT NOT NULL,
  module TEXT NOT NULL,
  sha256 BLOB NOT NULL,
  packed_size INTEGER NOT NULL,
  packed_sha256 BLOB NOT NULL,
  made_at INTEGER NOT NULL,
  log BLOB NOT NULL
) STRICT;
CREATE INDEX record_module ON record(module, number);
CREATE TABLE hash(
  level INTEGER NOT NULL,
  n INTEGER NOT NULL,
  hash BLOB NOT NULL,
  PRIMARY KEY(level, n)
) STRICT, WITHOUT ROWID;
CREATE TABLE failure(
  key TEXT PRIMARY KEY,
  reason TEXT NOT NULL,
  message TEXT NOT NULL,
  hint TEXT NOT NULL,
  failed_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  log BLOB NOT NULL
) STRICT;
CREATE INDEX failure_expires ON failure(expires_at);
)sql";

constexpr std::string_view kBuiltColumns =
    "SELECT number, key, text, module, sha256, packed_size, packed_sha256, made_at FROM record ";

Status create_or_check(sqlite::Database& db) {
  GW_TRY(const std::int64_t id, db.integer("PRAGMA application_id"));
  GW_TRY(const std::int64_t tables, db.integer("SELECT count(*) FROM sqlite_schema"));
  if (id == 0 && tables == 0) {
    GW_TRY(auto transaction, sqlite::Transaction::begin(db));
    GW_CHECK(db.exec(kSchema));
    GW_CHECK(db.exec(fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}",
                                 kApplicationId, kVersion)));
    return transaction.commit();
  }
  GW_TRY(const std::int64_t version, db.integer("PRAGMA user_version"));
  if (id != kApplicationId) return usage_error(db.path() + ": not a build service's database");
  if (version != kVersion) {
    return usage_error(fmt::format("{}: written by another version of gwtool", db.path()));
  }
  return {};
}

}  // namespace

Status Ledger::Writer::open(const std::string& path, const std::string& vfs) {
  GW_TRY(db, sqlite::Database::open(path, sqlite::Database::Mode::kCreate, vfs));
  // What is committed is on the disk: a signed head must never be ahead of it.
  GW_CHECK(db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL"));
  GW_CHECK(create_or_check(db));
  GW_TRY(record, db.prepare("INSERT INTO record(number, key, text, module, sha256, packed_size, "
                            "packed_sha256, made_at, log) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)"));
  GW_TRY(hash, db.prepare("INSERT INTO hash(level, n, hash) VALUES(?, ?, ?)"));
  GW_TRY(count, db.prepare("SELECT coalesce(max(number) + 1, 0) FROM record"));
  GW_TRY(save_failure,
         db.prepare("INSERT OR REPLACE INTO failure(key, reason, message, hint, failed_at, "
                    "expires_at, log) VALUES(?, ?, ?, ?, ?, ?, ?)"));
  GW_TRY(forget_failure, db.prepare("DELETE FROM failure WHERE key = ?"));
  GW_TRY(forget_expired, db.prepare("DELETE FROM failure WHERE expires_at <= ?"));
  return {};
}

Status Ledger::Reader::open(const std::string& path, const std::string& vfs) {
  GW_TRY(db, sqlite::Database::open(path, sqlite::Database::Mode::kRead, vfs));
  const std::string columns(kBuiltColumns);
  GW_TRY(size, db.prepare("SELECT coalesce(max(number) + 1, 0) FROM record"));
  GW_TRY(hashes, db.prepare("SELECT hash FROM hash WHERE level = ? AND n >= ? AND n < ? "
                            "ORDER BY n"));
  GW_TRY(records, db.prepare("SELECT text FROM record WHERE number >= ? AND number < ? "
                             "ORDER BY number"));
  GW_TRY(find, db.prepare("SELECT number FROM record WHERE key = ?"));
  GW_TRY(built, db.prepare(columns + "WHERE key = ?"));
  GW_TRY(range, db.prepare(columns + "WHERE number >= ? ORDER BY number LIMIT ?"));
  GW_TRY(log, db.prepare("SELECT log FROM record WHERE number = ?"));
  GW_TRY(recent, db.prepare(columns + "ORDER BY number DESC LIMIT ?"));
  GW_TRY(of_module, db.prepare(columns + "WHERE module = ? ORDER BY record.number DESC LIMIT ?"));
  GW_TRY(of_version,
         db.prepare(columns + "WHERE key >= ? AND key < ? ORDER BY record.number DESC LIMIT ?"));
  GW_TRY(failure, db.prepare("SELECT reason, message, hint, failed_at, expires_at, log FROM "
                             "failure WHERE key = ? AND expires_at > ?"));
  GW_TRY(failures, db.prepare("SELECT key, reason, message, hint, failed_at, expires_at FROM "
                              "failure WHERE expires_at > ? ORDER BY failed_at DESC LIMIT ?"));
  return {};
}

}  // namespace gw::buildd
