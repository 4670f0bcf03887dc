// The tree under one signed head: every hash it gives out has been authenticated against that head.
//
// The partial tiles at the right edge (one for each non-zero byte of the size) fold to the signed
// root; every other tile must hash to its entry in the tile above. No tile is exempt and no tile of
// another head is taken over (that hides forks as transport errors). All tiles an operation needs
// are asked for at once; only verified ones are cached.
//
// One thread at a time. Errors: those of fetch_tiles(); kUntrusted when a tile does not hash right,
// naming it (or, at the edge, all the tiles that together do not fold to the root). A kUntrusted
// one carries the tiles as BadTiles.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "tlog/bad_tiles.h"
#include "tlog/checkpoint.h"
#include "tlog/source.h"
#include "tlog/tile.h"
#include "tlog/tree.h"

namespace gw::tlog {

class HeadTree : public NodeSource {
 public:
  // The source must outlive this object. Nothing is fetched yet.
  HeadTree(TileSource& source, Checkpoint head);

  const Checkpoint& head() const { return head_; }

  // Fetches and authenticates these hash tiles (levels >= 0, widths are set to what the head has)
  // and all that their proof needs, in as few round trips as possible.
  Status load(const std::vector<TileId>& tiles);
  // An authenticated entry; loads its tile when it is not cached.
  Result<Hash> entry(int level, std::uint64_t index);
  Result<Hash> node(NodeId id) override;

  // The tree as it was at `size` <= head().size(): its frontier is authenticated under this head.
  Result<Frontier> frontier_at(std::uint64_t size);
  // What frontier_at() of all these sizes takes, in as few round trips as for one.
  Status load_frontiers(std::span<const std::uint64_t> sizes);
  Result<std::vector<Hash>> prove_inclusion(std::uint64_t record);

  // Uses these leaf hashes of the last, partial data tile in place of the level-0 tile there, so
  // that a follower never fetches level 0. They are authenticated with the rest of the edge.
  // Precondition: nothing was loaded successfully yet, and leaves.size() == head().size() % 256.
  void use_tail(std::vector<Hash> leaves);
  // Takes that back after they did not fit.
  void forget_tail() { tail_.reset(); }

  bool edge_proven() const { return edge_done_; }

  // The verified tiles that say what this one should hash to, as far as they are cached.
  std::vector<TileBytes> proof_for(TileId id) const;
  // An error about one tile of this tree, with that proof when it has none yet; others unchanged.
  Error with_proof(Error error) const;

  // The verified tiles needed to recompute the tree at `size`, as evidence. They must be cached.
  std::vector<TileBytes> evidence(std::uint64_t size) const;

 private:
  using Hashes = std::vector<Hash>;
  struct Key {
    int level;
    std::uint64_t index;
    // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 misreads a defaulted <=>
    auto operator<=>(const Key&) const = default;
  };
  Status load_missing(std::vector<TileId> missing);
  Status authenticate_edge(const std::map<Key, Hashes>& fetched);
  Result<std::map<Key, Hashes>> fetch(const std::vector<TileId>& tiles);
  Status edge_by_full_tiles(std::map<Key, Hashes>& fetched);
  void make_room(std::size_t incoming);
  std::vector<TileId> edge_tiles() const;
  // The tiles that hold the frontier of the first `size` records.
  std::vector<TileId> path_tiles(std::uint64_t size) const;
  bool add_verified(TileId id, std::vector<TileBytes>& out) const;

  TileSource* source_;
  Checkpoint head_;
  bool edge_done_ = false;
  std::optional<Hashes> tail_;
  std::map<Key, Hashes> verified_;
};

}  // namespace gw::tlog
