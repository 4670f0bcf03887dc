// A mirror's hash tiles: a tree of some size whose tiles are the log's, but for those that the
// input puts something in place of. Nothing but the log's own hashes ever comes out, whatever is
// asked for, and a proof that is made holds.
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/require.h"
#include "tlog/checkpoint.h"
#include "tlog/go_log.h"
#include "tlog/hash.h"
#include "tlog/head_tree.h"
#include "tlog/tree.h"

namespace fuzz_hash_tiles {

using namespace gw;
using namespace gw::tlog;

namespace {

constexpr std::uint64_t kRecords = 70'000;  // three levels of tiles

// The log: full levels of hashes, the leaves by number.
struct Log {
  std::vector<std::vector<Hash>> levels;  // by tile level
  std::map<std::uint64_t, Hash> roots;

  Log() {
    levels.emplace_back();
    for (std::uint64_t i = 0; i < kRecords; ++i) {
      levels[0].push_back(leaf_hash(std::to_string(i)));
    }
    while (levels.back().size() >= kTileWidth) {
      std::vector<Hash> above;
      const std::vector<Hash>& below = levels.back();
      for (std::size_t at = 0; at + kTileWidth <= below.size(); at += kTileWidth) {
        Frontier subtree;
        for (std::size_t i = 0; i < kTileWidth; ++i) subtree.append_subtree(0, below[at + i]);
        above.push_back(subtree.root());
      }
      levels.push_back(std::move(above));
    }
  }
  Hash root(std::uint64_t size) {
    const auto known = roots.find(size);
    if (known != roots.end()) return known->second;
    Frontier tree;
    std::uint64_t at = 0;
    for (std::size_t level = levels.size(); level-- > 0;) {
      const std::uint64_t width = std::uint64_t{1} << (kTileHeight * level);
      for (; size - at >= width; at += width) {
        tree.append_subtree(static_cast<unsigned>(kTileHeight * level), levels[level][at / width]);
      }
    }
    return roots[size] = tree.root();
  }
  std::string tile(const TileId& id) const {
    const auto& hashes = levels[static_cast<std::size_t>(id.level)];
    const std::uint64_t begin = id.index * kTileWidth;
    if (begin + id.width > hashes.size()) return "";
    return format_hash_tile({hashes.begin() + static_cast<std::ptrdiff_t>(begin),
                             hashes.begin() + static_cast<std::ptrdiff_t>(begin + id.width)});
  }
};

// The next numbers and bytes of the input.
struct Input {
  std::string_view rest;
  std::uint64_t number(std::uint64_t below) {
    std::uint64_t v = 0;
    for (int i = 0; i < 3 && !rest.empty(); ++i) {
      v = v << 8 | static_cast<std::uint8_t>(rest.front());
      rest.remove_prefix(1);
    }
    return below == 0 ? 0 : v % below;
  }
  std::string_view bytes(std::size_t size) {
    const std::string_view out = rest.substr(0, size);
    rest.remove_prefix(out.size());
    return out;
  }
};

// The log's tiles, some of them spoilt as the input says.
class Mirror : public TileSource {
 public:
  Mirror(const Log& log, Input& input) : log_(log), input_(input) {}
  std::vector<Result<std::string>> fetch(std::span<const FetchRequest> requests) override {
    std::vector<Result<std::string>> out;
    for (const FetchRequest& request : requests) out.push_back(one(request.path));
    return out;
  }
  std::string describe() const override { return "the mirror"; }
  bool spoilt = false;

 private:
  Result<std::string> one(const std::string& path) {
    const auto id = parse_tile_path(path);
    require(id.has_value() && id->level >= 0);
    std::string tile = log_.tile(*id);
    switch (input_.rest.empty() ? 0 : input_.number(8)) {
      case 1:
        spoilt = true;
        return not_found_error("gone");
      case 2:
        spoilt = true;
        return std::string(input_.bytes(input_.number(300)));
      case 3: {  // other hashes at the same length
        const std::size_t at = input_.number(tile.size());
        const std::string_view put = input_.bytes(32).substr(0, tile.size() - at);
        spoilt = spoilt || tile.compare(at, put.size(), put) != 0;
        tile.replace(at, put.size(), put);
        break;
      }
      case 4: {  // another tile's
        const std::string other = log_.tile({id->level, 0, id->width});
        spoilt = spoilt || other != tile;
        tile = other;
        break;
      }
      default:
        break;
    }
    if (tile.empty()) return not_found_error("no such tile");
    return tile;
  }
  const Log& log_;
  Input& input_;
};

void ask(Log& log, HeadTree& tree, const Mirror& mirror, Input& input, std::uint64_t size) {
  const std::uint64_t at = input.number(size);
  switch (input.number(4)) {
    case 0: {
      const auto proof = tree.prove_inclusion(at);
      require(proof.has_value() || mirror.spoilt);
      if (proof) {
        require(verify_inclusion(log.levels[0][at], at, size, *proof, log.root(size)).has_value());
      }
      break;
    }
    case 1: {
      const auto proof = consistency_proof(at + 1, size, tree);
      require(proof.has_value() || mirror.spoilt);
      if (proof) {
        require(
            verify_consistency(at + 1, log.root(at + 1), size, log.root(size), *proof).has_value());
      }
      break;
    }
    case 2: {
      const auto before = tree.frontier_at(at);
      require(before.has_value() || mirror.spoilt);
      if (before && at > 0) require(before->root() == log.root(at));
      break;
    }
    default: {
      const auto leaf = tree.entry(0, at);
      require(leaf.has_value() || mirror.spoilt);
      if (leaf) require(*leaf == log.levels[0][at]);
      break;
    }
  }
}

}  // namespace

FUZZ_TARGET(hash_tiles)(const std::uint8_t* data, std::size_t size) {
  static Log log;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  // Tiles by themselves.
  for (const std::uint32_t width : {1U, 5U, kTileWidth}) {
    for (const bool from_full : {false, true}) {
      const auto hashes = parse_hash_tile(text, width, from_full);
      require(hashes.has_value() == (size == 32 * (from_full ? kTileWidth : width)));
      if (hashes) require(text.starts_with(format_hash_tile(*hashes)));
    }
  }
  if (const auto frontier = Frontier::parse(size % 5000, text)) {
    require(frontier->hashes_text() == text);
  }
  Input input{text};
  const std::uint64_t records = 1 + input.number(kRecords);
  if (log.roots.size() > 10'000) log.roots.clear();
  Mirror mirror(log, input);
  static const SignerKey key = SignerKey::from_seed("log.example", std::string(32, 'k')).value();
  const std::string note =
      key.sign_note(format_tree_text(kGoLog.origin, records, log.root(records)));
  HeadTree tree(mirror, Checkpoint::open(note, key.verifier(), kGoLog).value());
  for (int i = 0; i < 4; ++i) ask(log, tree, mirror, input, records);
  return 0;
}

}  // namespace fuzz_hash_tiles
