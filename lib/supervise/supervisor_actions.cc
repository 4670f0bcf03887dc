// What the supervisor does about the service: starting it, ending it, trials, the link.
#include <fmt/format.h>

#include <csignal>
#include <utility>

#include "base/metrics.h"
#include "supervise/service.h"
#include "supervise/supervisor.h"

namespace gw::supervise {
namespace {

constexpr unsigned kOften = 3;  // exits of a new version within kWatched
constexpr std::chrono::milliseconds kProbeEvery{1000};
constexpr std::chrono::minutes kBeforeTime{60};
constexpr int kLater = 75;  // EX_TEMPFAIL of sysexits(3)

}  // namespace

// ---- the process ----

Status Supervisor::start_service() {
  GW_CHECK(check_sum(installation_.current()));
  auto child =
      os::spawn(service_spawn(options_, installation_.path_of(installation_.current()), handed_));
  if (!child) return std::move(child).error().in("starting " + options_.command[0]);
  service_.emplace(*std::move(child));
  error_.reset();
  reset_watchdog();
  metric_add(Metric::kSuperviseStarts);
  GW_TRY(service_watch_,
         loop_->watch(service_->pidfd(), EPOLLIN, [this](std::uint32_t) { on_exit(); }));
  log_.info("started", {{"pid", service_->pid()},
                        {"file", installation_.current()},
                        {"version", identity_.key.version},
                        {"go", identity_.key.go_version}});
  // For a start after we were killed. The service runs whether or not that can be written.
  state_.service = mark_of(service_->pid());
  state_.running = {identity_.key.version, identity_.key.go_version};
  if (auto saved = save(); !saved) log_.error("state", saved.error());
  return {};
}

void Supervisor::on_exit() {
  service_watch_.end();
  (void)stop_timer_.cancel();
  told_to_end_ = false;
  (void)trial_timer_.cancel();
  (void)probe_timer_.cancel();
  probe_.reset();
  auto exit = service_->reap();
  exit_ = exit ? *exit : os::Exit{.signal = SIGKILL};
  service_.reset();
  state_.service.reset();
  log_.info("ended", {{"how", os::exit_text(exit_)}, {"version", identity_.key.version}});
  const bool asked = now_ == update::State::kStopping || now_ == update::State::kReverting ||
                     now_ == update::State::kEnding;
  loop_->post([this] { reap_orphans(); });
  // Nothing of it may be in the way of the next one.
  if (asked || now_ == update::State::kTrial) kill_all();
  if (now_ == update::State::kTrial) failure_ = "the new version " + os::exit_text(exit_);
  const bool by_itself = !asked && now_ != update::State::kTrial;
  update::Event event = update::Event::kExited;
  if (by_itself && state_.trial && state_.trial->passed && !state_.trial->bad &&
      clock_.now() <= state_.trial->began + kWatched) {
    failure_ = fmt::format("the new version {}, as {} times before", os::exit_text(exit_),
                           state_.trial->exits);
    if (++state_.trial->exits >= kOften) {
      event = update::Event::kExitedOften;
      kill_all();
    }
    if (auto saved = save(); !saved) log_.error("state", saved.error());
  }
  if (event == update::Event::kExited && by_itself) note_exit_after_update();
  // A start that was not to be is none that failed.
  if (now_ == update::State::kEnding && state_.trial && !state_.trial->passed &&
      state_.trial->tries > 0) {
    --state_.trial->tries;
    if (auto saved = save(); !saved) log_.error("state", saved.error());
  }
  happen(event);
}

void Supervisor::ask_to_end() {
  if (!service_) return;
  const int number = now_ == update::State::kEnding && stop_signal_ != 0 ? stop_signal_ : SIGTERM;
  if (auto sent = service_->signal(number); !sent) log_.error("terminate", sent.error());
  // Who asks again gets no later end by it.
  if (!std::exchange(told_to_end_, true)) (void)stop_timer_.after(options_.stop_timeout);
}

// The service, its group, and whatever else descends from it; not what we run beside it.
void Supervisor::kill_all() {
  if (service_) (void)service_->signal_group(SIGKILL);
  std::set<pid_t> others;
  for (const auto* task : {&check_, &fetch_, &before_, &probe_, &page_, &rehearsal_, &prefetch_}) {
    if (*task) others.insert((*task)->pid());
  }
  for (const auto& task : told_) others.insert(task->pid());
  if (beside_) others.insert(beside_->pid());
  for (const auto& one : retired_) others.insert(one->child.pid());
  // Those that are born meanwhile, by one that replaces its workers, are found the next time.
  constexpr int kMostPasses = 20;
  for (int pass = 0; pass < kMostPasses; ++pass) {
    const auto killed = os::signal_descendants(SIGKILL, others);
    if (!killed) log_.error("kill", killed.error());
    if (!killed || *killed == 0) return;
  }
}

// ---- trial ----

void Supervisor::begin_trial() {
  passes_ = 0;
  if (options_.ready.by == ReadyBy::kNothing) {
    (void)trial_timer_.after(options_.trial);
    return;
  }
  (void)trial_timer_.after(options_.ready_timeout);
  if (options_.ready.by != ReadyBy::kNotify) probe();
}

void Supervisor::probe() {
  Task::Options task;
  task.timeout = options_.ready_timeout;
  task.done = [this](const os::Exit& exit) { on_probe(exit); };
  Result<std::unique_ptr<Task>> started = unavailable_error("");
  if (options_.ready.by == ReadyBy::kCommand) {
    task.spawn =
        shell_command(options_.ready.what, {fmt::format("GW_PID={}", beside_    ? beside_->pid()
                                                                     : service_ ? service_->pid()
                                                                                : 0)});
    started = Task::start(*loop_, std::move(task));
  } else {
    Job job;
    job.kind = Job::Kind::kReady;
    const bool tcp = options_.ready.by == ReadyBy::kTcp;
    job.where = (tcp ? "tcp:" : "") + options_.ready.what;
    job.timeout_ms = static_cast<std::uint64_t>(options_.ready_timeout.count());
    // As the service itself: its socket may be closed to everybody else.
    started =
        start_helper(std::move(job), std::move(task), options_.user ? options_.user : helper_user_);
  }
  if (!started) {
    log_.error("ready", started.error());
    (void)probe_timer_.after(kProbeEvery);
    return;
  }
  probe_ = *std::move(started);
}

void Supervisor::on_probe(const os::Exit& exit) {
  probe_.reset();
  passes_ = exit.ok() ? passes_ + 1 : 0;
  if (passes_ < options_.ready_passes) {
    (void)probe_timer_.after(passes_ > 0 ? kProbeEvery / 10 : kProbeEvery);
    return;
  }
  (void)trial_timer_.cancel();
  happen(update::Event::kTrialPassed);
}

void Supervisor::run_before() {
  // Without a socket that both have, the new one finds its address taken.
  const bool beside = options_.overlap && !handed_.sockets.empty();
  const update::Event done = beside ? update::Event::kBeforeBeside : update::Event::kBeforeDone;
  if (options_.before.empty()) {
    happen(done);
    return;
  }
  Task::Options task;
  task.spawn =
      shell_command(options_.before, {"GW_OLD=" + installation_.path_of(installation_.current()),
                                      "GW_NEW=" + installation_.path_of(wanted_->file),
                                      "GW_VERSION=" + wanted_->key.version,
                                      "GW_GO_VERSION=" + wanted_->key.go_version});
  task.timeout = kBeforeTime;
  task.done = [this, done](const os::Exit& exit) {
    before_.reset();
    failure_ = "the command before an update " + os::exit_text(exit);
    happen(exit.ok()                                 ? done
           : exit.signal != 0 || exit.code == kLater ? update::Event::kBeforeLater
                                                     : update::Event::kBeforeVeto);
  };
  auto started = Task::start(*loop_, std::move(task));
  if (started) {
    before_ = *std::move(started);
    return;
  }
  failure_ = started.error().message;
  happen(update::Event::kBeforeLater);
}

// ---- the link ----

// Nothing but renames: the service is down meanwhile.
std::optional<update::Event> Supervisor::switch_to_new() {
  const std::string old = installation_.current();
  if (auto moved = installation_.switch_to(wanted_->file, state_.trial->from); !moved) {
    failure_ = moved.error().message;
    // Renamed, but maybe not for good: not on record, so it must not stay.
    const std::string from = state_.trial->from;
    if (installation_.current() != old) (void)installation_.switch_to(from, from);
    if (installation_.current() == wanted_->file) installation_.run_beside_link(from);
    return update::Event::kInstallFailed;
  }
  identity_.key = wanted_->key;
  return std::nullopt;
}

// The old version is started whether or not the link can be moved: by its own name.
void Supervisor::switch_back() {
  if (!state_.previous.empty() && installation_.has(state_.previous)) {
    const std::string from = installation_.current();
    if (auto moved = installation_.switch_to(state_.previous, from); !moved) {
      log_.error("switch-back", moved.error());
      // The trial stays on record as bad: the next start tries to move the link again.
      installation_.run_beside_link(state_.previous);
    } else {
      state_.trial.reset();  // written with the start that follows
    }
    const auto file = installation_.open(installation_.current());
    auto identity = file ? read_identity(file->get()) : Result<BinaryIdentity>(file.error());
    if (identity) identity_ = *std::move(identity);
    return;
  }
  log_.error("switch-back", {{"message", "the previous binary is not there"}});
}

}  // namespace gw::supervise
