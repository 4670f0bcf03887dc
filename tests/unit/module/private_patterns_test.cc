#include "module/private_patterns.h"

#include <catch2/catch.hpp>
#include <string>

#include "module/path.h"

using namespace gw;
using namespace gw::mod;

TEST_CASE("patterns match whole-element prefixes") {
  struct Case {
    const char* patterns;
    const char* path;
    bool want;
  };
  const Case cases[] = {
      {"", "example.org/x", false},
      {",,", "example.org/x", false},
      {"/", "example.org/x", false},
      {"example.org", "example.org/x", true},
      {"example.org/", "example.org/x", true},
      {"example.org//", "example.org/x", false},
      {"example.org/x/y", "example.org/x", false},
      {"example.org/x", "example.org/xy", false},
      {"Example.org", "example.org/x", false},
      {"*.org", "example.org/x/y", true},
      {"*.com,,*.org", "example.org/x/y", true},
      {"*.com, *.org", "example.org/x/y", false},
      {"*", "example.org/x", true},
      {"*", "", true},
      {"*/x", "example.org/x/y", true},
      {"*/y", "example.org/x/y", false},
      {"*/*", "example.org", false},
      {"ex*ple.org", "example.org", true},
      {"e*a*e.o?g", "example.org", true},
      {"[a-f]xample.org", "example.org", true},
      {"[^a-f]xample.org", "example.org", false},
      {"[g-z]xample.org", "example.org", false},
      {"example[./]org", "example.org", false},  // the slash counts as one of the pattern
      {"a[^x]b", "a/b", false},
      {"\\example.org", "example.org", true},
      {"\\*.org", "*.org", true},
      {"\\*.org", "example.org", false},
      {"[", "example.org", false},
      {"[]a]xample.org", "axample.org", false},
      {"[e", "e.org", false},
      {"\\", "example.org", false},
      {"[,example.org", "example.org/x", true},  // the next pattern still counts
      {"*.example.org", "example.org/x", false},
      {"corp.example/*/secret", "corp.example/team/secret/v2", true},
      {"caf?.org", "caf\xc3\xa9.org/x", true},
      {"caf??.org", "caf\xc3\xa9.org/x", false},
      {"caf[\xc3\xa0-\xc3\xaf].org", "caf\xc3\xa9.org/x", true},
      {"caf[\xc3-\xff].org", "caf\xc3\xa9.org/x", false},
      {"a**b", "ab", true},
      {"a*[^x][^x]*c", "aa/c", false},
  };
  for (const Case& c : cases) {
    INFO(c.patterns << " " << c.path);
    CHECK(match_prefix_patterns(c.patterns, c.path) == c.want);
  }
  CHECK(match_prefix_patterns("*", std::string(kMaxPathBytes, 'a')));
  CHECK_FALSE(match_prefix_patterns("*", std::string(kMaxPathBytes + 1, 'a')));
}

TEST_CASE("a mistake in a list of patterns is seen") {
  for (const char* good : {"", "*.corp.example", "a.org,b.org/x*,[a-c]?/\\[", "a.org,,b.org/"}) {
    INFO(good);
    CHECK(check_prefix_patterns(good));
  }
  for (const char* bad : {"[", "a.org,b[", "[]", "[a-]", "[-a]", "x\\", "[a\\]", "[\xff]", "[^]"}) {
    INFO(bad);
    const auto status = check_prefix_patterns(bad);
    REQUIRE_FALSE(status);
    CHECK(status.error().kind == ErrorKind::kUsage);
    CHECK_THAT(status.error().message, Catch::StartsWith("malformed pattern \""));
  }
  CHECK(check_prefix_patterns(std::string(kMaxPatternsBytes, 'a')));
  CHECK_FALSE(check_prefix_patterns(std::string(kMaxPatternsBytes + 1, 'a')));
}

TEST_CASE("hostile patterns cost what their sizes say") {
  // Going back to every star, and not only to the last one, this would never end.
  const std::string path = "x.y/" + std::string(kMaxPathBytes - 4, 'a');
  std::string stars = "x.y/";
  for (int i = 0; i < 20000; ++i) stars += "*a";
  CHECK_FALSE(match_prefix_patterns(stars, path));
  CHECK_FALSE(match_prefix_patterns("x.y/*" + std::string(1000, 'a') + "b", path));
  CHECK_FALSE(match_prefix_patterns("x.y/*[" + std::string(500, 'b') + "]", path));
  CHECK_FALSE(match_prefix_patterns("x.y/" + std::string(20000, '['), path));
  CHECK_FALSE(match_prefix_patterns(std::string(20000, '/'), path));
}
