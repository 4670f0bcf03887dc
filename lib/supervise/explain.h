// What a supervisor would do by itself, told without one: from what it has written, or from values
// alone.
//
//   GW_TRY(const State state, load_explained(dir));
//   const Explained explained = explain_state(state, rules, now);
//
// The same plan as the supervisor's, but for what only that knows: how much of a slot goes by on
// its host, and why it installs nothing at all (it only monitors, its binary cannot be replaced).
// One thread; reads files, writes none.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "supervise/state.h"
#include "update/plan.h"
#include "update/policy.h"

namespace gw::supervise {

// DIR/state.json. kNotFound: no supervisor was there, or no service has run; else as parse_state(),
// naming the file; kIo.
Result<State> load_explained(const std::string& dir);

struct Explained {
  update::Plan plan;                    // without a target always with the reason
  std::vector<std::string> fixes = {};  // vulnerabilities that the planned version mends
};
// The plan's moment is the earliest: the jitter of `rules` and its host are not looked at. Pure.
Explained explain_state(const State& state, const update::Rules& rules, WallTime now);

// By the policies alone, as nothing is known of times: what they lead to is due at once. Pure.
Explained explain_situation(const update::Policies& policies, const update::Situation& situation,
                            WallTime now);

}  // namespace gw::supervise
