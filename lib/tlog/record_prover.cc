#include "tlog/record_prover.h"

#include <fmt/format.h>

#include <utility>

#include "tlog/hash.h"
#include "tlog/tile.h"

namespace gw::tlog {

Result<std::optional<std::string>> RecordProver::read(std::uint64_t number, Framing framing) {
  RecordTexts texts;
  const std::uint32_t count = tile_->from_full ? kTileWidth : tile_->id.width;
  std::optional<std::string> out;
  if (!split_data_tile(tile_->bytes, tile_->id.index * kTileWidth, count, framing, texts)) {
    return out;
  }
  const std::string_view text = texts[number % kTileWidth];
  GW_TRY(const Hash expected, tree_.entry(0, number));
  if (leaf_hash(text) == expected) out.emplace(text);
  return out;
}

Result<std::string> RecordProver::fetch(std::uint64_t number) {
  const std::uint64_t index = number / kTileWidth;
  const TileId id{kDataLevel, index, tile_width(kDataLevel, index, tree_.head().size())};
  if (number >= tree_.head().size()) return not_found_error(fmt::format("no record {}", number));
  if (!tile_ || tile_->id != id) {
    auto bodies = fetch_tiles(*source_, tree_.head(), {&id, 1});
    if (!bodies) return tree_.with_proof(std::move(bodies).error());
    tile_ = std::move(bodies->front());
  }
  for (const Framing framing : {Framing::kBlankLines, Framing::kNumbered}) {
    GW_TRY(auto text, read(number, framing));
    if (text) return *std::move(text);
  }
  const TileBody bad = *std::exchange(tile_, std::nullopt);
  return bad_tiles_error(
      fmt::format("{}: record {} does not hash to the log's tree", bad.path(), number),
      {tree_.head(), {{bad.path(), bad.bytes}}, tree_.proof_for(id)});
}

ProvenRecord RecordProver::prove(std::uint64_t number, std::optional<std::string> known) {
  ProvenRecord out;
  out.number = number;
  Result<std::string> text = known ? Result<std::string>(*std::move(known)) : fetch(number);
  if (text) out.text = *std::move(text);
  auto proof = tree_.prove_inclusion(number);
  if (proof) out.proof = *std::move(proof);
  if (!text) {
    out.proof_missing = text.error().message;
  } else if (!proof) {
    out.proof_missing = proof.error().message;
  }
  return out;
}

}  // namespace gw::tlog
