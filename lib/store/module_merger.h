// Puts the records of one transaction into the tables module and version, module by module.
//
// Two passes, each in the order of the B-trees that it walks, so that every page is visited once a
// transaction however large the database and small SQLite's page cache: first all modules in the
// order of their paths, to find their ids in the index; then all in the order of their ids, the new
// ones last, and each one's versions in the order of its chunks. A module that gets only
// pseudo-versions leaves its release summary unread.
//
// What a module of the transaction needs lies all over what is staged, in none of the processor's
// caches: it is asked for some modules and records ahead (kFarAhead, kNearAhead). Where a good part
// of the index's paths are in the transaction, the index is walked from one to the next; elsewhere
// each is searched for.
//
// Memory: 4 bytes a record and at most 64 bytes a module of the transaction. Private to lib/store.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sqlite/sqlite.h"
#include "store/pending.h"
#include "store/version_chunk.h"
#include "store/writer.h"

namespace gw::store {

// Prepared once for a connection, run once a transaction.
class ModuleMerger {
 public:
  static Result<ModuleMerger> prepare(sqlite::Database& db);

  // kUnavailable when `keep_going` said no on the way.
  Status run(const PendingRecords& pending, const KeepGoing& keep_going);

  // Results of the last run.
  const std::vector<RepeatedVersion>& repeats() const { return repeats_; }
  std::uint64_t new_modules() const { return new_modules_; }
  // Module ids by index of the pending module; 0 is no id.
  const std::vector<std::uint64_t>& ids() const { return ids_; }

  void release_memory();

 private:
  struct Order {
    std::array<std::uint64_t, 3> start;  // the path's first 24 bytes
    std::uint32_t module;
  };
  struct Visit {
    std::uint64_t id;
    std::uint32_t module;
  };
  void sort_modules(const PendingRecords& pending);
  Status find_ids(const PendingRecords& pending, const KeepGoing& keep_going);
  // The id of the module, 0 for a new one; paths come in ascending order.
  Result<std::uint64_t> search_id(std::string_view path);
  Result<std::uint64_t> walk_to_id(std::string_view path);
  void order_visits();
  void group_records(const PendingRecords& pending);
  void load_added(const PendingRecords& pending, std::size_t end);
  Status insert_module(std::uint64_t id, std::string_view path);
  Status extend_module(std::uint64_t id, std::string_view path);
  Status extend_chunk(std::uint64_t id, std::string_view path, std::size_t& done);
  Status insert_chunk(std::uint64_t id, const ChunkRow& row);
  Status note_repeats(std::string_view path);
  // The summary with this module's new releases; none when nothing changes.
  Result<std::optional<std::string>> summarize(std::string_view path, std::string_view latest);

  sqlite::Statement find_module_;
  sqlite::Statement walk_modules_;
  sqlite::Statement load_latest_;
  sqlite::Statement insert_module_;
  sqlite::Statement update_latest_;
  sqlite::Statement find_chunk_;
  sqlite::Statement insert_chunk_;
  sqlite::Statement update_chunk_;
  sqlite::Statement max_id_of_;

  std::vector<Order> order_;
  std::vector<Visit> visits_;           // all modules by their ids, first those that were known
  std::vector<std::uint32_t> next_;     // by module: where its next record goes in grouped_
  std::vector<std::uint32_t> grouped_;  // all records by visit, as indexes of pending entries
  std::size_t loaded_ = 0;              // how many of them have been visited
  bool walking_ = false;                // walk_modules_ is at a row
  std::vector<VersionEntry> added_;     // those of the module at hand, sorted
  std::vector<VersionEntry> merged_;
  std::string chunk_key_, chunk_bytes_;
  VersionChunk chunk_;
  std::vector<ChunkRow> rows_;
  std::vector<Repeat> found_;
  std::vector<RepeatedVersion> repeats_;
  std::vector<std::uint64_t> ids_;
  std::uint64_t max_id_ = 0;  // before the transaction
  std::uint64_t new_modules_ = 0;
};

}  // namespace gw::store
