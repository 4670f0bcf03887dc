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

namespace gw::follow {

// One thread at a time; the source must outlive it.
class RecordProver {
 public:
  RecordProver(tlog::TileSource& source, tlog::Checkpoint head)
      : source_(&source), tree_(source, std::move(head)) {}

  // The record's text, its hash authenticated under the head. kUntrusted when the data tile does
  // not hold it.
  Result<std::string> fetch(std::uint64_t number);
  // The same with its proof, as far as they are to be had: `known` is the text when it was
  // authenticated before. A failure is told in proof_missing.
  tlog::ProvenRecord prove(std::uint64_t number, std::optional<std::string> known = std::nullopt);
  // What the last fetch() failed at; empty unless it ended with kUntrusted.
  const tlog::BadTiles& bad() const { return bad_; }

 private:
  Result<std::string> fetch_text(std::uint64_t number);
  Result<bool> read(const tlog::TileId& tile, std::uint64_t number, tlog::Framing framing,
                    std::string& out);

  tlog::TileSource* source_;
  tlog::HeadTree tree_;
  // The last data tile, since repeated records tend to be neighbours.
  std::string path_, body_;
  tlog::BadTiles bad_;
};

}  // namespace gw::follow
