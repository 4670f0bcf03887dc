// Entry bundles and tile paths of tlog-tiles. The first byte gives the number of entries, the rest
// is the bundle; a bundle that splits is rebuilt from its parts, byte for byte.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "fuzz/require.h"
#include "tlog/c2sp_tiles.h"

namespace fuzz_entry_bundle {

using namespace gw;
using namespace gw::tlog;

FUZZ_TARGET(entry_bundle)(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (const auto id = parse_c2sp_tile_path(input)) {
    if (format_c2sp_tile_path(*id) != input || parse_tile_path(input)) std::abort();
  }
  if (const auto id = parse_tile_path(input)) {
    if (parse_c2sp_tile_path(input)) std::abort();
    if (parse_c2sp_tile_path(format_c2sp_tile_path(*id)) != id) std::abort();
  }
  const std::uint32_t count = data[0] + 1U;
  RecordTexts texts;
  if (!split_entry_bundle(input.substr(1), count, texts)) return 0;
  std::vector<std::string> entries;
  for (std::uint32_t i = 0; i < count; ++i) {
    if (texts[i].size() > kMaxEntryBytes) std::abort();
    entries.emplace_back(texts[i]);
  }
  if (format_entry_bundle(entries) != input.substr(1)) std::abort();
  return 0;
}

}  // namespace fuzz_entry_bundle
