// Looking after processes that others started: adopting, reaping, ending all of them.
#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <map>
#include <vector>

#include "base/bytes.h"
#include "base/text.h"
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

using ParentOf = std::map<pid_t, pid_t>;

// Their parents, of all processes: for a kernel that does not tell a process's children.
Result<ParentOf> all_parents() {
  const DirStream dir(::opendir("/proc"));
  if (!dir) return errno_error("opening /proc", errno);
  ParentOf all;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is ours alone
  while (const dirent* entry = ::readdir(dir.get())) {
    const auto pid = parse_decimal(entry->d_name);
    if (!pid) continue;
    if (const auto state = process_state(static_cast<pid_t>(*pid))) {
      all.emplace(static_cast<pid_t>(*pid), state->parent);
    }
  }
  return all;
}

bool tells_children() {
  return ::access(fmt::format("/proc/self/task/{}/children", ::gettid()).c_str(), R_OK) == 0;
}

// Of each of its threads. One that ends meanwhile may hide another, so it is read until there is
// nothing new.
ParentOf children_of(pid_t parent) {
  constexpr std::size_t kMaxChildren = std::size_t{1} << 25;  // the kernel's 2^22, of 8 octets
  constexpr int kMostPasses = 8;  // somebody who forks without end has new ones each time
  const std::string threads = fmt::format("/proc/{}/task", parent);
  ParentOf found;
  bool news = true;
  for (int pass = 0; news && pass < kMostPasses; ++pass) {
    news = false;
    const DirStream dir(::opendir(threads.c_str()));
    if (!dir) break;  // gone
    // NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is ours alone
    while (const dirent* entry = ::readdir(dir.get())) {
      if (!parse_decimal(entry->d_name)) continue;
      const auto text =
          read_file(fmt::format("{}/{}/children", threads, entry->d_name), kMaxChildren);
      if (!text) continue;
      for (const std::string_view word : split_words(*text)) {
        const auto pid = parse_decimal(word);
        if (pid) news = found.emplace(static_cast<pid_t>(*pid), parent).second || news;
      }
    }
  }
  return found;
}

struct Descendant {
  pid_t pid = 0;
  pid_t parent = 0;
};

// Ours, and from those down to the ones that are passed over; each before what descends from it.
Result<std::vector<Descendant>> descendants(const std::set<pid_t>& except) {
  const bool told = tells_children();
  ParentOf all;
  if (!told) {
    GW_TRY(all, all_parents());
  }
  std::set<pid_t> known = except;
  std::vector<Descendant> out{{::getpid(), 0}};
  for (std::size_t next = 0; next < out.size(); ++next) {
    const pid_t parent = out[next].pid;
    ParentOf children;
    if (told) {
      children = children_of(parent);
    } else {
      std::copy_if(all.begin(), all.end(), std::inserter(children, children.end()),
                   [&](const auto& one) { return one.second == parent; });
    }
    for (const auto& [pid, of] : children) {
      if (known.insert(pid).second) out.push_back({pid, of});
    }
  }
  out.erase(out.begin());
  return out;
}

}  // namespace

Result<std::size_t> signal_descendants(int number, const std::set<pid_t>& except) {
  GW_TRY(const auto all, descendants(except));
  std::size_t count = 0;
  // Children first: one whose parent ends has another parent.
  for (auto it = all.rbegin(); it != all.rend(); ++it) {
    const auto& [pid, parent] = *it;
    const Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (!pidfd) continue;  // gone
    // The number may be another's since it was read: the pidfd holds it, so look at it now.
    const auto state = process_state(pid);
    if (!state || state->ended) continue;
    ++count;  // one that has another parent by now is for the next time
    if (state->parent != parent) continue;
    (void)::syscall(SYS_pidfd_send_signal, pidfd.get(), number, nullptr, 0);
  }
  return count;
}

}  // namespace gw::os
