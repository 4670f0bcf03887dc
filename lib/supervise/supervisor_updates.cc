// What the supervisor does with the versions that it knows: whether one is to be installed, and
// when.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "supervise/supervisor.h"

namespace gw::supervise {

// Why nothing is installed by itself; empty: it is.
std::string Supervisor::why_not() const {
  if (!identity_.why_manual.empty()) return identity_.why_manual;
  if (options_.monitor) return "it only monitors";
  if (state_.paused) return "paused: " + state_.paused->reason;
  if (options_.local.wanted && ::geteuid() == 0 && !builder_user_) {
    return "root builds nothing itself, and no --builder-user is named";
  }
  if (!options_.local.wanted && options_.sources.build_key.empty()) {
    return "no build service is named";
  }
  return installation_.why_fixed();
}

update::Plan Supervisor::plan() const {
  const update::Knowledge knowledge = knowledge_of(state_);
  const update::History history{started_, state_.last_update, state_.failures, state_.last_failure};
  update::Plan out = update::plan({options_.policies, options_.timing, options_.schedule,
                                   fmt::format("{} {}", host_, identity_.key.module)},
                                  knowledge, history);
  // A slot that went by (a pause, a machine asleep) is not one now: there is another.
  const WallTime now = clock_.now();
  if (out.target && out.at <= now) {
    const auto slot = options_.schedule.next(now);
    if (!slot) return {std::nullopt, {}, "the schedule has no slot within ten years"};
    out.at = std::max(out.at, slot->start);
  }
  return out;
}

// Sets the timer by what is planned, and begins when that is now.
void Supervisor::replan() {
  (void)update_timer_.cancel();
  if (now_ != update::State::kRunning || !why_not().empty()) return;
  const update::Plan planned = plan();
  if (!planned.target) return;
  if (planned.at > clock_.now()) {
    log_.info("planned", {{"version", planned.target->version},
                          {"go", planned.target->go_version},
                          {"at", options_.schedule.zone().format(planned.at)}});
    (void)update_timer_.at(planned.at);
    prefetch(*planned.target);
    return;
  }
  Wanted wanted{identity_.key, "schedule"};
  wanted.key.version = planned.target->version;
  wanted.key.go_version = planned.target->go_version;
  if (auto began = want(std::move(wanted)); !began) log_.error("update", began.error());
}

// Begins an update. kUnavailable: another one is under way.
Status Supervisor::want(Wanted wanted) {
  if (now_ != update::State::kRunning) {
    return unavailable_error(fmt::format("busy: {}", update::state_name(now_)));
  }
  if (const std::string why = installation_.why_fixed(); !why.empty()) return usage_error(why);
  if (!wanted.local) {
    if (!options_.local.wanted && options_.sources.build_key.empty()) {
      return usage_error("no build service is named");
    }
    GW_CHECK(build::check_key(wanted.key));
  }
  log_.info("updating",
            {{"version", wanted.key.version}, {"go", wanted.key.go_version}, {"by", wanted.by}});
  wanted_ = std::move(wanted);
  failure_.clear();
  untrusted_ = false;
  happen(update::Event::kUpdate);
  return {};
}

// What is under way ends, if it may still; the service keeps running as it does.
void Supervisor::cancel(std::string why) {
  failure_ = std::move(why);
  happen(update::Event::kCancel);
}

}  // namespace gw::supervise
