#include "os/forbidden_calls.h"

#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <map>

namespace gw::os {
namespace {

bool try_in_child(long number) {
  const pid_t child = ::fork();
  if (child < 0) return true;  // nobody knows, and the other answer may be our end
  if (child == 0) {
    ::syscall(SYS_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);  // no core file
    ::syscall(number, -1L, -1L, -1L, -1L, -1L, -1L);
    ::syscall(SYS_exit_group, 0);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return true;  // nobody knows: SIGCHLD is ignored, and the kernel reaped it
  }
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
}

}  // namespace

bool call_ends_us(long number) {
  if (::prctl(PR_GET_SECCOMP, 0, 0, 0, 0) != SECCOMP_MODE_FILTER) return false;
  static thread_local std::map<long, bool> known;  // filters are a thread's
  const auto found = known.find(number);
  if (found != known.end()) return found->second;
  return known[number] = try_in_child(number);
}

}  // namespace gw::os
