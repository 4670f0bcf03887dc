// Two services at once: the new one gets ready on the held sockets while the old one still answers,
// so that a bad release costs no answer. The link moves when it is ready; then the old one is told
// to end, and nobody waits for that.
#include <algorithm>
#include <csignal>

#include "base/metrics.h"
#include "supervise/supervisor.h"

namespace gw::supervise {

Status Supervisor::start_beside() {
  GW_CHECK(check_sum(wanted_->file));
  auto child = os::spawn(service_spawn(options_, installation_.path_of(wanted_->file), handed_));
  if (!child) return std::move(child).error().in("starting " + wanted_->file);
  beside_.emplace(*std::move(child));
  beside_said_ = {};
  metric_add(Metric::kSuperviseStarts);
  GW_TRY(beside_watch_,
         loop_->watch(beside_->pidfd(), EPOLLIN, [this](std::uint32_t) { on_beside_exit(); }));
  log_.info("started-beside", {{"pid", beside_->pid()},
                               {"file", wanted_->file},
                               {"version", wanted_->key.version},
                               {"go", wanted_->key.go_version}});
  note_others();
  if (auto saved = save(); !saved) log_.error("state", saved.error());
  return {};
}

// For a start after we were killed, as with the service.
void Supervisor::note_others() {
  state_.others.clear();
  const auto note = [this](const os::Child& child) {
    if (const auto mark = mark_of(child.pid())) state_.others.push_back(*mark);
  };
  if (beside_) note(*beside_);
  for (const auto& one : retired_) note(one->child);
}

void Supervisor::on_beside_exit() {
  beside_watch_.end();
  (void)beside_->signal_group(SIGKILL);  // nothing of it stays beside the old one
  const auto exit = beside_->reap();
  beside_.reset();
  note_others();  // written with what comes of it
  failure_ = "the new version " + os::exit_text(exit ? *exit : os::Exit{.signal = SIGKILL});
  happen(update::Event::kNotReady);
}

// The old one never stopped: there is nothing to switch back.
void Supervisor::drop_beside() {
  (void)trial_timer_.cancel();
  (void)probe_timer_.cancel();
  probe_.reset();
  beside_watch_.end();
  if (beside_) {
    os::Child child = std::move(*beside_);
    beside_.reset();
    retire(std::move(child));
  }
  note_others();
  installation_.discard();
  // What runs is no binary to go back to.
  if (state_.trial && state_.previous == state_.trial->from)
    state_.previous = installation_.current();
  state_.trial.reset();
  if (auto saved = save(); !saved) log_.error("state", saved.error());
}

void Supervisor::take_over() {
  (void)trial_timer_.cancel();
  (void)probe_timer_.cancel();
  probe_.reset();
  service_watch_.end();
  beside_watch_.end();
  os::Child old = std::move(*service_);
  service_.reset();
  service_.emplace(std::move(*beside_));
  beside_.reset();
  retire(std::move(old));
  auto watch = loop_->watch(service_->pidfd(), EPOLLIN, [this](std::uint32_t) { on_exit(); });
  if (watch) {
    service_watch_ = *std::move(watch);
  } else {
    log_.error("watch", watch.error());
  }
  reset_watchdog();
  relay_to_manager(beside_said_);
  state_.service = mark_of(service_->pid());
  state_.running = wanted_->target();
  note_others();
}

// What it started ends with it, as with a service that was alone.
void Supervisor::on_retired_exit(Retired* one) {
  (void)one->child.signal_group(SIGKILL);
  const auto exit = one->child.reap();
  log_.info("retired", {{"how", os::exit_text(exit ? *exit : os::Exit{.signal = SIGKILL})}});
  std::erase_if(retired_, [one](const auto& other) { return other.get() == one; });
  note_others();
  if (auto saved = save(); !saved) log_.error("state", saved.error());
  if (now_ == update::State::kEnded && retired_.empty()) loop_->stop();
}

// Asked to end, and made to when it takes too long.
void Supervisor::retire(os::Child child) {
  retired_.push_back(std::make_unique<Retired>(std::move(child)));
  Retired* one = retired_.back().get();
  if (auto sent = one->child.signal(SIGTERM); !sent) log_.error("terminate", sent.error());
  auto watch = loop_->watch(one->child.pidfd(), EPOLLIN,
                            [this, one](std::uint32_t) { on_retired_exit(one); });
  auto timer =
      loop_->timer([one](os::Loop::Timer::Why) { (void)one->child.signal_group(SIGKILL); });
  if (!watch || !timer) {
    // It ends with this object, then.
    retired_.pop_back();
    return;
  }
  one->watch = *std::move(watch);
  one->timer = *std::move(timer);
  (void)one->timer.after(options_.stop_timeout);
}

}  // namespace gw::supervise
