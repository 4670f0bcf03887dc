#include "module/unicode.h"

#include <catch2/catch.hpp>
#include <string>

using namespace gw::mod;

TEST_CASE("characters are taken from the front of text") {
  struct {
    std::string text;
    char32_t value;
    std::size_t size;
  } cases[] = {
      {"", kRuneError, 0},
      {"a", 'a', 1},
      {std::string(1, '\0'), 0, 1},
      {"\x7f", 0x7f, 1},
      {"\xc2\x80x", 0x80, 2},
      {"\xdf\xbf", 0x7ff, 2},
      {"\xe0\xa0\x80", 0x800, 3},
      {"\xef\xbf\xbd", 0xfffd, 3},
      {"\xf0\x90\x80\x80", 0x10000, 4},
      {"\xf4\x8f\xbf\xbf", 0x10ffff, 4},
      {"\xf4\x90\x80\x80", kRuneError, 1},  // above U+10FFFF
      {"\xed\xa0\x80", kRuneError, 1},      // a surrogate
      {"\xc0\x80", kRuneError, 1},          // overlong
      {"\xe0\x9f\xbf", kRuneError, 1},
      {"\xf0\x8f\xbf\xbf", kRuneError, 1},
      {"\x80", kRuneError, 1},
      {"\xff", kRuneError, 1},
      {"\xc2", kRuneError, 1},  // cut off
      {"\xe2\x82", kRuneError, 1},
      {"\xe2\x82x", kRuneError, 1},
      {"\xf0\x90\x80", kRuneError, 1},
  };
  for (const auto& c : cases) {
    INFO(c.text);
    const Rune r = decode_rune(c.text);
    CHECK(static_cast<unsigned>(r.value) == static_cast<unsigned>(c.value));
    CHECK(r.size == c.size);
  }
}

TEST_CASE("white space goes from both ends") {
  CHECK(trim_space("") == "");
  CHECK(trim_space(" \t\r\n\v\f") == "");
  CHECK(trim_space(" a b ") == "a b");
  CHECK(trim_space("\xc2\xa0x\xe3\x80\x80") == "x");
  CHECK(trim_space("\xc2\x85\xe2\x80\xa8x\xe2\x80\xaf") == "x");
  CHECK(trim_space("\xa0x\xa0") == "\xa0x\xa0");  // no characters
  CHECK(trim_space("x\xe3\x80") == "x\xe3\x80");
  CHECK(trim_space("\xe2\x80\x8b") == "\xe2\x80\x8b");  // zero width space is none
}

TEST_CASE("categories of characters") {
  for (char32_t c : {U'a', U'Z', U'\u00e9', U'\u4e2d', U'\U00010348', U'\u02b0', U'\u01c5'}) {
    INFO(static_cast<unsigned>(c));
    CHECK(gw::mod::is_letter(c));
    CHECK(is_printable(c));
  }
  for (char32_t c : {U'0', U'_', U' ', U'\u0301', U'\u0661', U'\u20ac', U'\u2160'}) {
    INFO(static_cast<unsigned>(c));
    CHECK_FALSE(gw::mod::is_letter(c));
    CHECK(is_printable(c));
  }
  for (unsigned c : {0U, 0x1fU, 0x7fU, 0x80U, 0xa0U, 0xadU, 0x200bU, 0x2028U, 0xd800U, 0xe000U,
                     0xffffU, 0x10ffffU, 0x110000U, 0xffffffffU}) {
    INFO(c);
    CHECK_FALSE(gw::mod::is_letter(c));
    CHECK_FALSE(is_printable(c));
  }
}
