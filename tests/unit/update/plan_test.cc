#include "update/plan.h"

#include <catch2/catch.hpp>

using namespace gw;
using namespace gw::update;
using namespace std::chrono_literals;

namespace {

WallTime at(const char* text) { return *parse_rfc3339(text); }

struct Case {
  Policies policies;
  Timing timing{72h, 0s, 1h};
  Schedule schedule;
  Knowledge knowledge;
  History history;

  Case() {
    knowledge.situation.running = {"v1.0.0", "go1.24.0"};
    history.running_since = at("2024-10-01T00:00:00Z");
    knowledge.learned = history.running_since;
  }
  Case& found(const char* version, const char* when) {
    knowledge.versions[version] = at(when);
    return *this;
  }
  std::string text() const {
    const Plan p = plan({policies, timing, schedule, "host"}, knowledge, history);
    return p.target ? p.target->version + " " + p.target->go_version + " " + format_rfc3339(p.at)
                    : p.reason;
  }
};

}  // namespace

TEST_CASE("the delay", "[plan]") {
  CHECK(Case().text() == "nothing is newer");
  CHECK(Case().found("v1.0.1", "2024-09-01T00:00:00Z").text() ==
        "v1.0.1 go1.24.0 2024-10-01T00:00:00Z");
  CHECK(Case().found("v1.0.1", "2024-09-30T12:00:00Z").text() ==
        "v1.0.1 go1.24.0 2024-10-03T12:00:00Z");
  // a release each day: the newest of those that are old enough
  CHECK(Case()
            .found("v1.0.1", "2024-09-26T00:00:00Z")
            .found("v1.0.2", "2024-09-27T00:00:00Z")
            .found("v1.0.3", "2024-09-29T00:00:00Z")
            .text() == "v1.0.2 go1.24.0 2024-10-01T00:00:00Z");
  CHECK(Case()
            .found("v1.0.2", "2024-09-29T01:00:00Z")
            .found("v1.0.3", "2024-09-29T02:00:00Z")
            .text() == "v1.0.2 go1.24.0 2024-10-02T01:00:00Z");
  // one that the policy does not want does not bring others forward
  CHECK(Case()
            .found("v1.1.0", "2024-09-01T00:00:00Z")
            .found("v1.0.1", "2024-10-01T00:00:00Z")
            .text() == "v1.0.1 go1.24.0 2024-10-04T00:00:00Z");
}

TEST_CASE("what mends something vulnerable does not wait for the delay", "[plan]") {
  Case c;
  c.found("v1.0.1", "2024-09-01T00:00:00Z").found("v1.0.2", "2024-10-01T06:00:00Z");
  c.knowledge.learned = at("2024-10-01T06:00:00Z");
  CHECK(c.text() == "v1.0.1 go1.24.0 2024-10-01T06:00:00Z");
  c.knowledge.urgent = {"v1.0.2"};
  CHECK(c.text() == "v1.0.2 go1.24.0 2024-10-01T06:00:00Z");
  // It waits for the schedule, for the grace after an update and for the pause after failures.
  c.schedule = *Schedule::parse(std::vector<std::string>{"8-9"});
  CHECK(c.text() == "v1.0.2 go1.24.0 2024-10-01T08:00:00Z");
  c.schedule = {};
  c.history.last_update = at("2024-10-01T05:30:00Z");
  CHECK(c.text() == "v1.0.2 go1.24.0 2024-10-01T06:30:00Z");
  c.history.failures = 2;
  c.history.last_failure = at("2024-10-01T05:30:00Z");
  CHECK(c.text() == "v1.0.2 go1.24.0 2024-10-01T07:30:00Z");
  // What the policy does not want, it does not want in a hurry either.
  Case other;
  other.found("v1.1.0", "2024-09-30T00:00:00Z");
  other.knowledge.urgent = {"v1.1.0"};
  CHECK(other.text() == "v1.1.0 is of another minor version");
  // A toolchain likewise.
  Case go;
  go.knowledge.toolchains = {"go1.24.1", "go1.23.9"};
  go.knowledge.toolchain_times = {{"go1.24.1", at("2024-09-30T12:00:00Z")}};
  CHECK(go.text() == "v1.0.0 go1.24.1 2024-10-03T12:00:00Z");
  go.knowledge.urgent = {"go1.24.1"};
  CHECK(go.text() == "v1.0.0 go1.24.1 2024-10-01T00:00:00Z");
}

TEST_CASE("the delay of toolchains", "[plan]") {
  Case c;
  c.knowledge.toolchains = {"go1.24.1", "go1.23.7"};
  c.knowledge.toolchain_times = {{"go1.24.1", at("2024-09-30T00:00:00Z")}};
  CHECK(c.text() == "v1.0.0 go1.24.1 2024-10-03T00:00:00Z");
  c.found("v1.0.1", "2024-09-01T00:00:00Z");
  CHECK(c.text() == "v1.0.1 go1.24.0 2024-10-01T00:00:00Z");
}

TEST_CASE("grace, failures, news and the start", "[plan]") {
  Case c;
  c.found("v1.0.1", "2024-09-01T00:00:00Z");
  c.history.last_update = at("2024-09-30T23:30:00Z");
  CHECK(c.text() == "v1.0.1 go1.24.0 2024-10-01T00:30:00Z");
  c.history.failures = 3;
  c.history.last_failure = at("2024-09-30T22:00:00Z");
  CHECK(c.text() == "v1.0.1 go1.24.0 2024-10-01T02:00:00Z");
  c.knowledge.learned = at("2024-10-02T00:00:00Z");
  CHECK(c.text() == "v1.0.1 go1.24.0 2024-10-02T00:00:00Z");
  c.history.running_since = at("2024-10-05T00:00:00Z");
  CHECK(c.text() == "v1.0.1 go1.24.0 2024-10-05T00:00:00Z");
}

TEST_CASE("the schedule and the jitter", "[plan]") {
  Case c;
  c.found("v1.0.1", "2024-09-01T00:00:00Z");
  c.schedule = *Schedule::parse(std::vector<std::string>{"we 10-11"});
  CHECK(c.text() == "v1.0.1 go1.24.0 2024-10-02T10:00:00Z");
  c.timing.jitter = 24h;
  const Plan p = plan({c.policies, c.timing, c.schedule, "host"}, c.knowledge, c.history);
  CHECK(p.at > at("2024-10-02T10:00:00Z"));
  CHECK(p.at < at("2024-10-02T11:00:00Z"));
  // always the same, but not on another host or for another version
  CHECK(plan({c.policies, c.timing, c.schedule, "host"}, c.knowledge, c.history).at == p.at);
  CHECK(plan({c.policies, c.timing, c.schedule, "other"}, c.knowledge, c.history).at != p.at);
  c.found("v1.0.2", "2024-09-01T00:00:00Z");
  CHECK(plan({c.policies, c.timing, c.schedule, "host"}, c.knowledge, c.history).at != p.at);
  c.schedule.set_blackouts({*parse_blackout("2024-10-01/2044-10-01")});
  CHECK(c.text() == "the schedule has no slot within ten years");
}

TEST_CASE("pauses after failures", "[plan]") {
  CHECK(backoff(0) == 0h);
  CHECK(backoff(1) == 1h);
  CHECK(backoff(2) == 2h);
  CHECK(backoff(8) == 128h);
  CHECK(backoff(9) == 168h);
  CHECK(backoff(1000000) == 168h);
  CHECK(stable_offset("x", 0s) == 0s);
  CHECK(stable_offset("x", 1s) == 0s);
}
