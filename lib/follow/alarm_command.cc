#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <thread>

#include "follow/follower_impl.h"

extern char** environ;

#include "os/signals.h"

namespace gw::follow {
namespace {

constexpr std::chrono::seconds kLimit{60};
constexpr std::chrono::milliseconds kPoll{20};

}  // namespace

Status run_alarm_command(const std::string& command, const std::string& path) {
  const pid_t pid = fork();
  if (pid < 0) return errno_error("starting the alarm command", errno);
  if (pid == 0) {
    os::reset_signals_for_child();
    setpgid(0, 0);  // so that the time limit ends what it started, too
    // Standard output is for data, and what comes in there is meant for nobody here.
    const int nothing = open("/dev/null", O_RDONLY);
    if (nothing >= 0) dup2(nothing, STDIN_FILENO);
    dup2(STDERR_FILENO, STDOUT_FILENO);
    const std::string line = command + " \"$1\"";
    execl("/bin/sh", "sh", "-c", line.c_str(), "sh", path.c_str(), nullptr);
    _exit(127);
  }
  const auto deadline = std::chrono::steady_clock::now() + kLimit;
  int status = 0;
  while (true) {
    const pid_t ended = waitpid(pid, &status, WNOHANG);
    if (ended == pid) break;
    if (ended < 0 && errno != EINTR) return errno_error("waiting for the alarm command", errno);
    if (std::chrono::steady_clock::now() > deadline) {
      kill(-pid, SIGKILL);
      waitpid(pid, &status, 0);
      return unavailable_error("the alarm command was killed after " +
                               std::to_string(kLimit.count()) + " s");
    }
    std::this_thread::sleep_for(kPoll);
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  return unavailable_error(
      WIFEXITED(status)
          ? "the alarm command ended with " + std::to_string(WEXITSTATUS(status))
          : "the alarm command was ended by signal " + std::to_string(WTERMSIG(status)));
}

}  // namespace gw::follow
