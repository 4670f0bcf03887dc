#include "tlog/c2sp_tiles.h"

#include "base/bytes.h"

namespace gw::tlog {

namespace {

constexpr std::string_view kTile = "tile/";
constexpr std::string_view kSumdbTile = "tile/8/";
constexpr std::string_view kEntries = "entries/";
constexpr std::string_view kSumdbData = "data/";

}  // namespace

std::string format_c2sp_tile_path(const TileId& id) {
  const std::string path = format_tile_path(id);
  std::string_view rest = path;
  rest.remove_prefix(kSumdbTile.size());
  std::string out(kTile);
  if (id.level == kDataLevel) {
    rest.remove_prefix(kSumdbData.size());
    out += kEntries;
  }
  out += rest;
  return out;
}

std::optional<TileId> parse_c2sp_tile_path(std::string_view path) {
  if (!path.starts_with(kTile)) return std::nullopt;
  path.remove_prefix(kTile.size());
  std::string sumdb(kSumdbTile);
  if (path.starts_with(kSumdbData)) return std::nullopt;
  if (path.starts_with(kEntries)) {
    path.remove_prefix(kEntries.size());
    sumdb += kSumdbData;
  }
  sumdb += path;
  return parse_tile_path(sumdb);
}

std::string format_entry_bundle(std::span<const std::string> entries) {
  std::string out;
  std::size_t bytes = 0;
  for (const std::string& entry : entries) bytes += 2 + entry.size();
  out.reserve(bytes);
  for (const std::string& entry : entries) {
    append_u16(out, static_cast<std::uint16_t>(entry.size()));
    out += entry;
  }
  return out;
}

bool split_entry_bundle(std::string_view bundle, std::uint32_t count, RecordTexts& out) {
  if (count == 0 || count > kTileWidth) return false;
  ByteReader reader(bundle);
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto length = reader.u16();
    if (!length) return false;
    const auto entry = reader.bytes(*length);
    if (!entry) return false;
    out[i] = *entry;
  }
  return reader.empty();
}

}  // namespace gw::tlog
