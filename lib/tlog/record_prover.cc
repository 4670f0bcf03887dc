#include "tlog/record_prover.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "tlog/hash.h"
#include "tlog/tile.h"

namespace gw::tlog {

TileId RecordProver::data_tile(std::uint64_t number) const {
  const std::uint64_t index = number / kTileWidth;
  return {kDataLevel, index, tile_width(kDataLevel, index, tree_.head().size())};
}

void RecordProver::load(std::span<const std::uint64_t> numbers) {
  std::vector<TileId> data;
  std::vector<TileId> hashes;
  for (const std::uint64_t number : numbers) {
    if (number >= tree_.head().size()) continue;
    const TileId id = data_tile(number);
    if (std::find(data.begin(), data.end(), id) != data.end()) continue;
    data.push_back(id);
    hashes.push_back({0, id.index, id.width});
  }
  tiles_.clear();
  if (data.empty()) return;
  if (auto bodies = fetch_each(*source_, tree_.head(), data)) {
    for (auto& body : *bodies) {
      if (body) tiles_.insert_or_assign(body->id.index, std::move(*body));
    }
  }
  // That one is missing or bad shows again where it is needed.
  (void)tree_.load(hashes);
}

Result<std::optional<std::string>> RecordProver::read(const TileBody& tile, std::uint64_t number,
                                                      Framing framing) {
  RecordTexts texts;
  const std::uint32_t count = tile.from_full ? kTileWidth : tile.id.width;
  std::optional<std::string> out;
  if (!split_data_tile(tile.bytes, tile.id.index * kTileWidth, count, framing, texts)) return out;
  const std::string_view text = texts[number % kTileWidth];
  GW_TRY(const Hash expected, tree_.entry(0, number));
  if (leaf_hash(text) == expected) out.emplace(text);
  return out;
}

Result<std::string> RecordProver::fetch(std::uint64_t number) {
  if (number >= tree_.head().size()) return not_found_error(fmt::format("no record {}", number));
  const TileId id = data_tile(number);
  if (!tiles_.contains(id.index)) {
    auto bodies = fetch_tiles(*source_, tree_.head(), {&id, 1});
    if (!bodies) return tree_.with_proof(std::move(bodies).error());
    tiles_.clear();
    tiles_.insert_or_assign(id.index, std::move(bodies->front()));
  }
  for (const Framing framing : {Framing::kBlankLines, Framing::kNumbered}) {
    GW_TRY(auto text, read(tiles_.at(id.index), number, framing));
    if (text) return *std::move(text);
  }
  const TileBody bad = std::move(tiles_.extract(id.index).mapped());
  return bad_tiles_error(
      fmt::format("{}: record {} does not hash to the log's tree", bad.path(), number),
      {tree_.head(), {{bad.path(), bad.bytes}}, tree_.proof_for(id)});
}

ProvenRecord RecordProver::prove(std::uint64_t number, std::optional<std::string> known) {
  ProvenRecord out;
  out.number = number;
  Result<std::string> text = known ? Result<std::string>(*std::move(known)) : fetch(number);
  auto proof = tree_.prove_inclusion(number);
  if (!text) {
    out.proof_missing = text.error().message;
  } else if (!proof) {
    out.proof_missing = proof.error().message;
  }
  if (text) out.text = *std::move(text);
  if (proof) out.proof = *std::move(proof);
  return out;
}

}  // namespace gw::tlog
