// The follower's hot path: split, hash, fold, compare, and note where module and version are. One
// pass over each tile; the only allocations are the batch's own arrays.
#include <array>

#include "tlog/data_tile.h"
#include "tlog/hash.h"
#include "tlog/run_fetcher.h"

namespace gw::tlog {

std::size_t FetchedRun::bytes() const {
  std::size_t n = 0;
  for (const Tile& tile : tiles_) n += tile.body.bytes.size();
  return n;
}

Status VerifiedBatch::verify_tile(FetchedRun::Tile& tile) {
  const TileId& id = tile.body.id;
  const std::uint64_t tile_first = id.index * kTileWidth;
  const std::uint32_t width = id.width;
  const std::uint32_t count = tile.body.from_full ? kTileWidth : width;
  auto body = std::make_unique<std::string>(std::move(tile.body.bytes));
  RecordTexts texts;
  std::array<Hash, kTileWidth> leaves;
  std::span<const Hash> hashes(leaves.data(), width);
  const Framing likely = guess_framing(*body, tile_first);
  const Framing other = likely == Framing::kNumbered ? Framing::kBlankLines : Framing::kNumbered;
  auto matches = [&](Framing framing) {
    if (!split_data_tile(*body, tile_first, count, framing, texts)) return false;
    for (std::uint32_t i = 0; i < width; ++i) leaves[i] = leaf_hash(texts[i]);
    return subtree_root(hashes) == tile.expected;
  };
  if (!matches(likely) && !matches(other)) {
    const std::string path = tile.body.path();
    return bad_tiles_error(path + ": its records do not hash to the log's tree",
                           {head_, {{path, std::move(*body)}}});
  }

  // From here on the texts are what the log holds.
  for (std::uint32_t i = 0; i < width; ++i) {
    if (tile_first + i < first_) continue;
    const auto subject = head_.format().find_subject(texts[i]);
    if (!subject) ++irregular_;
    records_.push_back({texts[i].data(), static_cast<std::uint32_t>(texts[i].size()),
                        static_cast<std::uint16_t>(subject ? subject->module.size() : 0),
                        static_cast<std::uint16_t>(subject ? subject->version.size() : 0)});
  }
  if (id.full()) {
    level1_.push_back(tile.expected);
    frontier_.append_subtree(kTileHeight, tile.expected);
  } else {
    tail_.assign(hashes.begin(), hashes.end());
    for (const Hash& leaf : hashes) frontier_.append(leaf);
  }
  bodies_.push_back(std::move(body));
  return {};
}

// The tile, or the one that comes in its place when it does not hash right.
Status VerifiedBatch::verify_some(FetchedRun::Tile& tile, const AskAgain& again) {
  while (true) {
    auto status = verify_tile(tile);
    if (status || !again) return status;
    GW_TRY(TileBody next, again(tile.body.id, status.error()));
    tile.body = std::move(next);
  }
}

Result<VerifiedBatch> VerifiedBatch::verify(FetchedRun&& fetched, const AskAgain& again) {
  FetchedRun run = std::move(fetched);
  VerifiedBatch batch(run.head_, run.first());
  batch.records_.reserve(run.end_ - run.first());
  batch.frontier_ = run.before_.truncated_to(kTileHeight);
  for (FetchedRun::Tile& tile : run.tiles_) GW_CHECK(batch.verify_some(tile, again));
  if (batch.end() != run.end_ || batch.frontier_.size() != run.end_ ||
      (run.end_ == run.head_.size() && batch.frontier_.root() != run.head_.root())) {
    return internal_error("verified records do not give the signed tree");
  }
  return batch;
}

}  // namespace gw::tlog
