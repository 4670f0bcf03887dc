#include "check/retractions.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "support/temp_dir.h"

using namespace gw;
using namespace gw::check;

TEST_CASE("what a go.mod takes back") {
  const std::string gomod =
      "// Deprecated: use a.b/d instead.\nmodule a.b/c\n\nretract (\n\t[v1.4.0, v1.5.2] // too "
      "early\n\tv1.9.0\n\t[v2.0.0-rc.1, v2.0.0-rc.9]\n)\n";
  struct Case {
    const char* version;
    std::optional<std::string> retracted;
  };
  for (const Case& c : std::vector<Case>{{"v1.3.9", std::nullopt},
                                         {"v1.4.0", "too early"},
                                         {"v1.5.0", "too early"},
                                         {"v1.5.2", "too early"},
                                         {"v1.5.3-rc.1", std::nullopt},
                                         {"v1.9.0", ""},
                                         {"v2.0.0-rc.2", ""},
                                         {"v2.0.0", std::nullopt}}) {
    CAPTURE(c.version);
    const auto marks = read_marks(gomod, c.version);
    REQUIRE(marks);
    CHECK(marks->retracted == c.retracted);
    CHECK(marks->deprecated == "use a.b/d instead.");
  }
  CHECK(read_marks("module a.b/c\n", "v1.0.0")->deprecated.empty());
  CHECK(read_marks("<html>", "v1.0.0").error().kind == ErrorKind::kCorrupt);
}

TEST_CASE("the next proxy is asked as GOPROXY says") {
  const testing::TempDir dir;
  const auto put = [&](const std::string& proxy, const std::string& text) {
    const std::string directory = dir.file(proxy) + "/a.b/c/@v";
    std::filesystem::create_directories(directory);
    std::ofstream(directory + "/v1.5.2.mod") << text;
  };
  put("one", "module a.b/other\n");
  std::filesystem::remove(dir.file("one") + "/a.b/c/@v/v1.5.2.mod");
  put("two", "module a.b/c\nretract v1.5.2\n");
  const auto run = [&](const std::string& list, Outcome& outcome) {
    RetractionOptions options;
    options.proxies = mod::parse_proxy_entries(list).value();
    outcome.name = "a.b/c";
    outcome.releases = {Release{.name = "a.b/c", .version = "v1.5.2", .newest = "v1.5.2"},
                        Release{.name = "a.b/c", .version = "v0.35.3", .newest = "v1.5.2"}};
    std::vector<Outcome> all = {outcome};
    const Status status = mark_retracted(all, options);
    outcome = all[0];
    return status;
  };
  Outcome found;
  REQUIRE(run("file://" + dir.file("one") + ",file://" + dir.file("two") + ",direct", found));
  CHECK(found.errors.empty());
  CHECK(found.releases[0].marks.retracted == "");
  CHECK(found.releases[1].marks.known);
  CHECK_FALSE(found.releases[1].marks.retracted);
  Outcome had;
  had.known = "v1.5.2";
  had.had = Had{.module = "a.b/c", .newest = "v1.5.2"};
  REQUIRE(run("file://" + dir.file("two"), had));
  CHECK(had.had->marks.retracted == "");
  Outcome none;
  REQUIRE(run("file://" + dir.file("one") + ",direct", none));
  REQUIRE(none.errors.size() == 1);
  CHECK(none.errors[0].kind == ErrorKind::kNotFound);
  CHECK_FALSE(none.releases[0].marks.known);
  Outcome nobody;
  CHECK(run("off", nobody).error().kind == ErrorKind::kUsage);
}
