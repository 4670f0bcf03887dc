#include "tlog/data_tile.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <iterator>

namespace gw::tlog {

namespace {

// Takes the record at the front of `rest`, with its last LF, and the blank line behind it.
std::string_view take_record(std::string_view& rest) {
  std::size_t at = 0;
  for (;;) {
    const void* found = std::memchr(rest.data() + at, '\n', rest.size() - at);
    if (found == nullptr) return {};
    at = static_cast<std::size_t>(static_cast<const char*>(found) - rest.data()) + 1;
    if (at == rest.size() || rest[at] == '\n') break;
  }
  const std::string_view record = rest.substr(0, at);
  rest.remove_prefix(std::min(rest.size(), at + 1));
  return record;
}

bool take_number(std::string_view& rest, std::uint64_t number) {
  char digits[24];
  char* end = digits + sizeof digits;
  char* p = end;
  *--p = '\n';
  do {
    *--p = static_cast<char>('0' + number % 10);
    number /= 10;
  } while (number != 0);
  const std::string_view line(p, static_cast<std::size_t>(end - p));
  if (!rest.starts_with(line)) return false;
  rest.remove_prefix(line.size());
  return true;
}

}  // namespace

bool split_data_tile(std::string_view tile, std::uint64_t first, std::uint32_t count,
                     Framing framing, RecordTexts& out) {
  if (count == 0 || count > kTileWidth) return false;
  std::string_view rest = tile;
  for (std::uint32_t i = 0; i < count; ++i) {
    if (framing == Framing::kNumbered && !take_number(rest, first + i)) return false;
    // A record is never empty: one that starts with LF is a blank line too many.
    if (rest.empty() || rest.front() == '\n') return false;
    out[i] = take_record(rest);
    if (out[i].empty()) return false;
  }
  return rest.empty();
}

Framing guess_framing(std::string_view tile, std::uint64_t first) {
  return take_number(tile, first) ? Framing::kNumbered : Framing::kBlankLines;
}

std::string format_data_tile(const std::vector<std::string>& records, std::uint64_t first,
                             DataTileStyle style) {
  std::string out;
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (i > 0) out += '\n';
    if (style == DataTileStyle::kNumbered)
      fmt::format_to(std::back_inserter(out), "{}\n", first + i);
    out += records[i];
  }
  if (style != DataTileStyle::kSeparated && !records.empty()) out += '\n';
  return out;
}

}  // namespace gw::tlog
