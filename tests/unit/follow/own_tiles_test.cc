// Our own tiles in front of a log's: the right bytes without a network, at every width.
#include "follow/own_tiles.h"

#include <catch2/catch.hpp>

#include "support/store/fill.h"
#include "support/tlog/test_log.h"
#include "tlog/head_tree.h"

using namespace gw;
using namespace gw::follow;
using gw::testing::TempDir;
using gw::testing::TestLog;

TEST_CASE("hash tiles from the database are those of the log") {
  TestLog log = gw::testing::long_log();
  const std::uint64_t size = GENERATE(1, 255, 256, 600, 65536, 70000);
  const auto keep = GENERATE(store::Keep::kVersions, store::Keep::kRecords);
  CAPTURE(size);
  const TempDir dir;
  store::WriterOptions options;
  options.log_name = log.key().name();
  options.log_key = log.key().format();
  options.keep = keep;
  store::Writer writer = store::Writer::open(dir.file("db"), options).value();
  REQUIRE(writer.set_target(log.head(size), from_unix(1'700'000'000), {}));
  REQUIRE(gw::testing::fill(writer, log, size, from_unix(1'700'000'000)));
  log.serve(size);
  OwnTiles own(writer, log);
  std::vector<tlog::FetchRequest> requests;
  std::vector<Result<std::string>> right;
  for (const int level : {0, 1, 2}) {
    const std::uint64_t entries = size >> (8 * static_cast<unsigned>(level));
    for (std::uint64_t index = 0; index * 256 < entries; index += 1 + index) {
      const tlog::TileId id{level, index, tlog::tile_width(level, index, size)};
      requests.push_back({tlog::format_tile_path(id), tlog::kHashTileBytes});
      right.push_back(log.serve_path(requests.back().path));
    }
  }
  log.fetched.clear();
  const auto tiles = own.fetch(requests);
  REQUIRE(tiles.size() == requests.size());
  for (std::size_t i = 0; i < tiles.size(); ++i) {
    INFO(requests[i].path);
    REQUIRE(tiles[i]);
    CHECK(*tiles[i] == *right[i]);
  }
  // Only full tiles of level 0 are asked for, where no records are kept.
  for (const std::string& path : log.fetched) {
    CHECK(path.starts_with("tile/8/0/"));
    CHECK(path.find(".p/") == std::string::npos);
  }
  if (keep == store::Keep::kRecords) CHECK(log.fetched.empty());
  // What is no hash tile, or beyond our tree, is the log's.
  log.serve(70000);
  const std::vector<tlog::FetchRequest> others = {{"latest", 9000}, {"tile/8/2/000.p/2", 9000}};
  const auto replies = own.fetch(others);
  CHECK(*replies[0] == log.head_note(70000));
  CHECK_FALSE(replies[1]);
}
