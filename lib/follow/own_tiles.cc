#include "follow/own_tiles.h"

#include <optional>
#include <utility>

#include "tlog/tile.h"
#include "tlog/tile_fetch.h"

namespace gw::follow {

std::vector<Result<std::string>> OwnTiles::fetch(std::span<const tlog::FetchRequest> requests) {
  std::vector<Result<std::string>> out;
  std::vector<tlog::FetchRequest> others;
  std::vector<std::size_t> places;
  for (const tlog::FetchRequest& request : requests) {
    const auto id = tlog::parse_tile_path(request.path);
    auto own = id ? writer_.hash_tile(*id) : Result<std::optional<std::string>>(std::nullopt);
    if (own && *own) {
      out.emplace_back(**std::move(own));
      continue;
    }
    places.push_back(out.size());
    others.push_back(request);
    out.emplace_back(std::string());
  }
  auto replies = tlog::fetch_all(log_, others);
  for (std::size_t i = 0; i < places.size(); ++i) {
    out[places[i]] = replies ? std::move((*replies)[i]) : replies.error();
  }
  return out;
}

}  // namespace gw::follow
