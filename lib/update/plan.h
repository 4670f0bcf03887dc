// What will be installed, and when: the policies' choice among what is old enough, in a slot of the
// schedule, at a moment of this host's own.
//
// The same for the supervisor, which sets its timer by it, and for `explain`, which prints it. All
// that comes in stays the same while the supervisor runs, so that planning again gives the same
// moment, and not one that moves away. Pure.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "base/clock.h"
#include "update/policy.h"
#include "update/schedule.h"

namespace gw::update {

struct Timing {
  std::chrono::seconds delay = std::chrono::hours(72);
  std::chrono::seconds jitter = std::chrono::hours(1);
  std::chrono::seconds grace = std::chrono::hours(1);  // after an update
};

struct History {
  WallTime running_since{};  // of the supervisor: what was missed before is not caught up
  std::optional<WallTime> last_update{};  // that succeeded
  unsigned failures = 0;                  // since then, in a row
  std::optional<WallTime> last_failure{};
};

struct Knowledge {
  // `listed` and `toolchains` are not looked at: the maps are.
  Situation situation;
  // When each was published, as far as anybody says; a time in the future counts, too.
  std::map<std::string, WallTime> versions;
  SupportedToolchains toolchains;
  std::map<std::string, WallTime> toolchain_times;
  WallTime learned{};  // of the last news
  // Versions, and Go versions, that mend what is known to be vulnerable: they need not get old.
  std::set<std::string> urgent = {};
};

struct Plan {
  std::optional<Target> target = {};
  WallTime at{};               // when there is a target
  std::string reason = {};     // why there is none
  std::string held_back = {};  // as Choice's
};

// What an operator decided; it outlives the call.
struct Rules {
  const Policies& policies;
  const Timing& timing;
  const Schedule& schedule;
  std::string host;  // what the jitter is stable for, beside the version
};
Plan plan(const Rules& rules, const Knowledge& knowledge, const History& history);

// The situation with what is at least `delay` old, or urgent, at `at`.
Situation situation_at(const Knowledge& knowledge, std::chrono::seconds delay, WallTime at);

// The pause after so many failures in a row: 1, 2, 4 … hours, a week at most.
std::chrono::seconds backoff(unsigned failures);

// A number below `range` that is always the same for this text; 0 for a range of 0.
std::chrono::seconds stable_offset(const std::string& text, std::chrono::seconds range);

}  // namespace gw::update
