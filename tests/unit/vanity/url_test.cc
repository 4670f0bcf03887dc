#include "vanity/url.h"

#include <catch2/catch.hpp>

using namespace gw::vanity;

TEST_CASE("references are resolved as RFC 3986 section 5.4 shows") {
  const char* base = "http://a/b/c/d;p?q";
  const char* cases[][2] = {
      {"g:h", "g:h"},
      {"g", "http://a/b/c/g"},
      {"./g", "http://a/b/c/g"},
      {"g/", "http://a/b/c/g/"},
      {"/g", "http://a/g"},
      {"//g", "http://g"},
      {"?y", "http://a/b/c/d;p?y"},
      {"g?y", "http://a/b/c/g?y"},
      {"#s", "http://a/b/c/d;p?q"},
      {"g#s", "http://a/b/c/g"},
      {";x", "http://a/b/c/;x"},
      {"g;x?y#s", "http://a/b/c/g;x?y"},
      {"", "http://a/b/c/d;p?q"},
      {".", "http://a/b/c/"},
      {"./", "http://a/b/c/"},
      {"..", "http://a/b/"},
      {"../g", "http://a/b/g"},
      {"../..", "http://a/"},
      {"../../g", "http://a/g"},
      {"../../../g", "http://a/g"},
      {"/./g", "http://a/g"},
      {"/../g", "http://a/g"},
      {"g.", "http://a/b/c/g."},
      {"..g", "http://a/b/c/..g"},
      {"./../g", "http://a/b/g"},
      {"g/./h", "http://a/b/c/g/h"},
      {"g/../h", "http://a/b/c/h"},
      {"g;x=1/../y", "http://a/b/c/y"},
      {"g?y/../x", "http://a/b/c/g?y/../x"},
      {"https://other.org/p/../x?go-get=1", "https://other.org/x?go-get=1"},
      {"HTTP://x", "HTTP://x"},
  };
  for (auto& c : cases) {
    INFO(c[0]);
    CHECK(resolve_reference(base, c[0]) == c[1]);
  }
  CHECK(resolve_reference("https://a.org", "x") == "https://a.org/x");
  CHECK(resolve_reference("https://a.org", "a b/\xc3\xbc?q r") ==
        "https://a.org/a%20b/%C3%BC?q%20r");
  CHECK(resolve_reference("https://a.org?go-get=1", "../x") == "https://a.org/x");
}

TEST_CASE("credentials of a URL") {
  CHECK(url_credentials("http://u:p@host/x@y") == "u:p");
  CHECK(url_credentials("http://host/x@y").empty());
  CHECK(url_credentials("http://u@v@host") == "u@v");
}
