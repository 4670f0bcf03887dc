// The tables, their versions, and whether a file is ours at all. Private to lib/store.
//
//   log        one row: which log, how far, the right edge of the tree, counters (`modules` counts
//              builds with keep=builds), the alarm, a random identity
//   head       every accepted signed head; the newest is the one aimed at
//   module     path and release summary (mod::ReleaseSummary)
//   version    versions and record numbers of a module, packed (version_chunk.h)
//   sums       keep=records: one row a data tile; per record module id (0: see irregular), packed
//              version, two sums of 32 bytes: the record's text can be rebuilt from it
//   irregular  records of another form than the log's, verbatim
//   build      keep=builds: every record by its key, its text verbatim with the last line feed; of
//              several with one key the first. Read by monitors, too: its columns are in the
//              manual.
//   level1     roots of full 256-record subtrees, 256 of them a row
//   change     which modules each of the last commits touched; NULL: too many, scan again
//   conflict   versions that the log has twice with different sums, and when that was accepted
//   post       heads that have yet to be posted to an address
//   unproven   signed heads that could not be compared with ours yet
//
// All integers are SQLite's; times are Unix seconds; module ids of a `change` row are varints, each
// the difference to the one before.
#pragma once

#include <span>

#include "base/result.h"
#include "sqlite/sqlite.h"
#include "store/types.h"

namespace gw::store {

inline constexpr std::int64_t kApplicationId = 0x67777431;  // "gwt1"

// One step from user_version i to i + 1 each.
std::span<const char* const> schema_migrations();
std::int64_t schema_version();
// What this program can read without bringing it up to date.
inline constexpr std::int64_t kOldestReadable = 1;
// The first whose modules say which versions have no go.mod.
inline constexpr std::int64_t kGomodVersion = 3;

// The file's schema version; 0 for an empty file. kUsage for another program's database and for a
// schema newer than this program's (both numbers).
Result<std::int64_t> check_schema(sqlite::Database& db);

// Brings version `from` up to date. To be called in a transaction.
Status migrate_schema(sqlite::Database& db, std::int64_t from);

// The log row and the heads it refers to.
Result<LogState> load_state(sqlite::Database& db);
Result<std::optional<Head>> load_head(sqlite::Database& db, std::uint64_t size);

}  // namespace gw::store
