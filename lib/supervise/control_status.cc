// What the supervisor says of how it stands.
#include <algorithm>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "module/semver.h"
#include "supervise/supervisor.h"

namespace gw::supervise {
namespace {

// For who asked. That something was under way is no news later.
constexpr std::chrono::minutes kBusyIsNews{1};

}  // namespace

Json Supervisor::status_json() const {
  const auto time = [this](WallTime t) { return options_.schedule.zone().format(t); };
  Json out = {{"state", update::state_name(now_)},
              {"pid", service_ ? service_->pid() : 0},
              {"package", identity_.package},
              {"module", identity_.key.module},
              {"version", identity_.key.version},
              {"go_version", identity_.key.go_version},
              {"goos", identity_.key.target.goos},
              {"goarch", identity_.key.target.goarch},
              {"stripped", identity_.key.stripped},
              {"file", installation_.path_of(installation_.current())},
              {"module_policy", update::policy_name(options_.policies.module)},
              {"toolchain_policy", update::policy_name(options_.policies.toolchain)},
              {"delay_seconds", options_.timing.delay.count()},
              {"jitter_seconds", options_.timing.jitter.count()},
              {"schedule", options_.schedule.items()}};
  const std::string why = why_not();
  out["automatic"] = why.empty();
  out["paused"] = state_.paused.has_value();
  if (!why.empty()) out["why_not"] = why;
  if (wanted_) out["under_way"] = target_json(wanted_->target());
  const update::Plan planned = plan();
  if (planned.target) {
    out["planned"] = target_json(*planned.target);
    out["planned"]["at"] = time(planned.at);
    const auto mended = mended_by(state_, *planned.target);
    if (!mended.empty()) out["planned"]["fixes"] = mended;
    if (!planned.held_back.empty()) out["planned"]["held_back"] = planned.held_back;
  } else {
    out["why_no_update"] = why_none(state_, planned);
  }
  if (!state_.deprecated.empty()) out["deprecated"] = state_.deprecated;
  out["known"] = Json::object();
  for (const auto& [version, found] : state_.versions) out["known"][version] = time(found);
  out["toolchains"] = {{"cur", state_.toolchains.cur}, {"prev", state_.toolchains.prev}};
  out["gwtool"] = {{"version", "v" GW_VERSION}, {"another_on_disk", is_other_program()}};
  if (replacing_) out["gwtool"]["replacing"] = true;
  if (refused_ &&
      (refused_->kind != ErrorKind::kUnavailable || clock_.mono() < refused_at_ + kBusyIsNews)) {
    out["gwtool"]["refused"] = error_json(*refused_);
  }
  if (!state_.own_version.empty()) {
    const auto own = mod::parse_semver("v" GW_VERSION);
    const auto newest = mod::parse_semver(state_.own_version);
    out["gwtool"]["newest"] = state_.own_version;
    out["gwtool"]["newer"] = own && newest && mod::compare_semver(*newest, *own) > 0;
  }
  if (!options_.sources.vulnerabilities.empty()) {
    out["vulnerabilities"] = findings_json(vulnerabilities_of(state_));
  }
  if (const unsigned exits = exits_since_update(state_); exits > 0) {
    out["exits_after_update"] = exits;
    const auto last = std::find_if(state_.history.rbegin(), state_.history.rend(),
                                   [](const Event& event) { return event.what == "exited"; });
    out["last_exit"] = last->detail;
  }
  if (helper_refused_) out["helper"] = helper_json();
  out["builds"] = options_.local.wanted ? "local" : "service";
  out["build_services"] = Json::array();
  if (!options_.local.wanted && !options_.sources.build_key.empty()) {
    for (const auto& service : services_of(options_.sources)) {
      out["build_services"].push_back(service_title(service));
    }
    out["services_wanted"] = wanted_of(options_.sources);
  }
  out["checking"] = check_ != nullptr;
  if (state_.checked) out["checked"] = time(*state_.checked);
  if (state_.last_update) out["last_update"] = time(*state_.last_update);
  if (!state_.last_error.empty()) out["last_error"] = state_.last_error;
  if (!state_.previous.empty() && state_.previous != installation_.current()) {
    out["previous"] = state_.previous;
  }
  out["failures"] = state_.failures;
  out["skipped"] = Json::array();
  for (const update::Skip& skip : state_.skips) {
    out["skipped"].push_back(target_json({skip.version, skip.go_version}));
  }
  return out;
}

}  // namespace gw::supervise
