#include "follow/status.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "follow/backoff.h"
#include "follow/progress.h"

using namespace gw;
using namespace gw::follow;
using namespace std::chrono_literals;

TEST_CASE("how a database stands") {
  const WallTime now = from_unix(1'700'000'000);
  store::LogState state;
  state.log_name = "sum.test";
  CHECK(judge(state, now, 6h).standing == Standing::kBehind);
  state.target = store::Head{100, {}, "note", now - 1h};
  state.position = 100;
  state.reached = state.target;
  CHECK(judge(state, now, 6h).standing == Standing::kCurrent);
  CHECK(judge(state, now, 6h).head_age == 1h);
  CHECK(judge(state, now, 59min).standing == Standing::kBehind);
  CHECK(judge(state, now, 1h).standing == Standing::kCurrent);
  state.position = 0;
  CHECK(judge(state, now, 6h).standing == Standing::kBehind);
  state.position = 100;
  state.alarm = store::Alarm{"fork", "it forked", "/evidence", now};
  const StatusReport report = judge(state, now, 6h);
  CHECK(report.standing == Standing::kHalted);
  CHECK(report.reasons.front() == "it forked");
  const Json json = status_json(report);
  CHECK(json["status"] == "halted");
  CHECK(json["alarm"]["evidence"] == "/evidence");
  CHECK(json["head"]["size"] == 100);
  const auto lines = format_status(report);
  CHECK(std::find(lines.begin(), lines.end(), "status: halted") != lines.end());
  CHECK(std::find(lines.begin(), lines.end(), "evidence: /evidence") != lines.end());
}

TEST_CASE("pauses") {
  for (int i = 0; i < 200; ++i) {
    const auto p = jittered(10min);
    CHECK((p >= 9min && p <= 11min));
    CHECK(backoff(1s, 1, 1min) <= 1100ms);
    CHECK(backoff(1s, 4, 1min) >= 7200ms);
    CHECK(backoff(1s, 500, 1min) <= 66s);
  }
  CHECK(jittered(0s) == Duration(0));
}

TEST_CASE("progress") {
  CHECK(format_progress({0, 0, 100, 0ms}) == "0 of 100 records");
  CHECK(format_progress({0, 50, 100, 1s}) == "50 of 100 records, 50/s, 1s left");
  CHECK(format_progress({1000, 201000, 72'201'000, 1s}) ==
        "201000 of 72201000 records, 200000/s, 6m0s left");
  CHECK(format_progress({0, 1, 7201, 1s}) == "1 of 7201 records, 1/s, 2h0m0s left");
  CHECK(format_progress({0, 100, 100, 1s}) == "100 of 100 records, 100/s");
  std::vector<std::string> shown;
  std::vector<std::string> logged;
  const Logger log(LogLevel::kInfo, [&](std::string_view line) { logged.emplace_back(line); });
  ProgressReporter terminal([&](std::string_view line) { shown.emplace_back(line); }, log);
  terminal({0, 50, 100, 1s});
  terminal({0, 100, 100, 2s});
  CHECK(shown == std::vector<std::string>{"50 of 100 records, 50/s, 1s left", ""});
  ProgressReporter lines(nullptr, log);
  for (int s = 0; s <= 95; ++s)
    lines({0, 10UL * static_cast<unsigned>(s), 10000, std::chrono::seconds(s)});
  CHECK(logged.size() == 3);
  lines({500, 510, 10000, 31s});  // another run
  CHECK(logged.size() == 4);
}
