// Our own tree as a log would serve it, from what the database holds: level-1 entries, the hashes
// of the last tile, and with them the records where they are kept.
#include "store/record_rows.h"
#include "store/writer_impl.h"
#include "tlog/hash.h"

namespace gw::store {

// The first leaf hashes of a tile.
Result<std::optional<std::vector<Hash>>> Writer::Impl::leaves_of(std::uint64_t tile,
                                                                 std::size_t count) {
  std::vector<Hash> leaves;
  if (tile == state.position / kTile && count <= tail.size()) {
    leaves.assign(tail.begin(), tail.begin() + static_cast<std::ptrdiff_t>(count));
    return std::optional(std::move(leaves));
  }
  const std::optional<std::vector<Hash>> none;
  if (state.keep == Keep::kVersions) return none;
  if (state.keep == Keep::kBuilds) {
    for (std::uint64_t n = tile * kTile; n < tile * kTile + count; ++n) {
      GW_TRY(const auto text, load_build(db, n));
      if (!text) return none;  // one that repeats a key
      leaves.push_back(tlog::leaf_hash(*text));
    }
    return std::optional(std::move(leaves));
  }
  GW_TRY(const auto texts, load_records(db, tile));
  for (std::size_t i = 0; i < count; ++i) {
    if (i >= texts.size()) return corrupt_error("records of a tile are missing").in(path);
    leaves.push_back(tlog::leaf_hash(texts[i]));
  }
  return std::optional(std::move(leaves));
}

// A tile's entries; none when they are not all to be had.
Result<std::optional<std::vector<Hash>>> Writer::Impl::entries(const tlog::TileId& id) {
  const std::optional<std::vector<Hash>> none;
  if (id.level == 0) return leaves_of(id.index, id.width);
  std::vector<Hash> out;
  if (id.level == 1) {
    GW_TRY(sqlite::Statement s, db.prepare("SELECT hashes FROM level1 WHERE n = ?"));
    GW_TRY(const bool row, s.bind(1, id.index).step());
    if (!row) return none;
    auto hashes = tlog::parse_hashes(s.bytes(0));
    if (!hashes) return corrupt_error("stored hashes are damaged").in(path);
    if (hashes->size() < id.width) return none;
    hashes->resize(id.width);
    return std::optional(*std::move(hashes));
  }
  for (std::uint32_t i = 0; i < id.width; ++i) {
    GW_TRY(const auto below, entries({id.level - 1, id.index * kTile + i, tlog::kTileWidth}));
    if (!below) return none;
    out.push_back(tlog::subtree_root(*below));
  }
  return std::optional(std::move(out));
}

Result<std::optional<std::string>> Writer::hash_tile(const tlog::TileId& id) {
  Impl& m = *impl_;
  const std::optional<std::string> none;
  if (!created() || id.level < 0 || m.state.first_record != 0) return none;
  if (tlog::tile_width(id.level, id.index, m.state.position) < id.width) return none;
  GW_TRY(const auto hashes, m.entries(id));
  if (!hashes) return none;
  return std::optional(tlog::format_hash_tile(*hashes));
}

}  // namespace gw::store
