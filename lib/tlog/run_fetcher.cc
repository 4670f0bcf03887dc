#include "tlog/run_fetcher.h"

#include <fmt/format.h>

#include <algorithm>

#include "tlog/data_tile.h"
#include "tlog/hash.h"

namespace gw::tlog {

namespace {

// So few missing tiles (8,192 records) are fetched at once and proven by the root they give.
constexpr std::uint64_t kDirectTiles = 32;

// All leaf hashes of the part of a tile that was asked for, read one way.
std::optional<std::vector<Hash>> leaves_of(const TileBody& body, Framing framing) {
  const TileId& id = body.id;
  RecordTexts texts;
  const std::uint32_t count = body.from_full ? kTileWidth : id.width;
  if (!split_data_tile(body.bytes, id.index * kTileWidth, count, framing, texts)) {
    return std::nullopt;
  }
  std::vector<Hash> out;
  out.reserve(id.width);
  for (std::uint32_t i = 0; i < id.width; ++i) out.push_back(leaf_hash(texts[i]));
  return out;
}

std::optional<std::vector<Hash>> likely_leaves(const TileBody& body) {
  return leaves_of(body, guess_framing(body.bytes, body.id.index * kTileWidth));
}

// Of the two readings the one that gives `expected`.
std::optional<std::vector<Hash>> leaves_with_root(const TileBody& body, const Hash& expected) {
  for (const Framing framing : {Framing::kBlankLines, Framing::kNumbered}) {
    auto leaves = leaves_of(body, framing);
    if (leaves && subtree_root(*leaves) == expected) return leaves;
  }
  return std::nullopt;
}

}  // namespace

RunFetcher::RunFetcher(TileSource& source, Checkpoint target, Frontier own)
    : source_(&source), tree_(source, std::move(target)), own_(std::move(own)) {}

TileId RunFetcher::data_tile(std::uint64_t index) const {
  return {kDataLevel, index, tile_width(kDataLevel, index, target().size())};
}

Result<HeadComparison> RunFetcher::start() {
  auto found = compare();
  if (!found && (found.error().kind == ErrorKind::kUntrusted ||
                 found.error().kind == ErrorKind::kUnavailable)) {
    // What failed may be there to hide a fork, and hash tiles alone can show that one.
    if (auto fork = fork_by_hash_tiles()) return *std::move(fork);
  }
  ready_ = found && !found->fork();
  return found;
}

Result<HeadComparison> RunFetcher::compare() {
  if (own_.size() > target().size()) {
    return usage_error(
        fmt::format("cannot follow from record {} to a head of {}", own_.size(), target().size()));
  }
  if (own_.size() == target().size()) return compare_history(own_.size(), own_.root(), tree_);
  const std::uint64_t first = own_.size() / kTileWidth;
  const std::uint64_t last = (target().size() - 1) / kTileWidth;
  if (last - first < kDirectTiles) {
    GW_TRY(const bool proven, prove_by_root(first, last));
    if (proven) return settle_history(own_.size(), own_.root(), own_.root(), tree_);
  }
  return prove_by_tiles();
}

std::optional<HeadComparison> RunFetcher::fork_by_hash_tiles() {
  if (!tree_.edge_proven()) tree_.forget_tail();
  const std::uint64_t boundary = own_.size() / kTileWidth * kTileWidth;
  for (const std::uint64_t size : {boundary, own_.size()}) {
    auto there = tree_.frontier_at(size);
    const bool same = there && *there == own_.truncated_to(size == own_.size() ? 0 : kTileHeight);
    if (there && !same) return fork_at(size, *there);
  }
  return std::nullopt;
}

Result<bool> RunFetcher::prove_by_root(std::uint64_t first, std::uint64_t last) {
  std::vector<TileId> tiles;
  for (std::uint64_t i = first; i <= last; ++i) tiles.push_back(data_tile(i));
  GW_CHECK(load_bodies(tiles));
  Frontier frontier = own_.truncated_to(kTileHeight);
  std::map<std::uint64_t, Hash> expected;
  bool readable = true;
  for (std::size_t i = 0; i < tiles.size() && readable; ++i) {
    const auto leaves = likely_leaves(bodies_.at(tiles[i].index));
    readable = leaves.has_value();
    if (!leaves) break;
    for (const Hash& leaf : *leaves) {
      frontier.append(leaf);
      // The records before own_.size() are in the first tile too and must be the known ones.
      if (frontier.size() == own_.size() && frontier != own_) readable = false;
    }
    expected[tiles[i].index] = subtree_root(*leaves);
  }
  const bool proven = readable && frontier.root() == target().root();
  if (proven) expected_ = std::move(expected);
  return proven;
}

// What comes is kept, also when not all does.
Status RunFetcher::load_bodies(const std::vector<TileId>& tiles, std::size_t max_bytes) {
  std::vector<TileId> missing;
  std::copy_if(tiles.begin(), tiles.end(), std::back_inserter(missing),
               [&](const TileId& id) { return !bodies_.contains(id.index); });
  if (missing.empty()) return {};
  GW_TRY(auto bodies, fetch_each(*source_, target(), missing, max_bytes));
  Status all;
  for (std::size_t i = 0; i < missing.size(); ++i) {
    if (bodies[i]) {
      bodies_.insert_or_assign(missing[i].index, *std::move(bodies[i]));
    } else if (all) {
      all = tree_.with_proof(std::move(bodies[i]).error());
    }
  }
  return all;
}

Status RunFetcher::prove_edge() {
  const std::uint64_t size = target().size();
  if (size % kTileWidth == 0) return tree_.load({});
  TileId id = data_tile(size / kTileWidth);
  const TileBody& body = bodies_.at(id.index);
  auto leaves = likely_leaves(body);
  if (leaves) {
    const Hash root = subtree_root(*leaves);
    tree_.use_tail(*std::move(leaves));
    auto status = tree_.load({});
    if (status) {
      expected_[id.index] = root;
      return {};
    }
    if (status.error().kind != ErrorKind::kUntrusted) return status;
    tree_.forget_tail();
  }
  // The records do not fit. With the hashes of level 0 in their place either the edge does, and it
  // is the data tile that is wrong (or framed in the unlikely way), or the hash tiles are.
  GW_CHECK(tree_.load({}));
  GW_TRY(const Hash root, level0_root(id));
  expected_[id.index] = root;
  if (leaves_with_root(body, root)) return {};
  if (!body.from_full) {
    GW_TRY(auto full, fetch_full(*source_, target(), {&id, 1}));
    if (full[0] && leaves_with_root(*full[0], root)) {
      bodies_.insert_or_assign(id.index, *std::move(full[0]));
      return {};
    }
  }
  return bad_data_tile(id);
}

Result<Hash> RunFetcher::level0_root(const TileId& id) {
  std::vector<Hash> leaves;
  for (std::uint32_t i = 0; i < id.width; ++i) {
    GW_TRY(const Hash h, tree_.entry(0, id.index * kTileWidth + i));
    leaves.push_back(h);
  }
  return subtree_root(leaves);
}

Error RunFetcher::bad_data_tile(const TileId& id) {
  auto body = bodies_.extract(id.index);  // asked for anew the next time
  if (body.empty()) return internal_error(format_tile_path(id) + ": not at hand");
  const std::string path = body.mapped().path();
  return bad_tiles_error(path + ": its records do not hash to the log's tree",
                         {target(), {{path, std::move(body.mapped().bytes)}}, tree_.proof_for(id)});
}

Result<HeadComparison> RunFetcher::prove_by_tiles() {
  const std::uint64_t size = target().size();
  const std::uint64_t boundary = own_.size() - own_.size() % kTileWidth;
  const TileId middle = data_tile(own_.size() / kTileWidth);
  std::vector<TileId> wanted;
  if (size % kTileWidth != 0) wanted.push_back(data_tile(size / kTileWidth));
  if (own_.size() != boundary && (wanted.empty() || wanted[0].index != middle.index)) {
    wanted.push_back(middle);
  }
  GW_CHECK(load_bodies(wanted));
  GW_CHECK(prove_edge());
  GW_TRY(Frontier there, tree_.frontier_at(boundary));
  if (there != own_.truncated_to(kTileHeight)) return fork_at(boundary, there);
  if (own_.size() != boundary) {
    GW_TRY(auto leaves, middle_leaves(middle));
    for (std::uint64_t i = 0; i < own_.size() - boundary; ++i) there.append(leaves[i]);
  }
  if (there != own_) return fork_at(own_.size(), there);
  return settle_history(own_.size(), own_.root(), there.root(), tree_);
}

HeadComparison RunFetcher::fork_at(std::uint64_t size, const Frontier& there) {
  // The evidence is best at the size that was signed, and from hash tiles alone. A log that
  // withholds the level-0 tile must not get away with it: then the difference shown is the one at
  // the multiple of 256 below, or the data tile is the evidence.
  if (auto exact = compare_history(own_.size(), own_.root(), tree_)) return *std::move(exact);
  const Frontier own = own_.truncated_to(size == own_.size() ? 0 : kTileHeight);
  HeadComparison found = settle_history(size, own.root(), there.root(), tree_);
  const auto body = bodies_.find(size / kTileWidth);
  if (size == own_.size() && body != bodies_.end()) {
    found.tiles.insert(found.tiles.begin(), {body->second.path(), body->second.bytes});
  }
  return found;
}

Result<std::vector<Hash>> RunFetcher::middle_leaves(const TileId& id) {
  GW_TRY(const Hash root, expected_root(id));
  auto it = bodies_.find(id.index);
  auto leaves = it == bodies_.end() ? std::nullopt : leaves_with_root(it->second, root);
  if (!leaves) return bad_data_tile(id);
  return *std::move(leaves);
}

Result<Hash> RunFetcher::expected_root(const TileId& id) {
  if (auto it = expected_.find(id.index); it != expected_.end()) return it->second;
  if (id.full()) return tree_.entry(1, id.index);
  return level0_root(id);
}

Result<Frontier> RunFetcher::frontier_before(std::uint64_t first) {
  if (first == own_.size()) return own_;
  Frontier frontier = own_.truncated_to(kTileHeight);
  for (std::uint64_t tile = frontier.size() / kTileWidth; frontier.size() < first; ++tile) {
    auto it = expected_.find(tile);
    // Proven by tiles, so they are at hand.
    if (it == expected_.end()) return tree_.frontier_at(first);
    frontier.append_subtree(kTileHeight, it->second);
  }
  return frontier;
}

Result<FetchedRun> RunFetcher::fetch(std::uint64_t first, std::size_t max_tiles,
                                     std::size_t max_tile_bytes) {
  const bool aligned = first == own_.size() || (first > own_.size() && first % kTileWidth == 0);
  if (!ready_ || !aligned || first >= target().size() || max_tiles == 0) {
    return usage_error(fmt::format("cannot fetch records from {}", first));
  }
  std::vector<TileId> tiles;
  std::vector<TileId> level1;
  const std::uint64_t last = (target().size() - 1) / kTileWidth;
  for (std::uint64_t i = first / kTileWidth; i <= last && tiles.size() < max_tiles; ++i) {
    tiles.push_back(data_tile(i));
    const TileId above{1, i / kTileWidth, kTileWidth};
    const bool known = expected_.contains(i) || (!level1.empty() && level1.back() == above);
    if (!known) level1.push_back(above);
  }
  if (!level1.empty()) GW_CHECK(tree_.load(level1));
  if (auto loaded = load_bodies(tiles, max_tile_bytes); !loaded) {
    const auto lacking = std::find_if(
        tiles.begin(), tiles.end(), [&](const TileId& id) { return !bodies_.contains(id.index); });
    if (lacking == tiles.begin()) return std::move(loaded).error();
    tiles.erase(lacking, tiles.end());
  }
  GW_TRY(Frontier before, frontier_before(first));
  FetchedRun run(target(), std::move(before));
  for (const TileId& id : tiles) {
    GW_TRY(const Hash expected, expected_root(id));
    run.tiles_.push_back({std::move(bodies_.extract(id.index).mapped()), expected});
  }
  run.end_ = std::min<std::uint64_t>((tiles.back().index + 1) * kTileWidth, target().size());
  return run;
}

}  // namespace gw::tlog
