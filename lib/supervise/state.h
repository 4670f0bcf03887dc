// What a supervisor knows from one start to the next: DIR/state.json.
//
// Replaced as a whole and durable before anything is done that it tells of, so that after a crash
// it says what may have happened and never too little. Written by the supervisor alone, under the
// lock of DIR. Values; format_state() and parse_state() are pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "module/vulnerability.h"
#include "update/plan.h"
#include "update/policy.h"

namespace gw::supervise {

// A new binary that has yet to show that it runs, from before the old one is stopped on.
struct Trial {
  std::string from;  // file names beside the link
  std::string to;
  update::Target target;
  std::string sum;
  WallTime began{};
  unsigned tries = 0;   // starts, over restarts of the supervisor
  bool passed = false;  // it runs; exits are still counted for a while
  unsigned exits = 0;   // by itself, since it passed
  bool scheduled = false;
  bool bad = false;  // it failed, and the link may not be back yet
  bool built_here = false;
};

struct Paused {
  std::string reason;
  WallTime since{};
};

// One line of what happened.
struct Event {
  WallTime time{};
  std::string what;  // "updated", "rolled-back", "failed", "skipped", ...
  update::Target target;
  std::string by;  // "schedule", "control"
  std::string sum;
  std::string detail;
};

// One that people are yet to be told of.
struct Untold {
  Event event;
  unsigned tries = 0;  // begun so often
};

// As the state file has them, and `gwtool supervise status`.
Json target_json(const update::Target& target);
Json event_json(const Event& event);

struct ServiceMark {
  std::uint64_t pid = 0;
  std::uint64_t started = 0;  // field 22 of /proc/PID/stat: no other process has both
};

struct State {
  update::Target running;  // what was started last
  std::optional<Paused> paused;
  std::vector<update::Skip> skips;
  std::optional<Trial> trial;
  std::string previous;           // the file to roll back to
  std::vector<std::string> ours;  // files that we may remove
  // What was verified of files beside the link, by name: they are run only while they have it.
  std::map<std::string, std::string> sums;
  std::string base_go;
  std::optional<WallTime> last_update;
  unsigned failures = 0;
  std::optional<WallTime> last_failure;
  std::string last_error;
  std::map<std::string, WallTime> versions;  // of the module, and when each was published or seen
  std::map<std::string, std::string> go_lines;  // the Go that they need, where that is known
  std::string deprecated;                       // what the module's authors say instead of it
  // Known of what ran when somebody looked last, and which of them each version mends.
  std::vector<mod::Finding> vulnerabilities;
  std::map<std::string, std::vector<std::string>> fixes;
  update::Target scanned;
  std::string own_version;  // gwtool's newest
  update::SupportedToolchains toolchains;
  std::map<std::string, WallTime> toolchain_times;
  std::optional<WallTime> learned;  // last news
  std::optional<WallTime> checked;  // last check that succeeded
  std::optional<ServiceMark> service;
  std::vector<ServiceMark> others;  // beside it: one on trial, old ones that are yet to end
  std::string tried_program;   // the sum of the gwtool that was last asked to take over by itself
  std::vector<Event> history;  // the last 100, oldest first
  std::vector<Untold> untold;  // oldest first
};

// Times that are yet to come were written while the clock was wrong: they are now. Not while it is
// wrong the other way, before this program was written. True: something changed.
bool forget_future(State& state, WallTime now);

inline constexpr std::size_t kMaxVersions = 1000;
// Of more versions those stay that the policies may lead to first.
void drop_unlikely_versions(State& state, const update::Policies& policies);

// Why a plan has no target, from what is known so far.
std::string why_none(const State& state, const update::Plan& plan);

inline constexpr std::size_t kMaxHistory = 100;
inline constexpr std::size_t kMaxUntold = 16;
void add_event(State& state, Event event);

// Of the vulnerabilities those that an update to `target` mends, sorted.
std::vector<std::string> mended_by(const State& state, const update::Target& target);
// What is known of what runs; nothing where that is another one than was looked at.
const std::vector<mod::Finding>& vulnerabilities_of(const State& state);
// How often what runs has ended by itself since the last update that was kept.
unsigned exits_since_update(const State& state);

// What there is to decide by.
update::Knowledge knowledge_of(const State& state);

inline constexpr std::size_t kMaxStateBytes = std::size_t{16} << 20;  // of the file
std::string format_state(const State& state);
// kCorrupt: not what format_state() writes; kUsage: of a later gwtool.
Result<State> parse_state(std::string_view text);

}  // namespace gw::supervise
