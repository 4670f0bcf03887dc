#include "supervise/state.h"

#include <catch2/catch.hpp>

#include "supervise/json_fields.h"

using namespace gw;
using namespace gw::supervise;

TEST_CASE("a state is read back as it was", "[state]") {
  CHECK(format_state(*parse_state(format_state(State()))) == format_state(State()));
  const WallTime t = from_unix(1700000000);
  State s;
  s.running = {"v1.2.2", "go1.26.7"};
  s.paused = Paused{"v1.2.3 \"crashed\"\n", t};
  s.skips = {{"v1.2.3", "go1.26.8"}, {"v1.2.4", ""}};
  s.trial =
      Trial{"svc-v1-go1", "svc-v2-go1", {"v1.2.5", "go1.26.8"}, "0abc", t, 2, true, 1, true, true};
  s.previous = "svc-v1-go1";
  s.ours = {"svc-v1-go1", "svc-v2-go1"};
  s.base_go = "go1.26.7";
  s.last_update = t;
  s.failures = 3;
  s.last_failure = t;
  s.last_error = "no route";
  s.sums = {{"svc-v1-go1", "0abc"}};
  s.go_lines = {{"v1.2.3", "1.26"}};
  s.deprecated = "use example.org/other";
  s.versions = {{"v1.2.3", t}};
  s.toolchains = {"go1.26.8", "go1.25.9"};
  s.toolchain_times = {{"go1.26.8", t}};
  s.learned = t;
  s.checked = t;
  s.service = ServiceMark{123, 456};
  s.others = {{124, 457}, {125, 458}};
  s.tried_program = "0def";
  s.trial->built_here = true;
  s.vulnerabilities = {{"GO-1", {"CVE-1"}, "it crashes", {"a.com/dep", "v1.0.0"}, "v1.0.1"}};
  s.fixes = {{"v1.2.3", {"GO-1"}}};
  s.scanned = {"v1.2.2", "go1.26.7"};
  s.history = {{t, "updated", {"v1.2.3", "go1.26.8"}, "schedule", "0abc", "why"}};
  s.untold = {{s.history[0], 2}, {s.history[0], 0}};
  const std::string text = format_state(s);
  const auto back = parse_state(text);
  REQUIRE(back);
  CHECK(format_state(*back) == text);
  CHECK(back->trial->exits == 1);
  CHECK(back->trial->passed);
  CHECK(back->service->started == 456);
  REQUIRE(back->others.size() == 2);
  CHECK(back->others[1].started == 458);
  CHECK(back->history[0].detail == "why");
  CHECK(back->running == s.running);
  CHECK(back->trial->built_here);
  CHECK(back->vulnerabilities == s.vulnerabilities);
  CHECK(back->fixes == s.fixes);
  CHECK(back->scanned == s.scanned);
  REQUIRE(back->untold.size() == 2);
  CHECK(back->untold[0].tries == 2);
  CHECK(back->untold[0].event.detail == "why");
  const update::Knowledge k = knowledge_of(*back);
  CHECK(k.situation.running == s.running);
  CHECK(k.situation.skips == s.skips);
  CHECK(k.versions == s.versions);
  CHECK(k.learned == t);
  CHECK(k.situation.go_lines == s.go_lines);
}

TEST_CASE("what an update mends, as long as what was looked at still runs", "[state]") {
  State s;
  s.running = s.scanned = {"v1.0.0", "go1.26.7"};
  s.fixes = {{"v1.0.1", {"GO-2", "GO-1"}}, {"go1.26.8", {"GO-3", "GO-1"}}};
  using Ids = std::vector<std::string>;
  CHECK(mended_by(s, {"v1.0.1", "go1.26.7"}) == Ids{"GO-1", "GO-2"});
  CHECK(mended_by(s, {"v1.0.1", "go1.26.8"}) == Ids{"GO-1", "GO-2", "GO-3"});
  CHECK(mended_by(s, {"v1.0.0", "go1.26.8"}) == Ids{"GO-1", "GO-3"});
  CHECK(mended_by(s, {"v1.0.2", "go1.26.7"}).empty());
  CHECK(knowledge_of(s).urgent == std::set<std::string>{"go1.26.8", "v1.0.1"});
  s.vulnerabilities = {{"GO-1", {}, "", {"m", "v1.0.0"}, ""}};
  CHECK(vulnerabilities_of(s).size() == 1);
  s.running.version = "v0.9.9";
  CHECK(vulnerabilities_of(s).empty());
  CHECK(mended_by(s, {"v1.0.1", "go1.26.8"}).empty());
  CHECK(knowledge_of(s).urgent.empty());
}

TEST_CASE("how often a service ended since its last update", "[state]") {
  State s;
  CHECK(exits_since_update(s) == 0);
  const auto happened = [&](const char* what) {
    add_event(s, {from_unix(1), what, {}, "", "", ""});
  };
  happened("exited");
  happened("updated");
  CHECK(exits_since_update(s) == 0);
  happened("exited");
  happened("failed");
  happened("exited");
  CHECK(exits_since_update(s) == 2);
  happened("rolled-back");
  CHECK(exits_since_update(s) == 0);
}

TEST_CASE("times that are yet to come", "[state]") {
  const WallTime now = from_unix(1800000000);
  const WallTime later = now + std::chrono::hours(24 * 365);
  State s;
  CHECK_FALSE(forget_future(s, now));
  s.last_update = s.last_failure = s.learned = s.checked = later;
  s.versions = {{"v1.2.3", later}, {"v1.2.4", from_unix(1799999999)}};
  s.toolchain_times = {{"go1.26.8", later}};
  s.trial = Trial{};
  s.trial->began = later;
  s.paused = Paused{"", later};
  // a clock that forgot the year is not believed
  CHECK_FALSE(forget_future(s, from_unix(3600)));
  CHECK(s.checked == later);
  CHECK(forget_future(s, now));
  for (const auto& time : {s.last_update, s.last_failure, s.learned, s.checked}) CHECK(time == now);
  CHECK(s.versions.at("v1.2.3") == now);
  CHECK(s.versions.at("v1.2.4") == from_unix(1799999999));
  CHECK(s.toolchain_times.at("go1.26.8") == now);
  CHECK(s.trial->began == now);
  CHECK(s.paused->since == now);
  CHECK_FALSE(forget_future(s, now));
}

TEST_CASE("what is no state", "[state]") {
  for (const char* bad : {"", "{", "[]", "{}", "null", R"({"version":"1"})", R"({"version":-1})"}) {
    INFO(bad);
    const auto parsed = parse_state(bad);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().kind == ErrorKind::kCorrupt);
  }
  CHECK(parse_state(R"({"version":2})").error().kind == ErrorKind::kUsage);
  // members of another type are as if they were not there
  const auto odd = parse_state(
      R"({"version":1,"paused":null,"trial":{"from":3},"skips":[3,{}],"ours":[1,"a"],"failures":"x",
          "versions":["x"],"history":{"a":1},"service":{"pid":1}})");
  REQUIRE(odd);
  CHECK_FALSE(odd->paused);
  CHECK_FALSE(odd->trial);
  CHECK_FALSE(odd->service);
  CHECK(odd->skips.empty());
  CHECK(odd->ours == std::vector<std::string>{"a"});
}

TEST_CASE("why there is no target before a look succeeded", "[state]") {
  State s;
  gw::update::Plan plan;
  plan.reason = "nothing is newer";
  CHECK(why_none(s, plan) == "nobody has looked for versions yet");
  s.last_error = "no route";
  CHECK(why_none(s, plan) == "no look for versions has succeeded yet");
  s.checked = WallTime();
  CHECK(why_none(s, plan) == "nothing is newer");
}

TEST_CASE("history is bounded", "[state]") {
  State s;
  for (int i = 0; i < 150; ++i) add_event(s, {from_unix(i), "updated", {}, "", "", ""});
  CHECK(s.history.size() == kMaxHistory);
  s.untold.assign(40, {s.history[0], 0});
  CHECK(parse_state(format_state(s))->untold.size() == kMaxUntold);
  CHECK(s.history.front().time == from_unix(50));
}

TEST_CASE("what the gwtool before did not tell is known by one member", "[state]") {
  const auto told = parse_state(R"({"version":1,"untold":true,"history":[
    {"time":"2026-08-01T10:00:00Z","what":"failed","version":"v1.0.1","by":"schedule"},
    {"time":"2026-08-01T11:00:00Z","what":"exited","version":"v1.0.0","by":"itself"}]})");
  REQUIRE(told);
  REQUIRE(told->untold.size() == 1);
  CHECK(told->untold[0].event.what == "exited");
  CHECK(told->untold[0].event.target.version == "v1.0.0");
  CHECK(told->untold[0].tries == 0);
  CHECK(parse_state(R"({"version":1,"untold":true})")->untold.empty());
  CHECK(parse_state(R"({"version":1,"untold":false,"history":[{"what":"x"}]})")->untold.empty());
}

TEST_CASE("members by type", "[state]") {
  const Json j = *parse_json(R"({"t":"x","n":3,"m":-3,"f":true,"l":["a",1],"o":{"x":"y"}})");
  CHECK(text_member(j, "t") == "x");
  CHECK(text_member(j, "n").empty());
  CHECK(number_member(j, "n") == 3U);
  CHECK_FALSE(number_member(j, "m"));
  CHECK(flag_member(j, "f"));
  CHECK_FALSE(flag_member(j, "t"));
  CHECK(texts_member(j, "l") == std::vector<std::string>{"a"});
  CHECK(texts_member(j, "o") == std::vector<std::string>{"y"});
  CHECK(find_member(j, "none") == nullptr);
  CHECK(find_member(Json(3), "t") == nullptr);
}

TEST_CASE("of many versions the wanted ones are kept", "[state]") {
  State s;
  s.running = {"v1.2.0", "go1.26.7"};
  const auto fill = [&] {
    s.versions.clear();
    for (int i = 1; i <= 900; ++i) {
      for (const char* minor : {"v1.10.", "v1.2.", "v2.0."}) {
        s.versions[minor + std::to_string(i)] = from_unix(i);
      }
    }
  };
  fill();
  drop_unlikely_versions(s, {});
  CHECK(s.versions.size() == kMaxVersions);
  CHECK(s.versions.contains("v1.2.900"));
  CHECK(s.versions.contains("v1.2.1"));
  CHECK_FALSE(s.versions.contains("v1.10.1"));
  fill();
  drop_unlikely_versions(s,
                         {update::ModulePolicy::kMinor, update::ToolchainPolicy::kFollow, false});
  CHECK(s.versions.contains("v1.10.900"));
  CHECK(s.versions.contains("v1.10.1"));
  CHECK(s.versions.contains("v1.2.900"));
  CHECK_FALSE(s.versions.contains("v1.2.1"));
  CHECK_FALSE(s.versions.contains("v2.0.900"));
  fill();
  drop_unlikely_versions(s, {update::ModulePolicy::kMinor, update::ToolchainPolicy::kFollow, true});
  CHECK(s.versions.contains("v1.2.1"));
  CHECK_FALSE(s.versions.contains("v1.10.900"));
}
