// What a start finds: a service that was left, an update that was under way, who may be asked.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <set>
#include <utility>

#include "os/file.h"
#include "supervise/service.h"
#include "supervise/supervisor.h"
#include "supervise/unnamed_user.h"

namespace gw::supervise {
namespace {

constexpr unsigned kMaxTries = 3;
constexpr mode_t kThrough = 0711;

}  // namespace

// What an earlier supervisor left, which has the sockets that we are to listen on.
Status Supervisor::end_leftovers() {
  if (state_.service) {
    GW_TRY(const bool ended, end_leftover(*state_.service, options_.stop_timeout));
    if (ended) log_.warning("ended-leftover", {{"pid", state_.service->pid}});
  }
  for (const ServiceMark& other : state_.others) {
    GW_TRY(const bool ended, end_leftover(other, options_.stop_timeout));
    if (ended) log_.warning("ended-leftover", {{"pid", other.pid}});
  }
  state_.others.clear();
  return {};
}

Status Supervisor::start_first() {
  std::vector<std::string> known = state_.ours;
  for (const auto& [file, sum] : state_.sums) known.push_back(file);
  if (auto swept = installation_.sweep(known); !swept) log_.error("sweep", swept.error());
  settle_trial();
  GW_CHECK(leave_changed_file());
  if (auto started = start_service(); !started) {
    // A new version that does not even start goes back like one that crashes.
    if (now_ != update::State::kTrial) return started;
    error_ = started.error();
    happen(update::Event::kStartFailed);
  }
  if (now_ == update::State::kTrial) begin_trial();
  return {};
}

// Who is not root, when we are. Where the page cannot be another user, it is what we are.
void Supervisor::find_users() {
  page_user_ = options_.page_user;
  helper_user_ = options_.helper_user;
  std::set<uid_t> taken;
  for (const auto& user : {options_.user, page_user_, helper_user_, options_.builder_user}) {
    if (user) taken.insert(user->identity.uid);
  }
  const std::string seed = os::real_path(options_.directory);
  if (!page_user_) page_user_ = unnamed_user(seed, taken);
  if (page_user_) taken.insert(page_user_->identity.uid);
  if (!helper_user_ && options_.user) helper_user_ = unnamed_user(seed, taken);
  if (helper_user_) taken.insert(helper_user_->identity.uid);
  builder_user_ = options_.builder_user;
  if (!builder_user_ && options_.local.wanted) builder_user_ = unnamed_user(seed, taken);
}

// For root and us. The page's own user gets as far as the socket, too, and is answered less.
Status Supervisor::open_control() {
  os::ControlOptions control;
  control.users = std::vector<uid_t>{0, ::geteuid()};
  control.flag = "--dir";
  control.timeout = kAnswerTime;
  if (handover_ && handover_->control >= 0) {
    control.listening = kept_descriptor(handover_->control).release();
  }
  const bool page = !options_.web.admin.empty() || !options_.web.metrics.empty();
  if (page && page_user_) {
    control.users->push_back(page_user_->identity.uid);
    control.mode = 0666;
    if (::fchmod(directory_.fd(), kThrough) != 0) return errno_error(options_.directory, errno);
  }
  GW_TRY(control_,
         os::ControlSocket::listen(*loop_, options_.directory + "/control", std::move(control),
                                   [this](const os::Peer& peer, const std::string& line) {
                                     rest_soon();
                                     return answer(peer, line);
                                   }));
  return {};
}

// What an earlier supervisor was in the middle of. A disk that takes no notes keeps no service
// down.
void Supervisor::settle_trial() {
  if (!state_.trial) return;
  Trial& trial = *state_.trial;
  if (installation_.current() != trial.to) {
    // The link never moved, or is back already.
    forget_trial();
    return;
  }
  if (trial.bad) {
    switch_back();
    return;
  }
  if (trial.passed) {
    if (clock_.now() <= trial.began + kWatched) return;
    state_.trial.reset();
    if (auto saved = save(); !saved) log_.error("state", saved.error());
    return;
  }
  wanted_ =
      Wanted{identity_.key, trial.scheduled ? "schedule" : "control", false, trial.to, trial.sum};
  wanted_->built_here = trial.built_here;
  if (trial.tries >= kMaxTries || !installation_.has(trial.to)) {
    failure_ = fmt::format("{} starts did not come through its trial", trial.tries);
    record_bad();
    switch_back();
    return;
  }
  ++trial.tries;
  now_ = update::State::kTrial;
  if (auto saved = save(); !saved) log_.error("state", saved.error());
}

}  // namespace gw::supervise
