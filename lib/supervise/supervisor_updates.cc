// How the supervisor learns of versions, decides on one, and gets its binary.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/bytes.h"
#include "base/metrics.h"
#include "module/semver.h"
#include "os/sandbox.h"
#include "supervise/proof.h"
#include "supervise/supervisor.h"
#include "tlog/evidence.h"

namespace gw::supervise {
namespace {

constexpr std::size_t kMaxNote = std::size_t{1} << 20;
constexpr std::size_t kMaxVersions = 1000;    // that are known at once
constexpr std::size_t kMaxKept = 1024;        // of a message from the helper
constexpr std::chrono::hours kCheckAgain{1};  // after one that failed
constexpr const char* kHead = "head";         // in the directory: the log's, that was seen last

bool is_newer(std::string_view a, std::string_view b) {
  const auto x = mod::parse_semver(a);
  const auto y = mod::parse_semver(b);
  return x && y && mod::compare_semver(*x, *y) > 0;
}

}  // namespace

// We ourselves, by what runs and not by a name that somebody may have replaced. It may look and
// connect, and change nothing: no file, no process, no privilege.
Result<os::Spawn> Supervisor::helper_spawn(const std::optional<os::User>& user) const {
  os::Spawn spawn;
  spawn.argv = {"gwtool", "supervise", "helper"};
  spawn.file = "/proc/self/exe";
  spawn.limits = {{RLIMIT_FSIZE, 0, 0}, {RLIMIT_CORE, 0, 0}};
  if (user) spawn.identity = user->identity;
  os::SandboxPolicy policy;
  policy.pids = policy.network = policy.ipc = false;
  policy.landlock = os::LandlockPolicy{{{"/", os::LandlockRule::Access::kExecute}}, false, true};
  policy.seccomp = os::SeccompPolicy{};
  policy.seccomp->deny = {"ptrace",
                          "process_vm_readv",
                          "process_vm_writev",
                          "bpf",
                          "keyctl",
                          "add_key",
                          "request_key",
                          "perf_event_open",
                          "userfaultfd",
                          "kexec_load",
                          "init_module",
                          "finit_module",
                          "kill",
                          "tkill",
                          "pidfd_send_signal",
                          "pidfd_open"};
  policy.seccomp->refuse_namespaces = true;
  policy.required = 0;  // what the kernel has no part of is no reason to look for nothing
  GW_CHECK(os::apply_sandbox(policy, spawn));
  return spawn;
}

Result<std::unique_ptr<Task>> Supervisor::start_helper(Task::Options task,
                                                       const std::optional<os::User>& user) {
  GW_TRY(task.spawn, helper_spawn(user));
  return Task::start(*loop_, std::move(task));
}

// ---- versions ----

void Supervisor::schedule_check() {
  const WallTime now = clock_.now();
  WallTime at = now + options_.first_check;
  if (state_.checked) {
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
  for (const auto& [version, published] : state_.versions) {
    const auto line = state_.go_lines.find(version);
    job.known[version] = line == state_.go_lines.end() ? "" : line->second;
  }
  check_frames_ = FrameReader();
  discovered_.reset();
  check_error_.reset();
  Task::Options task;
  task.input = format_job(job);
  task.timeout = std::chrono::minutes(5);
  task.output = [this, broken = false](std::string_view bytes) mutable {
    if (broken) return;  // whatever else it says
    check_frames_.add(bytes);
    for (auto frame = check_frames_.next();; frame = check_frames_.next()) {
      if (!frame) check_error_ = frame.error();
      broken = !frame;
      if (!frame || !*frame) return;
      if ((*frame)->kind == FrameKind::kError) check_error_ = parse_error((*frame)->payload);
      if ((*frame)->kind != FrameKind::kAnswer) continue;
      auto found = parse_discovered((*frame)->payload);
      if (found) {
        discovered_ = *std::move(found);
      } else {
        check_error_ = found.error();
      }
    }
  };
  task.done = [this](const os::Exit& exit) {
    check_.reset();
    if (discovered_ && !check_error_) {
      on_discovered(*discovered_);
      schedule_check();
    } else {
      check_failed(check_error_.value_or(unavailable_error("the helper " + os::exit_text(exit))));
    }
    replan();
    consider_replacement();
    rest_soon();
  };
  auto started = start_helper(std::move(task), helper_user_);
  if (!started) {
    check_failed(started.error());
    return;
  }
  check_ = *std::move(started);
}

void Supervisor::check_failed(const Error& error) {
  state_.last_error = error.message.substr(0, kMaxKept);
  (void)check_timer_.after(std::min<std::chrono::seconds>(options_.interval, kCheckAgain));
  metric_add(Metric::kSuperviseChecks, CheckEnd::kFailed);
  log_.error("check-failed", error);
  if (auto saved = save(); !saved) log_.error("state", saved.error());
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
    if (state_.versions.size() >= kMaxVersions) break;
    news = state_.versions.emplace(version, published).second || news;
  }
  const auto take = [&](std::string& known, const std::string& said) {
    if (said.empty() || said == known) return;
    if (!known.empty() && update::compare_go(said, known).value_or(-1) < 0) return;  // older data
    known = said;
    const auto time = found.toolchain_times.find(said);
    state_.toolchain_times[said] =
        std::min(now, time == found.toolchain_times.end() ? now : time->second);
    news = true;
  };
  news = forget_retracted(found) || news;
  for (const auto& [version, line] : found.go_lines) {
    if (!state_.versions.contains(version)) continue;
    std::string& known = state_.go_lines[version];
    news = news || known != line;
    known = line;
  }
  state_.deprecated = found.deprecated.substr(0, kMaxKept);
  take(state_.toolchains.cur, found.toolchains.cur);
  take(state_.toolchains.prev, found.toolchains.prev);
  forget_old_versions();
  std::erase_if(state_.toolchain_times, [&](const auto& entry) {
    return entry.first != state_.toolchains.cur && entry.first != state_.toolchains.prev;
  });
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

// ---- decisions ----

// Why nothing is installed by itself; empty: it is.
std::string Supervisor::why_not() const {
  if (!identity_.why_manual.empty()) return identity_.why_manual;
  if (options_.monitor) return "it only monitors";
  if (state_.paused) return "paused: " + state_.paused->reason;
  if (options_.sources.build_key.empty()) return "no build service is named";
  return place_.why_fixed();
}

update::Plan Supervisor::plan() const {
  const update::Knowledge knowledge = knowledge_of(state_);
  const update::History history{started_, state_.last_update, state_.failures, state_.last_failure};
  update::Plan out = update::plan(options_.policies, options_.timing, options_.schedule, knowledge,
                                  history, fmt::format("{} {}", host_, identity_.key.module));
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
  if (const std::string why = place_.why_fixed(); !why.empty()) return usage_error(why);
  if (!wanted.local) {
    if (options_.sources.build_key.empty()) return usage_error("no build service is named");
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

// ---- a build ----

std::optional<std::string> Supervisor::remembered_head() const {
  auto note = directory_.read_file(kHead, kMaxNote);
  if (!note) return std::nullopt;
  return *std::move(note);
}

void Supervisor::start_fetch() {
  if (wanted_->local) {
    happen(update::Event::kFetched);
    return;
  }
  Job job;
  job.kind = wanted_->source.empty() ? Job::Kind::kFetch : Job::Kind::kProve;
  job.sources = options_.sources;
  job.key = wanted_->key;
  job.head = remembered_head();
  fetch_frames_ = FrameReader();
  incoming_.reset();
  build_.reset();
  Task::Options task;
  task.input = format_job(job);
  task.output = [this](std::string_view bytes) { fetch_output(bytes); };
  task.done = [this](const os::Exit& exit) { fetch_done(exit); };
  auto started = start_helper(std::move(task), helper_user_);
  if (!started) {
    fail_fetch(started.error());
    return;
  }
  fetch_ = *std::move(started);
}

void Supervisor::fail_fetch(Error error) {
  fetch_.reset();
  incoming_.reset();
  failure_ = error.message;
  untrusted_ = error.kind == ErrorKind::kUntrusted;
  if (const auto* contradiction = tlog::find_contradiction(error)) {
    const Json document =
        tlog::evidence_json(contradiction->evidence, options_.sources.build_key, clock_.now());
    auto saved = tlog::save_evidence(document, options_.directory + "/evidence", clock_.now());
    if (saved) failure_ += "; evidence: " + *saved;
  }
  happen(update::Event::kFetchFailed);
}

void Supervisor::fetch_output(std::string_view bytes) {
  fetch_frames_.add(bytes);
  for (;;) {
    auto frame = fetch_frames_.next();
    Status status = !frame ? Status(frame.error()) : *frame ? on_fetch_frame(**frame) : Status();
    if (!status) {
      fail_fetch(std::move(status).error());
      return;
    }
    if (!*frame) return;
  }
}

Status Supervisor::on_fetch_frame(const Frame& frame) {
  if (frame.kind == FrameKind::kError) return parse_error(frame.payload);
  if (frame.kind == FrameKind::kProof && !build_) {
    GW_TRY(auto files, parse_proof(frame.payload));
    // The helper's word ends here: from now on it is the log's.
    GW_TRY(build_, verify_proof(std::move(files), options_.sources.build_key, wanted_->key,
                                remembered_head()));
    GW_TRY(incoming_, place_.receive(wanted_->key, build_->size(), build_->sum()));
    return {};
  }
  if (frame.kind == FrameKind::kData && incoming_) return incoming_->write(frame.payload);
  return untrusted_error("the helper says what nobody asked for");
}

void Supervisor::fetch_done(const os::Exit& exit) {
  fetch_.reset();
  if (!incoming_ || !exit.ok() || fetch_frames_.in_the_middle()) {
    fail_fetch(unavailable_error("the download was cut: the helper " + os::exit_text(exit)));
    return;
  }
  if (auto finished = finish_fetch(); !finished) {
    fail_fetch(std::move(finished).error());
    return;
  }
  happen(update::Event::kFetched);
}

// The bytes of a file that somebody brought: what is proven of them is the same.
Status Supervisor::read_source() {
  os::Fd file(::open(wanted_->source.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return errno_error(wanted_->source, errno);
  std::string buffer(kMaxData, '\0');
  for (;;) {
    const ssize_t n = ::read(file.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error(wanted_->source, errno);
    if (n == 0) return {};
    GW_CHECK(incoming_->write({buffer.data(), static_cast<std::size_t>(n)}));
  }
}

Status Supervisor::finish_fetch() {
  if (!wanted_->source.empty()) GW_CHECK(read_source());
  GW_TRY(wanted_->file, incoming_->finish());
  const bool was_there = incoming_->was_there();
  incoming_.reset();
  wanted_->sum = build_->sum();
  if (!was_there) keep_file(wanted_->file);
  state_.sums[wanted_->file] = wanted_->sum;
  GW_CHECK(save());
  GW_TRY(os::NewFile head, directory_.new_file(0600));
  GW_CHECK(head.write(build_->newest_note()));
  GW_CHECK(head.replace(kHead));
  log_.info("fetched", {{"file", wanted_->file}, {"sum", wanted_->sum}, {"size", build_->size()}});
  return {};
}

}  // namespace gw::supervise
