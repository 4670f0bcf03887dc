// Who is told of what happened: the history, the log, metrics, and people.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/metrics.h"
#include "supervise/supervisor.h"

namespace gw::supervise {
namespace {

constexpr std::chrono::minutes kTellTime{5};
constexpr std::chrono::seconds kPostTime{30};
// One that never comes to its end, as it ends the supervisor, is not begun for ever.
constexpr unsigned kMostTellings = 3;
constexpr std::chrono::minutes kTellAgain{1};  // what could not be started
constexpr std::chrono::hours kSuspect{24};     // after an update

UpdateEnd end_of(std::string_view what) {
  if (what == "updated") return UpdateEnd::kUpdated;
  if (what == "untrusted") return UpdateEnd::kUntrusted;
  if (what == "skipped") return UpdateEnd::kSkipped;
  if (what == "cancelled") return UpdateEnd::kCancelled;
  return what == "rolled-back" ? UpdateEnd::kRolledBack : UpdateEnd::kFailed;
}

}  // namespace

// An update's end.
void Supervisor::tell(const std::string& what, const Wanted& wanted, const std::string& detail) {
  metric_add(Metric::kSuperviseUpdates, end_of(what));
  note(what, wanted, detail);
}

// In the history, in the log, and to people. On the disk it is with whatever it came with.
void Supervisor::note(const std::string& what, const Wanted& wanted, const std::string& detail) {
  log_.write(what == "updated" ? LogLevel::kInfo : LogLevel::kWarning, what,
             {{"version", wanted.key.version},
              {"go", wanted.key.go_version},
              {"by", wanted.by},
              {"why", detail}});
  add_event(state_, {clock_.now(), what, wanted.target(), wanted.by, wanted.sum, detail});
  keep_for_people(state_.history.back());
  if (loop_) loop_->post([this] { tell_next(); });
}

bool Supervisor::is_for_people(const Event& event) const {
  if (options_.on_event.empty() && options_.event_url.empty()) return false;
  const auto& chosen = options_.events;
  return chosen.empty() || std::find(chosen.begin(), chosen.end(), event.what) != chosen.end();
}

void Supervisor::log_not_told(const Event& event, const char* why) const {
  log_.warning("not-told", {{"what", event.what}, {"version", event.target.version}, {"why", why}});
}

void Supervisor::keep_for_people(const Event& event) {
  if (!is_for_people(event)) return;
  if (state_.untold.size() >= kMaxUntold) {
    log_not_told(event, "those before are not told yet");
    return;
  }
  state_.untold.push_back({event, 0});
}

// One after the other, as they happened, and each at least once: what a supervisor's end cut short
// is begun anew by the next one. Nobody waits for it.
void Supervisor::tell_next() {
  while (told_.empty() && !tell_waits_ && !state_.untold.empty()) {
    Untold& next = state_.untold.front();
    // By now the options may be others.
    if (next.tries < kMostTellings && is_for_people(next.event)) {
      ++next.tries;
      if (auto saved = save(); !saved) log_.error("state", saved.error());
      untellable_ = false;
      tell_people(next.event);
    }
    if (told_.empty()) forget_told();
  }
}

// Where somebody was not told, as there was no process or descriptor for it, all are told again.
void Supervisor::forget_told() {
  const Untold& first = state_.untold.front();
  if (std::exchange(untellable_, false)) {
    if (first.tries < kMostTellings && tell_timer_.after(kTellAgain)) {
      tell_waits_ = true;
      return;
    }
    log_not_told(first.event, "it could not be begun");
  }
  state_.untold.erase(state_.untold.begin());
  if (auto saved = save(); !saved) log_.error("state", saved.error());
}

void Supervisor::tell_people(const Event& event) {
  if (!options_.on_event.empty()) {
    Task::Options task;
    task.spawn =
        shell_command(options_.on_event,
                      {"GW_EVENT=" + event.what, "GW_VERSION=" + event.target.version,
                       "GW_GO_VERSION=" + event.target.go_version, "GW_MESSAGE=" + event.detail});
    run_telling("on-event", std::move(task), {});
  }
  if (options_.event_url.empty()) return;
  Job job;
  job.kind = Job::Kind::kTell;
  job.sources.ca_file = options_.sources.ca_file;
  job.where = options_.event_url;
  job.timeout_ms = static_cast<std::uint64_t>(std::chrono::milliseconds(kPostTime).count());
  job.body = format_json({{"event", event.what},
                          {"time", format_rfc3339(event.time)},
                          {"host", host_},
                          {"package", identity_.package},
                          {"version", event.target.version},
                          {"go_version", event.target.go_version},
                          {"by", event.by},
                          {"message", event.detail}});
  run_telling("event-webhook", {}, std::move(job));
}

// In the day after an update the new version is suspect: its end, and ours with it, is on record,
// and people are told of it by the next start.
void Supervisor::note_exit_after_update() {
  if (!state_.last_update || clock_.now() > *state_.last_update + kSuspect) return;
  Wanted ended{identity_.key, "itself"};
  std::string detail = fmt::format(
      "it {}, {} minutes after the update", os::exit_text(exit_),
      std::chrono::duration_cast<std::chrono::minutes>(clock_.now() - *state_.last_update).count());
  if (!state_.previous.empty() && state_.previous != installation_.current()) {
    detail += "; rollback brings back " + state_.previous;
  }
  log_.warning("exited", {{"version", ended.key.version}, {"why", detail}});
  add_event(state_, {clock_.now(), "exited", ended.target(), ended.by, "", detail});
  keep_for_people(state_.history.back());
  if (auto saved = save(); !saved) log_.error("state", saved.error());
}

void Supervisor::run_telling(const char* name, Task::Options task, std::optional<Job> by_helper) {
  task.timeout = kTellTime;
  task.done = [this, name](const os::Exit& exit) {
    if (!exit.ok()) log_.warning(name, {{"how", os::exit_text(exit)}});
    std::erase_if(told_, [](const auto& one) { return one->over(); });
    if (!told_.empty()) return;
    forget_told();
    tell_next();
    if (!told_.empty()) return;
    rest_soon();
    if (std::exchange(replace_once_told_, false)) consider_replacement();
  };
  auto started = by_helper ? start_helper(*std::move(by_helper), std::move(task), helper_user_)
                           : Task::start(*loop_, std::move(task));
  if (!started) {
    log_.error(name, started.error());
    untellable_ = true;
    return;
  }
  told_.push_back(*std::move(started));
}

}  // namespace gw::supervise
