// Tiles from a source: what stands in for a partial one, and what an error about one says.
#include "tlog/tile_fetch.h"

#include <catch2/catch.hpp>

#include "support/tlog/test_log.h"
#include "tlog/bad_tiles.h"

using namespace gw;
using namespace gw::tlog;
using gw::testing::TestLog;

namespace {

const std::vector<TileId> kSome = {
    {0, 1, 44}, {kDataLevel, 0, 256}, {kDataLevel, 1, 44}, {0, 0, 256}};

TestLog some_log() {
  TestLog log;
  log.add_synthetic(600);
  return log;
}

}  // namespace

TEST_CASE("tiles come in their order, in one round trip") {
  TestLog log = some_log();
  const auto bodies = fetch_tiles(log, log.head(300), kSome);
  REQUIRE(bodies);
  REQUIRE(bodies->size() == kSome.size());
  for (std::size_t i = 0; i < kSome.size(); ++i) {
    CHECK((*bodies)[i].id == kSome[i]);
    CHECK_FALSE((*bodies)[i].from_full);
    CHECK((*bodies)[i].path() == format_tile_path(kSome[i]));
    CHECK((*bodies)[i].bytes == log.serve_path(format_tile_path(kSome[i])).value());
  }
  CHECK(log.round_trips == 1);
  CHECK(fetch_tiles(log, log.head(300), {}).value().empty());
  CHECK(log.round_trips == 1);
}

TEST_CASE("full tiles stand in for all partial ones in one more round trip") {
  TestLog log = some_log();
  log.hide_partial_tiles(true);
  const auto bodies = fetch_tiles(log, log.head(300), kSome);
  REQUIRE(bodies);
  CHECK(log.round_trips == 2);
  for (const TileBody& body : *bodies) {
    CHECK(body.from_full == !body.id.full());
    CHECK(body.bytes == log.serve_path(format_tile_path(body.id.as_full())).value());
    CHECK(body.path() == format_tile_path(body.id.as_full()));
  }
}

TEST_CASE("a partial hash tile of the wrong length is taken from the full one") {
  TestLog log = some_log();
  log.replace("tile/8/0/001.p/44", "short");
  const auto bodies = fetch_tiles(log, log.head(300), kSome);
  REQUIRE(bodies);
  CHECK(bodies->front().from_full);
}

TEST_CASE("errors about tiles") {
  struct Case {
    std::string path;
    std::optional<Error> error;  // or these bytes
    std::string bytes;
    ErrorKind kind;
    std::string shown;  // the path in the message, and of the evidence
  };
  const Case c = GENERATE(
      Case{"tile/8/0/000", not_found_error("gone"), "", ErrorKind::kUnavailable, "tile/8/0/000"},
      Case{"tile/8/0/000", io_error("broken"), "", ErrorKind::kIo, "tile/8/0/000"},
      Case{"tile/8/0/000", {}, "short", ErrorKind::kUntrusted, "tile/8/0/000"},
      Case{"tile/8/data/000", untrusted_error("long"), "", ErrorKind::kUntrusted,
           "tile/8/data/000"},
      Case{"tile/8/0/001.p/44", not_found_error("gone"), "", ErrorKind::kUnavailable,
           "tile/8/0/001.p/44"},
      Case{"tile/8/0/001.p/44", {}, "short", ErrorKind::kUntrusted, "tile/8/0/001.p/44"},
      Case{"tile/8/data/001.p/44", untrusted_error("long"), "", ErrorKind::kUntrusted,
           "tile/8/data/001.p/44"});
  CAPTURE(c.path);
  TestLog log = some_log();
  if (c.error) {
    log.fail(c.path, *c.error);
  } else {
    log.replace(c.path, c.bytes);
  }
  // The full ones are not there either: the error is that of what was asked for.
  log.fail("tile/8/0/001", not_found_error("gone"));
  log.fail("tile/8/data/001", not_found_error("gone"));
  const auto bodies = fetch_tiles(log, log.head(300), kSome);
  REQUIRE_FALSE(bodies);
  CHECK(bodies.error().kind == c.kind);
  CHECK(bodies.error().message.starts_with(c.shown + ": "));
  const BadTiles* bad = find_bad_tiles(bodies.error());
  REQUIRE((bad != nullptr) == (c.kind == ErrorKind::kUntrusted));
  if (bad == nullptr) return;
  REQUIRE(bad->tiles.size() == 1);
  CHECK(bad->tiles[0].path == c.shown);
  CHECK(bad->tiles[0].bytes == c.bytes);
  CHECK(bad->head.same_tree(log.head(300)));
  // It stays when callers add what they were doing.
  CHECK(find_bad_tiles(bodies.error().in("following")) == bad);
}

TEST_CASE("a source that loses a reply is a defect") {
  class Loser : public TileSource {
   public:
    std::vector<Result<std::string>> fetch(std::span<const FetchRequest>) override { return {}; }
    std::string describe() const override { return "loser"; }
  };
  Loser source;
  const FetchRequest request{"latest", 100};
  CHECK(fetch_all(source, {&request, 1}).error().kind == ErrorKind::kInternal);
  const TestLog log = some_log();
  CHECK(fetch_tiles(source, log.head(), kSome).error().kind == ErrorKind::kInternal);
}
