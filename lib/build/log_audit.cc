#include "build/log_audit.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>
#include <vector>

#include "tlog/build_log.h"
#include "tlog/c2sp_tiles.h"
#include "tlog/data_tile.h"
#include "tlog/hash.h"
#include "tlog/log_tree.h"
#include "tlog/tile.h"
#include "tlog/tile_fetch.h"

namespace gw::build {

namespace {

using tlog::kTileWidth;
using tlog::TileId;

constexpr std::uint64_t kAtOnce = 16;  // tiles fetched in one round

class Audit {
 public:
  Audit(tlog::TileSource& source, const tlog::Checkpoint& head,
        const std::optional<tlog::Checkpoint>& before, AuditSink& sink)
      : source_(source), head_(head), before_(before), sink_(sink) {}

  // The way of an audit.
  Result<AuditedLog> run() {
    if (before_ && before_->size() > head_.size()) {
      return untrusted_error(fmt::format("the head is at {} records; it was at {} before",
                                         head_.size(), before_->size()));
    }
    GW_CHECK(compare_before());
    const std::uint64_t tiles = (head_.size() + kTileWidth - 1) / kTileWidth;
    for (std::uint64_t first = 0; first < tiles; first += kAtOnce) {
      GW_CHECK(read_records(first, std::min(tiles, first + kAtOnce)));
    }
    // Every record has the hash that its level-0 tile says.
    if (tree_.root() != head_.root()) {
      return untrusted_error(fmt::format("{} records do not give the signed root", head_.size()));
    }
    // They are the records that the head signs.
    for (std::size_t level = 1; level < levels_.size(); ++level) {
      GW_CHECK(compare_level(static_cast<int>(level)));
    }
    // What the log serves above them is what they give.
    for (std::size_t level = 0; level < levels_.size(); ++level) {
      GW_CHECK(give_level(static_cast<int>(level)));
    }
    return out_;
  }

 private:
  // At the earlier head's size, the tree is that head's.
  Status compare_before() const {
    if (!before_ || tree_.size() != before_->size() || tree_.root() == before_->root()) return {};
    return untrusted_error(
        fmt::format("the log is another one than it was at {} records", before_->size()),
        "keep both signed heads and tell others who use the log");
  }

  Status read_records(std::uint64_t first, std::uint64_t end) {
    std::vector<TileId> ids;
    for (std::uint64_t n = first; n < end; ++n) {
      const std::uint32_t width = tlog::tile_width(0, n, head_.size());
      ids.push_back({tlog::kDataLevel, n, width});
      ids.push_back({0, n, width});
    }
    GW_TRY(const auto bodies, tlog::fetch_tiles(source_, head_, ids));
    out_.tiles += bodies.size();
    for (std::size_t i = 0; i + 1 < bodies.size(); i += 2) {
      GW_TRY(const auto hashes,
             tlog::parse_hash_tile(bodies[i + 1].bytes, ids[i + 1].width, bodies[i + 1].from_full));
      GW_CHECK(read_tile(bodies[i], hashes));
    }
    return {};
  }

  Status read_tile(const tlog::TileBody& tile, const std::vector<Hash>& hashes) {
    const std::uint64_t first = tile.id.index * kTileWidth;
    const std::uint32_t count = tile.from_full ? kTileWidth : tile.id.width;
    tlog::RecordTexts texts;
    const tlog::Framing guess = tlog::guess_framing(tile.bytes, first);
    const tlog::Framing other =
        guess == tlog::Framing::kNumbered ? tlog::Framing::kBlankLines : tlog::Framing::kNumbered;
    bool good = false;
    for (const tlog::Framing framing : {guess, other}) {
      if (good || !tlog::split_data_tile(tile.bytes, first, count, framing, texts)) continue;
      good = true;
      for (std::uint32_t i = 0; i < tile.id.width; ++i) {
        good = good && tlog::leaf_hash(texts[i]) == hashes[i];
      }
    }
    if (!good) {
      return untrusted_error(tile.path() + ": its records do not have the hashes of level 0");
    }
    std::vector<std::string> records(texts.begin(), texts.begin() + tile.id.width);
    for (std::uint32_t i = 0; i < tile.id.width; ++i) {
      GW_CHECK(take(first + i, records[i], hashes[i]));
    }
    if (tile.id.full() || first + tile.id.width == head_.size()) {
      const TileId id{tlog::kDataLevel, tile.id.index, tile.id.width};
      GW_CHECK(
          sink_.take_file(tlog::format_tile_path(id),
                          tlog::format_data_tile(records, first, tlog::DataTileStyle::kNumbered)));
      GW_CHECK(
          sink_.take_file(tlog::format_c2sp_tile_path(id), tlog::format_entry_bundle(records)));
    }
    return {};
  }

  Status take(std::uint64_t number, const std::string& record, const Hash& leaf) {
    std::vector<tlog::StoredHash> made;
    tree_.append(leaf, made);
    GW_CHECK(compare_before());
    for (const tlog::StoredHash& hash : made) {
      if (hash.id.level % tlog::kTileHeight != 0) continue;
      const std::size_t level = hash.id.level / tlog::kTileHeight;
      if (levels_.size() <= level) levels_.resize(level + 1);
      levels_[level].push_back(hash.hash);
    }
    ++out_.records;
    const auto parsed = tlog::parse_build_record(record);
    if (!parsed) {
      ++out_.irregular;
      return {};
    }
    std::string key = tlog::format_build_key(parsed->target);
    if (!keys_.insert(key).second) {
      return untrusted_error(fmt::format("record {}: the log has two records of {}", number, key),
                             "which of them it gives to whom is its choice: tell others");
    }
    return sink_.take_record(number, record);
  }

  std::vector<TileId> tiles_of(int level) const {
    std::vector<TileId> out;
    for (std::uint64_t n = 0;; ++n) {
      const std::uint32_t width = tlog::tile_width(level, n, head_.size());
      if (width == 0) return out;
      out.push_back({level, n, width});
    }
  }

  std::vector<Hash> computed(const TileId& id) const {
    const auto& level = levels_[static_cast<std::size_t>(id.level)];
    const auto begin = level.begin() + static_cast<std::ptrdiff_t>(id.index * kTileWidth);
    return {begin, begin + id.width};
  }

  Status compare_level(int level) {
    const std::vector<TileId> ids = tiles_of(level);
    GW_TRY(const auto bodies, tlog::fetch_tiles(source_, head_, ids));
    out_.tiles += bodies.size();
    for (std::size_t i = 0; i < ids.size(); ++i) {
      GW_TRY(const auto hashes,
             tlog::parse_hash_tile(bodies[i].bytes, ids[i].width, bodies[i].from_full));
      if (hashes != computed(ids[i])) {
        return untrusted_error(bodies[i].path() + ": not the hashes that the records give");
      }
    }
    return {};
  }

  Status give_level(int level) {
    for (const TileId& id : tiles_of(level)) {
      const std::string bytes = tlog::format_hash_tile(computed(id));
      GW_CHECK(sink_.take_file(tlog::format_tile_path(id), bytes));
      GW_CHECK(sink_.take_file(tlog::format_c2sp_tile_path(id), bytes));
    }
    return {};
  }

  tlog::TileSource& source_;
  const tlog::Checkpoint& head_;
  const std::optional<tlog::Checkpoint>& before_;
  AuditSink& sink_;
  AuditedLog out_;
  tlog::LogTree tree_;
  std::vector<std::vector<Hash>> levels_;  // of tiles
  std::unordered_set<std::string> keys_;
};

}  // namespace

Result<AuditedLog> audit_log(tlog::TileSource& source, const tlog::Checkpoint& head,
                             const std::optional<tlog::Checkpoint>& before, AuditSink& sink) {
  return Audit(source, head, before, sink).run();
}

}  // namespace gw::build
