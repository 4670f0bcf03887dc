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
  const auto read =
      parse_request_list("\xef\xbb\xbf# all\n\n a.com/b \n\tc.com/d@v1.0.0 # why\r\nBad\ne.com/f");
  REQUIRE(read);
  const auto& list = read->requests;
  REQUIRE(list.size() == 4);
  CHECK(list[0].path == "a.com/b");
  CHECK(list[1].path == "c.com/d");
  CHECK(list[1].known == "v1.0.0");
  REQUIRE(list[2].problem);
  CHECK(list[2].problem->message.find("line 5: ") == 0);
  CHECK(list[3].path == "e.com/f");
  CHECK(parse_request_list("")->requests.empty());
  CHECK(parse_request_list("\n# x\n \n")->requests.empty());
  std::string many;
  for (std::size_t i = 0; i < gw::check::kMostModules; ++i) {
    many += "a.com/b" + std::to_string(i) + "\n";
  }
  CHECK(parse_request_list(many));
  CHECK(parse_request_list(many + many)->requests.size() == gw::check::kMostModules);
  CHECK(parse_request_list(many + "a.com/b\n").error().kind == ErrorKind::kUsage);
}

namespace {

// "PATH@KNOWN", "PATH (notes)" of what is not asked for, "PATH!" with a problem.
std::vector<std::string> requests_of(std::string_view text) {
  std::vector<std::string> out;
  const auto list = parse_request_list(text);
  REQUIRE(list);
  for (const auto& r : list->requests) {
    out.push_back(r.path + (r.known ? "@" + *r.known : "") + (r.problem ? "!" : ""));
    for (const auto& note : r.notes) out.back() += " (" + note + ")";
    CHECK(r.asked == (r.problem || r.module));
  }
  return out;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("what go list -m all prints") {
  const auto list = *parse_request_list("example.com/me\na.com/b v1.2.3\nc.com/d/v2 v2.0.1\n");
  CHECK(list.main_modules == 1);
  CHECK(list.requests.size() == 2);
  CHECK(gw::check::list_summary(list) == "standard input: 2 modules, 1 main module left out");
  CHECK(requests_of("a.com/b v1.2.3 // indirect\n// all\na.com/c@v1.0.0 // why\n") ==
        requests_of("a.com/b v1.2.3\na.com/c v1.0.0\n"));
  CHECK(requests_of("mine\na.com/b v1.2.3 [v1.3.0] (deprecated)\na.com/c v1.0.0 (retracted)\n") ==
        Texts{"a.com/b@v1.2.3", "a.com/c@v1.0.0"});
  CHECK(requests_of("a.com/b v1.2.3 => ../b\na.com/c v1.0.0 => d.com/e v1.1.0\n"
                    "a.com/f => ./f\n") ==
        Texts{"a.com/b (a.com/b v1.2.3: replaced by ../b)",
              "a.com/c (a.com/c v1.0.0: replaced by d.com/e v1.1.0)", "d.com/e@v1.1.0",
              "a.com/f (a.com/f: replaced by ./f)"});
  // -u of a main module, and of what is replaced
  CHECK(requests_of("mine (deprecated)\na.com/b v1.2.3 => ../b (deprecated)\n"
                    "a.com/c v1.0.0 => d.com/e v1.1.0 (retracted) [v1.2.0] (deprecated)\n") ==
        Texts{"a.com/b (a.com/b v1.2.3: replaced by ../b)",
              "a.com/c (a.com/c v1.0.0: replaced by d.com/e v1.1.0)", "d.com/e@v1.1.0"});
  // what somebody wrote down stays what it was, and in its order
  CHECK(requests_of("a.com/b\nc.com/d@v1.0.0\ne.com/f\n") ==
        Texts{"a.com/b", "c.com/d@v1.0.0", "e.com/f"});
  CHECK(requests_of("a.com/b v1.2.3 what\na.com/b c\na.com/b =>\n") ==
        Texts{"a.com/b v1.2.3 what!", "a.com/b c!", "a.com/b =>!"});
}

TEST_CASE("what go version -m prints") {
  CHECK(requests_of("/usr/bin/x: go1.26.8\n"
                    "\tpath\ta.com/b/cmd/x\n"
                    "\tmod\ta.com/b\tv1.2.3+dirty\t\n"
                    "\tdep\tc.com/d\tv2.0.0+incompatible\th1:x=\n"
                    "\tdep\te.com/f\tv1.0.0\n"
                    "\t=>\tg.com/h\tv1.1.0\th1:x=\n"
                    "\tdep\ti.com/j\tv1.0.0\n"
                    "\t=>\t./dep\t(devel)\t\n"
                    "\tbuild\t-compiler=gc\n"
                    "dir/y: devel go1.27-abc Mon Jan 2\n"
                    "\tmod\tmine\t(devel)\t\n") ==
        Texts{"a.com/b@v1.2.3 (a.com/b v1.2.3+dirty: built from a working tree with changes)",
              "c.com/d@v2.0.0+incompatible", "e.com/f (e.com/f v1.0.0: replaced by g.com/h v1.1.0)",
              "g.com/h@v1.1.0", "i.com/j (i.com/j v1.0.0: replaced by ./dep)",
              "mine (mine: built from a directory, so that its version is not known)"});
  // without the tabs, as a mail may have it; and a `=>` that belongs to nothing
  CHECK(requests_of("dep a.com/b v1.2.3 h1:x=\nbuild CGO_ENABLED=0\n") == Texts{"a.com/b@v1.2.3"});
  CHECK(requests_of("=> c.com/d v1.0.0\n").empty());
}

TEST_CASE("what is said again counts once") {
  const std::string program =
      "x: go1.26.8\n\tmod\tmine\t(devel)\t\n\tdep\ta.com/b\tv1.0.0\th1:x=\n"
      "\t=>\t../b\t(devel)\t\n\tdep\ta.com/b\tv1.0.0\th1:x=\n\tdep\tc.com/d\tv1.0.0\n";
  CHECK(requests_of(program + program + "c.com/d@v1.0.0\nc.com/d@v1.1.0\n").size() == 5);
  CHECK(requests_of("a.com/b\na.com/b@v1.0.0\na.com/b\na.com/b@v1.0.0+dirty\na.com/b@v1.0.0\n") ==
        Texts{"a.com/b", "a.com/b@v1.0.0",
              "a.com/b@v1.0.0 (a.com/b v1.0.0+dirty: built from a working tree with changes)"});
}

TEST_CASE("what is no list says what reads it") {
  const auto hint = [](std::string_view line) {
    const auto list = *parse_request_list(line);
    REQUIRE(list.requests.size() == 1);
    REQUIRE(list.requests[0].problem);
    return list.requests[0].problem->hint;
  };
  CHECK(hint("require a.com/b v1.2.3").find("check gomod") != std::string::npos);
  CHECK(hint("a.com/b v1.2.3 h1:x=").find("check gosum") != std::string::npos);
  CHECK(hint("https://github.com/a/b.git") == "a module path has no scheme: github.com/a/b");
  CHECK(hint("https://github.com/a/b@v1.2.3") ==
        "a module path has no scheme: github.com/a/b@v1.2.3");
  CHECK(hint("http://Bad/") == "a module path has no scheme");
}

TEST_CASE("places") {
  CHECK(gw::check::format_place({"go.mod", 3}) == "go.mod:3");
  CHECK(gw::check::format_place({"/usr/bin/x"}) == "/usr/bin/x");
  gw::check::Places places;
  for (std::size_t i = 0; i < gw::check::Places::kMost + 2; ++i) places.add({"go.mod", i});
  CHECK(places.first.size() == gw::check::Places::kMost);
  CHECK(places.more == 2);
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
