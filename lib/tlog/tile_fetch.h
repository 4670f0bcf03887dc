// Fetching a log's files: tiles with what stands in for a partial one, unverified.
//
// A log that has grown may have dropped a partial tile: the full one begins with it, so that one is
// asked for when the partial one is not to be had, or cannot be it. All tiles of a call cost one
// round trip, or two.
//
// Errors: those of the source, naming the tile, except that a tile it says not to have is
// kUnavailable: the log signed a tree that has it, so it is a fault of the source (kNotFound is
// left to mean "no such record"). A kUntrusted one carries the tile (BadTiles).
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "tlog/checkpoint.h"
#include "tlog/source.h"
#include "tlog/tile.h"

namespace gw::tlog {

struct TileBody {
  TileId id;               // the part of the tile that was asked for
  bool from_full = false;  // the bytes are the full tile's, which begins with it
  std::string bytes;

  // As the source calls the file.
  std::string path() const { return format_tile_path(from_full ? id.as_full() : id); }
};

// The tiles, which a tree under `head` has, in their order. A hash tile has the right length.
Result<std::vector<TileBody>> fetch_tiles(TileSource& source, const Checkpoint& head,
                                          std::span<const TileId> tiles);

// The same, each on its own, so that what came is not lost with what did not. A data tile of more
// than `max_data_bytes` is kUntrusted.
Result<std::vector<Result<TileBody>>> fetch_each(TileSource& source, const Checkpoint& head,
                                                 std::span<const TileId> tiles,
                                                 std::size_t max_data_bytes = kMaxDataTileBytes);

// The full tiles that begin with these partial ones, for when what came as those is not the log's:
// a cache may have a bad one for good. Nothing where the log has not grown so far.
Result<std::vector<std::optional<TileBody>>> fetch_full(TileSource& source, const Checkpoint& head,
                                                        std::span<const TileId> tiles);

// Any files, one reply for each; kInternal when the source lost one.
Result<std::vector<Result<std::string>>> fetch_all(TileSource& source,
                                                   std::span<const FetchRequest> requests);

}  // namespace gw::tlog
