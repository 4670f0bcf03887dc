#include "dns/answer_text.h"

#include <array>
#include <catch2/catch.hpp>

namespace gw::dns {
namespace {

WallTime at(std::int64_t t) { return from_unix(t); }

std::string format(std::vector<ModuleVersionView> versions) {
  std::array<char, kMaxTxt> out;
  return {out.data(), format_module_answer(versions, out)};
}

TEST_CASE("formatting a module's answer") {
  CHECK(format({}).empty());
  CHECK(format({{"v0.0.15", at(0x6802a84d)}}) == "v=v0.0.15 t=6802a84d");
  CHECK(format({{"v2.1.0", at(1)}, {"v1.9.0", at(0)}}) == "v=v2.1.0 t=1; v=v1.9.0 t=0");
}

TEST_CASE("an answer holds as many whole entries as fit, to the octet") {
  // Each entry has 19 octets and a separator of two: twelve are 250, a thirteenth does not fit.
  std::vector<ModuleVersionView> versions(20, {"v1.2.3", at(0x6802a84d)});
  std::string text = format(versions);
  CHECK(text.size() == 12 * 19 + 11 * 2);
  CHECK(text.substr(text.size() - 8) == "6802a84d");
  // "v=" and " t=6802a84d" take 13.
  std::string version = "v1.0." + std::string(kMaxTxt - 13 - 5, '1');
  CHECK(format({{version, at(0x6802a84d)}}).size() == kMaxTxt);
  CHECK(format({{version + "1", at(0x6802a84d)}}).empty());
  // One that does not fit ends the list: nothing is skipped.
  CHECK(format({{"v1.0.0", at(1)}, {version, at(1)}, {"v0.1.0", at(1)}}) == "v=v1.0.0 t=1");
}

TEST_CASE("formatting the toolchains' answer") {
  std::array<char, kMaxTxt> out;
  std::vector<ToolchainView> toolchains = {{"go1.25.6", ToolchainKind::kCurrent, at(0x69693421)},
                                           {"go1.24.12", ToolchainKind::kPrevious, at(0x69693421)},
                                           {"go1.26rc2", ToolchainKind::kNext, at(0x69693421)}};
  std::string text(out.data(), format_toolchain_answer(toolchains, out));
  CHECK(text ==
        "v=go1.25.6 k=cur t=69693421; v=go1.24.12 k=prev t=69693421; v=go1.26rc2 k=next "
        "t=69693421");
  auto parsed = parse_toolchain_answer(text);
  REQUIRE(parsed);
  REQUIRE(parsed->size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK((*parsed)[i] == ToolchainVersion{std::string(toolchains[i].version), toolchains[i].kind,
                                           toolchains[i].found});
  }
}

TEST_CASE("reading a module's answer") {
  struct Row {
    std::string text;
    std::vector<ModuleVersion> versions;
    const char* error;  // nullptr: none
  };
  const ModuleVersion one = {"v0.0.15", at(0x6802a84d)};
  for (const Row& row : std::vector<Row>{
           {"v=v0.0.15 t=6802a84d", {one}, nullptr},
           {"t=6802a84d v=v0.0.15", {one}, nullptr},
           {"t=6802A84D v=v0.0.15", {one}, nullptr},
           {"v=v0.0.15 t=6802a84d;v=v0.0.15 t=6802a84d", {one, one}, nullptr},
           {" v=v0.0.15 t=6802a84d ; v=v0.0.15 t=6802a84d ", {one, one}, nullptr},
           {"v=v0.0.15 t=6802a84d x=y", {one}, nullptr},
           {"v=v0.0.15 t=6802a84d x=y=z", {one}, nullptr},
           {"v=v0.0.15 t=6802a84d; v=v1.0.0", {one}, nullptr},
           {"t=1; v=v0.0.15 t=6802a84d", {one}, nullptr},
           {"x=y", {}, nullptr},
           {"v=v2.0.0+incompatible t=1", {{"v2.0.0+incompatible", at(1)}}, nullptr},
           {"v=v2.0.0-rc.1 t=1", {{"v2.0.0-rc.1", at(1)}}, nullptr},
           {"v=v1.0.0 t=3afff4417f", {{"v1.0.0", at(253402300799)}}, nullptr},
           {"v=v1.0.0 t=3afff44180", {}, "does not fit"},
           {"v=v1.0.0 t=8000000000000000", {}, "does not fit"},
           {"v=v1.0.0 t=10000000000000000", {}, "does not fit"},
           {"", {}, "without ="},
           {";", {}, "without ="},
           {"v=v0.0.15 t=6802a84d;", {}, "without ="},
           {"v=v0.0.15  t=6802a84d", {}, "without ="},
           {"v=v0.0.15\tt=6802a84d", {}, "malformed"},
           {"v", {}, "without ="},
           {"=v1.0.0 t=1", {}, "without a key"},
           {"v= t=1", {}, "is empty"},
           {"v=v1.0.0 t=", {}, "is empty"},
           {"v=v1.0.0 t=1 x=", {}, "is empty"},
           {"v=v1.0.0 v=v1.0.0 t=1", {}, "twice"},
           {"v=v1.0.0 t=1 x=1 x=2", {}, "twice"},
           {"v=v1.0.0 t=xyz", {}, "not hex"},
           {"v=v1.0.0 t=0x1", {}, "not hex"},
           {"v=v1.0.0 t=-1", {}, "not hex"},
           {"v=v1.0.0 t=+1", {}, "not hex"},
           {"v=1.2.3 t=1", {}, "malformed"},
           {"v=v01.2.3 t=1", {}, "malformed"},
           {"v=v1.2 t=1", {}, "malformed"},
           {"v=v1.2.3+meta t=1", {}, "malformed"},
           {"v=v1.2.3 t=1; v=bad", {}, "malformed"},
       }) {
    INFO(row.text);
    auto parsed = parse_module_answer(row.text);
    REQUIRE(parsed.has_value() == (row.error == nullptr));
    if (parsed) {
      CHECK(*parsed == row.versions);
    } else {
      CHECK(parsed.error().kind == ErrorKind::kCorrupt);
      CHECK(parsed.error().message.find(row.error) != std::string::npos);
    }
  }
}

TEST_CASE("the latest version") {
  struct Row {
    std::vector<std::string> versions;
    std::string latest;
  };
  for (const Row& row : std::vector<Row>{
           {{}, ""},
           {{"v1.2.3"}, "v1.2.3"},
           {{"v1.9.0", "v1.10.0"}, "v1.10.0"},
           {{"v9.0.0+incompatible", "v1.0.0"}, "v9.0.0+incompatible"},
           {{"v1.0.0", "v9.0.0+incompatible"}, "v9.0.0+incompatible"},
           {{"v2.0.0+incompatible", "v9.0.0+incompatible"}, "v9.0.0+incompatible"},
           {{"v2.0.0-rc.1", "v1.0.0"}, "v1.0.0"},
           {{"v2.0.0-rc.1"}, ""},
       }) {
    std::vector<ModuleVersion> versions;
    for (const std::string& version : row.versions) versions.push_back({version, at(1)});
    const ModuleVersion* latest = latest_version(versions);
    CHECK((latest == nullptr ? "" : latest->version) == row.latest);
  }
}

TEST_CASE("reading the toolchains' answer") {
  auto parse = [](const char* text) { return parse_toolchain_answer(text); };
  auto two = parse("v=go1.25.6 k=cur t=1; v=go1.25.7 k=cur t=2");
  REQUIRE(two);
  CHECK(*two == std::vector<ToolchainVersion>{{"go1.25.6", ToolchainKind::kCurrent, at(1)}});
  CHECK(parse("v=go1.25.6 t=1")->empty());
  CHECK(parse("v=go1.25.6 k=other t=1")->empty());
  CHECK(parse("k=cur t=1")->empty());
  CHECK(parse("v=go1.26rc1 k=next t=1")->size() == 1);
  for (const char* bad : {"v=1.25.6 k=cur t=1", "v=go1.9.2rc2 k=cur t=1",
                          "v=go1.25.6-custom k=cur t=1", "v=go1.25.6 k= t=1"}) {
    CHECK(!parse(bad));
  }
}

TEST_CASE("a project's own record") {
  struct Row {
    std::vector<std::string> records;
    std::string latest;  // "" for none
    bool error;
  };
  for (const Row& row : std::vector<Row>{
           {{}, "", false},
           {{"v=UPDATES0;l=v0.0.15"}, "v0.0.15", false},
           {{"v=UPDATES0; l=v0.0.15"}, "v0.0.15", false},
           {{"v=UPDATES0;l=v0.0.15;"}, "v0.0.15", false},
           {{"v=UPDATES0;x=y;l=v0.0.15"}, "v0.0.15", false},
           {{"v=UPDATES1;l=v0.0.15"}, "", false},
           {{"v=spf1 -all"}, "", false},
           {{""}, "", false},
           {{"l=v0.0.15;v=UPDATES0"}, "", false},
           {{"v=spf1 -all", "v=UPDATES0;l=v0.0.15"}, "v0.0.15", false},
           {{"v=UPDATES0;l=v0.0.15", "v=UPDATES0;l=v0.0.15"}, "", true},
           {{"v=UPDATES0"}, "", true},
           {{"v=UPDATES0;l=0.0.15"}, "", true},
           {{"v=UPDATES0;l="}, "", true},
           {{"v=UPDATES0;l"}, "", true},
           {{"v=UPDATES0;;l=v0.0.15"}, "", true},
           {{"v=UPDATES0;l=v0.0.15;l=v0.0.16"}, "", true},
           {{"v=UPDATES0;l=v0.0.15;v=UPDATES0"}, "", true},
       }) {
    auto latest = parse_updates(row.records);
    REQUIRE(latest.has_value() == !row.error);
    if (latest) CHECK(latest->value_or("") == row.latest);
  }
}

}  // namespace
}  // namespace gw::dns
