// The start of a supervisor, its state, and what its loop waits for.
#include "supervise/supervisor.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/capability.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <utility>

#include "os/file.h"
#include "os/user.h"
#include "supervise/messages.h"
#include "supervise/paths.h"
#include "supervise/readiness.h"

namespace gw::supervise {
namespace {

constexpr mode_t kPrivate = 0700;

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "localhost";
  return name.data();
}

// The directory of an absolute or relative path, made if need be. Its name is durable: what the
// state tells of a trial must not be lost with the directory while the link stays.
Result<os::Dir> open_directory(const std::string& path) {
  std::string name = path;
  while (name.size() > 1 && name.ends_with('/')) name.pop_back();
  const std::size_t slash = name.rfind('/');
  const auto parent = os::Dir::open(slash == std::string::npos ? "."
                                    : slash == 0               ? "/"
                                                               : name.substr(0, slash));
  auto there = os::Dir::open(path);
  if (there) {
    if (parent) (void)parent->sync();  // who made it may not have come so far
    return there;
  }
  if (there.error().kind != ErrorKind::kNotFound) return there;
  if (!parent) return parent.error();
  const std::string last = name.substr(slash == std::string::npos ? 0 : slash + 1);
  GW_TRY(const auto other, parent->find(last));
  if (other && !S_ISLNK(other->st_mode)) return usage_error("not a directory");
  GW_TRY(os::Dir made, parent->make_dir(last, kPrivate));
  GW_CHECK(parent->sync());
  return made;
}

// As root: nobody whom we start may change what we then run.
Status check_paths(const Options& options, const std::string& path,
                   Status (*check)(const os::User&, const std::string&) = check_not_writable) {
  if (::geteuid() != 0) return {};
  for (const auto* user :
       {&options.user, &options.helper_user, &options.page_user, &options.builder_user}) {
    if (*user) GW_CHECK(check(**user, path));
  }
  return {};
}

// Capabilities by which it may go anywhere, whatever the modes say.
bool goes_anywhere(const Options& options) {
  return std::any_of(options.ambient.begin(), options.ambient.end(),
                     [](int c) { return c == CAP_DAC_OVERRIDE || c == CAP_DAC_READ_SEARCH; });
}

// kUsage: of a later gwtool. kCorrupt: none that can be read. Nothing: there is none.
Result<std::optional<State>> read_state(const os::Dir& directory, const std::string& path) {
  GW_TRY(const auto found, directory.find("state.json"));
  if (!found) return std::optional<State>();
  if (!S_ISREG(found->st_mode) || found->st_size > static_cast<off_t>(kMaxStateBytes)) {
    return corrupt_error("the state file is too large");
  }
  auto text = directory.read_file("state.json", kMaxStateBytes);
  if (!text) return std::move(text).error().in(path);
  auto state = parse_state(*text);
  if (!state && state.error().kind == ErrorKind::kUsage) {
    return std::move(state).error().in(path + "/state.json");
  }
  if (!state) return std::move(state).error();
  return std::optional<State>(*std::move(state));
}

}  // namespace

Result<std::unique_ptr<Supervisor>> Supervisor::make(Options options, const Clock& clock,
                                                     const Logger& log,
                                                     std::optional<Handover> handover) {
  GW_CHECK(check(options));
  GW_TRY(Installation installation, Installation::find(options.command[0]));
  auto directory = open_directory(options.directory);
  if (!directory) return std::move(directory).error().in(options.directory);
  GW_CHECK(check_paths(options, options.directory));
  std::unique_ptr<Supervisor> out(new Supervisor(std::move(options), clock, log,
                                                 std::move(installation), *std::move(directory)));
  out->handover_ = std::move(handover);
  out->own_program_ = os::real_path("/proc/self/exe");
  GW_CHECK(out->open());
  return out;
}

Status Supervisor::check(const Options& options) {
  if (options.command.empty()) return usage_error("no service to run");
  GW_TRY(const Installation installation, Installation::find(options.command[0]));
  GW_CHECK(check_paths(options, installation.directory()));
  // The name that we were given may lead there over links in other directories.
  GW_CHECK(check_paths(options, options.command[0], check_way));
  if (options.user && !goes_anywhere(options)) {
    GW_CHECK(check_reachable(*options.user, installation.directory()));
  }
  GW_CHECK(check_web_options(options.web));
  GW_TRY(const os::Fd file, installation.open(installation.current()));
  GW_TRY([[maybe_unused]] const BinaryIdentity identity, read_identity(file.get()));
  auto directory = os::Dir::open(options.directory);
  if (!directory && directory.error().kind == ErrorKind::kNotFound) return {};  // it will be made
  if (!directory) return std::move(directory).error().in(options.directory);
  GW_CHECK(check_paths(options, options.directory));
  auto state = read_state(*directory, options.directory);
  if (state || state.error().kind == ErrorKind::kCorrupt) return {};
  return std::move(state).error();
}

Status Supervisor::open() {
  if (handover_) GW_CHECK(take_lock_left());
  auto lock = handover_ ? Result<os::Fd>(std::move(lock_)) : directory_.lock("lock");
  if (!lock && lock.error().kind == ErrorKind::kUnavailable) {
    return unavailable_error(options_.directory + ": another supervisor runs there");
  }
  if (!lock) return std::move(lock).error().in(options_.directory);
  lock_ = *std::move(lock);
  started_ = clock_.now();
  began_ = clock_.mono();
  find_users();
  host_ = host_name();
  GW_TRY(const os::Fd file, installation_.open(installation_.current()));
  GW_TRY(identity_, read_identity(file.get()));
  return load_state();
}

// A service is not kept down by a file about it: one that cannot be read is put aside.
Status Supervisor::load_state() {
  auto state = read_state(directory_, options_.directory);
  if (state) {
    if (!*state) return {};
    state_ = **std::move(state);
    if (forget_future(state_, started_)) log_.warning("state-of-the-future", {});
    return {};
  }
  if (state.error().kind != ErrorKind::kCorrupt) return std::move(state).error();
  log_.error("state-put-aside", state.error());
  GW_CHECK(directory_.rename("state.json", "state.json.bad"));
  state_.paused = Paused{"the state file was damaged; it is state.json.bad now", started_};
  return {};
}

Status Supervisor::save() {
  auto written = [&]() -> Status {
    GW_TRY(os::NewFile file, directory_.new_file(0600));
    GW_CHECK(file.write(format_state(state_)));
    return file.replace("state.json");
  }();
  if (!written) return std::move(written).error().in(options_.directory + "/state.json");
  return {};
}

// For who is told of it: what cannot be kept did not happen.
Status Supervisor::save_or_restore(State before) {
  auto saved = save();
  if (!saved) state_ = std::move(before);
  return saved;
}

// ---- start ----

Result<os::Exit> Supervisor::run() {
  GW_TRY(loop_, os::Loop::make());
  auto ran = begin();
  if (ran) ran = loop_->run();
  remove_listen_files();
  GW_CHECK(std::move(ran));
  if (error_) return *error_;
  return exit_;
}

Status Supervisor::begin() {
  GW_CHECK(os::become_subreaper());
  GW_CHECK(watch_signals());
  if (!handover_) GW_CHECK(end_leftovers());
  GW_CHECK(take_from_manager());
  using Why = os::Loop::Timer::Why;
  GW_TRY(stop_timer_, loop_->timer([this](Why) { happen(update::Event::kStopTimeout); }));
  GW_TRY(trial_timer_, loop_->timer([this](Why) {
    failure_ = "the new version did not become ready";
    happen(options_.ready.by == ReadyBy::kNothing ? update::Event::kTrialPassed
                                                  : update::Event::kNotReady);
  }));
  GW_TRY(probe_timer_, loop_->timer([this](Why) { probe(); }));
  GW_TRY(check_timer_,
         loop_->timer([this](Why why) { why == Why::kClockSet ? check_anew() : start_check(); }));
  GW_TRY(again_timer_, loop_->timer([this](Why) { notified(); }));
  GW_TRY(tell_timer_, loop_->timer([this](Why) {
    tell_waits_ = false;
    tell_next();
  }));
  GW_TRY(page_timer_, loop_->timer([this](Why) { open_page(); }));
  GW_TRY(update_timer_,
         loop_->timer([this](Why why) { why == Why::kClockSet ? plan_anew() : replan(); }));
  GW_CHECK(open_control());
  if (handover_) {
    GW_CHECK(adopt_service());
  } else {
    GW_CHECK(start_first());
  }
  const std::string why = why_not();
  log_.info("supervising", {{"package", identity_.package},
                            {"version", identity_.key.version},
                            {"go", identity_.key.go_version},
                            {"automatic", why.empty() ? "yes" : why}});
  if (!options_.web.admin.empty() || !options_.web.metrics.empty()) open_page();
  if (page_sockets_.empty()) close_pages_left();
  tell_next();  // what the one before did not come to tell
  schedule_check();
  replan();
  rest_soon();
  return {};
}

Status Supervisor::watch_signals() {
  GW_TRY(signals_, loop_->signals({SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGCHLD},
                                  [this](const signalfd_siginfo& info) {
                                    on_signal(static_cast<int>(info.ssi_signo));
                                  }));
  return {};
}

void Supervisor::on_signal(int number) {
  if (number == SIGCHLD) {
    reap_orphans();
    return;
  }
  if (number == SIGINT || number == SIGTERM) {
    stop_signal_ = number;
    happen(update::Event::kStop);
    return;
  }
  if (service_) (void)service_->signal(number);
}

// What our descendants left to us. Our own children are waited for where they were started.
void Supervisor::reap_orphans() {
  for (;;) {
    const auto ended = os::ended_child();
    if (!ended || !*ended) return;
    const pid_t pid = **ended;
    const auto is = [pid](const std::unique_ptr<Task>& task) { return task && task->pid() == pid; };
    const bool retired = std::any_of(retired_.begin(), retired_.end(),
                                     [pid](const auto& one) { return one->child.pid() == pid; });
    const bool ours = retired || (service_ && service_->pid() == pid) ||
                      (beside_ && beside_->pid() == pid) || is(check_) || is(fetch_) ||
                      is(before_) || is(probe_) || is(page_) || is(rehearsal_) || is(prefetch_) ||
                      std::any_of(told_.begin(), told_.end(), is);
    if (ours) return;  // its descriptor is ready, too; another signal follows for the rest
    if (!os::reap_adopted(pid)) return;
  }
}

}  // namespace gw::supervise
