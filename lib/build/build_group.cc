#include "build/build_group.h"

#include "os/process.h"
#include "os/refusal.h"

namespace gw::build {

BuildGroups BuildGroups::take() {
  auto place = os::own_cgroup();
  return place ? take(*std::move(place)) : BuildGroups();
}

BuildGroups BuildGroups::take(os::CgroupPlace place) {
  BuildGroups out;
  auto given = os::CgroupDelegation::take(std::move(place));
  if (!given) {
    out.lacks_.push_back(given.error().message);
  } else if (*given) {
    out.given_.emplace(std::move(**given));
  }
  return out;
}

void BuildGroups::give(const os::Identity& who) {
  if (!given_) return;
  if (const Status gave = given_->give(who); !gave) {
    lacks_.push_back(gave.error().message);
    given_.reset();
  }
}

void BuildGroups::try_out() {
  if (!given_) return;
  const auto entered = [&]() -> Status {
    GW_TRY(const auto group, make({}));
    os::Spawn child;
    child.argv = {"/"};
    child.directory = "/";
    group->plan_entry(child.hook.early, 0);
    GW_TRY([[maybe_unused]] const auto refused, os::rehearse(std::move(child)));
    for (const os::Refusal& refusal : group->refusals()) {
      lacks_.push_back(os::refusal_text(refusal));
    }
    memory_ = group->limits_memory();
    processes_ = group->limits_pids();
    return {};
  }();
  if (entered) return;
  lacks_.push_back(entered.error().message);
  given_.reset();
}

Result<std::optional<os::Cgroup>> BuildGroups::make(const BuildLimits& limits) const {
  std::optional<os::Cgroup> out;
  if (!given_) return out;
  GW_TRY(os::Cgroup group,
         given_->make({.memory_bytes = limits.memory_bytes, .pids = limits.processes}));
  out.emplace(std::move(group));
  return out;
}

std::optional<Reason> reached_limit(const os::Cgroup& group) {
  const os::Cgroup::Reached reached = group.reached();
  if (reached.memory) return Reason::kMemoryLimit;
  if (reached.pids) return Reason::kProcessLimit;
  return std::nullopt;
}

}  // namespace gw::build
