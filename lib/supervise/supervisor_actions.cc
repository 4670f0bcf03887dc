// What the supervisor does about the service: starting it, ending it, trials, and their records.
#include <fmt/format.h>

#include <algorithm>
#include <csignal>

#include "base/bytes.h"
#include "base/metrics.h"
#include "supervise/service.h"
#include "supervise/supervisor.h"

namespace gw::supervise {
namespace {

constexpr unsigned kOften = 3;  // exits of a new version within kWatched
constexpr std::chrono::milliseconds kProbeEvery{1000};
constexpr std::chrono::minutes kBeforeTime{60};
constexpr std::chrono::minutes kTellTime{5};
constexpr std::chrono::seconds kPostTime{30};
constexpr std::size_t kMaxTold = 16;
constexpr int kLater = 75;  // EX_TEMPFAIL of sysexits(3)

UpdateEnd end_of(std::string_view what) {
  if (what == "updated") return UpdateEnd::kUpdated;
  if (what == "untrusted") return UpdateEnd::kUntrusted;
  if (what == "skipped") return UpdateEnd::kSkipped;
  if (what == "cancelled") return UpdateEnd::kCancelled;
  return what == "rolled-back" ? UpdateEnd::kRolledBack : UpdateEnd::kFailed;
}

}  // namespace

// ---- the process ----

Status Supervisor::start_service() {
  GW_CHECK(check_sum(place_.current()));
  auto child = os::spawn(service_spawn(options_, place_.path_of(place_.current()), handed_));
  if (!child) return std::move(child).error().in("starting " + options_.command[0]);
  service_.emplace(*std::move(child));
  error_.reset();
  metric_add(Metric::kSuperviseStarts);
  GW_TRY(service_watch_,
         loop_->watch(service_->pidfd(), EPOLLIN, [this](std::uint32_t) { on_exit(); }));
  log_.info("started", {{"pid", service_->pid()},
                        {"file", place_.current()},
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
  update::Event event = update::Event::kExited;
  if (!asked && now_ != update::State::kTrial && state_.trial && state_.trial->passed &&
      !state_.trial->bad && clock_.now() <= state_.trial->began + kWatched) {
    failure_ = fmt::format("the new version {}, as {} times before", os::exit_text(exit_),
                           state_.trial->exits);
    if (++state_.trial->exits >= kOften) {
      event = update::Event::kExitedOften;
      kill_all();
    }
    if (auto saved = save(); !saved) log_.error("state", saved.error());
  }
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
  (void)stop_timer_.after(options_.stop_timeout);
}

// The service, its group, and whatever else descends from it; not what we run beside it.
void Supervisor::kill_all() {
  if (service_) (void)service_->signal_group(SIGKILL);
  std::set<pid_t> others;
  for (const auto* task : {&check_, &fetch_, &before_, &probe_, &page_, &rehearsal_}) {
    if (*task) others.insert((*task)->pid());
  }
  for (const auto& task : told_) others.insert(task->pid());
  if (beside_) others.insert(beside_->pid());
  for (const auto& one : retired_) others.insert(one->child.pid());
  if (auto killed = os::signal_descendants(SIGKILL, others); !killed) {
    log_.error("kill", killed.error());
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
    task.input = format_job(job);
    // As the service itself: its socket may be closed to everybody else.
    started = start_helper(std::move(task), options_.user ? options_.user : helper_user_);
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
  task.spawn = shell_command(
      options_.before,
      {"GW_OLD=" + place_.path_of(place_.current()), "GW_NEW=" + place_.path_of(wanted_->file),
       "GW_VERSION=" + wanted_->key.version, "GW_GO_VERSION=" + wanted_->key.go_version});
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
  const std::string old = place_.current();
  if (auto moved = place_.switch_to(wanted_->file, state_.trial->from); !moved) {
    failure_ = moved.error().message;
    // Renamed, but maybe not for good: not on record, so it must not stay.
    const std::string from = state_.trial->from;
    if (place_.current() != old) (void)place_.switch_to(from, from);
    if (place_.current() == wanted_->file) place_.run_beside_link(from);
    return update::Event::kInstallFailed;
  }
  identity_.key = wanted_->key;
  return std::nullopt;
}

// The old version is started whether or not the link can be moved: by its own name.
void Supervisor::switch_back() {
  if (!state_.previous.empty() && place_.has(state_.previous)) {
    const std::string from = place_.current();
    if (auto moved = place_.switch_to(state_.previous, from); !moved) {
      log_.error("switch-back", moved.error());
      // The trial stays on record as bad: the next start tries to move the link again.
      place_.run_beside_link(state_.previous);
    } else {
      state_.trial.reset();  // written with the start that follows
    }
    const auto file = place_.open(place_.current());
    auto identity = file ? read_identity(file->get()) : Result<Identity>(file.error());
    if (identity) identity_ = *std::move(identity);
    return;
  }
  log_.error("switch-back", {{"message", "the previous binary is not there"}});
}

// ---- records ----

Status Supervisor::record_trial() {
  // The bytes that were verified are those that will run.
  GW_TRY(const std::string sum, place_.sum_of(wanted_->file));
  if (sum != wanted_->sum) {
    untrusted_ = true;
    return untrusted_error(wanted_->file + " changed since it was verified");
  }
  const std::string from = place_.kept_name(identity_.key);
  state_.trial = Trial{from,
                       wanted_->file,
                       wanted_->target(),
                       wanted_->sum,
                       clock_.now(),
                       1,
                       false,
                       0,
                       wanted_->by == "schedule"};
  // Ours it is only where we put it there: one to go back to may be the operator's.
  state_.sums[wanted_->file] = wanted_->sum;
  const auto& ours = state_.ours;
  // A name that we give the binary that was there; one that a link led to is its owner's.
  if (from != place_.current() && std::find(ours.begin(), ours.end(), from) == ours.end()) {
    GW_TRY(state_.sums[from], place_.sum_of(place_.current()));
    state_.ours.push_back(from);
  }
  const std::string previous = std::exchange(state_.previous, from);
  auto ready = save();
  if (ready) ready = place_.prepare(wanted_->file, from);
  if (ready) return ready;
  state_.trial.reset();
  state_.previous = previous;
  return ready;
}

// Somebody's wish, and nobody's fault: no pause, and no failure that is counted.
void Supervisor::record_cancel() {
  const Wanted wanted = *std::exchange(wanted_, std::nullopt);
  tell("cancelled", wanted, failure_);
  if (auto saved = save(); !saved) log_.error("state", saved.error());
  replan();
}

void Supervisor::keep_file(const std::string& file) {
  const auto& ours = state_.ours;
  if (std::find(ours.begin(), ours.end(), file) == ours.end()) state_.ours.push_back(file);
}

// What was verified once is run only as it was then.
Status Supervisor::check_sum(const std::string& file) {
  const auto known = state_.sums.find(file);
  if (known == state_.sums.end()) return {};
  GW_TRY(const std::string sum, place_.sum_of(file));
  if (sum == known->second) return {};
  return untrusted_error(place_.path_of(file) + " changed since it was verified",
                         "move the link to a binary of another name to run that");
}

// At a start: a binary that somebody changed is not run, but the one before it, if that is whole.
Status Supervisor::leave_changed_file() {
  auto good = check_sum(place_.current());
  if (good || good.error().kind != ErrorKind::kUntrusted || now_ == update::State::kTrial)
    return {};
  const std::string changed = place_.current();
  const std::string previous = state_.previous;
  if (previous.empty() || previous == changed || !place_.has(previous) || !check_sum(previous)) {
    return good;
  }
  log_.error("changed-file", good.error());
  state_.paused = Paused{good.error().message, clock_.now()};
  state_.last_error = good.error().message;
  switch_back();
  return save();
}

void Supervisor::forget_trial() {
  place_.discard();
  state_.trial.reset();
  if (auto saved = save(); !saved) log_.error("state", saved.error());
}

void Supervisor::record_kept() {
  Trial& trial = *state_.trial;
  trial.passed = true;
  trial.exits = 0;
  state_.last_update = clock_.now();
  state_.failures = 0;
  state_.last_error.clear();
  if (trial.scheduled) state_.base_go = trial.target.go_version;
  const auto file = place_.open(place_.current());
  auto identity = file ? read_identity(file->get()) : Result<Identity>(file.error());
  if (identity) identity_ = *std::move(identity);
  forget_old_versions();
  const Wanted wanted = *std::exchange(wanted_, std::nullopt);
  tell("updated", wanted, "");
  if (auto saved = save(); !saved) {
    log_.error("state", saved.error());
    return;  // nothing is removed that a crash might need
  }
  remove_old();
  replan();
}

// All that we put there, but what runs and what to roll back to.
void Supervisor::remove_old() {
  std::vector<std::string> kept;
  for (const std::string& file : state_.ours) {
    if (file == place_.current() || file == state_.previous) {
      kept.push_back(file);
    } else if (auto removed = place_.remove(file); !removed) {
      log_.error("remove", removed.error());
      kept.push_back(file);
    }
  }
  // What is not ours may be another file by the time that somebody runs it again.
  const std::size_t forgotten = std::erase_if(state_.sums, [&](const auto& sum) {
    return sum.first != place_.current() && sum.first != state_.previous &&
           std::find(kept.begin(), kept.end(), sum.first) == kept.end();
  });
  if (kept == state_.ours && forgotten == 0) return;
  state_.ours = std::move(kept);
  if (auto saved = save(); !saved) log_.error("state", saved.error());
}

// Not the version's fault, unless it is one that somebody forged: that is for a person to look at.
void Supervisor::record_failure() {
  const Wanted wanted = *std::exchange(wanted_, std::nullopt);
  place_.discard();
  state_.trial.reset();
  if (wanted.by == "schedule") {
    ++state_.failures;
    state_.last_failure = clock_.now();
  }
  state_.last_error = failure_;
  if (untrusted_) state_.paused = Paused{"verification failed: " + failure_, clock_.now()};
  tell(untrusted_ ? "untrusted" : "failed", wanted, failure_);
  untrusted_ = false;
  if (auto saved = save(); !saved) log_.error("state", saved.error());
  replan();
}

void Supervisor::record_veto() {
  const Wanted wanted = *std::exchange(wanted_, std::nullopt);
  state_.skips.push_back({wanted.key.version, ""});
  tell("skipped", wanted, failure_);
  if (auto saved = save(); !saved) log_.error("state", saved.error());
  replan();
}

void Supervisor::record_bad() {
  // On record until the link is back: a start in between must know.
  state_.trial->bad = true;
  const Trial trial = *state_.trial;
  wanted_.reset();
  Wanted bad{identity_.key, trial.scheduled ? "schedule" : "control", false, trial.to, trial.sum};
  bad.key.version = trial.target.version;
  bad.key.go_version = trial.target.go_version;
  state_.skips.push_back({trial.target.version, trial.target.go_version});
  state_.last_error = failure_;
  state_.paused = Paused{fmt::format("{} {} was rolled back: {}", trial.target.version,
                                     trial.target.go_version, failure_),
                         clock_.now()};
  state_.previous = trial.from;
  tell("rolled-back", bad, failure_);
  if (auto saved = save(); !saved) log_.error("state", saved.error());
  if (loop_) replan();
}

// In the history, in the log, and to the operator's command.
void Supervisor::tell(std::string what, const Wanted& wanted, std::string detail) {
  const bool good = what == "updated";
  metric_add(Metric::kSuperviseUpdates, end_of(what));
  log_.write(good ? LogLevel::kInfo : LogLevel::kWarning, what,
             {{"version", wanted.key.version},
              {"go", wanted.key.go_version},
              {"by", wanted.by},
              {"why", detail}});
  add_event(state_, {clock_.now(), what, wanted.target(), wanted.by, wanted.sum, detail});
  const auto& chosen = options_.events;
  if (!loop_ ||
      (!chosen.empty() && std::find(chosen.begin(), chosen.end(), what) == chosen.end())) {
    return;
  }
  if (!options_.on_event.empty()) {
    Task::Options task;
    task.spawn = shell_command(options_.on_event,
                               {"GW_EVENT=" + what, "GW_VERSION=" + wanted.key.version,
                                "GW_GO_VERSION=" + wanted.key.go_version, "GW_MESSAGE=" + detail});
    run_telling("on-event", std::move(task), false);
  }
  if (options_.event_url.empty()) return;
  Job job;
  job.kind = Job::Kind::kTell;
  job.sources.ca_file = options_.sources.ca_file;
  job.where = options_.event_url;
  job.timeout_ms = static_cast<std::uint64_t>(std::chrono::milliseconds(kPostTime).count());
  job.body = format_json({{"event", what},
                          {"time", format_rfc3339(clock_.now())},
                          {"host", host_},
                          {"package", identity_.package},
                          {"version", wanted.key.version},
                          {"go_version", wanted.key.go_version},
                          {"by", wanted.by},
                          {"message", detail}});
  Task::Options task;
  task.input = format_job(job);
  run_telling("event-webhook", std::move(task), true);
}

// Nobody waits for it, and there are only so many at once.
void Supervisor::run_telling(const char* name, Task::Options task, bool by_helper) {
  if (told_.size() >= kMaxTold) return;
  task.timeout = kTellTime;
  task.done = [this, name](const os::Exit& exit) {
    if (!exit.ok()) log_.warning(name, {{"how", os::exit_text(exit)}});
    std::erase_if(told_, [](const auto& one) { return one->over(); });
  };
  auto started = by_helper ? start_helper(std::move(task), helper_user_)
                           : Task::start(*loop_, std::move(task));
  if (!started) {
    log_.error(name, started.error());
    return;
  }
  told_.push_back(*std::move(started));
}

}  // namespace gw::supervise
