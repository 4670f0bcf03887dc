// Runs a program and kills it at its Nth system call that changes something: names, syncs, new
// processes, signals. What then is on the disk is what a crash there leaves.
//
//   gw_killat N PROGRAM ARGS...     ends with 137 when it was killed, else as the program
//
// The call is not made any more. Only the program itself is watched, not what it starts. With N of
// 0 nothing is killed, and the number of calls is written to standard error at the end.
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace {

constexpr std::array kCalls{
    SYS_fsync,     SYS_fdatasync, SYS_renameat,          SYS_renameat2, SYS_linkat,
    SYS_symlinkat, SYS_unlinkat,  SYS_pidfd_send_signal, SYS_clone,     SYS_clone3,
    SYS_fallocate, SYS_fchmod,    SYS_close_range,       SYS_kill,      SYS_ftruncate,
};

int run(long limit, char** argv) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    ::execv(argv[0], argv);
    std::_Exit(126);
  }
  int status = 0;
  if (::waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) return 126;
  ::ptrace(PTRACE_SETOPTIONS, child, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
  long count = 0;
  bool entering = true;
  int pass_on = 0;
  for (;;) {
    if (::ptrace(PTRACE_SYSCALL, child, nullptr, pass_on) != 0) return 126;
    pass_on = 0;
    if (::waitpid(child, &status, __WALL) != child) return 126;
    if (WIFEXITED(status) || WIFSIGNALED(status)) break;
    if (WSTOPSIG(status) != (SIGTRAP | 0x80)) {
      pass_on = WSTOPSIG(status) == SIGTRAP ? 0 : WSTOPSIG(status);
      continue;
    }
    if (!std::exchange(entering, !entering)) continue;
    __ptrace_syscall_info info{};
    if (::ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof info, &info) <= 0) return 126;
    entering = info.op != PTRACE_SYSCALL_INFO_ENTRY;
    if (entering) continue;
    const auto number = static_cast<long>(info.entry.nr);
    if (std::find(kCalls.begin(), kCalls.end(), number) == kCalls.end()) continue;
    if (++count != limit) continue;
    ::kill(child, SIGKILL);
    ::waitpid(child, &status, __WALL);
    std::fprintf(stderr, "killat: killed at call %ld, system call %ld\n", count, number);
    return 137;
  }
  if (limit == 0) std::fprintf(stderr, "killat: %ld calls\n", count);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  return run(std::atol(argv[1]), argv + 2);
}
