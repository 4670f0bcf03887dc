// Data tiles: 256 records in one file, framed in one of three ways that differ between servers.
//   kBlankLines   records divided by a blank line; after the last one there may be one (the Go log
//                 has none there, x/mod's server since v0.22.0 has)
//   kNumbered     the same with a line `NUMBER` before each record, which is not part of it (x/mod
//                 before v0.22.0, gobuild)
// The hash decides which reading is the right one: the caller tries the likely one first and the
// other one when it does not hash right. Splitting is a scan for line ends (about 30 ns a record)
// into the caller's memory; hashing dominates.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tlog/tile.h"

namespace gw::tlog {

enum class Framing { kBlankLines, kNumbered };

using RecordTexts = std::array<std::string_view, kTileWidth>;

// Splits a tile whose first record has number `first` and which must hold exactly `count` (1..256)
// records. False when it does not; `out` is then unspecified. Views into `tile`.
bool split_data_tile(std::string_view tile, std::uint64_t first, std::uint32_t count,
                     Framing framing, RecordTexts& out);

// The framing to try first.
Framing guess_framing(std::string_view tile, std::uint64_t first);

// For our own logs, tests and benchmarks.
enum class DataTileStyle { kSeparated, kTerminated, kNumbered };
std::string format_data_tile(const std::vector<std::string>& records, std::uint64_t first,
                             DataTileStyle style);

}  // namespace gw::tlog
