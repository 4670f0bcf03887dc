// Following a log: every record between a known position and a signed head, each one verified, with
// the fewest fetches.
//
// A full data tile's records must fold to its level-1 entry, which is authenticated under the head;
// the last, partial one is authenticated with the right edge itself. Level 0 is never fetched when
// all is well. When little is missing no hash tile is fetched at all: the records and the own
// frontier give the new root, and if it is the signed one everything is proven at once. Only when
// it is not are tiles fetched to tell a bad tile from a fork.
//
//   RunFetcher f(source, target, frontier);      // frontier: of what the database holds
//   GW_TRY(auto cmp, f.start());               // kFork: halt; cmp has the evidence
//   for (auto at = frontier.size(); at < target.size();) {
//     GW_TRY(auto run, f.fetch(at, 256));      // network, one thread at a time
//     GW_TRY(auto batch, verify_run(std::move(run)));   // pure: any thread, several at once
//     store.apply(batch);  at = batch.end();
//   }
// Runs may be fetched ahead and verified in parallel; a run that does not verify is simply fetched
// again. To start in the middle of a log (a multiple of 256), take HeadTree::frontier_at().
//
// Errors: the source's; kUntrusted naming the tile that does not hash right, which it carries as
// BadTiles.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "tlog/checkpoint.h"
#include "tlog/head_tree.h"
#include "tlog/history.h"
#include "tlog/log_format.h"
#include "tlog/record.h"
#include "tlog/source.h"
#include "tlog/tile.h"
#include "tlog/tile_fetch.h"
#include "tlog/tree.h"

namespace gw::tlog {

// Fetched but unverified data tiles and the authenticated hashes they must have. Move it to
// verify_run(). Movable only.
class FetchedRun {
 public:
  FetchedRun(FetchedRun&&) noexcept = default;
  FetchedRun& operator=(FetchedRun&&) noexcept = default;
  std::uint64_t first() const { return before_.size(); }
  std::uint64_t end() const { return end_; }
  std::size_t bytes() const;

 private:
  friend class RunFetcher;
  friend class VerifiedBatch;
  struct Tile {
    TileBody body;    // of the part of the tile that the head covers
    Hash expected{};  // root of the subtree of its records
  };
  explicit FetchedRun(Checkpoint head, Frontier before)
      : head_(std::move(head)), before_(std::move(before)) {}
  Checkpoint head_;
  Frontier before_;
  std::uint64_t end_ = 0;
  std::vector<Tile> tiles_;
};

// The tile anew, which did not hash right the last time; or the error that is to end it, `why` for
// instance. Called by the thread that verifies.
using AskAgain = std::function<Result<TileBody>(const TileId& id, const Error& why)>;

// Records [first(), end()) of the log that head() signs, in order. Owns their bytes. Movable only;
// read by any number of threads.
class VerifiedBatch {
 public:
  VerifiedBatch(VerifiedBatch&&) noexcept = default;
  VerifiedBatch& operator=(VerifiedBatch&&) noexcept = default;

  const Checkpoint& head() const { return head_; }
  const LogFormat& format() const { return head_.format(); }
  std::uint64_t first() const { return first_; }
  std::uint64_t end() const { return first_ + records_.size(); }
  std::size_t size() const { return records_.size(); }
  // Precondition: i < size(). The view lives as long as the batch (also when that is moved).
  VerifiedRecord operator[](std::size_t i) const {
    const Slice& s = records_[i];
    return {first_ + i, {s.data, s.bytes}, s.module_bytes, s.version_bytes};
  }
  std::size_t irregular() const { return irregular_; }

  // The frontier at end().
  const Frontier& frontier() const { return frontier_; }
  // Level-1 entries for the tiles that end in this batch: numbers first()/256 .. end()/256 - 1.
  std::span<const Hash> level1() const { return level1_; }
  // Leaf hashes of the records [end() - end() % 256, end()), those before first() included.
  std::span<const Hash> tail() const { return tail_; }

  // Unverified text cannot get in: this is the only way.
  static Result<VerifiedBatch> verify(FetchedRun&& run, const AskAgain& again);

 private:
  VerifiedBatch(Checkpoint head, std::uint64_t first) : head_(std::move(head)), first_(first) {}
  Status verify_tile(FetchedRun::Tile& tile);
  Status verify_some(FetchedRun::Tile& tile, const AskAgain& again);
  struct Slice {
    const char* data;
    std::uint32_t bytes;
    std::uint16_t module_bytes;  // 0: irregular
    std::uint16_t version_bytes;
  };
  Checkpoint head_;
  std::uint64_t first_;
  std::vector<std::unique_ptr<std::string>> bodies_;
  std::vector<Slice> records_;
  std::size_t irregular_ = 0;
  Frontier frontier_;
  std::vector<Hash> level1_;
  std::vector<Hash> tail_;
};

// kUntrusted with BadTiles when a tile does not hash right: HeadTree::with_proof() can tell to what
// it should. `again` may be null: then no tile is asked for a second time.
inline Result<VerifiedBatch> verify_run(FetchedRun&& run, const AskAgain& again = nullptr) {
  return VerifiedBatch::verify(std::move(run), again);
}

class RunFetcher {
 public:
  // `own`: the frontier of what is already held, with own.size() <= target.size(). The source must
  // outlive this object. One thread at a time.
  RunFetcher(TileSource& source, Checkpoint target, Frontier own);

  // Proves that the own frontier is a prefix of the target's tree; to be called once, first.
  // relation kFork: nothing can be fetched. kSame: nothing is missing.
  Result<HeadComparison> start();

  // The data tiles from record `first` on (own.size(), or a multiple of 256 above it), at most
  // `max_tiles` of them; fewer when one further on did not come: the next call begins there and
  // asks for that one alone. kUsage when `first` is neither, or start() did not succeed.
  // kUntrusted also when the first one has more than `max_tile_bytes`, which may be less than any
  // tile may have: so many at once are then too many.
  Result<FetchedRun> fetch(std::uint64_t first, std::size_t max_tiles,
                           std::size_t max_tile_bytes = kMaxDataTileBytes);

  const Checkpoint& target() const { return tree_.head(); }
  HeadTree& tree() { return tree_; }

 private:
  TileId data_tile(std::uint64_t index) const;
  Result<HeadComparison> compare();
  std::optional<HeadComparison> fork_by_hash_tiles();
  Result<bool> prove_by_root(std::uint64_t first, std::uint64_t last);
  Result<HeadComparison> prove_by_tiles();
  Status prove_edge();
  HeadComparison fork_at(std::uint64_t size, const Frontier& there);
  Result<std::vector<Hash>> middle_leaves(const TileId& id);
  Result<Hash> level0_root(const TileId& id);
  Result<Hash> expected_root(const TileId& id);
  Result<Frontier> frontier_before(std::uint64_t first);
  Error bad_data_tile(const TileId& id);
  Status load_bodies(const std::vector<TileId>& tiles, std::size_t max_bytes = kMaxDataTileBytes);

  TileSource* source_;
  HeadTree tree_;
  Frontier own_;
  bool ready_ = false;
  std::map<std::uint64_t, TileBody> bodies_;  // fetched ahead, by tile number; unverified
  std::map<std::uint64_t, Hash> expected_;    // authenticated roots of data tiles, by tile number
};

}  // namespace gw::tlog
