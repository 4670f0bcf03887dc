// The database's one writer: heads, records and state, each step one transaction.
//
// What it stores has been proven: it takes only tlog::Checkpoint and, through PendingRecords,
// tlog::VerifiedBatch, which nothing but verification can make. A head is stored before any record
// under it; records, position, frontier and level-1 entries are stored together. So after a crash
// at any moment the database is at some commit, and that is a tree that was verified.
//
// There is one Writer per database, held by a lock file beside it (DB.lock). One thread at a time.
// Readers in other threads and processes never block it, nor it them.
//
// Costs: in transactions of two to four million records, which take 96 MB each to stage, the whole
// follower takes 2.3 us of CPU a record at 72 million (tests/bench/bench_follow.py: 169 s, 1.48 GB
// of memory, 27.4 bytes of database a record). A transaction rewrites nearly the whole database
// once it has about a tenth as many records, so what a record costs grows with the database over
// the transaction: transactions in proportion to the database, up to four times as large, are what
// catch_up() makes where there is the memory. Pages of 8 KiB in place of 4 take a twentieth of the
// time, since each is read, logged, copied back and searched for half as often; 16 KiB would take
// another twentieth, and write twice as much for the few modules of an ordinary round.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/pending.h"
#include "store/types.h"
#include "tlog/checkpoint.h"
#include "tlog/go_log.h"
#include "tlog/log_format.h"
#include "tlog/tile.h"
#include "tlog/tree.h"

namespace gw::store {

// A module version that the log has twice. Of a build log: a key, MODULE@VERSION/...
struct RepeatedVersion {
  std::string module;
  std::string version;       // of a build all that is behind the first `@`
  std::uint64_t first = 0;   // the record that stays valid
  std::uint64_t record = 0;  // the later one
};

struct CommitReport {
  std::uint64_t records = 0;
  std::uint64_t new_modules = 0;  // of a build log: new keys
  std::uint64_t duplicates = 0;   // exact repetitions
  std::uint64_t irregular = 0;
  std::optional<std::uint64_t> first_irregular;  // its record number
  std::uint64_t cleared = 0;                     // conflicts that the operator has accepted
  // Same version, other sums. Not empty: nothing was stored.
  std::vector<RepeatedVersion> conflicts;
};

// Called now and then during a long commit (to feed a watchdog); false rolls it back.
using KeepGoing = std::function<bool()>;

// Tells for each repeated version whether both records are the same text (true) or not. Called
// inside the transaction; an error rolls it back.
using RepeatCheck =
    std::function<Result<std::vector<bool>>(std::span<const RepeatedVersion> repeats)>;

struct PendingPost {
  std::int64_t id = 0;
  std::string url;
  std::uint64_t size = 0;
  std::string note;
};

struct WriterOptions {
  std::string log_name;  // the key's name
  std::string log_key;   // the whole verifier key; empty: whatever log the database has
  // The form of the log's records; not looked at when log_key is empty.
  const tlog::LogFormat* format = &tlog::kGoLog;
  // For a new database (default kVersions); another's must be equal. kBuilds is not chosen here:
  // the format says so.
  std::optional<Keep> keep;
  std::string vfs;                // SQLite VFS, for fault injection
  unsigned cache_kib = 32 << 10;  // SQLite's page cache
};

class Writer {
 public:
  // Takes the lock of the file behind all links (kUnavailable with the holder's pid) and opens the
  // database, migrating an older schema. A file that does not exist is not created before the first
  // set_target() or halt(). kUsage: it belongs to another log (both names) or form of log, keeps
  // something else, is another program's database, no database at all, newer than this program
  // (both numbers), or has a second name (a hard link), by which another writer might come.
  // kCorrupt, kIo.
  //
  // set_target(), commit() and note_checked() give kCorrupt when the file was moved, removed or
  // replaced: whoever looks by its name would not see what is written.
  static Result<Writer> open(const std::string& path, const WriterOptions& options);

  Writer(Writer&&) noexcept;
  Writer& operator=(Writer&&) noexcept;
  ~Writer();

  // As of the last commit.
  const LogState& state() const;
  bool created() const;  // false: there is no file yet, since no head or alarm was stored
  Keep keep() const;
  // The tree of the records below state().position.
  const tlog::Frontier& frontier() const;

  // Stores the head as the one aimed at, and a post of it for each of `post_to`. The caller has
  // proven it consistent with state().target. The first one decides that records from `start` on
  // are kept, and creates the database (a frontier at a multiple of 256, authenticated under
  // `head`; empty: from 0).
  Status set_target(const tlog::Checkpoint& head, WallTime accepted,
                    std::span<const std::string> post_to, const tlog::Frontier& start = {});

  // Stores the records in one transaction; they must begin at state().position and lie under
  // state().target. kUnavailable when `keep_going` said no, or another writer got in between.
  // `pending` is unchanged.
  Result<CommitReport> commit(const PendingRecords& pending, const RepeatCheck& check,
                              const KeepGoing& keep_going = nullptr);

  // Gives back the memory that large commits needed (SQLite's page cache, sorting): for after
  // catching up. Costs a little time at the next commit.
  void release_memory();

  // The log was asked for its head and gave one that we hold or follow.
  Status note_checked(WallTime at);

  // Signed heads that could not be compared, each tree once, the smallest first. More than a
  // thousand are not kept: those that are there stay.
  Status keep_unproven(const tlog::Checkpoint& head, std::string_view origin, WallTime seen);
  Result<std::vector<UnprovenHead>> unproven();
  Status forget_unproven(std::uint64_t size, const Hash& root);

  // Following stops here until clear_alarm(). Creates the database when there is none, so that the
  // next start knows. `conflicts`: the repeated versions it is about.
  Status halt(const Alarm& alarm, std::span<const RepeatedVersion> conflicts = {});
  // Accepts the conflicts of the alarm: their first records stay valid, commit() passes over them.
  Status clear_alarm(WallTime at);

  // The oldest `limit` of each address, in the order in which they were made: one address that does
  // not answer holds up no other.
  Result<std::vector<PendingPost>> pending_posts(std::size_t limit);
  Status post_done(std::int64_t id);
  // Forgets the posts to addresses that are not in `keep`; returns how many. None when `keep` is
  // empty: a run without addresses is no wish to lose what others are still to get.
  Result<std::uint64_t> forget_posts(std::span<const std::string> keep);

  // The accepted head of this size, if there is one.
  Result<std::optional<Head>> head(std::uint64_t size);
  // The root of the tree of the first `size` records from this database alone. None when it does
  // not hold what that takes (inside of a tile of which it has no hashes, a partial database).
  Result<std::optional<Hash>> root_at(std::uint64_t size);
  // A hash tile of our tree at state().position, as a log serves it. None when the database does
  // not hold what that takes.
  Result<std::optional<std::string>> hash_tile(const tlog::TileId& id);

 private:
  struct Impl;
  explicit Writer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace gw::store
