#include "base/text.h"

#include <catch2/catch.hpp>
#include <string>

namespace gw {
namespace {

TEST_CASE("characters are told apart without a locale") {
  for (int i = -128; i < 128; ++i) {
    const char c = static_cast<char>(i);
    CAPTURE(i);
    CHECK(is_digit(c) == (i >= '0' && i <= '9'));
    CHECK(is_letter(c) == ((i >= 'a' && i <= 'z') || (i >= 'A' && i <= 'Z')));
    CHECK(is_alnum(c) == (is_digit(c) || is_letter(c)));
    CHECK(is_hex_digit(c) == (i != 0 && std::string("0123456789abcdefABCDEF").find(c) < 22));
    CHECK(is_lower_or_digit(c) == (is_digit(c) || (i >= 'a' && i <= 'z')));
    CHECK(is_control(c) == ((i >= 0 && i < 32) || i == 127));
    CHECK(is_visible(c) == (i > 32 && i < 127));
    CHECK(is_http_field_value(std::string(1, c)) == (c == '\t' || !is_control(c)));
    CHECK(to_lower(c) == (is_upper(c) ? static_cast<char>(i + 32) : c));
    CHECK(to_upper(c) == (is_lower(c) ? static_cast<char>(i - 32) : c));
  }
  CHECK(all_digits("0123456789"));
  CHECK_FALSE(all_digits(""));
  CHECK_FALSE(all_digits("1a"));
  CHECK(is_http_token("X-Forwarded_For!#$%&'*+.^`|~9"));
  for (const char* bad : {"", "a b", "a:", "a\t", "\xc3\xa4", "(a)", "a/b"}) {
    CHECK_FALSE(is_http_token(bad));
  }
}

TEST_CASE("text is trimmed at both ends and nowhere else") {
  CHECK(trim(" \t a b\r\n") == "a b");
  CHECK(trim("") == "");
  CHECK(trim(" \n") == "");
  CHECK(trim("/a/b//", "/") == "a/b");
  CHECK(trim(" a", "/") == " a");
}

TEST_CASE("lines are taken off the front, with or without an end") {
  std::string_view rest = "one\n\ntwo\r\nlast";
  CHECK(take_line(rest) == "one");
  CHECK(take_line(rest) == "");
  CHECK(take_line(rest) == "two\r");
  CHECK(take_line(rest) == "last");
  CHECK(rest.empty());
  CHECK(take_line(rest) == "");
}

TEST_CASE("a line of a file is named as editors take it") {
  CHECK(at_line("/etc/gwtool.toml", 12) == "/etc/gwtool.toml:12");
}

TEST_CASE("words are split as Go splits them") {
  auto joined = [](std::string_view s) {
    std::string out;
    for (auto f : split_words(s)) out += "[" + std::string(f) + "]";
    return out;
  };
  CHECK(joined("").empty());
  CHECK(joined(" \t\n\v\f\r").empty());
  CHECK(joined("a b") == "[a][b]");
  CHECK(joined("\xe3\x80\x80"
               "a\xe2\x80\x83"
               "b\xc2\x85") == "[a][b]");
  CHECK(joined("a\xe2\x80\x8b"
               "b") ==
        "[a\xe2\x80\x8b"
        "b]");  // U+200B is no space
  CHECK(joined("a\xe2\x80") == "[a\xe2\x80]");
}

TEST_CASE("parts are split at each character, empty ones too") {
  using Parts = std::vector<std::string_view>;
  CHECK(split("", ':') == Parts{""});
  CHECK(split("a", ':') == Parts{"a"});
  CHECK(split(":a::b:", ':') == Parts{"", "a", "", "b", ""});
}

TEST_CASE("every code point goes to UTF-8 and back, and nothing else does") {
  for (std::uint32_t rune = 0; rune <= 0x10FFFF; ++rune) {
    std::string text;
    append_rune(text, rune);
    std::string_view rest = text;
    const bool surrogate = rune >= 0xD800 && rune <= 0xDFFF;
    if (take_rune(rest) != (surrogate ? 0xFFFD : rune) || !rest.empty()) FAIL(rune);
  }
  for (const char* bad :
       {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xc3", "\xe2\x82", "\xf0\x9f\x98"}) {
    std::string_view rest = bad;
    CHECK(take_rune(rest) == kBadRune);
    CHECK(rest == bad);
    CHECK_FALSE(is_utf8(std::string("a") + bad));
  }
  CHECK(is_utf8("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"));
}

TEST_CASE("white space is Unicode's") {
  int spaces = 0;
  for (std::uint32_t rune = 0; rune <= 0x10FFFF; ++rune) {
    std::string text;
    append_rune(text, rune);
    const std::size_t size = space_size(text + "x");
    if (size == 0) continue;
    ++spaces;
    CHECK(size == text.size());
  }
  CHECK(spaces == 25);  // White_Space of Unicode's PropList
  CHECK(space_size("") == 0);
  CHECK(space_size("\xe2\x80") == 0);
}

}  // namespace
}  // namespace gw
