// Single records with their inclusion proofs, fetched again from the log: the evidence for a module
// version that the log has twice.
#pragma once

#include <cstdint>
#include <optional>
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

  // The record's text, its hash authenticated under the head. kUntrusted with BadTiles when the
  // data tile does not hold it.
  Result<std::string> fetch(std::uint64_t number);
  // The same with its proof, as far as they are to be had: `known` is the text when it was
  // authenticated before. A failure is told in proof_missing.
  ProvenRecord prove(std::uint64_t number, std::optional<std::string> known = std::nullopt);

 private:
  // Reads `tile_` one way.
  Result<std::optional<std::string>> read(std::uint64_t number, Framing framing);

  TileSource* source_;
  HeadTree tree_;
  // The last data tile, since repeated records tend to be neighbours.
  std::optional<TileBody> tile_;
};

}  // namespace gw::tlog
