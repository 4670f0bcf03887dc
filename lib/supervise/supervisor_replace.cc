// A new gwtool takes the place of the one that runs: in the same process, by exec(2), with the
// service and the sockets that it holds. It is asked first, in a process of its own, whether it
// would; what was asked by itself is asked once.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/bytes.h"
#include "base/text.h"
#include "os/file.h"
#include "supervise/supervisor.h"

extern char** environ;

namespace gw::supervise {
namespace {

constexpr std::size_t kMaxCommandLine = std::size_t{4} << 20;
constexpr std::chrono::seconds kRehearsalTime{60};
constexpr std::chrono::milliseconds kLastCommands{200};  // for what clients are yet to send or read
constexpr std::size_t kMaxSaid = 4096;

Result<std::vector<std::string>> own_arguments() {
  GW_TRY(const std::string text, os::read_file("/proc/self/cmdline", kMaxCommandLine));
  std::vector<std::string> out;
  for (const std::string_view word : split(text, '\0')) out.emplace_back(word);
  if (!out.empty() && out.back().empty()) out.pop_back();
  return out;
}

// As root, nobody else's file is run.
Status check_program(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return errno_error(path, errno);
  const bool ours = info.st_uid == 0 || info.st_uid == ::geteuid();
  if (!S_ISREG(info.st_mode) || !ours || (info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return usage_error(path + " is not ours alone to write");
  }
  return {};
}

std::vector<std::string> environment_with(const std::vector<std::string>& more) {
  std::vector<std::string> out;
  for (char** entry = environ; *entry != nullptr; ++entry) out.emplace_back(*entry);
  out.insert(out.end(), more.begin(), more.end());
  return out;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  out.reserve(texts.size() + 1);
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

Result<os::Fd> text_in_memory(const std::string& text) {
  os::Fd fd(::memfd_create("handover", MFD_CLOEXEC));
  if (!fd) return errno_error("making a file in memory", errno);
  if (const int error = write_all(fd.get(), text); error != 0) {
    return errno_error("writing a file in memory", error);
  }
  return fd;
}

}  // namespace

// ---- the one that comes ----

Status Supervisor::take_lock_left() {
  GW_CHECK(check_handover(*handover_, options_));
  os::Fd lock = kept_descriptor(handover_->lock);
  struct stat held {};
  GW_TRY(const auto there, directory_.find("lock"));
  if (::fstat(lock.get(), &held) != 0 || !there || there->st_ino != held.st_ino ||
      there->st_dev != held.st_dev) {
    return usage_error("what a supervisor left is not the directory's lock");
  }
  lock_ = std::move(lock);
  return {};
}

void Supervisor::take_sockets_left() {
  for (const Handover::Socket& socket : handover_->sockets) {
    handed_.sockets.push_back({kept_descriptor(socket.fd), socket.name});
  }
  for (const Handover::Socket& page : handover_->pages) {
    pages_left_.push_back({kept_descriptor(page.fd), page.name});
  }
}

Status Supervisor::adopt_service() {
  const auto pid = static_cast<pid_t>(handover_->service.pid);
  const auto mark = mark_of(pid);
  if (!mark || mark->started != handover_->service.started) {
    return unavailable_error("the service that was left is not there");
  }
  GW_TRY(os::Child child, os::Child::adopt(pid));
  service_.emplace(std::move(child));
  GW_TRY(service_watch_,
         loop_->watch(service_->pidfd(), EPOLLIN, [this](std::uint32_t) { on_exit(); }));
  log_.info("took-over", {{"pid", pid}, {"program", own_program_}});
  return {};
}

// ---- the one that goes ----

Handover Supervisor::what_is_left() const {
  Handover out;
  out.directory = os::real_path(options_.directory);
  out.command = options_.command[0];
  out.service = state_.service.value_or(ServiceMark{});
  out.lock = lock_.get();
  for (const auto& socket : handed_.sockets) out.sockets.push_back({socket.fd.get(), socket.name});
  for (const PageSocket& page : page_sockets_) out.pages.push_back({page.fd.get(), page.address});
  if (control_) out.control = control_->fd();
  if (relay_) {
    out.relay = relay_->fd();
    out.relay_address = relay_->address();
    if (watchdog_ != handed_.watchdog) out.watchdog = watchdog_;
  }
  return out;
}

bool Supervisor::is_other_program() const {
  struct stat runs {};
  struct stat there {};
  return ::stat("/proc/self/exe", &runs) == 0 && ::stat(own_program_.c_str(), &there) == 0 &&
         (runs.st_ino != there.st_ino || runs.st_dev != there.st_dev);
}

// By itself: when another gwtool lies where this one did, and once for each.
void Supervisor::consider_replacement() {
  if (!is_other_program()) return;
  const os::Fd file(::open(own_program_.c_str(), O_RDONLY | O_CLOEXEC));
  const auto hash = file ? hash_of(file.get()) : Result<Hash>(io_error("no file"));
  if (!hash) return;
  const std::string sum = encode_hex(as_bytes(*hash));
  if (sum == state_.tried_program) return;
  if (auto started = start_replacement(); !started) {
    if (started.error().kind == ErrorKind::kUnavailable) {  // busy: another time
      replace_once_told_ = !told_.empty();
      return;
    }
    log_.error("replacement-refused", started.error());
  }
  state_.tried_program = sum;
  if (auto saved = save(); !saved) log_.error("state", saved.error());
}

// Only the service is handed over: what else runs must have ended, or be nothing that is missed. An
// operator's command that is cut short would be run again by the one that comes. kUnavailable.
Status Supervisor::check_idle() const {
  if (now_ != update::State::kRunning || !service_) {
    return unavailable_error(fmt::format("busy: {}", update::state_name(now_)));
  }
  if (!retired_.empty()) return unavailable_error("busy: the old version is yet to end");
  if (!told_.empty()) return unavailable_error("busy: somebody is being told of an event");
  return {};
}

// kUnavailable: something is under way.
Status Supervisor::start_replacement() {
  GW_CHECK(check_idle());
  if (rehearsal_) return unavailable_error("busy: another one is asked already");
  GW_CHECK(check_program(own_program_));
  Task::Options task;
  task.spawn.file = own_program_;
  GW_TRY(task.spawn.argv, own_arguments());
  task.spawn.environment = environment_with(
      {fmt::format("{}=0", kHandoverVariable), fmt::format("{}=1", kHandoverCheck)});
  task.input = format_handover(what_is_left());
  task.timeout = kRehearsalTime;
  answer_.clear();
  task.output = [this](std::string_view bytes) {
    if (answer_.size() < kMaxSaid) answer_ += bytes;
  };
  task.done = [this](const os::Exit& exit) { replacement_answered(exit); };
  GW_TRY(rehearsal_, Task::start(*loop_, std::move(task)));
  replacing_ = true;
  refused_.reset();
  return {};
}

void Supervisor::replacement_answered(const os::Exit& exit) {
  rehearsal_.reset();
  Status done;
  if (!exit.ok() || trim(answer_) != kHandoverAnswer) {
    done =
        usage_error(fmt::format("{} would not take over: it {}", own_program_, os::exit_text(exit)),
                    "what it said is in the supervisor's log");
  } else {
    // Whose command is on its way is answered by this one, and it may be one that changes things.
    control_->finish(kLastCommands);
    if (rehearsal_) return;  // it was to do this again
    done = check_idle();
    if (done) done = replace_program();  // and does not return
  }
  refuse_replacement(std::move(done).error());
}

void Supervisor::refuse_replacement(Error error) {
  log_.error("replacement-refused", error);
  replacing_ = false;
  if (error.kind == ErrorKind::kUnavailable) {
    state_.tried_program.clear();  // busy: another time, also by itself
    replace_once_told_ = !told_.empty();
  } else {
    state_.last_error = error.message;
  }
  refused_ = std::move(error);
  refused_at_ = clock_.mono();
  if (auto saved = save(); !saved) log_.error("state", saved.error());
}

// What is ours and not handed over ends before: the page, helpers, commands. Who comes meanwhile
// waits in the sockets' queues.
Status Supervisor::replace_program() {
  GW_CHECK(save());
  GW_TRY(std::vector<std::string> arguments, own_arguments());
  GW_TRY(const os::Fd text, text_in_memory(format_handover(what_is_left())));
  std::vector<std::string> more = notifier_.environment();
  more.push_back(fmt::format("{}={}", kHandoverVariable, text.get()));
  std::vector<std::string> environment = environment_with(more);
  log_.info("replacing", {{"program", own_program_}});
  const bool page = page_ != nullptr;
  page_.reset();
  check_.reset();
  prefetch_.reset();
  std::vector<int> kept{lock_.get(), text.get(), control_->fd()};
  for (const PageSocket& socket : page_sockets_) kept.push_back(socket.fd.get());
  for (const auto& socket : handed_.sockets) kept.push_back(socket.fd.get());
  if (relay_) kept.push_back(relay_->fd());
  for (const int fd : kept) (void)::fcntl(fd, F_SETFD, 0);
  auto argv = pointers(arguments);
  auto envp = pointers(environment);
  ::execve(own_program_.c_str(), argv.data(), envp.data());
  const int error = errno;
  for (const int fd : kept) (void)::fcntl(fd, F_SETFD, FD_CLOEXEC);
  if (page) wait_for_visitors();
  schedule_check();
  tell_next();
  return errno_error("running " + own_program_, error);
}

}  // namespace gw::supervise
