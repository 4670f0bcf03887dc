#include "tlog/tile.h"

#include <catch2/catch.hpp>

#include "tlog/hash.h"

using namespace gw;
using namespace gw::tlog;

TEST_CASE("tile paths") {
  struct {
    TileId id;
    std::string path;
  } cases[] = {
      {{0, 0, 256}, "tile/8/0/000"},
      {{0, 1234067, 256}, "tile/8/0/x001/x234/067"},
      {{0, 273, 112}, "tile/8/0/273.p/112"},
      {{kDataLevel, 1000, 255}, "tile/8/data/x001/000.p/255"},
      {{3, 0, 4}, "tile/8/3/000.p/4"},
      {{7, 999, 1}, "tile/8/7/999.p/1"},
      {{1, 999999999, 256}, "tile/8/1/x999/x999/999"},
  };
  for (auto& c : cases) {
    CHECK(format_tile_path(c.id) == c.path);
    CHECK(parse_tile_path(c.path) == c.id);
  }
}

TEST_CASE("other spellings of a tile path are refused") {
  for (const char* bad : {"",
                          "tile/8/0",
                          "tile/8/0/",
                          "tile/8/0/00",
                          "tile/8/0/0000",
                          "tile/7/0/000",
                          "/tile/8/0/000",
                          "tile/8/8/000",
                          "tile/8/-1/000",
                          "tile/8/00/000",
                          "tile/8/0/x000/001",
                          "tile/8/0/x001",
                          "tile/8/0/001/002",
                          "tile/8/0/x001/x002",
                          "tile/8/0/x0012/003",
                          "tile/8/0/000.p/0",
                          "tile/8/0/000.p/256",
                          "tile/8/0/000.p/05",
                          "tile/8/0/000.p/",
                          "tile/8/0/000.p/5/",
                          "tile/8/0/000.p/5.p/5",
                          "tile/8/0/00a",
                          "tile/8/DATA/000",
                          "tile/8/data/000 ",
                          "tile/8/0/x999/x999/x999/x999/x999/999",
                          "tile/8/entries/000",
                          "tile/8/0/000/"}) {
    INFO(bad);
    CHECK_FALSE(parse_tile_path(bad));
  }
}

TEST_CASE("how wide a tile is") {
  CHECK(tile_width(0, 0, 0) == 0);
  CHECK(tile_width(0, 0, 1) == 1);
  CHECK(tile_width(kDataLevel, 273, 70000) == 112);
  CHECK(tile_width(0, 272, 70000) == 256);
  CHECK(tile_width(0, 274, 70000) == 0);
  CHECK(tile_width(1, 0, 255) == 0);
  CHECK(tile_width(1, 0, 256) == 1);
  CHECK(tile_width(1, 1, 70000) == 17);
  CHECK(tile_width(2, 0, 70000) == 1);
  CHECK(tile_width(3, 0, 70000) == 0);
  CHECK(tile_width(0, UINT64_MAX / 2, 70000) == 0);
}

TEST_CASE("a hash tile has exactly the bytes it must have") {
  std::string full(kHashTileBytes, 'h');
  CHECK(parse_hash_tile(full, 256)->size() == 256);
  CHECK(parse_hash_tile(full, 5, true)->size() == 5);
  CHECK(parse_hash_tile(full.substr(0, 160), 5)->size() == 5);
  CHECK(format_hash_tile(*parse_hash_tile(full, 256)) == full);
  CHECK_FALSE(parse_hash_tile(full, 5));
  CHECK_FALSE(parse_hash_tile(full + "h", 256));
  CHECK_FALSE(parse_hash_tile(full.substr(1), 5, true));
  CHECK_FALSE(parse_hash_tile(full.substr(0, 159), 5));
  CHECK(parse_hash_tile("", 1).error().kind == ErrorKind::kUntrusted);
}

TEST_CASE("lists of hashes, to bytes and back") {
  std::vector<Hash> hashes;
  std::string bytes;
  CHECK(format_hashes(hashes).empty());
  CHECK(parse_hashes("").value().empty());
  for (int i = 0; i < 3; ++i) {
    hashes.push_back(leaf_hash(std::to_string(i) + "\n"));
    bytes += as_bytes(hashes.back());
  }
  CHECK(format_hashes(hashes) == bytes);
  CHECK(parse_hashes(bytes) == hashes);
  for (std::size_t n : {1, 31, 33, 95}) CHECK_FALSE(parse_hashes(bytes.substr(0, n)));
}
