// Single records with their inclusion proofs, fetched again from the log: the evidence for a module
// version that the log has twice.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "base/result.h"
#include "tlog/checkpoint.h"
#include "tlog/data_tile.h"
#include "tlog/evidence.h"
#include "tlog/head_tree.h"
#include "tlog/source.h"
#include "tlog/tile_fetch.h"

namespace gw::tlog {

// One thread at a time; the source must outlive it.
class RecordProver {
 public:
  RecordProver(TileSource& source, Checkpoint head)
      : source_(&source), tree_(source, std::move(head)) {}

  // Fetches what these records take together, in a few round trips, in place of what was held. What
  // does not come is fetched again by its record, and told then.
  void load(std::span<const std::uint64_t> numbers);
  // The record's text, its hash authenticated under the head. kUntrusted with BadTiles when the
  // data tile does not hold it.
  Result<std::string> fetch(std::uint64_t number);
  // The same with its proof, as far as they are to be had: `known` is the text when it was
  // authenticated before. A failure is told in proof_missing.
  ProvenRecord prove(std::uint64_t number, std::optional<std::string> known = std::nullopt);

 private:
  TileId data_tile(std::uint64_t number) const;
  // Reads the tile one way.
  Result<std::optional<std::string>> read(const TileBody& tile, std::uint64_t number,
                                          Framing framing);

  TileSource* source_;
  HeadTree tree_;
  // Data tiles by number, unverified: those of the last load(), or the last one, since repeated
  // records tend to be neighbours.
  std::map<std::uint64_t, TileBody> tiles_;
};

}  // namespace gw::tlog
