#include "supervise/explain.h"

#include <chrono>
#include <utility>

#include "os/file.h"

namespace gw::supervise {

Result<State> load_explained(const std::string& dir) {
  const std::string path = dir + "/state.json";
  GW_TRY(const std::string text, os::read_file(path, kMaxStateBytes));
  auto state = parse_state(text);
  if (!state) return std::move(state).error().in(path);
  if (state->running.version.empty()) return not_found_error(dir + ": no service has run there");
  return state;
}

Explained explain_state(const State& state, const update::Rules& rules, WallTime now) {
  if (state.paused) return {{.reason = "paused: " + state.paused->reason}, {}};
  const update::History history{now, state.last_update, state.failures, state.last_failure};
  update::Timing timing = rules.timing;
  timing.jitter = std::chrono::seconds(0);
  Explained out{update::plan({rules.policies, timing, rules.schedule, "explain"},
                             knowledge_of(state), history),
                {}};
  if (out.plan.target) {
    out.fixes = mended_by(state, *out.plan.target);
  } else {
    out.plan.reason = why_none(state, out.plan);
  }
  return out;
}

Explained explain_situation(const update::Policies& policies, const update::Situation& situation,
                            WallTime now) {
  update::Choice choice = update::choose(policies, situation);
  return {{std::move(choice.target), now, std::move(choice.reason), std::move(choice.held_back)},
          {}};
}

}  // namespace gw::supervise
