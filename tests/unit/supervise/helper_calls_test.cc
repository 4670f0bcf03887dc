#include "supervise/helper_calls.h"

#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cerrno>
#include <set>

#include "os/seccomp.h"

using namespace gw;
using namespace gw::supervise;

namespace {

// What os/seccomp.h adds: writing, and what ending needs.
constexpr std::array kAlso{"write", "exit", "exit_group", "restart_syscall"};
constexpr std::size_t kMost = 40;
constexpr int kMostNumbers = 470;
// The kernel's own ways back from probes of x86-64, which no filter is asked about.
constexpr int kReturnProbe = 335;
constexpr int kProbe = 336;

// In a child behind the list: whether it is there at all, and each other call. Its exit code: how
// many of them were made.
[[noreturn]] void try_all(const std::vector<std::uint64_t>& program,
                          const std::vector<int>& others) {
  ::alarm(60);
  int made = 0;
  const bool listed = ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
                      os::install_seccomp(program).has_value() && ::syscall(SYS_getppid) == -1;
  if (!listed) ::_exit(255);
  for (const int number : others) {
    errno = 0;
    const bool refused = ::syscall(number, -1, -1, -1, -1, -1, -1) == -1 &&
                         (errno == EPERM || (number == SYS_clone3 && errno == ENOSYS));
    made += refused ? 0 : 1;
  }
  ::_exit(std::min(made, 200));
}

}  // namespace

TEST_CASE("what a helper may call, and nothing else", "[helper]") {
  const auto names = helper_calls();
  const auto program = compile_helper_calls();
  REQUIRE(program);
  CHECK(parse_calls(format_calls(*program)) == *program);
  CHECK(parse_calls("AAAA").empty());
  CHECK(parse_calls("no base64").empty());
  if (names.empty()) {
    WARN("a build with a sanitizer has no list");
    CHECK(program->empty());
    return;
  }
  std::set<std::string> allowed(names.begin(), names.end());
  CHECK(allowed.size() == names.size());
  allowed.insert(kAlso.begin(), kAlso.end());
  CHECK(allowed.size() <= kMost);
  for (const char* never :
       {"execve", "execveat", "kill", "tgkill", "ptrace", "unlinkat", "renameat2", "linkat",
        "setuid", "prctl", "mount", "fork", "vfork", "io_uring_setup"}) {
    CHECK_FALSE(allowed.contains(never));
  }
  std::vector<int> others;
  for (int number = 0; number < kMostNumbers; ++number) {
    if (number == kReturnProbe || number == kProbe) continue;
    if (!allowed.contains(os::system_call_name(number))) others.push_back(number);
  }
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) try_all(*program, others);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}
