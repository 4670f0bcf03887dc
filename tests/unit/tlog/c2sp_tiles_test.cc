#include "tlog/c2sp_tiles.h"

#include <catch2/catch.hpp>

#include "tlog/checkpoint.h"
#include "tlog/hash.h"

using namespace gw;
using namespace gw::tlog;

TEST_CASE("tile paths of the tlog-tiles dialect") {
  struct {
    TileId id;
    std::string path;
  } cases[] = {
      {{0, 0, 256}, "tile/0/000"},
      {{0, 1234067, 256}, "tile/0/x001/x234/067"},
      {{2, 273, 112}, "tile/2/273.p/112"},
      {{kDataLevel, 0, 256}, "tile/entries/000"},
      {{kDataLevel, 1000, 255}, "tile/entries/x001/000.p/255"},
      {{7, 999, 1}, "tile/7/999.p/1"},
  };
  for (auto& c : cases) {
    CHECK(format_c2sp_tile_path(c.id) == c.path);
    CHECK(parse_c2sp_tile_path(c.path) == c.id);
    // No path is valid in both dialects.
    CHECK_FALSE(parse_tile_path(c.path));
    CHECK_FALSE(parse_c2sp_tile_path(format_tile_path(c.id)));
  }
}

TEST_CASE("other spellings of a tlog-tiles path are refused") {
  for (const char* bad : {"",
                          "tile/",
                          "tile/0",
                          "tile/0/",
                          "tile/data/000",
                          "tile/data/0/000",
                          "tile/entries",
                          "tile/entries/",
                          "tile/entries/0/000",
                          "tile/entries/000.p/256",
                          "tile/entries/00",
                          "tile/00/000",
                          "tile/8/000",
                          "tile/64/000",
                          "tile/-1/000",
                          "tile/0/x000/001",
                          "tile/0/000.p/0",
                          "tile/0/000/",
                          "/tile/0/000",
                          "entries/000",
                          "tile/Entries/000",
                          "tile/8/8/000",
                          "tile/8/entries/000"}) {
    INFO(bad);
    CHECK_FALSE(parse_c2sp_tile_path(bad));
  }
}

TEST_CASE("entry bundles, written and read") {
  const std::vector<std::string> entries = {"a b\n", "", std::string(300, 'x'),
                                            std::string(kMaxEntryBytes, '\n')};
  const std::string bundle = format_entry_bundle(entries);
  CHECK(bundle.substr(0, 6) == std::string("\0\4a b\n", 6));
  CHECK(bundle.substr(6, 4) == std::string("\0\0\x01\x2c", 4));
  CHECK(bundle.size() == 8 + 4 + 300 + kMaxEntryBytes);
  RecordTexts texts;
  REQUIRE(split_entry_bundle(bundle, 4, texts));
  for (std::size_t i = 0; i < entries.size(); ++i) CHECK(texts[i] == entries[i]);

  CHECK_FALSE(split_entry_bundle(bundle, 3, texts));  // bytes are left
  CHECK_FALSE(split_entry_bundle(bundle, 5, texts));  // an entry is missing
  CHECK_FALSE(split_entry_bundle(bundle, 0, texts));
  CHECK_FALSE(split_entry_bundle(bundle, 257, texts));
  CHECK_FALSE(split_entry_bundle(std::string_view(bundle).substr(0, bundle.size() - 1), 4, texts));
  CHECK_FALSE(split_entry_bundle(bundle + "x", 4, texts));
  CHECK_FALSE(split_entry_bundle(std::string(1, '\0'), 1, texts));
  CHECK(split_entry_bundle(std::string(512, '\0'), 256, texts));
}

TEST_CASE("the text of a head in both dialects") {
  const Hash root = empty_tree_hash();
  CHECK(format_tree_text("log.test/tlog", 0, root) ==
        "log.test/tlog\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n");
  CHECK(format_tree_text("go.sum database tree", 7, root).starts_with("go.sum database tree\n7\n"));
}
