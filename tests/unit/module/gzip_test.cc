#include "module/gzip.h"

#include <catch2/catch.hpp>

#include "base/bytes.h"

using namespace gw;
using namespace gw::mod;

TEST_CASE("gzip: what was packed comes back, and says nothing else", "[gzip]") {
  std::string large;
  for (int i = 0; i < 300000; ++i)
    large += static_cast<char>(static_cast<unsigned>(i) * 7919U >> 5U);
  for (const std::string& text : {std::string(), std::string("a"), large}) {
    const std::string packed = gzip(text);
    // Deflate, no flags, no time, no hint, Unix.
    REQUIRE(encode_hex(packed.substr(0, 10)) == "1f8b0800000000000003");
    CHECK(*gunzip(packed, text.size()) == text);
    CHECK(gzip(text) == packed);
    if (!text.empty()) CHECK(gunzip(packed, text.size() - 1).error().kind == ErrorKind::kUntrusted);
    CHECK_FALSE(gunzip(packed.substr(0, packed.size() - 1), text.size()));
    CHECK_FALSE(gunzip(packed + "x", text.size()));
    CHECK_FALSE(gunzip(packed + packed, 2 * text.size()));
  }
  CHECK_FALSE(gunzip("", 10));
  CHECK_FALSE(gunzip("not gzip", 10));
}

TEST_CASE("gzip: pieces give the same as the whole", "[gzip]") {
  std::string out;
  GzipWriter writer([&](std::string_view piece) -> Status {
    out += piece;
    return {};
  });
  REQUIRE(writer.add("hello "));
  REQUIRE(writer.add("world"));
  REQUIRE(writer.finish());
  CHECK(*gunzip(out, 11) == "hello world");

  GzipWriter refused([](std::string_view) -> Status { return io_error("full"); });
  Status s = refused.add("x");
  if (s) s = refused.finish();
  CHECK(s.error().kind == ErrorKind::kIo);
}
