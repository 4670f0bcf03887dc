// Tiles: the files a log's tree is served in, 256 hashes or records each.
//
// Tile (L, K) holds the roots of the subtrees of height 8L with numbers 256K..256K+255; the last
// one of a level may be partial. `tile/8/L/K` with K in groups of three digits, all but the last
// with an `x` in front; `.p/W` for the first W entries. Data tiles (the records) have L = `data`.
// Sources: golang.org/x/mod/sumdb/tlog, c2sp.org/tlog-tiles. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/crypto.h"
#include "base/result.h"

namespace gw::tlog {

inline constexpr unsigned kTileHeight = 8;
inline constexpr std::uint32_t kTileWidth = 256;
inline constexpr std::size_t kHashTileBytes = 32UL * kTileWidth;
// A data tile of the Go log has 50 kB; one of more than this is refused unread.
inline constexpr std::size_t kMaxDataTileBytes = 2UL << 20U;
inline constexpr int kDataLevel = -1;
inline constexpr int kMaxTileLevel = 7;

struct TileId {
  int level = 0;  // kDataLevel for records
  std::uint64_t index = 0;
  std::uint32_t width = kTileWidth;  // 1..256, below 256 a partial tile

  bool full() const { return width == kTileWidth; }
  TileId as_full() const { return {level, index, kTileWidth}; }
  // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 misreads a defaulted <=>
  auto operator<=>(const TileId&) const = default;
};

// The path below the log's base URL: "tile/8/0/x001/234.p/5".
std::string format_tile_path(const TileId& id);
// Only what format_tile_path() writes, with levels up to kMaxTileLevel.
std::optional<TileId> parse_tile_path(std::string_view path);

// How many entries tile (level, index) has in a tree of `size` records; 0 when it does not exist.
std::uint32_t tile_width(int level, std::uint64_t index, std::uint64_t size);

// A hash tile's entries. `width` entries are taken from a body of exactly that length, or, when
// `from_full` is set, from a full tile's body. kUntrusted when the length is another.
Result<std::vector<Hash>> parse_hash_tile(std::string_view body, std::uint32_t width,
                                          bool from_full = false);
std::string format_hash_tile(const std::vector<Hash>& hashes);

}  // namespace gw::tlog
