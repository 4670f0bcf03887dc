// Whether two trees of one log are of one history: the smaller must be the beginning of the larger.
//
// Either side may be a signed head or what a database holds; all that is asked of the smaller one
// is its size and root. A fork is no error but a finding, with tiles by which anybody can recompute
// it from the larger head alone.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "tlog/bad_tiles.h"
#include "tlog/head_tree.h"

namespace gw::tlog {

enum class HeadRelation {
  kSame,    // one size, one root
  kPrefix,  // the smaller tree is the beginning of the larger one
  kFork,    // neither: the log told two histories
};

struct HeadComparison {
  HeadRelation relation = HeadRelation::kSame;
  std::uint64_t size = 0;  // the smaller of the two sizes, at which the roots are compared
  Hash claimed{};          // the root of the smaller tree
  Hash recomputed{};       // the larger head's tree at that size
  // kFork with different sizes: tiles that authenticate under the larger head and give
  // `recomputed`.
  std::vector<TileBytes> tiles;

  bool fork() const { return relation == HeadRelation::kFork; }
};

// The tree of the first `size` records, which has the root `claimed`, against the tree under
// `larger`. Fetches what that takes and is not cached. kUsage when `size` is beyond that tree;
// otherwise the errors of HeadTree.
Result<HeadComparison> compare_history(std::uint64_t size, const Hash& claimed, HeadTree& larger);

// The same where the larger tree's root at `size` is known, authenticated under its head: nothing
// is fetched.
HeadComparison settle_history(std::uint64_t size, const Hash& claimed, const Hash& recomputed,
                              const HeadTree& larger);

}  // namespace gw::tlog
