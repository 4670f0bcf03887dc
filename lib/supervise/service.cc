#include "supervise/service.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "base/bytes.h"
#include "base/text.h"
#include "os/file.h"

extern char** environ;

namespace gw::supervise {
namespace {

constexpr std::size_t kMaxStat = 4096;
constexpr std::size_t kStartTime = 22;  // proc(5)

bool names(const std::string& entry, std::string_view variable) {
  return entry.size() > variable.size() && entry.starts_with(variable) &&
         entry[variable.size()] == '=';
}

std::vector<std::string> environment_of(const Options& options) {
  std::vector<std::string> out;
  for (char** entry = environ; *entry != nullptr; ++entry) out.emplace_back(*entry);
  if (!options.user) return out;
  const auto set = [&](const std::string& name, const std::string& value) {
    out.erase(std::remove_if(out.begin(), out.end(),
                             [&](const std::string& e) { return names(e, name); }),
              out.end());
    out.push_back(fmt::format("{}={}", name, value));
  };
  set("HOME", options.user->home);
  set("USER", options.user->name);
  set("LOGNAME", options.user->name);
  return out;
}

// True: it ended in time.
bool wait_for_end(int pidfd, std::chrono::milliseconds timeout) {
  const auto end = system_clock().mono() + timeout;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - system_clock().mono());
    pollfd wait{pidfd, POLLIN, 0};
    const int n = ::poll(&wait, 1, static_cast<int>(std::max<std::int64_t>(0, left.count())));
    if (n > 0) return true;
    if (n == 0) return false;
    if (errno != EINTR) return false;
  }
}

// As the manager would have given it to the service itself.
void hand_over(os::Spawn& spawn, const Handed& handed) {
  constexpr int kFirst = 3;
  std::string names;
  for (std::size_t i = 0; i < handed.sockets.size(); ++i) {
    spawn.descriptors.push_back({handed.sockets[i].fd.get(), kFirst + static_cast<int>(i)});
    names += (i == 0 ? "" : ":") + handed.sockets[i].name;
  }
  auto& environment = *spawn.environment;
  if (!handed.sockets.empty()) {
    environment.push_back(fmt::format("LISTEN_FDS={}", handed.sockets.size()));
    environment.push_back("LISTEN_FDNAMES=" + names);
    spawn.pid_variables.emplace_back("LISTEN_PID");
  }
  if (!handed.notify.empty()) environment.push_back("NOTIFY_SOCKET=" + handed.notify);
  if (handed.watchdog.count() > 0) {
    environment.push_back(fmt::format("WATCHDOG_USEC={}", handed.watchdog.count()));
    spawn.pid_variables.emplace_back("WATCHDOG_PID");
  }
}

}  // namespace

os::Spawn service_spawn(const Options& options, const std::string& file, const Handed& handed) {
  os::Spawn spawn;
  spawn.argv = options.command;
  spawn.file = file;
  spawn.environment = environment_of(options);
  spawn.group = os::ProcessGroup::kForeground;
  spawn.death_signal = SIGTERM;
  if (options.user) spawn.identity = options.user->identity;
  spawn.ambient = options.ambient;
  spawn.limits = options.limits;
  spawn.no_new_privileges = options.no_new_privileges;
  hand_over(spawn, handed);
  return spawn;
}

std::optional<ServiceMark> mark_of(pid_t pid) {
  const auto stat = os::read_file(fmt::format("/proc/{}/stat", pid), kMaxStat);
  if (!stat) return std::nullopt;
  // The second field is a name in parentheses, which may hold anything.
  const std::size_t name_end = stat->rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  const auto words = split_words(std::string_view(*stat).substr(name_end + 1));
  if (words.size() <= kStartTime - 3) return std::nullopt;
  const auto started = parse_decimal(words[kStartTime - 3]);
  if (!started) return std::nullopt;
  return ServiceMark{static_cast<std::uint64_t>(pid), *started};
}

Result<bool> end_leftover(const ServiceMark& mark, std::chrono::milliseconds timeout) {
  const auto pid = static_cast<pid_t>(mark.pid);
  const os::Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd) return false;
  // From here on the number is that of what the descriptor means, or of nobody.
  const auto now = mark_of(pid);
  if (!now || now->started != mark.started) return false;
  for (const int number : {SIGTERM, SIGKILL}) {
    if (::syscall(SYS_pidfd_send_signal, pidfd.get(), number, nullptr, 0) != 0 && errno != ESRCH) {
      return errno_error(fmt::format("ending process {}, left by another supervisor", pid), errno);
    }
    if (wait_for_end(pidfd.get(), timeout)) return true;
  }
  return unavailable_error(
      fmt::format("process {}, left by another supervisor, does not end", pid));
}

}  // namespace gw::supervise
