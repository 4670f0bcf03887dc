#include "module/releases.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <sstream>

#include "module/goversion.h"
#include "module/semver.h"

using namespace gw;
using namespace gw::mod;

namespace {

std::vector<std::string> words(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> out;
  for (std::string w; in >> w;) out.push_back(w);
  return out;
}

// The versions added in this order with record numbers 10, 11, ...; a `!` says that one has no
// go.mod.
ReleaseSummary summary_of(const std::vector<std::string>& versions) {
  ReleaseSummary s;
  for (std::size_t i = 0; i < versions.size(); ++i) {
    std::string_view version = versions[i];
    const bool no_gomod = version.ends_with('!');
    if (no_gomod) version.remove_suffix(1);
    s.add(version, 10 + i, no_gomod);
  }
  return s;
}

std::string served_text(const ReleaseSummary& s) {
  std::string out;
  const std::string text = s.format();
  ServedReleases entries(text);
  while (const auto e = entries.next()) {
    out += (out.empty() ? "" : " ") + std::string(e->version) + "=" + std::to_string(e->record);
  }
  return out;
}

}  // namespace

TEST_CASE("the releases that are served") {
  struct {
    std::string versions, served;
  } cases[] = {
      {"", ""},
      {"v0.0.14 v0.0.15", "v0.0.15=11"},
      {"v0.0.15 v0.0.14", "v0.0.15=10"},
      {"v0.9.0 v0.10.0 v0.9.9", "v0.10.0=11"},
      {"v1.0.0-rc1 v0.0.0-20191227195350-da58074b4299", ""},
      {"v1.0.0 v1.1.0-rc1", "v1.0.0=10"},
      {"v0.1.0 v1.0.0 v0.2.0", "v1.0.0=11 v0.2.0=12"},
      {"v1.0.0 v2.0.0+incompatible", "v1.0.0=10"},
      {"v2.0.0+incompatible v1.0.0", "v1.0.0=11"},
      {"v2.0.0+incompatible v3.1.0+incompatible v2.1.0+incompatible",
       "v3.1.0+incompatible=11 v2.1.0+incompatible=12"},
      {"v2.0.0+incompatible v1.0.0-rc1!", "v2.0.0+incompatible=10"},
      // As the go command (filterVersions): the newest compatible version has no go.mod
      {"v1.13.0 v1.13.1! v28.5.2+incompatible v17.0.0+incompatible",
       "v28.5.2+incompatible=12 v17.0.0+incompatible=13 v1.13.1=11"},
      {"v28.5.2+incompatible v0.9.0! v1.13.1! v0.9.1",
       "v28.5.2+incompatible=10 v1.13.1=12 v0.9.1=13"},
      {"v1.13.1! v28.5.2+incompatible v1.14.0", "v1.14.0=12"},
      {"v1.13.0! v1.13.1 v28.5.2+incompatible", "v1.13.1=11"},
      {"v1.13.1! v0.9.0", "v1.13.1=10 v0.9.0=11"},
      // ... also when that is a prerelease, but a pseudo-version never is
      {"v1.0.0! v1.1.0-rc1 v2.0.0+incompatible", "v1.0.0=10"},
      {"v2.0.0+incompatible v1.1.0-rc1! v1.0.0", "v2.0.0+incompatible=10 v1.0.0=12"},
      {"v1.1.0-rc1 v1.0.0! v1.1.0! v2.0.0+incompatible", "v2.0.0+incompatible=13 v1.1.0=12"},
      {"v2.0.0+incompatible v1.0.0-rc1", ""},
      {"v2.0.0+incompatible v0.0.0-20191227195350-da58074b4299", "v2.0.0+incompatible=10"},
      {"v1.0.0! v2.1.0-rc1 v2.0.0+incompatible", "v2.0.0+incompatible=12 v1.0.0=10"},
      {"v2.0.0-rc1+incompatible", ""},
      {"1.0.0 v1.0 v01.0.0 v1.0.0+meta latest", ""},
      {"v1.0.0 v1.0.0", "v1.0.0=10"},
      {"v99999999999999999999.0.0 v2.0.0", "v99999999999999999999.0.0=10 v2.0.0=11"},
  };
  for (auto& c : cases) {
    INFO(c.versions);
    ReleaseSummary s = summary_of(words(c.versions));
    CHECK(served_text(s) == c.served);
    // The text says the same without parsing.
    std::string text = s.format();
    ServedReleases it(text);
    std::string walked;
    while (auto e = it.next()) {
      walked +=
          (walked.empty() ? "" : " ") + std::string(e->version) + "=" + std::to_string(e->record);
    }
    CHECK(walked == c.served);
    CHECK(ReleaseSummary::parse(text)->format() == text);
  }
}

TEST_CASE("of equal versions the first record stays, whatever the order") {
  ReleaseSummary s;
  CHECK(s.add("v1.0.0", 20));
  CHECK_FALSE(s.add("v1.0.0", 21));
  CHECK_FALSE(s.add("v1.0.0", 20));
  CHECK(s.add("v1.0.0", 19));
  CHECK(s.format() == "v1.0.0=19");
  CHECK_FALSE(s.add("v1.0.0-rc1", 1));
  CHECK(s.add("v1.0.0", 18, true));
  CHECK(s.format() == "v1.0.0=18!");
  CHECK(s.add("v1.0.1-rc1", 30));
  CHECK(s.format() == "v1.0.1-rc1=30 v1.0.0=18!");
  CHECK(s.add("v1.0.1", 31));
  CHECK(s.format() == "v1.0.1=31");
  CHECK_FALSE(s.add("v0.0.0-20191227195350-da58074b4299", 1));
}

TEST_CASE("the summary does not depend on the order of the records") {
  std::vector<std::pair<std::string, std::uint64_t>> all;
  for (int major = 0; major < 40; ++major) {
    for (int minor = 0; minor < 3; ++minor) {
      std::string v = "v" + std::to_string(major) + "." + std::to_string(minor) + ".0";
      all.emplace_back(v, all.size());
      all.emplace_back(v + "+incompatible", all.size());
      all.emplace_back(v + "-rc1", all.size());
      all.emplace_back("v1.9.0-rc" + std::to_string(major), all.size());
      all.emplace_back(v, all.size());
    }
  }
  std::string expected;
  std::mt19937 random(2);
  for (int round = 0; round < 50; ++round) {
    std::shuffle(all.begin(), all.end(), random);
    ReleaseSummary s;
    for (auto& [v, n] : all) {
      // Written down and read back between records, as the store does.
      if (n % 7 == 0) s = ReleaseSummary::parse(s.format()).value();
      s.add(v, n, n % 3 == 0);
    }
    const std::string served = served_text(s);
    CHECK(std::count(served.begin(), served.end(), '=') == kMaxMajors);
    CHECK(served.starts_with("v39.2.0="));
    if (round == 0) expected = s.format();
    CHECK(s.format() == expected);
  }
}

TEST_CASE("a damaged summary is corrupt") {
  CHECK(ReleaseSummary::parse("")->empty());
  CHECK(ReleaseSummary::parse("v1.3.0-rc1=5! v1.2.3=17! v0.9.1=4 v2.0.0+incompatible=3"));
  for (const char* bad :
       {" ", "v1.2.3", "v1.2.3=", "=3", "v1.2.3=x", "v1.2.3=01", "v1.2.3=1 ", " v1.2.3=1",
        "v1.2.3=1  v0.9.1=4", "v0.9.1=4 v1.2.3=17", "v1.2.3=1 v1.2.4=2", "v1.2.3=1! v1.2.3-rc1=1",
        "x=1", "v1.2.3=1!!", "v1.2.3=!", "v2.0.0+incompatible=3 v1.2.3=17",
        "v1.2.3=18446744073709551616"}) {
    INFO(bad);
    auto s = ReleaseSummary::parse(bad);
    REQUIRE_FALSE(s);
    CHECK(s.error().kind == ErrorKind::kCorrupt);
    ServedReleases it(bad);
    for (int i = 0; i < 4 && it.next(); ++i) {
    }
  }
}

TEST_CASE("Go versions") {
  struct {
    const char* text;
    GoVersion v;
  } good[] = {{"go1.20", {20, 0, GoVersion::Stage::kRelease, 0}},
              {"go1.26.8", {26, 8, GoVersion::Stage::kRelease, 0}},
              {"go1.26.0", {26, 0, GoVersion::Stage::kRelease, 0}},
              {"go1.26rc2", {26, 0, GoVersion::Stage::kRc, 2}},
              {"go1.8beta1", {8, 0, GoVersion::Stage::kBeta, 1}}};
  for (auto& g : good) CHECK(parse_go_version(g.text) == g.v);
  for (const char* bad : {"",           "go",           "go1",         "go1.",
                          "1.20",       "go2.0",        "go1.9.2rc2",  "go1.21.0-custom",
                          "go1.021",    "go1.21.",      "go1.21.01",   "go1.21rc",
                          "go1.21rc01", "go1.21alpha1", "go1.21rc1.1", "go1.21.0.1",
                          "go1.x",      "go1.21 ",      "go1.1234567", "go1.21.0linux",
                          "gO1.21"}) {
    INFO(bad);
    CHECK_FALSE(parse_go_version(bad));
  }
  // Ascending.
  std::vector<std::string> order = {"go1.8beta1",  "go1.8rc1",  "go1.8",      "go1.8.1", "go1.9rc1",
                                    "go1.20beta2", "go1.20rc1", "go1.20rc10", "go1.20",  "go1.20.1",
                                    "go1.20.10",   "go1.21rc2", "go1.21.0",   "go1.21.1"};
  for (std::size_t i = 0; i + 1 < order.size(); ++i) {
    CHECK(*parse_go_version(order[i]) < *parse_go_version(order[i + 1]));
  }
}

TEST_CASE("toolchain records") {
  auto r = parse_toolchain_version("v0.0.1-go1.26.8.linux-amd64");
  REQUIRE(r);
  CHECK(r->go_version == "go1.26.8");
  CHECK(r->platform == "linux-amd64");
  CHECK(parse_toolchain_version("v0.0.1-go1.21rc2.linux-armv6l")->go_version == "go1.21rc2");
  CHECK(parse_toolchain_version("v0.0.1-go1.20.windows-386")->go_version == "go1.20");
  for (const char* bad :
       {"", "v0.0.1-go1.26.8", "v0.0.1-go1.26.8.linux", "v0.0.1-go1.26.8-custom.linux-amd64",
        "v0.0.1-go1.9.2rc2.linux-amd64", "v0.0.2-go1.26.8.linux-amd64", "go1.26.8.linux-amd64",
        "v0.0.1-go1.26.8.linux-amd64-x", "v0.0.1-go1.26.8.-amd64", "v0.0.1-go1.26.8.linux-",
        "v0.0.1-go1.26.8.Linux-amd64", "v0.0.1-go2.0.linux-amd64", "v0.0.1-.linux-amd64"}) {
    INFO(bad);
    CHECK_FALSE(parse_toolchain_version(bad));
  }
}

TEST_CASE("cur, prev and next of the toolchains") {
  struct {
    std::string list, cur, prev, next;
  } cases[] = {
      {"go1.24rc2 go1.24rc1 go1.23.4 go1.22.10 go1.22.9", "go1.23.4", "go1.22.10", "go1.24rc2"},
      {"go1.20 go1.20.1 go1.19.13", "go1.20.1", "go1.19.13", ""},
      {"go1.23.10 go1.23.9 go1.22.12", "go1.23.10", "go1.22.12", ""},
      {"go1.25beta2 go1.25rc1 go1.24.1", "go1.24.1", "", "go1.25rc1"},
      {"go1.26.0 go1.25rc1 go1.24.9", "go1.26.0", "go1.24.9", ""},
      {"go1.25.6 go1.24.12 go1.26rc2", "go1.25.6", "go1.24.12", "go1.26rc2"},
      {"go1.9.2rc2 go1.9.1", "go1.9.1", "", ""},
      {"go1.27rc1", "", "", "go1.27rc1"},
      {"", "", "", ""},
  };
  std::mt19937 random(3);
  for (auto& c : cases) {
    INFO(c.list);
    auto list = words(c.list);
    std::vector<std::pair<std::string, std::uint64_t>> records;
    for (const std::string& v : list) {
      for (const char* platform : {".linux-amd64", ".darwin-arm64"}) {
        records.emplace_back("v0.0.1-" + v + platform, records.size());
      }
    }
    std::string text;
    for (int round = 0; round < 20; ++round) {
      ToolchainSummary s;
      for (auto& [v, n] : records) {
        s.add(v, n);
        if (n % 3 == 0) s = ToolchainSummary::parse(s.format()).value();
      }
      CHECK(s.cur().version == c.cur);
      CHECK(s.prev().version == c.prev);
      CHECK(s.next().version == c.next);
      if (round == 0) text = s.format();
      CHECK(s.format() == text);
      if (!c.cur.empty()) {
        // The first of its platforms' records.
        auto at =
            static_cast<std::uint64_t>(std::find(list.begin(), list.end(), c.cur) - list.begin());
        CHECK(s.cur().record == 2 * at);
      }
      std::shuffle(records.begin(), records.end(), random);
    }
  }
  ToolchainSummary s;
  CHECK_FALSE(s.add("v0.0.1-go1.21.0-custom.linux-amd64", 1));
  CHECK(s.add("v0.0.1-go1.21.0.linux-amd64", 5));
  CHECK_FALSE(s.add("v0.0.1-go1.21.0.linux-arm64", 6));
  CHECK(s.add("v0.0.1-go1.21.0.linux-386", 4));
  CHECK(s.format() == "go1.21.0=4");
  for (const char* bad :
       {"go1.21.0", "go1.20.1=1 go1.21.0=2", "go1.21.0=1 ", "x=1",
        "go1.21.0=1 go1.20.1=2 go1.19.1=3", "go1.21.0=1 go1.21rc1=2", "go1.22rc1=1 go1.21.0=2"}) {
    CHECK(ToolchainSummary::parse(bad).error().kind == ErrorKind::kCorrupt);
  }
}
