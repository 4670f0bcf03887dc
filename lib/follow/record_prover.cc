#include "follow/record_prover.h"

#include "tlog/hash.h"
#include "tlog/tile.h"

namespace gw::follow {

Result<bool> RecordProver::read(const tlog::TileId& tile, std::uint64_t number,
                                tlog::Framing framing, std::string& out) {
  tlog::RecordTexts texts;
  if (!tlog::split_data_tile(body_, tile.index * tlog::kTileWidth, tile.width, framing, texts)) {
    return false;
  }
  const std::string_view text = texts[number % tlog::kTileWidth];
  GW_TRY(const Hash expected, tree_.entry(0, number));
  if (tlog::leaf_hash(text) != expected) return false;
  out = text;
  return true;
}

Result<std::string> RecordProver::fetch(std::uint64_t number) {
  bad_ = {};
  auto text = fetch_text(number);
  if (!text && bad_.tiles.empty()) bad_ = tree_.bad();
  return text;
}

Result<std::string> RecordProver::fetch_text(std::uint64_t number) {
  const std::uint64_t index = number / tlog::kTileWidth;
  tlog::TileId tile{tlog::kDataLevel, index,
                    tlog::tile_width(tlog::kDataLevel, index, tree_.head().size())};
  if (number >= tree_.head().size()) return not_found_error("no record " + std::to_string(number));
  while (true) {
    const tlog::FetchRequest request{tlog::format_tile_path(tile), tlog::kMaxDataTileBytes};
    if (request.path != path_) {
      auto replies = source_->fetch({&request, 1});
      if (replies.size() != 1) return internal_error("source lost a reply");
      if (!replies[0] && !tile.full()) {
        tile = tile.as_full();  // a log that has grown need not keep partial tiles
        continue;
      }
      GW_TRY(body_, std::move(replies[0]));
      path_ = request.path;
    }
    std::string text;
    for (const auto framing : {tlog::Framing::kBlankLines, tlog::Framing::kNumbered}) {
      GW_TRY(const bool found, read(tile, number, framing, text));
      if (found) return text;
    }
    path_.clear();
    bad_ = {{{request.path, std::move(body_)}}, tree_.proof_for(tile)};
    return untrusted_error(request.path + ": record " + std::to_string(number) +
                           " does not hash to the log's tree");
  }
}

tlog::ProvenRecord RecordProver::prove(std::uint64_t number, std::optional<std::string> known) {
  tlog::ProvenRecord out;
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

}  // namespace gw::follow
