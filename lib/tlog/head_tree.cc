#include "tlog/head_tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "tlog/hash.h"
#include "tlog/tile_fetch.h"

namespace gw::tlog {

namespace {

constexpr std::size_t kMaxCachedTiles = 4096;  // 32 MB

Error no_such_tile(const TileId& id, std::uint64_t size) {
  return usage_error(
      fmt::format("{} does not exist in a tree of {} records", format_tile_path(id), size));
}

// A tile's part of the frontier: one hash for each set bit of its width, the largest subtree first.
void append_frontier(std::span<const Hash> hashes, std::vector<Hash>& out) {
  while (!hashes.empty()) {
    const std::size_t n = std::bit_floor(hashes.size());
    out.push_back(subtree_root(hashes.first(n)));
    hashes = hashes.subspan(n);
  }
}

}  // namespace

HeadTree::HeadTree(TileSource& source, Checkpoint head)
    : source_(&source), head_(std::move(head)) {}

std::vector<TileId> HeadTree::edge_tiles() const {
  std::vector<TileId> out;
  for (int level = 0; level <= kMaxTileLevel; ++level) {
    const std::uint64_t entries = head_.size() >> (kTileHeight * static_cast<unsigned>(level));
    auto width = static_cast<std::uint32_t>(entries % kTileWidth);
    if (width != 0) out.push_back({level, entries / kTileWidth, width});
  }
  return out;
}

void HeadTree::use_tail(std::vector<Hash> leaves) {
  if (edge_done_ || leaves.size() != head_.size() % kTileWidth) std::abort();
  tail_ = std::move(leaves);
}

Status HeadTree::load(const std::vector<TileId>& tiles) {
  // Before anything counts on a cached parent.
  make_room(kMaxTileLevel * (tiles.size() + 1));
  std::vector<TileId> missing;
  auto want = [&](const TileId& id) {
    const bool known = verified_.contains({id.level, id.index}) ||
                       std::find(missing.begin(), missing.end(), id) != missing.end();
    if (!known) missing.push_back(id);
    return !known;
  };
  if (!edge_done_) {
    for (const TileId& id : edge_tiles()) {
      if (id.level != 0 || !tail_) want(id);
    }
  }
  for (TileId id : tiles) {
    id.width = id.level < 0 ? 0 : tile_width(id.level, id.index, head_.size());
    if (id.width == 0) return no_such_tile(id, head_.size());
    // A partial tile is at the edge and authenticated with it; a full one needs its parents.
    while (id.full() && want(id)) {
      id = {id.level + 1, id.index / kTileWidth,
            tile_width(id.level + 1, id.index / kTileWidth, head_.size())};
    }
  }
  if (missing.empty() && edge_done_) return {};
  return load_missing(std::move(missing));
}

Status HeadTree::load_missing(std::vector<TileId> missing) {
  GW_TRY(auto fetched, fetch(missing));
  if (!edge_done_) {
    auto edge = authenticate_edge(fetched);
    if (!edge && find_bad_tiles(edge.error()) != nullptr && edge_by_full_tiles(fetched)) edge = {};
    GW_CHECK(std::move(edge));
  }
  // From the top down: each parent is verified before its children are compared with it.
  std::sort(missing.begin(), missing.end(),
            [](const TileId& a, const TileId& b) { return a.level > b.level; });
  for (const TileId& id : missing) {
    const Key key{id.level, id.index};
    if (!id.full()) continue;
    Hashes& hashes = fetched[key];
    const Hashes& parent = verified_.at({id.level + 1, id.index / kTileWidth});
    if (subtree_root(hashes) != parent[id.index % kTileWidth]) {
      const std::string path = format_tile_path(id);
      return bad_tiles_error(path + ": does not hash to its entry in the tile above",
                             {head_, {{path, format_hash_tile(hashes)}}, proof_for(id)});
    }
    verified_.insert_or_assign(key, std::move(hashes));
  }
  return {};
}

// What came as the partial tiles of the edge is not the log's. Where it has grown since, the full
// ones begin with them.
Status HeadTree::edge_by_full_tiles(std::map<Key, Hashes>& fetched) {
  std::vector<TileId> partial;
  for (const TileId& id : edge_tiles()) {
    if (id.level != 0 || !tail_) partial.push_back(id);
  }
  GW_TRY(const auto full, fetch_full(*source_, head_, partial));
  std::map<Key, Hashes> others = fetched;
  for (const auto& body : full) {
    if (!body) continue;
    GW_TRY(Hashes hashes, parse_hash_tile(body->bytes, body->id.width, true));
    others.insert_or_assign(Key{body->id.level, body->id.index}, std::move(hashes));
  }
  GW_CHECK(authenticate_edge(others));
  fetched = std::move(others);
  return {};
}

Status HeadTree::authenticate_edge(const std::map<Key, Hashes>& fetched) {
  std::vector<TileId> edge = edge_tiles();
  std::vector<Hash> frontier;
  std::string names;
  for (auto it = edge.rbegin(); it != edge.rend(); ++it) {
    const bool from_tail = it->level == 0 && tail_;
    append_frontier(from_tail ? *tail_ : fetched.at({it->level, it->index}), frontier);
    names += (names.empty() ? "" : ", ") +
             format_tile_path(from_tail ? TileId{kDataLevel, it->index, it->width} : *it);
  }
  GW_TRY(const Frontier f, Frontier::from_hashes(head_.size(), std::move(frontier)));
  if (f.root() != head_.root()) {
    std::vector<TileBytes> bad;
    for (const TileId& id : edge) {
      if (id.level == 0 && tail_) continue;  // the caller has the records
      bad.push_back({format_tile_path(id), format_hash_tile(fetched.at({id.level, id.index}))});
    }
    return bad_tiles_error(fmt::format("{}: do not hash to the root that is signed for {} records",
                                       names, head_.size()),
                           {head_, std::move(bad)});
  }
  for (const TileId& id : edge) {
    const Key key{id.level, id.index};
    verified_.insert_or_assign(key, id.level == 0 && tail_ ? *tail_ : fetched.at(key));
  }
  edge_done_ = true;
  return {};
}

Result<std::map<HeadTree::Key, HeadTree::Hashes>> HeadTree::fetch(
    const std::vector<TileId>& tiles) {
  auto bodies = fetch_tiles(*source_, head_, tiles);
  if (!bodies) return with_proof(std::move(bodies).error());
  std::map<Key, Hashes> out;
  for (const TileBody& body : *bodies) {
    GW_TRY(Hashes hashes, parse_hash_tile(body.bytes, body.id.width, body.from_full));
    out.emplace(Key{body.id.level, body.id.index}, std::move(hashes));
  }
  return out;
}

void HeadTree::make_room(std::size_t incoming) {
  if (verified_.size() + incoming <= kMaxCachedTiles) return;
  // The edge proves everything else and is fetched once; the rest can be had again.
  std::map<Key, Hashes> edge;
  if (edge_done_) {
    for (const TileId& id : edge_tiles()) {
      edge.insert(verified_.extract({id.level, id.index}));
    }
  }
  verified_ = std::move(edge);
}

Result<Hash> HeadTree::entry(int level, std::uint64_t index) {
  Key key{level, index / kTileWidth};
  const std::size_t at = index % kTileWidth;
  auto it = verified_.find(key);
  if (it == verified_.end()) {
    GW_CHECK(load({{key.level, key.index, kTileWidth}}));
    it = verified_.find(key);
  }
  if (it == verified_.end() || at >= it->second.size()) {
    return no_such_tile({level, key.index, static_cast<std::uint32_t>(at) + 1}, head_.size());
  }
  return it->second[at];
}

Result<Hash> HeadTree::node(NodeId id) {
  auto level = static_cast<int>(id.level / kTileHeight);
  const std::uint64_t count = std::uint64_t{1} << (id.level % kTileHeight);
  std::vector<Hash> entries;
  for (std::uint64_t i = 0; i < count; ++i) {
    GW_TRY(const Hash h, entry(level, id.index * count + i));
    entries.push_back(h);
  }
  return subtree_root(entries);
}

std::vector<TileId> HeadTree::path_tiles(std::uint64_t size) const {
  std::vector<TileId> out;
  for (unsigned level = 0; level <= kMaxTileLevel; ++level) {
    const std::uint64_t entries = size >> (kTileHeight * level);
    if (entries % kTileWidth != 0) {
      out.push_back({static_cast<int>(level), entries / kTileWidth, kTileWidth});
    }
  }
  return out;
}

Result<Frontier> HeadTree::frontier_at(std::uint64_t size) {
  if (size > head_.size()) {
    return usage_error(fmt::format("no tree of {} records under a head of {}", size, head_.size()));
  }
  if (size == 0) return Frontier();
  GW_CHECK(load(path_tiles(size)));
  return tlog::frontier_at(size, *this);
}

Status HeadTree::load_frontiers(std::span<const std::uint64_t> sizes) {
  std::vector<TileId> tiles;
  for (const std::uint64_t size : sizes) {
    for (const TileId& id : path_tiles(size)) tiles.push_back(id);
  }
  std::sort(tiles.begin(), tiles.end(), [](const TileId& a, const TileId& b) {
    return std::pair(a.level, a.index) < std::pair(b.level, b.index);
  });
  tiles.erase(std::unique(tiles.begin(), tiles.end()), tiles.end());
  return load(tiles);
}

Result<std::vector<Hash>> HeadTree::prove_inclusion(std::uint64_t record) {
  if (record >= head_.size()) {
    return usage_error(
        fmt::format("record {} is not below the tree size {}", record, head_.size()));
  }
  // The audit path's hashes lie in the tiles above the record and at the edge.
  std::vector<TileId> tiles;
  for (int level = 0; level < kMaxTileLevel; ++level) {
    const std::uint64_t index = record >> (kTileHeight * static_cast<unsigned>(level + 1));
    if (tile_width(level, index, head_.size()) == 0) break;
    tiles.push_back({level, index, kTileWidth});
  }
  GW_CHECK(load(tiles));
  return inclusion_proof(record, head_.size(), *this);
}

bool HeadTree::add_verified(TileId id, std::vector<TileBytes>& out) const {
  auto it = verified_.find({id.level, id.index});
  if (it == verified_.end()) return false;
  id.width = static_cast<std::uint32_t>(it->second.size());
  std::string path = format_tile_path(id);
  const bool known = std::any_of(out.begin(), out.end(), [&](auto& t) { return t.path == path; });
  if (!known) out.push_back({std::move(path), format_hash_tile(it->second)});
  return id.full();
}

std::vector<TileBytes> HeadTree::proof_for(TileId id) const {
  std::vector<TileBytes> out;
  if (!edge_done_) return out;
  for (const TileId& edge : edge_tiles()) add_verified(edge, out);
  // A data tile is what the level-0 tile of its place is: both hash to one level-1 entry.
  int level = std::max(id.level, 0);
  if (!id.full()) add_verified({level, id.index, kTileWidth}, out);
  do {
    ++level;
    id = {level, id.index / kTileWidth, kTileWidth};
  } while (add_verified(id, out));
  return out;
}

Error HeadTree::with_proof(Error error) const {
  const BadTiles* bad = find_bad_tiles(error);
  if (bad == nullptr || bad->tiles.size() != 1 || !bad->proof.empty()) return error;
  const auto id = parse_tile_path(bad->tiles[0].path);
  if (!id) return error;
  auto more = std::make_shared<BadTiles>(*bad);
  more->proof = proof_for(*id);
  error.detail = std::move(more);
  return error;
}

std::vector<TileBytes> HeadTree::evidence(std::uint64_t size) const {
  std::vector<TileBytes> out;
  for (const TileId& id : edge_tiles()) add_verified(id, out);
  for (TileId id : path_tiles(size)) {
    while (add_verified(id, out)) id = {id.level + 1, id.index / kTileWidth, kTileWidth};
  }
  return out;
}

}  // namespace gw::tlog
