// Tile paths: one spelling each. The same bytes also serve as numbers of a tile.
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "fuzz/require.h"
#include "tlog/tile.h"
#include "tlog/tree.h"

namespace fuzz_tile_path {

using namespace gw;
using namespace gw::tlog;

FUZZ_TARGET(tile_path)(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  if (auto id = parse_tile_path(input)) {
    if (format_tile_path(*id) != input) std::abort();
    if (id->width == 0 || id->width > kTileWidth || id->level > kMaxTileLevel) std::abort();
  }
  if (size >= 10) {
    TileId id;
    std::memcpy(&id.index, data, 8);
    id.index %= kMaxTreeSize;
    id.level = static_cast<int>(data[8] % 9) - 1;
    id.width = data[9] + 1U;
    if (parse_tile_path(format_tile_path(id)) != id) std::abort();
  }
  return 0;
}

}  // namespace fuzz_tile_path
