#include "supervise/explain.h"

#include <catch2/catch.hpp>

#include "os/file.h"
#include "support/temp_dir.h"
#include "update/schedule.h"

using namespace gw;
using namespace gw::supervise;
using namespace std::chrono_literals;

namespace {

const WallTime kToday = *parse_rfc3339("2024-10-01T12:00:00Z");

// v1.0.0 runs; v1.0.1 is known for a week.
struct ExplainLab {
  ExplainLab() {
    state.running = {"v1.0.0", "go1.24.0"};
    state.versions = {{"v1.0.1", kToday - 7 * 24h}};
    state.learned = kToday;
    timing.jitter = 20h;
  }
  Explained explain() const {
    return explain_state(state, {policies, timing, schedule, "host"}, kToday);
  }
  State state;
  update::Policies policies;
  update::Timing timing;
  update::Schedule schedule;
};

}  // namespace

TEST_CASE("explained: what would be installed, at the earliest", "[explain]") {
  ExplainLab lab;
  const Explained explained = lab.explain();
  REQUIRE(explained.plan.target);
  CHECK(*explained.plan.target == update::Target{"v1.0.1", "go1.24.0"});
  // The jitter is of the supervisor's own host.
  CHECK(explained.plan.at == kToday);
  CHECK(explained.fixes.empty());
  // As long as the delay goes on, it is planned for its end.
  lab.state.versions["v1.0.1"] = kToday - 1h;
  CHECK(lab.explain().plan.at == kToday + 71h);
}

TEST_CASE("explained: a pause is the reason, whatever there is", "[explain]") {
  ExplainLab lab;
  lab.state.paused = Paused{"holidays", kToday};
  const Explained explained = lab.explain();
  CHECK_FALSE(explained.plan.target);
  CHECK(explained.plan.reason == "paused: holidays");
}

TEST_CASE("explained: failures put it off, and what is skipped is passed over", "[explain]") {
  ExplainLab lab;
  lab.state.failures = 2;
  lab.state.last_failure = kToday;
  CHECK(lab.explain().plan.at == kToday + update::backoff(2));
  lab.state.skips = {{"v1.0.1", ""}};
  const Explained explained = lab.explain();
  CHECK_FALSE(explained.plan.target);
  CHECK_FALSE(explained.plan.reason.empty());
}

TEST_CASE("explained: what is mended, and why there is nothing", "[explain]") {
  ExplainLab lab;
  lab.state.scanned = lab.state.running;
  lab.state.fixes = {{"v1.0.1", {"GO-2", "GO-1"}}};
  lab.state.versions["v1.0.1"] = kToday;
  const Explained urgent = lab.explain();
  CHECK(urgent.plan.at == kToday);
  CHECK(urgent.fixes == std::vector<std::string>{"GO-1", "GO-2"});
  lab.state = State();
  lab.state.running = {"v1.0.0", "go1.24.0"};
  const Explained none = lab.explain();
  CHECK_FALSE(none.plan.target);
  CHECK(none.plan.reason == why_none(lab.state, none.plan));
  CHECK_FALSE(none.plan.reason.empty());
}

TEST_CASE("explained: from values, by the policies alone", "[explain]") {
  update::Situation situation;
  situation.running = {"v0.1.2", "go1.23.3"};
  situation.listed = {"v0.2.0", "v0.1.5", "v0.1.6"};
  situation.go_lines = {{"v0.1.6", "1.25"}};
  situation.toolchains = {"go1.24.0", "go1.23.6"};
  const update::Policies policies{update::ModulePolicy::kPatch, update::ToolchainPolicy::kManual,
                                  false};
  const Explained explained = explain_situation(policies, situation, kToday);
  REQUIRE(explained.plan.target);
  CHECK(explained.plan.target->version == "v0.1.5");
  CHECK(explained.plan.at == kToday);
  CHECK(explained.plan.held_back.find("v0.1.6") != std::string::npos);
  situation.listed = {};
  CHECK_FALSE(explain_situation(policies, situation, kToday).plan.reason.empty());
}

TEST_CASE("explained: the state of a directory", "[explain]") {
  const testing::TempDir dir;
  CHECK(load_explained(dir.path()).error().kind == ErrorKind::kNotFound);
  const std::string file = dir.file("state.json");
  REQUIRE(os::write_file_atomic(file, format_state(State()), 0600));
  CHECK(load_explained(dir.path()).error().message == dir.path() + ": no service has run there");
  State state;
  state.running = {"v1.0.0", "go1.24.0"};
  REQUIRE(os::write_file_atomic(file, format_state(state), 0600));
  CHECK(load_explained(dir.path()).value().running == state.running);
  REQUIRE(os::write_file_atomic(file, "{", 0600));
  const auto damaged = load_explained(dir.path());
  CHECK(damaged.error().kind == ErrorKind::kCorrupt);
  CHECK(damaged.error().message.starts_with(file + ": "));
}
