#include "module/gosum.h"

#include <catch2/catch.hpp>

using gw::ErrorKind;
using gw::mod::GoSumLine;
using gw::mod::parse_gosum;

TEST_CASE("go.sum lines as the go command reads them") {
  const auto lines = parse_gosum(
      "a.com/b v1.0.0 h1:x=\na.com/b\tv1.0.0/go.mod  h1:y=\r\n\n \t\n"
      "c.com/d v1.0.0/go.mod h1:G7mAYYxgmS0lVkHyy2hEOLQCFB0DlQFTMLWggykrydY=\n"
      "a.com/b v1.0.0 h2:z");
  REQUIRE(lines);
  CHECK(*lines == std::vector<GoSumLine>{{"a.com/b", "v1.0.0", false, "h1:x=", 1},
                                         {"a.com/b", "v1.0.0", true, "h1:y=", 2},
                                         {"a.com/b", "v1.0.0", false, "h2:z", 6}});
  CHECK(parse_gosum("")->empty());
}

TEST_CASE("a line of another number of words is an error that names it") {
  for (const char* bad : {"\na.com/b v1.0.0\n", "\na.com/b v1.0.0 h1:x= more\n", "\na\n"}) {
    const auto lines = parse_gosum(bad);
    REQUIRE_FALSE(lines);
    CHECK(lines.error().kind == ErrorKind::kUsage);
    CHECK(lines.error().message.find("go.sum:2: ") == 0);
  }
}
