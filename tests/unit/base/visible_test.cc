#include "base/visible.h"

#include <catch2/catch.hpp>

namespace gw {
namespace {

TEST_CASE("what people do not see is written out") {
  CHECK(one_line("plain text, \"quoted\" \\ and all") == "plain text, \"quoted\" \\ and all");
  CHECK(one_line("\xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x98\x80") ==
        "\xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x98\x80");
  CHECK(one_line("a\n\x1b[31m\x7f") == R"(a\x0a\x1b[31m\x7f)");
  CHECK(one_line("\xc2\x9b"
                 "31m") == R"(\xc2\x9b31m)");  // a control sequence of C1
  CHECK(one_line("a\xe2\x80\xae"
                 "b") == R"(a\xe2\x80\xaeb)");  // turned around
  CHECK(one_line("a\xe2\x80\x8b"
                 "b") == R"(a\xe2\x80\x8bb)");  // without a width
  CHECK(one_line("a\xe2\x80\xa8"
                 "b") == R"(a\xe2\x80\xa8b)");     // another line
  CHECK(one_line("a\xff\xc3") == R"(a\xff\xc3)");  // no UTF-8
  CHECK(one_line("").empty());
}

}  // namespace
}  // namespace gw
