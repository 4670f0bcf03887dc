// From a Spawn to a running program: the plan, the fork, and what the child said.
#include "os/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

extern char** environ;

namespace gw::os {

namespace {

constexpr std::size_t kSignalSetBytes = 8;  // the kernel's sigset_t
constexpr int kLastSignal = 64;

// The whole list, and the descriptors of ours that it names by number.
struct Plan {
  CallList calls;
  std::vector<Fd> held;
  Fd report_read;
  Fd report_write;
  std::vector<ChildHook::Clone> clones;
  Parts required = 0;
};

void require(Plan& plan, const char* what, long number, std::array<long, 6> args) {
  plan.calls.add({.what = what, .number = number, .args = args});
}

// ---- descriptors ----

// Above every number that the child wants, so that no mapping overwrites the source of another.
Result<int> duplicate_above(Plan& plan, int from, int above) {
  Fd opened;
  if (from == FdMap::kNull) {
    opened = Fd(::open("/dev/null", O_RDWR | O_CLOEXEC));
    if (!opened) return errno_error("opening /dev/null", errno);
    from = opened.get();
  }
  Fd high(::fcntl(from, F_DUPFD_CLOEXEC, above));
  if (!high) return errno_error(fmt::format("duplicating descriptor {}", from), errno);
  const int number = high.get();
  plan.held.push_back(std::move(high));
  return number;
}

Status plan_descriptors(Plan& plan, const std::vector<FdMap>& maps) {
  int above = STDERR_FILENO + 1;
  for (const FdMap& map : maps) {
    if (map.to < 0) return usage_error("a descriptor of a child is negative");
    above = std::max(above, map.to + 1);
  }
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return errno_error("making a pipe", errno);
  plan.report_read = Fd(ends[0]);
  const Fd low(ends[1]);
  plan.report_write = Fd(::fcntl(low.get(), F_DUPFD_CLOEXEC, above));
  if (!plan.report_write) return errno_error("making a pipe", errno);

  // Whatever a library opened without O_CLOEXEC ends here.
  require(plan, "closing other descriptors", SYS_close_range,
          {STDERR_FILENO + 1, static_cast<long>(~0U), CLOSE_RANGE_CLOEXEC});
  for (const FdMap& map : maps) {
    GW_TRY(const int from, duplicate_above(plan, map.from, above));
    require(plan, "mapping descriptors", SYS_dup3, {from, map.to, 0});
  }
  return {};
}

// ---- group, limits, identity ----

void plan_group(Plan& plan, ProcessGroup group) {
  if (group == ProcessGroup::kSession) require(plan, "making a session", SYS_setsid, {});
  if (group != ProcessGroup::kOwn && group != ProcessGroup::kForeground) return;
  require(plan, "making a process group", SYS_setpgid, {0, 0});
  // A terminal that is another session's is not ours to give (ENOTTY).
  if (group == ProcessGroup::kForeground && ::tcgetpgrp(STDIN_FILENO) >= 0) {
    auto* pid = plan.calls.keep<std::int32_t>(0);
    plan.calls.add({.what = "reading the process group", .number = SYS_getpgid, .store = pid});
    require(plan, "becoming the terminal's foreground", SYS_ioctl,
            {STDIN_FILENO, TIOCSPGRP, CallList::address(pid)});
  }
}

void plan_limits(Plan& plan, const std::vector<ResourceLimit>& limits) {
  for (const ResourceLimit& limit : limits) {
    const auto* value = plan.calls.keep<std::array<std::uint64_t, 2>>({limit.soft, limit.hard});
    require(plan, "setting a resource limit", SYS_prlimit64,
            {0, limit.resource, CallList::address(value), 0});
  }
}

// capset(2) to exactly these, as effective, permitted and inheritable ones.
void plan_capset(Plan& plan, const std::vector<int>& wanted) {
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> data{};
  for (const int capability : wanted) {
    const auto word = static_cast<std::size_t>(capability) / 32;
    const auto bit = std::uint32_t{1} << (capability % 32);
    data[word].effective |= bit;
    data[word].permitted |= bit;
    data[word].inheritable |= bit;
  }
  const auto* header =
      plan.calls.keep<__user_cap_header_struct>({.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0});
  require(plan, "setting capabilities", SYS_capset,
          {CallList::address(header), CallList::address(plan.calls.keep(data))});
}

void plan_bounding(Plan& plan, const std::vector<int>& kept) {
  // Without this capability nothing can be dropped; then no_new_privs is what holds.
  if (!has_capability(CAP_SETPCAP)) return;
  for (int capability = 0; capability <= last_capability(); ++capability) {
    if (std::find(kept.begin(), kept.end(), capability) != kept.end()) continue;
    require(plan, "dropping capabilities", SYS_prctl, {PR_CAPBSET_DROP, capability});
  }
}

Status plan_identity(Plan& plan, const Spawn& spawn) {
  for (const int capability : spawn.ambient) {
    if (capability < 0 || capability > last_capability()) {
      return usage_error(fmt::format("the kernel knows no capability {}", capability));
    }
  }
  if (spawn.drop_capabilities) plan_bounding(plan, spawn.ambient);
  bool changes = false;
  if (spawn.identity) {
    const Identity& who = *spawn.identity;
    const auto now = current_identity();
    changes = !now || *now != who;
    if (changes) {
      if (!spawn.ambient.empty()) {
        require(plan, "keeping capabilities", SYS_prctl, {PR_SET_KEEPCAPS, 1});
      }
      const auto* groups = plan.calls.bytes(who.groups.data(), who.groups.size() * sizeof(gid_t));
      require(plan, "setting groups", SYS_setgroups,
              {static_cast<long>(who.groups.size()), CallList::address(groups)});
      require(plan, "setting the group", SYS_setresgid, {who.gid, who.gid, who.gid});
      require(plan, "setting the user", SYS_setresuid, {who.uid, who.uid, who.uid});
    }
  }
  const bool leaves_root = changes && spawn.identity->uid != 0;
  if (!spawn.ambient.empty() || spawn.drop_capabilities || leaves_root) {
    require(plan, "dropping ambient capabilities", SYS_prctl,
            {PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL});
    plan_capset(plan, spawn.ambient);
    for (const int capability : spawn.ambient) {
      require(plan, "raising an ambient capability", SYS_prctl,
              {PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability});
    }
  }
  return {};
}

// ---- ties to us ----

Status plan_death_signal(Plan& plan, int number) {
  if (number == 0) return {};
  // After the change of user, which forgets it.
  require(plan, "setting the parent death signal", SYS_prctl, {PR_SET_PDEATHSIG, number});
  // We may have ended before it was set. getppid() says nothing in a new pid namespace.
  Fd self(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
  if (!self) return errno_error("opening a pidfd", errno);
  const auto* look = plan.calls.keep<pollfd>({.fd = self.get(), .events = POLLIN, .revents = 0});
  const auto* at_once = plan.calls.keep<timespec>({});
  plan.calls.add(
      {.what = "looking for the parent",
       .number = SYS_ppoll,
       .args = {CallList::address(look), 1, CallList::address(at_once), 0, kSignalSetBytes},
       .want_zero = true,
       .error = ESRCH});
  plan.held.push_back(std::move(self));
  return {};
}

// ---- the program ----

char** plan_environment(Plan& plan, const Spawn& spawn) {
  std::vector<std::string> variables;
  if (spawn.environment) {
    variables = *spawn.environment;
  } else {
    for (char** v = environ; v != nullptr && *v != nullptr; ++v) variables.emplace_back(*v);
  }
  const auto names_pid = [&](const std::string& variable) {
    const std::string name = variable.substr(0, variable.find('='));
    const auto& names = spawn.pid_variables;
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  std::erase_if(variables, names_pid);
  const std::size_t fixed = variables.size();
  constexpr std::string_view kRoomForPid = "00000000000000000000000";
  for (const std::string& name : spawn.pid_variables) {
    variables.push_back(fmt::format("{}={}", name, kRoomForPid));
  }
  char** array = plan.calls.array(variables);
  for (std::size_t i = 0; i < spawn.pid_variables.size(); ++i) {
    char* value = array[fixed + i] + spawn.pid_variables[i].size() + 1;
    require(plan, "setting pid variables", ChildCall::kWritePid, {CallList::address(value)});
  }
  return array;
}

Status plan_program(Plan& plan, const Spawn& spawn) {
  const std::string& file = spawn.file.empty() ? spawn.argv[0] : spawn.file;
  if (file.find('/') == std::string::npos) {
    return usage_error(fmt::format("{}: a program is named by a path with a slash", file));
  }
  char** environment = plan_environment(plan, spawn);
  require(plan, "exec", SYS_execve,
          {plan.calls.arg(file), CallList::address(plan.calls.array(spawn.argv)),
           CallList::address(environment)});
  return {};
}

Result<Plan> make_plan(Spawn spawn, bool program) {
  if (program && spawn.argv.empty()) return usage_error("a program without a name");
  Plan plan;
  plan_group(plan, spawn.group);
  GW_CHECK(plan_descriptors(plan, spawn.descriptors));
  plan.calls.append(std::move(spawn.hook.early));
  plan_limits(plan, spawn.limits);
  GW_CHECK(plan_identity(plan, spawn));
  if (spawn.no_new_privileges) {
    require(plan, "setting no_new_privs", SYS_prctl, {PR_SET_NO_NEW_PRIVS, 1});
  }
  GW_CHECK(plan_death_signal(plan, spawn.death_signal));
  if (!spawn.directory.empty()) {
    require(plan, "changing the directory", SYS_chdir, {plan.calls.arg(spawn.directory)});
  }
  const auto* none = plan.calls.keep<std::uint64_t>(0);
  require(plan, "unblocking signals", SYS_rt_sigprocmask,
          {SIG_SETMASK, CallList::address(none), 0, kSignalSetBytes});
  plan.calls.append(std::move(spawn.hook.late));
  if (program) {
    GW_CHECK(plan_program(plan, spawn));
  } else {
    require(plan, "ending", SYS_exit_group, {});
  }
  plan.clones = std::move(spawn.hook.clones);
  if (plan.clones.empty()) plan.clones.emplace_back();
  plan.required = spawn.hook.required;
  return plan;
}

// ---- in the child ----

// Handlers are ours and must not run there. A signal that is ignored stays ignored, as whoever
// started us wanted; but SIGPIPE and SIGXFSZ we ignore for ourselves.
void reset_dispositions() {
  for (int number = 1; number <= kLastSignal; ++number) {
    std::array<std::uintptr_t, 8> action{};  // the kernel's struct sigaction; the handler is first
    ::syscall(SYS_rt_sigaction, number, nullptr, action.data(), kSignalSetBytes);
    const bool handled = action[0] != reinterpret_cast<std::uintptr_t>(SIG_DFL) &&
                         action[0] != reinterpret_cast<std::uintptr_t>(SIG_IGN);
    if (!handled && number != SIGPIPE && number != SIGXFSZ) continue;
    action.fill(0);
    ::syscall(SYS_rt_sigaction, number, action.data(), nullptr, kSignalSetBytes);
  }
}

[[noreturn]] void child_main(const Plan& plan, Parts refused) {
  reset_dispositions();
  run_calls(plan.calls.calls(), plan.required, refused, plan.report_write.get());
  while (true) ::syscall(SYS_exit_group, 127);
}

// ---- in the parent ----

struct Forked {
  pid_t pid = -1;
  Fd pidfd;
  std::vector<RefusedCall> refused;
};

// A fork that neither runs handlers (pthread_atfork) nor lets a signal handler of ours run in the
// child.
Result<Forked> fork_child(const Plan& plan) {
  Forked forked;
  std::uint64_t all = ~std::uint64_t{0};
  std::uint64_t before = 0;
  Parts refused = 0;
  for (std::size_t i = 0;; ++i) {
    const ChildHook::Clone& clone = plan.clones[i];
    int pidfd = -1;
    ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, kSignalSetBytes);
    const long pid = ::syscall(SYS_clone, clone.flags | CLONE_PIDFD | SIGCHLD, 0, &pidfd, 0, 0);
    if (pid == 0) child_main(plan, clone.lacks);
    const int error = errno;
    ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, nullptr, kSignalSetBytes);
    if (pid > 0) {
      forked.pid = static_cast<pid_t>(pid);
      forked.pidfd = Fd(pidfd);
      return forked;
    }
    const Parts lost = i + 1 < plan.clones.size() ? plan.clones[i + 1].lacks & ~refused : 0;
    if (lost == 0 || (lost & plan.required) != 0) return errno_error("clone", error);
    forked.refused.push_back({lost, "clone", error});
    refused |= lost;
  }
}

// What the child said until exec closed its end.
std::vector<CallFailure> read_failures(const Fd& pipe) {
  std::vector<CallFailure> failures;
  while (true) {
    CallFailure failure;
    const ssize_t n = ::read(pipe.get(), &failure, sizeof failure);
    if (n < 0 && errno == EINTR) continue;
    if (n != static_cast<ssize_t>(sizeof failure)) return failures;
    failures.push_back(failure);
  }
}

// What was refused before may be why the next step failed.
std::string refused_text(const Forked& forked) {
  std::string text;
  for (const RefusedCall& call : forked.refused) {
    if (call.error == ECANCELED) continue;
    text += fmt::format("; refused before: {}: {}", call.what, std::strerror(call.error));
  }
  return text;
}

Result<Forked> start(Plan& plan) {
  GW_TRY(Forked forked, fork_child(plan));
  plan.report_write.reset();
  for (const CallFailure& failure : read_failures(plan.report_read)) {
    if (failure.index >= plan.calls.calls().size()) continue;
    const ChildCall& call = plan.calls.calls()[failure.index];
    if (call.part != 0 && (call.part & plan.required) == 0) {
      forked.refused.push_back({call.part, call.what, failure.error});
      continue;
    }
    siginfo_t ended{};
    ::waitid(P_PID, static_cast<id_t>(forked.pid), &ended, WEXITED);
    if (call.number == SYS_execve && failure.error == ENOENT) {
      return not_found_error("no such program, or not its interpreter" + refused_text(forked));
    }
    auto error = errno_error(call.what, failure.error);
    error.message += refused_text(forked);
    return error;
  }
  return forked;
}

}  // namespace

Result<Child> spawn(Spawn spawn) {
  const std::string name = !spawn.file.empty()  ? spawn.file
                           : spawn.argv.empty() ? std::string("a program")
                                                : spawn.argv[0];
  const bool group = spawn.group != ProcessGroup::kOurs;
  auto plan = make_plan(std::move(spawn), true);
  if (!plan) return std::move(plan).error().in("starting " + name);
  auto forked = start(*plan);
  if (!forked) return std::move(forked).error().in("starting " + name);
  Child child(forked->pid, std::move(forked->pidfd), group);
  child.refused_ = std::move(forked->refused);
  return child;
}

Result<std::vector<RefusedCall>> rehearse(Spawn spawn) {
  GW_TRY(Plan plan, make_plan(std::move(spawn), false));
  GW_TRY(Forked forked, start(plan));
  Child child(forked.pid, std::move(forked.pidfd), false);
  GW_TRY(const Exit exit, child.reap());
  if (!exit.ok()) return io_error("a rehearsal " + exit_text(exit));
  return std::move(forked.refused);
}

}  // namespace gw::os
