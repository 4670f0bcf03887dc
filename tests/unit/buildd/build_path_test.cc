#include "buildd/build_path.h"

#include <catch2/catch.hpp>

using namespace gw;
using namespace gw::buildd;

namespace {

constexpr const char* kSum = "0zkPWcxWmiWHZYW2QX4N5VurqP4g";

}  // namespace

TEST_CASE("build path: what is asked for", "[build_path]") {
  struct Row {
    std::string path;
    BuildPath::Kind kind;
    std::string key, sum, page;
    bool misspelled = false;
  };
  using Kind = BuildPath::Kind;
  const std::string age = "filippo.io/age@v1.2.1/cmd/age/linux-amd64-go1.26.8/";
  const std::string sum = kSum;
  const std::vector<Row> rows = {
      {"/" + age, Kind::kBuild, age, "", ""},
      {"/" + age.substr(0, age.size() - 1), Kind::kBuild, age, "", "", true},
      {"/" + age + "log", Kind::kBuild, age, "", "log"},
      {"/" + age + "age-v1.2.1-go1.26.8.gz", Kind::kBuild, age, "", "age-v1.2.1-go1.26.8.gz"},
      {"/" + age + sum + "/", Kind::kBuild, age, sum, ""},
      {"/" + age + sum, Kind::kBuild, age, sum, "", true},
      {"/" + age + sum + "/record", Kind::kBuild, age, sum, "record"},
      {"/a.b/c@latest/linux-arm64-latest/", Kind::kBuild, "a.b/c@latest/linux-arm64-latest/", "",
       ""},
      {"/a.b@main/js-wasm-go1.26.latest-stripped/x", Kind::kBuild,
       "a.b@main/js-wasm-go1.26.latest-stripped/", "", "x"},
      // The last one that looks like a target is it.
      {"/a.b@v1.0.0/x-y-latest/linux-amd64-go1.26.8/", Kind::kBuild,
       "a.b@v1.0.0/x-y-latest/linux-amd64-go1.26.8/", "", ""},
  };
  for (const Row& row : rows) {
    INFO(row.path);
    const auto parsed = parse_build_path(row.path);
    REQUIRE(parsed);
    CHECK(parsed->kind == row.kind);
    CHECK(build::format_key(parsed->key) == row.key);
    CHECK(parsed->sum == row.sum);
    CHECK(parsed->page == row.page);
    CHECK(parsed->misspelled == row.misspelled);
    if (!row.misspelled) CHECK(format_build_path(*parsed) == row.path);
  }
  CHECK(parse_build_path("/")->kind == Kind::kHome);
  const auto module = parse_build_path("/github.com/A/b/v2/");
  CHECK(module->kind == Kind::kModule);
  CHECK(module->misspelled);
  CHECK(format_build_path(*module) == "/github.com/A/b/v2");
  const auto version = parse_build_path("/a.b/c@v1/cmd/x");
  CHECK(version->kind == Kind::kVersion);
  CHECK(version->key.dir == "/cmd/x");
  CHECK(format_build_path(*version) == "/a.b/c@v1/cmd/x");
}

TEST_CASE("build path: what is none", "[build_path]") {
  const std::string sum = kSum;
  for (const std::string path :
       {"", "a.b", "/robots", "/../a.b", "/etc/a.b", "/a.b/v1", "/a.b/v0@v1.0.0", "//a.b", "/a.b@",
        "/a.b@v1.0.0/...", "/a.b@v1.0.0/../x/linux-amd64-go1.26.8/",
        "/a.b@v1.0.0//linux-amd64-go1.26.8/", "/a.b@v1.0.0/linux-vax-go1.26.8/",
        "/a.b@v1.0.0/linux-amd64-go1.22/", "/a.b@v1.0.0/linux-amd64-go1.20.0/",
        "/a.b@v1.0.0/linux-amd64-go1.x.latest/", "/a.b@v1.0.0/linux-amd64-go1.26.8/x/y",
        "/a.b@v1.0.0/linux-amd64-go1.26.8/log/",
        "/a.b@v1.0.0/linux-amd64-go1.26.8/0zkPWcxWmiWHZYW2QX4N5VurqP4h/"}) {
    INFO(path);
    const auto parsed = parse_build_path(path);
    REQUIRE_FALSE(parsed);
    if (path != "/a.b@") CHECK(parsed.error().kind == ErrorKind::kNotFound);
    CHECK_FALSE(parsed.error().hint.empty());
  }
  for (const std::string path : {"/a.b@upgrade", "/a.b@none", "/a.b@>=v1.0.0"}) {
    CHECK(parse_build_path(path).error().kind == ErrorKind::kUsage);
  }
  CHECK(is_binary_sum(sum));
  CHECK_FALSE(is_binary_sum(sum.substr(1)));
  CHECK_FALSE(is_binary_sum("1" + sum.substr(1)));
}

TEST_CASE("build path: which pages a build has", "[build_path]") {
  const auto known = [](const std::string& page) {
    const auto path = parse_build_path("/a.b/c@v1.0.0/linux-amd64-go1.26.8/" + page);
    return path && is_known_page(*path);
  };
  for (const char* page :
       {"", "log", "record", "modules", "0zkPWcxWmiWHZYW2QX4N5VurqP4g/", "c-v1.0.0-go1.26.8",
        "c-v1.0.0-go1.26.8.gz", "0zkPWcxWmiWHZYW2QX4N5VurqP4g/c-v1.0.0-go1.26.8.gz.tlog-proof"}) {
    CHECK(known(page));
  }
  // A sum that was cut, another file's name.
  for (const char* page : {"0zkPWcxWmiWHZYW2QX4N5VurqP4", "0zkPWcxWmiWHZYW2QX4N5VurqP4h", "logs",
                           "c-v1.0.1-go1.26.8", "c-v1.0.0-go1.26.8.zip"}) {
    CHECK_FALSE(known(page));
  }
}

TEST_CASE("build path: the reader's machine", "[build_path]") {
  CHECK(guess_target("") == build::Target{"linux", "amd64"});
  CHECK(guess_target("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)") ==
        build::Target{"darwin", "arm64"});
  CHECK(guess_target("Mozilla/5.0 (Windows NT 10.0; Win64; x64)") ==
        build::Target{"windows", "amd64"});
  CHECK(guess_target("Mozilla/5.0 (X11; Linux aarch64)") == build::Target{"linux", "arm64"});
  CHECK(guess_target("Mozilla/5.0 (Linux; Android 14; Pixel 8)") ==
        build::Target{"android", "arm64"});
  CHECK(guess_target("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X)") ==
        build::Target{"linux", "amd64"});
}
