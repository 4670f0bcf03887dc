#include "update/policy.h"

#include <catch2/catch.hpp>

using namespace gw::update;

namespace {

using M = ModulePolicy;
using T = ToolchainPolicy;

struct Row {
  M module;
  T toolchain;
  const char* cur;
  const char* prev;
  Target running;
  std::vector<std::string> listed;
  std::optional<Target> target;
};

std::string show(const std::optional<Target>& t) {
  return t ? t->version + " " + t->go_version : "none";
}

}  // namespace

TEST_CASE("what the policies choose", "[policy]") {
  const std::string pseudo = "v0.0.16-0.20251105170702-29f5e86b2f51";
  const std::vector<Row> rows{
      {M::kPatch,
       T::kFollow,
       "go1.23.3",
       "go1.22.9",
       {"v0.1.2", "go1.23.3"},
       {"v0.2.0", "v0.1.5", "v0.1.3"},
       Target{"v0.1.5", "go1.23.3"}},
      {M::kMinor,
       T::kFollow,
       "go1.23.3",
       "go1.22.9",
       {"v0.1.2", "go1.23.3"},
       {"v0.2.0", "v0.1.5", "v0.1.3"},
       Target{"v0.2.0", "go1.23.3"}},
      {M::kPatch,
       T::kFollow,
       "go1.24.0",
       "go1.23.6",
       {"v0.1.2", "go1.23.3"},
       {"v0.1.2"},
       Target{"v0.1.2", "go1.23.6"}},
      {M::kPatch,
       T::kFollow,
       "go1.24.0",
       "go1.23.6",
       {"v0.1.2", "go1.23.3"},
       {"v0.1.3"},
       Target{"v0.1.3", "go1.24.0"}},
      {M::kPatch,
       T::kSupported,
       "go1.24.0",
       "go1.23.6",
       {"v0.1.2", "go1.22.9"},
       {"v0.1.2"},
       Target{"v0.1.2", "go1.23.6"}},
      {M::kPatch, T::kPatch, "go1.24.0", "go1.23.6", {"v0.1.2", "go1.22.9"}, {"v0.1.2"}, {}},
      {M::kMinor,
       T::kManual,
       "go1.24.0",
       "go1.23.6",
       {"v0.1.2", "go1.22.1"},
       {"v1.0.0", "v0.3.0"},
       Target{"v0.3.0", "go1.22.1"}},
      {M::kPatch, T::kFollow, "go1.24.0", "go1.23.6", {"v0.1.2", "go1.25.1"}, {"v0.1.2"}, {}},
      {M::kPatch, T::kManual, "go1.24.0", "go1.23.6", {"v0.1.2", "go1.22.1"}, {"v0.1.3-rc1"}, {}},
      {M::kPatch, T::kFollow, "go1.24.0", "go1.23.6", {pseudo, "go1.24.0"}, {"v0.0.15"}, {}},
      // what the rules imply beside the table
      {M::kPatch,
       T::kFollow,
       "go1.24.0",
       "go1.23.6",
       {pseudo, "go1.24.0"},
       {"v0.0.15", "v0.0.16"},
       Target{"v0.0.16", "go1.24.0"}},
      {M::kPatch,
       T::kManual,
       "",
       "",
       {"v0.1.3-rc1", "go1.22.1"},
       {"v0.1.3-rc2", "v0.1.4-rc1"},
       Target{"v0.1.3-rc2", "go1.22.1"}},
      {M::kPatch,
       T::kManual,
       "",
       "",
       {"v0.1.3-rc1", "go1.22.1"},
       {"v0.1.3-rc2", "v0.1.3"},
       Target{"v0.1.3", "go1.22.1"}},
      {M::kMinor, T::kManual, "", "", {"v0.1.3-rc1", "go1.22.1"}, {"v0.2.0-rc2"}, {}},
      {M::kManual, T::kFollow, "go1.24.0", "go1.23.6", {"v0.1.2", "go1.24.0"}, {"v0.1.3"}, {}},
      {M::kManual,
       T::kMinor,
       "go1.24.0",
       "go1.23.6",
       {"v0.1.2", "go1.22.9"},
       {"v0.1.3"},
       Target{"v0.1.2", "go1.24.0"}},
      {M::kMinor, T::kManual, "", "", {"v0.9.0", "go1.24.0"}, {"v1.0.0", "v2.0.0"}, {}},
      {M::kMinor,
       T::kManual,
       "",
       "",
       {"v1.2.0", "go1.24.0"},
       {"v1.10.0", "v1.9.0", "v2.0.0"},
       Target{"v1.10.0", "go1.24.0"}},
      // listed again, older, odd, another spelling, not sorted
      {M::kMinor,
       T::kManual,
       "",
       "",
       {"v1.2.0", "go1.24.0"},
       {"v1.2.0", "v1.1.9", "1.9.0", "v1.3", "", "v1.2.1-0.20251105170702-29f5e86b2f51"},
       {}},
      // a toolchain that nobody knows
      {M::kPatch,
       T::kFollow,
       "",
       "",
       {"v0.1.2", "go1.23.3"},
       {"v0.1.3"},
       Target{"v0.1.3", "go1.23.3"}},
      {M::kPatch, T::kMinor, "", "go1.22.9", {"v0.1.2", "go1.23.3"}, {}, {}},
      {M::kPatch, T::kFollow, "1.24", "nonsense", {"v0.1.2", "go1.23.3"}, {}, {}},
      {M::kPatch, T::kFollow, "go1.24.0", "go1.23.6", {"(devel)", "go1.23.3"}, {"v0.1.3"}, {}},
  };
  for (const Row& row : rows) {
    Situation s;
    s.running = row.running;
    s.listed = row.listed;
    s.toolchains = {row.cur, row.prev};
    const Choice got = choose({row.module, row.toolchain}, s);
    INFO(policy_name(row.module) << "/" << policy_name(row.toolchain) << " have "
                                 << show(row.running) << " got " << show(got.target));
    CHECK(show(got.target) == show(row.target));
    CHECK(got.reason.empty() == row.target.has_value());
  }
}

TEST_CASE("which toolchain", "[policy]") {
  struct Line {
    T policy;
    const char* cur;
    const char* prev;
    const char* running;
    const char* base;
    const char* want;
  };
  const std::vector<Line> lines{
      {T::kManual, "go1.24.1", "go1.23.6", "go1.24.0", "", "go1.24.0"},
      {T::kMinor, "go1.24.1", "go1.23.6", "go1.20", "", "go1.24.1"},
      {T::kPatch, "go1.24.1", "go1.23.6", "go1.24.0", "", "go1.24.1"},
      {T::kPatch, "go1.24.1", "go1.23.6", "go1.23.5", "", "go1.23.6"},
      {T::kPatch, "go1.24.1", "go1.23.6", "go1.22.9", "", "go1.22.9"},
      {T::kSupported, "go1.24.1", "go1.23.6", "go1.22.9", "", "go1.23.6"},
      {T::kFollow, "go1.24.1", "go1.23.6", "go1.22.9", "", "go1.23.6"},
      // go1.20 is go1.20.0, whoever writes it
      {T::kPatch, "go1.21.1", "go1.20.0", "go1.20", "", "go1.20"},
      {T::kPatch, "go1.21.1", "go1.20", "go1.20.0", "", "go1.20.0"},
      {T::kPatch, "go1.21.1", "go1.20.1", "go1.20", "", "go1.20.1"},
      // a candidate and a beta move to their own release
      {T::kPatch, "go1.24.0", "go1.23.6", "go1.24rc2", "", "go1.24.0"},
      {T::kPatch, "go1.25.0", "go1.24.6", "go1.24beta1", "", "go1.24.6"},
      {T::kFollow, "go1.24.0", "go1.23.6", "go1.25rc1", "", "go1.25rc1"},
      // by hand on a newer one: the last scheduled one's minor is kept, but nothing goes back
      {T::kPatch, "go1.24.1", "go1.23.6", "go1.24.0", "go1.23.5", "go1.24.0"},
      {T::kFollow, "go1.24.1", "go1.23.6", "go1.22.9", "go1.24.0", "go1.24.1"},
      {T::kPatch, "go1.24.1", "go1.23.6", "devel go1.25-abc", "", "devel go1.25-abc"},
  };
  for (const Line& line : lines) {
    Situation s;
    s.running = {"v1.0.0", line.running};
    s.base_go = line.base;
    s.toolchains = {line.cur, line.prev};
    INFO(policy_name(line.policy) << " " << line.running << " base " << line.base);
    CHECK(choose_toolchain(line.policy, s) == line.want);
  }
}

TEST_CASE("every version in turn", "[policy]") {
  Situation s;
  s.running = {"v1.0.0", "go1.24.0"};
  s.listed = {"v1.0.3", "v1.0.1", "v1.0.2", "v1.1.0"};
  CHECK(choose({M::kPatch, T::kManual, true}, s).target == Target{"v1.0.1", "go1.24.0"});
  s.running.version = "v1.0.1";
  CHECK(choose({M::kPatch, T::kManual, true}, s).target == Target{"v1.0.2", "go1.24.0"});
  s.running.version = "v1.0.3";
  CHECK_FALSE(choose({M::kPatch, T::kManual, true}, s).target);
  CHECK(choose({M::kMinor, T::kManual, true}, s).target == Target{"v1.1.0", "go1.24.0"});
}

TEST_CASE("what is skipped", "[policy]") {
  Situation s;
  s.running = {"v1.0.0", "go1.23.1"};
  s.listed = {"v1.0.1", "v1.0.2"};
  s.toolchains = {"go1.23.1", "go1.22.9"};
  s.skips = {{"v1.0.2", ""}};
  CHECK(choose({}, s).target == Target{"v1.0.1", "go1.23.1"});
  s.skips.push_back({"v1.0.1", "go1.23.1"});
  const Choice none = choose({}, s);
  CHECK_FALSE(none.target);
  CHECK(none.reason == "v1.0.1 is skipped");
  // it was that build that failed, not the version
  s.toolchains.cur = "go1.23.2";
  CHECK(choose({}, s).target == Target{"v1.0.1", "go1.23.2"});
  s.listed.clear();
  CHECK(choose({}, s).target == Target{"v1.0.0", "go1.23.2"});
  s.skips.push_back({"v1.0.0", "go1.23.2"});
  CHECK(choose({}, s).reason == "go1.23.2 is skipped");
}

TEST_CASE("why there is nothing", "[policy]") {
  Situation s;
  s.running = {"v1.0.0", "go1.23.1"};
  const auto reason = [&](const char* listed, Policies policies = {}) {
    s.listed = {listed};
    return choose(policies, s).reason;
  };
  CHECK(reason("v1.0.0") == "nothing is newer");
  CHECK(choose({}, {.running = {"v1.0.0", "go1.23.1"},
                    .listed = {"v1.0.1", "v1.0.2"},
                    .go_lines = {{"v1.0.2", "1.99"}}})
            .held_back == "v1.0.2 needs Go 1.99, which the toolchain policy does not permit");
  CHECK(reason("v2.0.0") == "v2.0.0 is of another major version");
  CHECK(reason("v1.1.0") == "v1.1.0 is of another minor version");
  CHECK(reason("v1.0.1-rc1") == "v1.0.1-rc1 is a prerelease");
  CHECK(reason("v1.0.1", {M::kManual, T::kManual}) == "v1.0.1 is for a person to install");
  // a newer Go that the policy does not take now
  s.toolchains = {"go1.24.0", "go1.23.1"};
  CHECK(reason("v1.0.0") == "go1.24.0 is taken with the next version of the module");
  CHECK(reason("v1.0.0", {M::kPatch, T::kSupported}) ==
        "go1.24.0 is not taken as long as go1.23.1 is supported");
  CHECK(reason("v1.0.0", {M::kPatch, T::kPatch}) ==
        "go1.24.0 is of another minor version of Go than go1.23.1");
  CHECK(reason("v1.0.0", {M::kPatch, T::kManual}) == "go1.24.0 is for a person to install");
  // by hand on a newer one: what the policy goes by is named
  s.running.go_version = "go1.24.1";
  s.base_go = "go1.23.5";
  s.toolchains = {"go1.24.3", "go1.23.9"};
  CHECK(reason("v1.0.0", {M::kPatch, T::kPatch}) ==
        "go1.24.3 is of another minor version of Go than go1.23.5");
  CHECK(reason("v1.0.0", {M::kPatch, T::kSupported}) ==
        "go1.24.3 is not taken as long as go1.23.5 is supported");
  s.base_go = "go1.21.5";  // that is not supported
  CHECK(reason("v1.0.0", {M::kPatch, T::kSupported}) ==
        "go1.24.3 is not taken as long as go1.23.9 is supported");
  s = {};
  s.running = {"v1.0.0", "go1.23.1"};
  s.toolchains = {"go1.23.1", "go1.23.1"};
  CHECK(reason("v1.0.0", {M::kPatch, T::kManual}) == "nothing is newer");
  s.running.version = "(devel)";
  CHECK(reason("v1.0.1") == "the running version is not a released one");
}

TEST_CASE("a module that needs a newer toolchain", "[policy]") {
  struct Line {
    T policy;
    const char* chosen;
    const char* go_line;
    std::optional<std::string> want;
  };
  const std::vector<Line> lines{
      {T::kSupported, "go1.23.6", "1.22", "go1.23.6"},
      {T::kSupported, "go1.23.6", "1.23.6", "go1.23.6"},
      {T::kSupported, "go1.22.9", "1.23.5", "go1.23.6"},
      {T::kSupported, "go1.22.9", "1.24", "go1.24.0"},
      {T::kPatch, "go1.22.9", "1.23", std::nullopt},
      {T::kManual, "go1.22.9", "1.23", std::nullopt},
      {T::kFollow, "go1.24.0", "1.25", std::nullopt},
      {T::kFollow, "go1.24.0", "nonsense", std::nullopt},
  };
  for (const Line& line : lines) {
    Situation s;
    s.running = {"v1.0.0", "go1.22.9"};
    s.toolchains = {"go1.24.0", "go1.23.6"};
    INFO(policy_name(line.policy) << " " << line.chosen << " needs " << line.go_line);
    CHECK(raise_toolchain(line.policy, s, line.chosen, line.go_line) == line.want);
  }
}

TEST_CASE("versions that need a newer toolchain, among others", "[policy]") {
  struct Line {
    T policy;
    bool every;
    std::map<std::string, std::string> go_lines;
    const char* want;  // "VERSION GO", or a part of the reason
  };
  const std::vector<Line> lines{
      {T::kFollow, false, {{"v1.0.2", "1.24"}}, "v1.0.2 go1.24.0"},
      {T::kSupported, false, {}, "v1.0.2 go1.23.6"},
      {T::kSupported, false, {{"v1.0.2", "1.24"}}, "v1.0.2 go1.24.0"},
      {T::kManual, false, {{"v1.0.2", "1.22"}}, "v1.0.2 go1.22.9"},
      // what cannot be had is passed over for what can
      {T::kManual, false, {{"v1.0.2", "1.24"}}, "v1.0.1 go1.22.9"},
      {T::kManual, false, {{"v1.0.1", "1.23"}, {"v1.0.2", "1.24"}}, "v1.0.2 needs Go 1.24, which"},
      // in turn, nothing is
      {T::kManual, true, {{"v1.0.2", "1.24"}}, "v1.0.1 go1.22.9"},
      {T::kManual, true, {{"v1.0.1", "1.24"}}, "v1.0.1 needs Go 1.24, which"},
      {T::kFollow, false, {{"v1.0.1", "1.25"}, {"v1.0.2", "1.25"}}, "v1.0.2 needs Go 1.25, which"},
  };
  for (const Line& line : lines) {
    Situation s;
    s.running = {"v1.0.0", "go1.22.9"};
    s.listed = {"v1.0.1", "v1.0.2"};
    s.toolchains = {"go1.24.0", "go1.23.6"};
    s.go_lines = line.go_lines;
    if (line.policy == T::kFollow && line.go_lines.size() == 2) {
      // the toolchain alone is news enough
      s.running.go_version = "go1.24.0";
    }
    const Choice got = choose({M::kPatch, line.policy, line.every}, s);
    const std::string text = got.target ? show(got.target) : got.reason;
    INFO(policy_name(line.policy) << " " << text);
    CHECK(text.substr(0, std::string(line.want).size()) == line.want);
  }
  // one that is skipped with the Go that it would be built with
  Situation s;
  s.running = {"v1.0.0", "go1.23.6"};
  s.listed = {"v1.0.1"};
  s.toolchains = {"go1.24.0", "go1.23.6"};
  s.go_lines = {{"v1.0.1", "1.24"}};
  s.skips = {{"v1.0.1", "go1.24.0"}};
  CHECK_FALSE(choose({M::kPatch, T::kSupported, false}, s).target);
}

TEST_CASE("Go versions in their order", "[policy]") {
  CHECK(compare_go("go1.20", "go1.20.0") == 0);
  CHECK(compare_go("go1.9", "go1.10") == -1);
  CHECK(compare_go("go1.24.0", "go1.24rc3") == 1);
  CHECK_FALSE(compare_go("go1.24.0", "devel"));
  CHECK_FALSE(compare_go("", "go1.24.0"));
}
