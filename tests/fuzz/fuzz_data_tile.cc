// Data tiles and records. The first byte gives the number of records, the second the first number's
// low bits; the rest is the tile. A tile that splits is rebuilt from its parts, byte for byte.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "fuzz/require.h"
#include "tlog/data_tile.h"
#include "tlog/go_log.h"
#include "tlog/record.h"

namespace fuzz_data_tile {

using namespace gw;
using namespace gw::tlog;

namespace {

void check_record(std::string_view text) {
  if (auto r = parse_go_record(text)) {
    if (format_go_record(*r) != text || !is_record_text(text)) std::abort();
    auto zip = parse_sum(r->zip_sum);
    auto gomod = parse_sum(r->gomod_sum);
    if (!zip || !gomod) std::abort();
    if (format_sum(*zip) != r->zip_sum || format_sum(*gomod) != r->gomod_sum) std::abort();
  }
}

}  // namespace

FUZZ_TARGET(data_tile)(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  std::uint32_t count = data[0] + 1U;
  std::uint64_t first = data[1];
  std::string_view tile(reinterpret_cast<const char*>(data) + 2, size - 2);
  check_record(tile);
  (void)guess_framing(tile, first);
  for (Framing framing : {Framing::kBlankLines, Framing::kNumbered}) {
    RecordTexts texts;
    if (!split_data_tile(tile, first, count, framing, texts)) continue;
    std::vector<std::string> records;
    for (std::uint32_t i = 0; i < count; ++i) {
      if (texts[i].empty() || texts[i].back() != '\n') std::abort();
      if (texts[i].find("\n\n") != std::string_view::npos) std::abort();
      check_record(texts[i]);
      records.emplace_back(texts[i]);
    }
    DataTileStyle style =
        framing == Framing::kNumbered ? DataTileStyle::kNumbered : DataTileStyle::kTerminated;
    std::string again = format_data_tile(records, first, style);
    // The last blank line may be missing.
    if (again != tile && again != std::string(tile) + "\n") std::abort();
  }
  return 0;
}

}  // namespace fuzz_data_tile
