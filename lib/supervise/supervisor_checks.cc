// How the supervisor learns of versions, and what it keeps of that.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/metrics.h"
#include "module/semver.h"
#include "supervise/supervisor.h"

namespace gw::supervise {
namespace {

constexpr std::size_t kMaxKept = 1024;        // of a message from the helper
constexpr std::chrono::hours kCheckAgain{1};  // after one that failed

bool is_newer(std::string_view a, std::string_view b) {
  const auto x = mod::parse_semver(a);
  const auto y = mod::parse_semver(b);
  return x && y && mod::compare_semver(*x, *y) > 0;
}

}  // namespace

// Times that a clock said which was ahead of the time hold nothing up any more.
void Supervisor::forget_wrong_times() {
  const WallTime now = clock_.now();
  started_ = std::min(started_, now);
  if (!forget_future(state_, now)) return;
  log_.warning("state-of-the-future", {});
  if (auto saved = save(); !saved) log_.error("state", saved.error());
}

// The clock was set, and the next look is at a time by it: not one after a pause.
void Supervisor::check_anew() {
  forget_wrong_times();
  schedule_check();
  plan_anew();
}

// Likewise, whatever the next look waits for. Both timers hear of a step: once for both.
void Supervisor::plan_anew() {
  if (std::exchange(clock_set_, true)) return;
  loop_->post([this] {
    clock_set_ = false;
    forget_wrong_times();
    replan();
  });
}

// The first one waits by a clock that nobody sets: a step, however often, puts none off.
void Supervisor::schedule_check() {
  const WallTime now = clock_.now();
  const auto left =
      std::chrono::ceil<std::chrono::seconds>(began_ + options_.first_check - clock_.mono());
  WallTime at = now + std::max(left, std::chrono::seconds(0));
  const update::Target running{identity_.key.version, identity_.key.go_version};
  const bool scanned = options_.sources.vulnerabilities.empty() || state_.scanned == running;
  if (state_.checked && scanned) {
    // Once in an interval, at a moment of this host's own.
    const auto offset = update::stable_offset(host_ + identity_.key.module, options_.interval);
    const auto last = state_.checked->time_since_epoch() - offset;
    const auto slot = last / options_.interval + 1;
    at = std::max(at, WallTime(slot * options_.interval + offset));
  }
  (void)check_timer_.at(at);
}

// Somebody says that there is news: now, and twice again, as DNS may not have it yet.
void Supervisor::notified() {
  constexpr std::array kAgain{std::chrono::minutes(5), std::chrono::minutes(10)};
  start_check();
  if (again_ < kAgain.size()) (void)again_timer_.after(kAgain[again_++]);
}

void Supervisor::start_check() {
  if (check_ || !identity_.why_manual.empty()) return;
  Job job;
  job.sources = options_.sources;
  job.key = identity_.key;
  job.policies = options_.policies;
  if (!job.sources.vulnerabilities.empty()) job.components = components();
  for (const auto& [version, published] : state_.versions) {
    const auto line = state_.go_lines.find(version);
    job.known[version] = line == state_.go_lines.end() ? "" : line->second;
  }
  check_frames_ = FrameReader();
  discovered_.reset();
  check_error_.reset();
  check_broken_ = false;
  Task::Options task;
  task.timeout = std::chrono::minutes(5);
  task.output = [this](std::string_view bytes) {
    if (check_broken_) return;  // whatever else it says
    check_frames_.add(bytes);
    for (auto frame = check_frames_.next();; frame = check_frames_.next()) {
      if (!frame) check_error_ = frame.error();
      check_broken_ = !frame;
      if (!frame) check_frames_ = FrameReader();
      if (!frame || !*frame) return;
      if ((*frame)->kind == FrameKind::kError) check_error_ = parse_error((*frame)->payload);
      if ((*frame)->kind == FrameKind::kRefused) note_refused(kCallList, (*frame)->payload);
      if ((*frame)->kind != FrameKind::kAnswer) continue;
      auto found = parse_discovered((*frame)->payload);
      if (found) {
        discovered_ = *std::move(found);
      } else {
        check_error_ = found.error();
      }
    }
  };
  const update::Target asked{identity_.key.version, identity_.key.go_version};
  task.done = [this, asked](const os::Exit& exit) { check_ended(asked, exit); };
  auto started = start_helper(std::move(job), std::move(task), helper_user_);
  if (!started) {
    check_failed(started.error());
    return;
  }
  check_ = *std::move(started);
}

// An answer counts, whatever became of the helper after it.
void Supervisor::check_ended(const update::Target& asked, const os::Exit& exit) {
  check_.reset();
  forget_wrong_times();  // also where no timer was told that the clock was set
  if (!check_error_ && (!discovered_ || !exit.ok())) {
    check_error_ = unavailable_error("the helper " + os::exit_text(exit));
  }
  if (!discovered_) {
    check_failed(*check_error_);
  } else {
    std::string& problem = discovered_->problem;
    if (check_error_) problem += (problem.empty() ? "" : "; ") + check_error_->message;
    // What was asked for another one than runs by now says nothing about what this one has.
    const bool same = asked == update::Target{identity_.key.version, identity_.key.go_version};
    if (!same) discovered_->vulnerabilities.reset();
    const bool scanned = discovered_->vulnerabilities.has_value();
    on_discovered(*discovered_);
    schedule_check();
    if (!same) {
      (void)check_timer_.after(options_.first_check);
    } else if (!scanned && !options_.sources.vulnerabilities.empty()) {
      // Its database did not answer: not at once again, and not as late as usual.
      (void)check_timer_.after(std::min<std::chrono::seconds>(options_.interval, kCheckAgain));
    }
  }
  replan();
  consider_replacement();
  rest_soon();
}

void Supervisor::check_failed(const Error& error) {
  state_.last_error = error.message.substr(0, kMaxKept);
  (void)check_timer_.after(std::min<std::chrono::seconds>(options_.interval, kCheckAgain));
  metric_add(Metric::kSuperviseChecks, CheckEnd::kFailed);
  log_.error("check-failed", error);
  if (auto saved = save(); !saved) log_.error("state", saved.error());
}

// What runs is made of these; read anew, as it is needed once a day.
std::vector<mod::Component> Supervisor::components() const {
  const auto file = installation_.open(installation_.current());
  if (!file) return {};
  const auto source = mod::FdSource::of(file->get());
  if (!source) return {};
  const auto info = mod::read_build_info(*source);
  return info ? mod::components_of(*info) : std::vector<mod::Component>();
}

void Supervisor::learn_vulnerabilities(const Discovered& found) {
  if (!found.vulnerabilities) return;
  const update::Target target{identity_.key.version, identity_.key.go_version};
  std::set<std::string> known;
  for (const mod::Finding& f : state_.vulnerabilities) known.insert(f.id);
  std::string news;
  for (const mod::Finding& f : *found.vulnerabilities) {
    if (known.insert(f.id).second) news += (news.empty() ? "" : ", ") + f.id;
  }
  state_.vulnerabilities = *found.vulnerabilities;
  state_.fixes = found.fixes;
  state_.scanned = target;
  if (!news.empty()) note("vulnerable", Wanted{identity_.key, "schedule"}, news);
}

// After an update, until the next look: what the new one was said to mend.
void Supervisor::forget_mended(const update::Target& target) {
  for (const std::string& version : {target.version, target.go_version}) {
    const auto fixes = state_.fixes.find(version);
    if (fixes == state_.fixes.end()) continue;
    const auto& ids = fixes->second;
    std::erase_if(state_.vulnerabilities, [&](const mod::Finding& f) {
      return std::find(ids.begin(), ids.end(), f.id) != ids.end();
    });
  }
  state_.fixes.clear();
  state_.scanned = target;
  if (!options_.sources.vulnerabilities.empty()) (void)check_timer_.after(options_.first_check);
}

// What is over.
void Supervisor::forget_old_versions() {
  std::erase_if(state_.versions,
                [&](const auto& entry) { return !is_newer(entry.first, identity_.key.version); });
  std::erase_if(state_.go_lines,
                [&](const auto& entry) { return !state_.versions.contains(entry.first); });
}

// What its authors took back is not installed, seen before or not, nor while it is on its way.
bool Supervisor::forget_retracted(const Discovered& found) {
  bool news = false;
  for (const std::string& version : found.retracted) {
    news = state_.versions.erase(version) > 0 || news;
    if (wanted_ && wanted_->by == "schedule" && wanted_->key.version == version) {
      cancel(version + " was retracted");
    }
  }
  return news;
}

void Supervisor::on_discovered(const Discovered& found) {
  const WallTime now = clock_.now();
  bool news = false;
  for (const auto& [version, seen] : found.versions) {
    if (!is_newer(version, identity_.key.version)) continue;
    // What a source says of its past is taken as it is; of the future it knows nothing.
    const WallTime published = std::min(now, seen.published.value_or(now));
    news = state_.versions.emplace(version, published).second || news;
  }
  drop_unlikely_versions(state_, options_.policies);
  const auto take = [&](std::string& known, const std::string& said) {
    if (said.empty() || said == known) return;
    if (!known.empty() && update::compare_go(said, known).value_or(-1) < 0) return;  // older data
    known = said;
    const auto time = found.toolchain_times.find(said);
    const auto [since, is_new] = state_.toolchain_times.try_emplace(said, now);
    if (time != found.toolchain_times.end()) since->second = std::min(since->second, time->second);
    news = true;
  };
  news = forget_retracted(found) || news;
  for (const auto& [version, line] : found.go_lines) {
    if (!state_.versions.contains(version)) continue;
    std::string& known = state_.go_lines[version];
    news = news || known != line;
    known = line;
  }
  prefetching_ = {};  // what was in vain may not be now
  state_.deprecated = found.deprecated.substr(0, kMaxKept);
  take(state_.toolchains.cur, found.toolchains.cur);
  take(state_.toolchains.prev, found.toolchains.prev);
  forget_old_versions();
  std::erase_if(state_.toolchain_times, [&](const auto& entry) {
    return entry.first != state_.toolchains.cur && entry.first != state_.toolchains.prev;
  });
  learn_vulnerabilities(found);
  if (!found.own_version.empty()) state_.own_version = found.own_version;
  if (news) state_.learned = now;
  state_.checked = now;
  state_.last_error = found.problem.substr(0, kMaxKept);
  metric_add(Metric::kSuperviseChecks, CheckEnd::kDone);
  metric_set(Metric::kSuperviseChecked, to_unix(now));
  log_.info("checked", {{"newer", state_.versions.size()},
                        {"cur", state_.toolchains.cur},
                        {"prev", state_.toolchains.prev},
                        {"problem", found.problem}});
  if (auto saved = save(); !saved) log_.error("state", saved.error());
}

}  // namespace gw::supervise
