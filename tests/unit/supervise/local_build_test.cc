#include "supervise/local_build.h"

#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>

using namespace gw;
using namespace gw::supervise;

namespace {

const build::Key kHere{"example.org/svc",  "v0.1.0",   "/cmd/svc",
                       {"linux", "amd64"}, "go1.26.8", true};

std::string line(const std::string& version = "v0.1.0", const std::string& size = "7",
                 const std::string& go = "go1.26.8") {
  return fmt::format(
      R"({{"module":"example.org/svc","version":"{}","dir":"/cmd/svc","goos":"linux",)"
      R"("goarch":"amd64","go_version":"{}","stripped":true,"size":{},"sum":"0abc"}})"
      "\n",
      version, go, size);
}

bool has(const std::vector<std::string>& words, const std::string& option,
         const std::string& value) {
  const auto at = std::find(words.begin(), words.end(), option);
  return at != words.end() && at + 1 != words.end() && at[1] == value;
}

}  // namespace

TEST_CASE("local build: what the command is told", "[local-build]") {
  LocalBuilds builds;
  auto words = build_words(builds, kHere, "", "/var/gw/cache", "/var/gw/out/");
  CHECK(words[0] == "gwtool");
  CHECK(words[1] == "build");
  CHECK(words.back() == "example.org/svc/cmd/svc@v0.1.0");
  CHECK(has(words, "--go", "go1.26.8"));
  CHECK(has(words, "--target", "linux/amd64"));
  CHECK(has(words, "--cache", "/var/gw/cache"));
  CHECK(has(words, "-o", "/var/gw/out/"));
  CHECK(has(words, "--sandbox", "full"));
  CHECK(std::count(words.begin(), words.end(), "--stripped") == 1);
  // What nobody said is the command's own default.
  for (const char* none : {"--log-key", "--source", "--ca-file"}) {
    CHECK(std::count(words.begin(), words.end(), none) == 0);
  }
  builds.log_key = "key";
  builds.log_source = "/srv/sumdb";
  builds.sandbox = "partial";
  build::Key plain = kHere;
  plain.stripped = false;
  plain.dir = "/";
  words = build_words(builds, plain, "ca", "c", "o/");
  CHECK(has(words, "--log-key", "key"));
  CHECK(has(words, "--source", "/srv/sumdb"));
  CHECK(has(words, "--ca-file", "ca"));
  CHECK(has(words, "--sandbox", "partial"));
  CHECK(std::count(words.begin(), words.end(), "--stripped") == 0);
  CHECK(words.back() == "example.org/svc@v0.1.0");
}

TEST_CASE("local build: another user sees no more of our environment than it needs",
          "[local-build]") {
  CHECK(build_environment(
            {"PATH=/bin", "AWS_SECRET=x", "HTTPS_PROXY=http://p", "PATHS=x", "HOME=/r", "bad"}) ==
        std::vector<std::string>{"PATH=/bin", "HTTPS_PROXY=http://p"});
}

TEST_CASE("local build: what the command says", "[local-build]") {
  const auto good = parse_built("gwtool: warning: the sandbox lacks x\n" + line(), 0, kHere);
  REQUIRE(good);
  CHECK(good->sum == "0abc");
  CHECK(good->size == 7);
  CHECK(good->key == kHere);
  struct Row {
    std::string output;
    int code;
    ErrorKind kind;
  };
  const std::string error = "gwtool: error: example.org/svc: no such module\ngwtool: hint: x\n";
  for (const Row& row :
       {Row{error, 1, ErrorKind::kNotFound}, Row{error, 2, ErrorKind::kUsage},
        Row{error, 3, ErrorKind::kUnavailable}, Row{error, 4, ErrorKind::kUntrusted},
        Row{error, 130, ErrorKind::kNotFound}}) {
    const auto built = parse_built(row.output, row.code, kHere);
    REQUIRE_FALSE(built);
    CHECK(built.error().kind == row.kind);
    CHECK(built.error().message.find("no such module") != std::string::npos);
  }
  // It ended well and said nothing, or something that is no build of ours.
  CHECK_FALSE(parse_built("", 0, kHere));
  CHECK_FALSE(parse_built(line(), 1, kHere));
  for (const std::string& bad :
       {line("v0.1.1"), line("v0.1.0", "7", "go1.26.9"), line("v0.1.0", "0"),
        line("v0.1.0", "9999999999999"), line("v0.1.0", "-1"), std::string("{\n"),
        line() + line("v9.9.9")}) {
    INFO(bad);
    const auto built = parse_built(bad, 0, kHere);
    REQUIRE_FALSE(built);
    CHECK(built.error().kind == ErrorKind::kUntrusted);
  }
}
