#include "check/request.h"

#include <catch2/catch.hpp>

#include "check/checker.h"

using gw::ErrorKind;
using gw::check::check_go_version;
using gw::check::check_module_version;
using gw::check::check_platform;
using gw::check::is_newer;
using gw::check::parse_module_request;
using gw::check::parse_request_list;

TEST_CASE("module requests") {
  struct Case {
    std::string text, path, known;
    bool good;
  };
  const Case cases[] = {
      {"github.com/mjl-/mox", "github.com/mjl-/mox", "", true},
      {"github.com/mjl-/mox@v0.0.14", "github.com/mjl-/mox", "v0.0.14", true},
      {"a.com/b@v1.2.3-rc.1", "a.com/b", "v1.2.3-rc.1", true},
      {"a.com/b@v2.0.0+incompatible", "a.com/b", "v2.0.0+incompatible", true},
      {"a.com/b@v0.0.0-20200101000000-abcdefabcdef", "a.com/b",
       "v0.0.0-20200101000000-abcdefabcdef", true},
      {"a.com", "a.com", "", true},  // valid as a path; that it has no name in DNS shows later
      {"", "", "", false},
      {"@v1.0.0", "", "", false},
      {"A.com/b", "A.com/b", "", false},
      {"a.com/b@", "a.com/b", "", false},
      {"a.com/b@1.2.3", "a.com/b", "1.2.3", false},
      {"a.com/b@v1.2.3@v1.2.4", "a.com/b", "v1.2.3@v1.2.4", false},
      {"a.com/b@v1.2.3+meta", "a.com/b", "v1.2.3+meta", false},
      {"a.com/b c", "a.com/b c", "", false},
      {"a.com/v1", "a.com/v1", "", false},
  };
  for (const auto& c : cases) {
    CAPTURE(c.text);
    const auto r = parse_module_request(c.text);
    CHECK(r.path == c.path);
    CHECK(r.problem.has_value() != c.good);
    if (r.problem) CHECK(r.problem->kind == ErrorKind::kUsage);
    if (c.good) CHECK(r.known.value_or("") == c.known);
  }
}

TEST_CASE("lists of requests") {
  const auto list =
      parse_request_list("# all\n\n a.com/b \n\tc.com/d@v1.0.0 # why\r\nBad\ne.com/f");
  REQUIRE(list.size() == 4);
  CHECK(list[0].path == "a.com/b");
  CHECK(list[1].path == "c.com/d");
  CHECK(list[1].known == "v1.0.0");
  REQUIRE(list[2].problem);
  CHECK(list[2].problem->message.find("line 5: ") == 0);
  CHECK(list[3].path == "e.com/f");
  CHECK(parse_request_list("").empty());
  CHECK(parse_request_list("\n# x\n \n").empty());
}

TEST_CASE("versions that a caller may have") {
  for (const char* good : {"v1.2.3", "v0.0.0", "v1.2.3-rc1", "v2.0.0+incompatible"}) {
    CHECK(check_module_version(good));
  }
  for (const char* bad : {"", "v1", "v1.2", "1.2.3", "v01.2.3", "v1.2.3-", "v1.2.3+x", "latest"}) {
    CAPTURE(bad);
    CHECK_FALSE(check_module_version(bad));
  }
  for (const char* good : {"go1.26.8", "go1.20", "go1.27rc1", "go1.5beta2"}) {
    CHECK(check_go_version(good));
  }
  for (const char* bad : {"", "go", "go1", "1.26.8", "go1.9.2rc2", "go1.21.0-custom", "go2.0"}) {
    CAPTURE(bad);
    CHECK_FALSE(check_go_version(bad));
  }
}

TEST_CASE("what is newer") {
  struct Case {
    std::string candidate, known;
    bool newer;
  };
  const Case cases[] = {
      {"v0.0.15", "v0.0.14", true},
      {"v0.0.15", "v0.0.15", false},
      {"v0.0.14", "v0.0.15", false},
      {"v0.0.10", "v0.0.9", true},
      {"v1.0.0", "v1.0.0-rc1", true},
      {"v1.0.0", "v1.0.1-0.20250101000000-abcdefabcdef", false},
      {"v0.1.0", "v0.0.0-20250101000000-abcdefabcdef", true},
      {"v99999999999999999999.0.0", "v99999999999999999998.0.0", true},
      // +incompatible versions count by their numbers
      {"v1.5.0", "v28.0.0+incompatible", false},
      {"v28.0.0+incompatible", "v1.5.0", true},
      {"v28.0.0+incompatible", "v17.0.0+incompatible", true},
      {"v28.0.0+incompatible", "v0.0.0-20250101000000-abcdefabcdef", true},
      {"nonsense", "v1.0.0", false},
  };
  for (const auto& c : cases) {
    CAPTURE(c.candidate, c.known);
    CHECK(is_newer(c.candidate, c.known) == c.newer);
  }
}

TEST_CASE("platforms") {
  for (const char* good : {"linux-amd64", "windows-386", "darwin-arm64"}) {
    CHECK(check_platform(good));
  }
  for (const char* bad :
       {"", "linux", "linux-", "-amd64", "linux-amd64-v2", "Linux-amd64", "a/b-c"}) {
    CAPTURE(bad);
    CHECK_FALSE(check_platform(bad));
  }
  CHECK(check_platform(gw::check::this_platform()));
}

TEST_CASE("machines") {
  CHECK(gw::check::platform_of("x86_64") == "linux-amd64");
  CHECK(gw::check::platform_of("aarch64") == "linux-arm64");
  CHECK(gw::check::platform_of("armv7l") == "linux-arm");
  CHECK(gw::check::platform_of("i686") == "linux-386");
  CHECK(gw::check::platform_of("loongarch64") == "linux-loong64");
  CHECK(gw::check::platform_of("sparc") == "linux-sparc");
  CHECK(gw::check::check_platform(gw::check::this_platform()));
}
