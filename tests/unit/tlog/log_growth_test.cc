// The verifying side, run over a log that the writer grows in random steps.
#include <catch2/catch.hpp>
#include <random>

#include "support/tlog/own_log.h"
#include "support/tlog/test_log.h"
#include "tlog/c2sp_tiles.h"
#include "tlog/client.h"
#include "tlog/hash.h"
#include "tlog/log_tree.h"
#include "tlog/run_fetcher.h"

using namespace gw;
using namespace gw::tlog;
using gw::testing::OwnLog;
using gw::testing::TestLog;

namespace {

// Grows by a few records, about a tile, several tiles, or to a boundary.
std::uint64_t next_size(std::uint64_t size, std::mt19937& random) {
  switch (random() % 6) {
    case 0:
      return size + 1;
    case 1:
      return size + 2 + random() % 20;
    case 2:
      return size + 254 + random() % 4;
    case 3:
      return size + random() % 3000;
    case 4:
      return (size / 256 + 1) * 256 + random() % 2;
    default:
      return size;
  }
}

// Follows from `own` to the log's head, all records compared with the oracle's.
Frontier follow(OwnLog& log, const TestLog& oracle, Frontier own, std::size_t max_tiles) {
  const Checkpoint head = log.head();
  RunFetcher follower(log, head, own);
  const auto started = follower.start();
  REQUIRE(started);
  REQUIRE(started->relation ==
          (own.size() == head.size() ? HeadRelation::kSame : HeadRelation::kPrefix));
  std::uint64_t different = 0;
  while (own.size() < head.size()) {
    auto run = follower.fetch(own.size(), max_tiles);
    REQUIRE(run);
    const auto batch = verify_run(*std::move(run));
    REQUIRE(batch);
    for (std::size_t i = 0; i < batch->size(); ++i) {
      different += (*batch)[i].text() == oracle.record(batch->first() + i) ? 0 : 1;
    }
    own = batch->frontier();
  }
  CHECK(different == 0);
  CHECK(own.root() == head.root());
  return own;
}

}  // namespace

TEST_CASE("the follower follows what the writer wrote, from each size to the next") {
  for (const DataTileStyle style :
       {DataTileStyle::kNumbered, DataTileStyle::kTerminated, DataTileStyle::kSeparated}) {
    const auto seed = static_cast<unsigned>(style) + 1;
    INFO("seed " << seed);
    std::mt19937 random(seed);
    TestLog oracle("own.test");
    OwnLog log(oracle.signer(), style);
    Client client(log, log.latest.key(), kGoLog);
    Checkpoint first = log.head();
    Frontier own;
    for (int step = 0; step < 40; ++step) {
      const std::uint64_t size = next_size(oracle.size(), random);
      std::vector<std::string> records;
      while (oracle.size() < size) {
        oracle.add_synthetic(1);
        records.push_back(oracle.record(oracle.size() - 1));
      }
      log.append(records);
      // The head is the one that an independent tree has.
      REQUIRE(log.file("latest") == oracle.head_note(size));
      own = follow(log, oracle, own, 1 + random() % 8);
      CHECK(own == oracle.frontier(size));
      // An old head is a prefix of every later one, whichever it is.
      const auto compared = client.compare(first, log.head());
      REQUIRE(compared);
      CHECK(compared->relation != HeadRelation::kFork);
      if (random() % 4 == 0) first = log.head();
      if (random() % 5 == 0) log.open();
    }
    follow(log, oracle, {}, 1000);
    follow(log, oracle, oracle.frontier(oracle.size() / 2), 3);
  }
}

TEST_CASE("each tile in every width that it has had, in both dialects") {
  TestLog oracle("own.test");
  oracle.set_style(DataTileStyle::kNumbered);
  OwnLog log(oracle.signer());
  const std::uint64_t size = 65536 + 256 * 3 + 77;
  oracle.add_synthetic(size);
  std::vector<std::string> records;
  for (std::uint64_t n = 0; n < size; ++n) records.push_back(oracle.record(n));
  log.append(records);

  std::uint64_t files = 0;
  std::uint64_t wrong = 0;
  const auto check = [&](const TileId& id) {
    const auto want = oracle.serve_path(format_tile_path(id));
    wrong += log.file(format_tile_path(id)) == want.value() ? 0 : 1;
    const std::string other = log.file(format_c2sp_tile_path(id));
    ++files;
    if (id.level != kDataLevel) {
      wrong += other == *want ? 0 : 1;
      return;
    }
    RecordTexts texts;
    REQUIRE(split_entry_bundle(other, id.width, texts));
    for (std::uint32_t i = 0; i < id.width; ++i) {
      wrong += texts[i] == oracle.record(id.index * kTileWidth + i) ? 0 : 1;
    }
  };
  for (int level = kDataLevel; level <= kMaxTileLevel; ++level) {
    // Of level 0 and the records: the first tiles, the last full ones and the partial one.
    for (std::uint64_t index = 0; tile_width(level, index, size) > 0; ++index) {
      if (level <= 0 && index > 1 && index < 255) continue;
      const std::uint32_t have = tile_width(level, index, size);
      for (std::uint32_t width = 1; width <= have; ++width) check({level, index, width});
      if (have == kTileWidth) continue;
      CHECK_FALSE(log.files().read(format_tile_path({level, index, have + 1})));
      CHECK_FALSE(log.files().read(format_c2sp_tile_path({level, index, have + 1})));
    }
  }
  CHECK(wrong == 0);
  CHECK(files == 2 * (6 * 256 + 77) + 256 + 3 + 1);
}

TEST_CASE("a growing tree makes each subtree's hash once, two a record") {
  TestLog oracle;
  oracle.add_synthetic(3000);
  LogTree tree;
  std::vector<StoredHash> made;
  std::vector<std::vector<Hash>> levels;
  for (std::uint64_t n = 0; n < oracle.size(); ++n) {
    CHECK(tree.root() == oracle.root(n));
    // Begun from the frontier it is the same.
    CHECK(LogTree(oracle.frontier(n)) == tree);
    std::vector<StoredHash> now;
    tree.append(leaf_hash(oracle.record(n)), now);
    made.insert(made.end(), now.begin(), now.end());
  }
  CHECK(made.size() < 2 * oracle.size());
  for (const StoredHash& h : made) {
    if (h.id.level >= levels.size()) levels.resize(h.id.level + 1);
    REQUIRE(h.id.index == levels[h.id.level].size());
    levels[h.id.level].push_back(h.hash);
  }
  REQUIRE(levels.size() == 12);
  for (std::size_t level = 0; level < levels.size(); ++level) {
    CHECK(levels[level].size() == oracle.size() >> level);
  }
}

TEST_CASE("proofs from the store") {
  TestLog oracle("own.test");
  OwnLog log(oracle.signer());
  oracle.add_synthetic(700);
  std::vector<std::string> records;
  for (std::uint64_t n = 0; n < 700; ++n) records.push_back(oracle.record(n));
  log.append(records);
  StoreNodes nodes(log.store);
  for (std::uint64_t n = 0; n < 700; n += 13) {
    const auto proof = inclusion_proof(n, 700, nodes);
    REQUIRE(proof);
    CHECK(verify_inclusion(leaf_hash(records[n]), n, 700, *proof, log.writer().head()->root));
    if (n == 0) continue;
    const auto consistent = consistency_proof(n, 700, nodes);
    REQUIRE(consistent);
    CHECK(verify_consistency(n, oracle.root(n), 700, log.writer().head()->root, *consistent));
  }
  CHECK(nodes.node({0, 700}).error().kind == ErrorKind::kCorrupt);
}
