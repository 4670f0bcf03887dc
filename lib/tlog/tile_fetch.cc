#include "tlog/tile_fetch.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "tlog/bad_tiles.h"

namespace gw::tlog {
namespace {

bool is_data(const TileId& id) { return id.level == kDataLevel; }

FetchRequest request_for(const TileId& id, std::size_t max_data_bytes = kMaxDataTileBytes) {
  return {format_tile_path(id), is_data(id) ? max_data_bytes : kHashTileBytes};
}

// `bytes`: what the source gave, if it gave anything.
Error failed(const Checkpoint& head, Error error, const std::string& path, std::string bytes = {}) {
  if (error.kind == ErrorKind::kUntrusted) {
    return bad_tiles_error(fmt::format("{}: {}", path, error.message),
                           {head, {{path, std::move(bytes)}}});
  }
  if (error.kind == ErrorKind::kNotFound) error.kind = ErrorKind::kUnavailable;
  return std::move(error).in(path);
}

// One tile as it came; an error that says so when it is none.
Result<TileBody> take(const Checkpoint& head, const TileId& id, bool from_full,
                      Result<std::string> reply) {
  const TileId asked = from_full ? id.as_full() : id;
  const std::string path = format_tile_path(asked);
  if (!reply) return failed(head, std::move(reply).error(), path);
  if (!is_data(id)) {
    auto hashes = parse_hash_tile(*reply, asked.width);
    if (!hashes) return failed(head, std::move(hashes).error(), path, *std::move(reply));
  }
  return TileBody{id, from_full, *std::move(reply)};
}

}  // namespace

Result<std::vector<Result<std::string>>> fetch_all(TileSource& source,
                                                   std::span<const FetchRequest> requests) {
  if (requests.empty()) return std::vector<Result<std::string>>();
  auto replies = source.fetch(requests);
  if (replies.size() != requests.size()) return internal_error("source lost a reply");
  return replies;
}

Result<std::vector<Result<TileBody>>> fetch_each(TileSource& source, const Checkpoint& head,
                                                 std::span<const TileId> tiles,
                                                 std::size_t max_data_bytes) {
  std::vector<FetchRequest> requests;
  requests.reserve(tiles.size());
  for (const TileId& id : tiles) requests.push_back(request_for(id, max_data_bytes));
  GW_TRY(auto replies, fetch_all(source, requests));
  std::vector<Result<TileBody>> out;
  out.reserve(tiles.size());
  std::vector<std::size_t> missing;  // partial tiles that were not to be had
  for (std::size_t i = 0; i < tiles.size(); ++i) {
    out.push_back(take(head, tiles[i], false, std::move(replies[i])));
    if (!out[i] && !tiles[i].full()) missing.push_back(i);
  }
  if (missing.empty()) return out;
  requests.clear();
  for (const std::size_t i : missing)
    requests.push_back(request_for(tiles[i].as_full(), max_data_bytes));
  GW_TRY(auto full, fetch_all(source, requests));
  for (std::size_t k = 0; k < missing.size(); ++k) {
    const std::size_t i = missing[k];
    // Without the full one the tile's own error says more.
    if (full[k]) out[i] = take(head, tiles[i], true, std::move(full[k]));
  }
  return out;
}

Result<std::vector<TileBody>> fetch_tiles(TileSource& source, const Checkpoint& head,
                                          std::span<const TileId> tiles) {
  GW_TRY(auto each, fetch_each(source, head, tiles));
  std::vector<TileBody> out;
  out.reserve(each.size());
  for (auto& tile : each) {
    if (!tile) return std::move(tile).error();
    out.push_back(*std::move(tile));
  }
  return out;
}

Result<std::vector<std::optional<TileBody>>> fetch_full(TileSource& source, const Checkpoint& head,
                                                        std::span<const TileId> tiles) {
  std::vector<FetchRequest> requests;
  for (const TileId& id : tiles) requests.push_back(request_for(id.as_full()));
  GW_TRY(auto replies, fetch_all(source, requests));
  std::vector<std::optional<TileBody>> out(tiles.size());
  for (std::size_t i = 0; i < tiles.size(); ++i) {
    auto body = take(head, tiles[i], true, std::move(replies[i]));
    if (body) out[i] = *std::move(body);
  }
  return out;
}

}  // namespace gw::tlog
