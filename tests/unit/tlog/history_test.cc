// Two trees of one log: same, prefix or fork, at every pair of sizes of a small log.
#include "tlog/history.h"

#include <catch2/catch.hpp>

#include "support/tlog/test_log.h"
#include "tlog/client.h"

using namespace gw;
using namespace gw::tlog;
using gw::testing::TestLog;

TEST_CASE(
    "the smaller tree is the beginning of the larger, or it is a fork that can be recomputed") {
  TestLog log;
  log.add_synthetic(600);
  TestLog fork = log.fork_at(258);
  fork.add_synthetic(342, 1);
  for (const std::uint64_t size : {0, 1, 255, 256, 257, 258, 300, 512, 599, 600}) {
    CAPTURE(size);
    HeadTree tree(log, log.head());
    const auto same = compare_history(size, log.root(size), tree);
    REQUIRE(same);
    CHECK(same->relation == (size == 600 ? HeadRelation::kSame : HeadRelation::kPrefix));
    CHECK(same->tiles.empty());
    const auto other = compare_history(size, fork.root(size), tree);
    REQUIRE(other);
    CHECK(other->fork() == (size > 258));
    if (!other->fork()) continue;
    CHECK(other->size == size);
    CHECK(other->claimed == fork.root(size));
    CHECK(other->recomputed == log.root(size));
    // Somebody with nothing but the evidence comes to the same result.
    TestLog silent;
    for (const TileBytes& t : other->tiles) silent.replace(t.path, t.bytes);
    HeadTree third_party(silent, log.head());
    const auto again = compare_history(size, fork.root(size), third_party);
    REQUIRE(again);
    CHECK(again->recomputed == other->recomputed);
    CHECK(other->tiles.empty() == (size == 600));
    // What is known needs no source.
    const auto settled = settle_history(size, fork.root(size), log.root(size), tree);
    CHECK(settled.fork());
    CHECK(settled.tiles.size() == other->tiles.size());
  }
  HeadTree tree(log, log.head(300));
  CHECK(compare_history(301, log.root(301), tree).error().kind == ErrorKind::kUsage);
}
