// Looking after processes that others started: adopting, reaping, ending all of them.
#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <map>

#include "base/bytes.h"
#include "os/file_parts.h"
#include "os/process.h"

namespace gw::os {

Status end_with_parent(int signal, pid_t parent) {
  if (::prctl(PR_SET_PDEATHSIG, signal) != 0) return errno_error("asking for a signal", errno);
  if (::getppid() != parent) return unavailable_error("the process that started this one is gone");
  return {};
}

Status become_subreaper() {
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) {
    return errno_error("becoming a subreaper", errno);
  }
  return {};
}

Result<std::optional<pid_t>> ended_child() {
  siginfo_t info{};
  while (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0) {
    if (errno == ECHILD) return std::optional<pid_t>();
    if (errno != EINTR) return errno_error("waitid", errno);
  }
  if (info.si_pid == 0) return std::optional<pid_t>();
  return std::optional<pid_t>(info.si_pid);
}

Result<Exit> reap_adopted(pid_t pid) {
  siginfo_t info{};
  while (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED) != 0) {
    if (errno != EINTR) return errno_error("waitid", errno);
  }
  if (info.si_code == CLD_EXITED) return Exit{.code = info.si_status};
  return Exit{.signal = info.si_status};
}

namespace {

struct ProcessState {
  pid_t parent = 0;
  bool ended = false;
};

// From /proc/PID/stat: "12 (name with ) and blanks) S 1 …". Nothing when it is gone.
std::optional<ProcessState> process_state(pid_t pid) {
  const auto text = read_file(fmt::format("/proc/{}/stat", pid), 4096);
  if (!text) return std::nullopt;
  const auto close = text->rfind(") ");
  if (close == std::string::npos || close + 4 >= text->size()) return std::nullopt;
  const char state = (*text)[close + 2];
  const auto end = text->find(' ', close + 4);
  const auto parent = parse_decimal(std::string_view(*text).substr(close + 4, end - close - 4));
  if (!parent) return std::nullopt;
  return ProcessState{static_cast<pid_t>(*parent), state == 'Z' || state == 'X'};
}

Result<std::map<pid_t, ProcessState>> all_processes() {
  const DirStream dir(::opendir("/proc"));
  if (!dir) return errno_error("opening /proc", errno);
  std::map<pid_t, ProcessState> all;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is ours alone
  while (const dirent* entry = ::readdir(dir.get())) {
    const auto pid = parse_decimal(entry->d_name);
    if (!pid) continue;
    if (const auto state = process_state(static_cast<pid_t>(*pid))) {
      all.emplace(static_cast<pid_t>(*pid), *state);
    }
  }
  return all;
}

bool descends(const std::map<pid_t, ProcessState>& all, pid_t pid, pid_t ancestor) {
  // Not longer than there are processes: the table was not read in one moment.
  for (std::size_t i = 0; i <= all.size(); ++i) {
    const auto it = all.find(pid);
    if (it == all.end() || it->second.parent == 0) return false;
    if (it->second.parent == ancestor) return true;
    pid = it->second.parent;
  }
  return false;
}

}  // namespace

Result<std::size_t> signal_descendants(int number, const std::set<pid_t>& except) {
  GW_TRY(const auto all, all_processes());
  const pid_t self = ::getpid();
  std::size_t count = 0;
  for (const auto& [pid, state] : all) {
    if (state.ended || except.contains(pid) || !descends(all, pid, self)) continue;
    const Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (!pidfd) continue;  // gone
    // The number may be another's since the table was read: the pidfd holds it, so look once more.
    const auto again = process_state(pid);
    if (!again || again->parent != state.parent) continue;
    if (::syscall(SYS_pidfd_send_signal, pidfd.get(), number, nullptr, 0) == 0) ++count;
  }
  return count;
}

}  // namespace gw::os
