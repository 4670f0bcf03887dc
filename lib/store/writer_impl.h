// What Writer's two files share: writer.cc opens the database and keeps heads, alarms and posts,
// writer_commit.cc stores records.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "os/file.h"
#include "sqlite/sqlite.h"
#include "store/module_merger.h"
#include "store/writer.h"
#include "tlog/tile.h"

namespace gw::store {

inline constexpr std::uint64_t kTile = tlog::kTileWidth;

struct Writer::Impl {
  Impl(std::string p, WriterOptions o, os::LockFile l)
      : path(std::move(p)), options(std::move(o)), lock(std::move(l)) {}
  ~Impl() {
    if (!ours) lock.remove_if_new();
    // While somebody reads, SQLite leaves the log of changes as it is at the end: without it a copy
    // of the file alone would lack the last commits. It waits for nobody, and may fail.
    if (static_cast<bool>(db)) (void)db.exec("PRAGMA wal_checkpoint(PASSIVE)");
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  std::string path;
  WriterOptions options;
  os::LockFile lock;
  // Which file that is: the name may be another's later.
  dev_t device = 0;
  ino_t inode = 0;
  bool ours = false;    // there is a database, and it is none of another program
  sqlite::Database db;  // closed until there is a database
  LogState state;
  tlog::Frontier start, frontier;
  std::vector<Hash> tail;
  std::optional<ModuleMerger> merger;

  Status open_existing();
  Status configure();
  Status create();
  Status change(const std::function<Status(bool fresh)>& work);
  Status insert_log(const tlog::Frontier& from);
  Status note_place();
  Status check_place() const;
  Status reload();
  Status check_identity() const;
  Status prepare();
  Status insert_head(const tlog::Checkpoint& head, WallTime accepted,
                     std::span<const std::string> post_to);
  Result<bool> pass_conflicts(std::span<const RepeatedVersion> repeats, const RepeatCheck& check,
                              CommitReport& report);
  Result<std::vector<RepeatedVersion>> store_builds(const PendingRecords& pending,
                                                    CommitReport& report);
  Status store_irregular(const PendingRecords& pending);
  Status store_sums(const PendingRecords& pending);
  Status store_level1(const PendingRecords& pending);
  Status store_change();
  Status store_position(const PendingRecords& pending, const CommitReport& report);
  Result<std::optional<std::vector<Hash>>> leaves_of(std::uint64_t tile, std::size_t count);
  Result<std::optional<std::vector<Hash>>> entries(const tlog::TileId& id);
};

}  // namespace gw::store
