#include "tlog/tile.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/text.h"
#include "tlog/hash.h"
#include "tlog/tree.h"

namespace gw::tlog {

namespace {

constexpr std::string_view kPrefix = "tile/8/";

// K in groups of three digits: 1234067 -> "x001/x234/067".
std::string format_index(std::uint64_t index) {
  std::vector<std::uint64_t> groups = {index % 1000};
  while ((index /= 1000) > 0) groups.push_back(index % 1000);
  std::string out;
  for (std::size_t i = groups.size(); i-- > 0;) {
    if (i > 0) out += 'x';
    for (const std::uint64_t unit : {100, 10, 1})
      out += static_cast<char>('0' + groups[i] / unit % 10);
    if (i > 0) out += '/';
  }
  return out;
}

std::optional<std::uint64_t> parse_index(std::string_view text) {
  std::uint64_t index = 0;
  for (bool last = false; !last;) {
    last = !text.starts_with('x');
    if (!last) text.remove_prefix(1);
    if (text.size() < 3 || (!last && (text.size() == 3 || text[3] != '/'))) return std::nullopt;
    for (const char c : text.substr(0, 3)) {
      if (!is_digit(c)) return std::nullopt;
      index = index * 10 + static_cast<std::uint64_t>(c - '0');
      if (index > kMaxTreeSize) return std::nullopt;
    }
    text.remove_prefix(last ? 3 : 4);
  }
  if (!text.empty()) return std::nullopt;
  return index;
}

}  // namespace

std::string format_tile_path(const TileId& id) {
  std::string out(kPrefix);
  out += id.level == kDataLevel ? "data" : std::to_string(id.level);
  out += '/';
  out += format_index(id.index);
  if (!id.full()) out += fmt::format(".p/{}", id.width);
  return out;
}

std::optional<TileId> parse_tile_path(std::string_view path) {
  std::string_view rest = path;
  if (!rest.starts_with(kPrefix)) return std::nullopt;
  rest.remove_prefix(kPrefix.size());
  const std::size_t slash = rest.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const std::string_view level = rest.substr(0, slash);
  rest.remove_prefix(slash + 1);
  TileId id;
  if (level == "data") {
    id.level = kDataLevel;
  } else {
    auto n = parse_decimal(level);
    if (!n || *n > static_cast<std::uint64_t>(kMaxTileLevel)) return std::nullopt;
    id.level = static_cast<int>(*n);
  }
  if (const std::size_t dot = rest.find(".p/"); dot != std::string_view::npos) {
    auto width = parse_decimal(rest.substr(dot + 3));
    if (!width || *width == 0 || *width >= kTileWidth) return std::nullopt;
    id.width = static_cast<std::uint32_t>(*width);
    rest = rest.substr(0, dot);
  }
  auto index = parse_index(rest);
  if (!index) return std::nullopt;
  id.index = *index;
  // Zero groups in front are a second spelling.
  if (format_tile_path(id) != path) return std::nullopt;
  return id;
}

std::uint32_t tile_width(int level, std::uint64_t index, std::uint64_t size) {
  if (level > kMaxTileLevel) return 0;
  const std::uint64_t entries = level == kDataLevel ? size : size >> (kTileHeight * level);
  const std::uint64_t first = index * kTileWidth;
  if (index > (UINT64_MAX / kTileWidth) || first >= entries) return 0;
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(kTileWidth, entries - first));
}

Result<std::vector<Hash>> parse_hash_tile(std::string_view body, std::uint32_t width,
                                          bool from_full) {
  const std::size_t want = sizeof(Hash) * (from_full ? kTileWidth : width);
  if (body.size() != want) {
    return untrusted_error(fmt::format("has {} bytes instead of {}", body.size(), want));
  }
  return *parse_hashes(body.substr(0, width * sizeof(Hash)));
}

std::string format_hash_tile(const std::vector<Hash>& hashes) { return format_hashes(hashes); }

}  // namespace gw::tlog
