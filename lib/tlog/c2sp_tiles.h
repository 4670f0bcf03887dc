// The second dialect in which a log's files are served, so that monitors, mirrors and witnesses of
// any log can read ours: c2sp.org/tlog-tiles and c2sp.org/tlog-checkpoint.
//
//   checkpoint                a signed note with ORIGIN\nSIZE\nBASE64(root)\n
//   tile/L/K[.p/W]            the same hash tiles as the sumdb dialect's tile/8/L/K[.p/W] (tile.h)
//   tile/entries/K[.p/W]      an entry bundle: each entry behind its length, two bytes, big endian
//
// No path belongs to both dialects. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "tlog/data_tile.h"
#include "tlog/tile.h"

namespace gw::tlog {

inline constexpr std::size_t kMaxEntryBytes = 65535;

// kDataLevel stands for `entries`.
std::string format_c2sp_tile_path(const TileId& id);
// Only what format_c2sp_tile_path() writes, with levels up to kMaxTileLevel.
std::optional<TileId> parse_c2sp_tile_path(std::string_view path);

// Precondition: no entry is longer than kMaxEntryBytes.
std::string format_entry_bundle(std::span<const std::string> entries);
// Splits a bundle that must hold exactly `count` (1..256) entries, which may be empty. False when
// it does not; `out` is then unspecified. Views into `bundle`. That they are the log's entries only
// their hashes tell.
bool split_entry_bundle(std::string_view bundle, std::uint32_t count, RecordTexts& out);

}  // namespace gw::tlog
