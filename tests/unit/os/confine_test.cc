// What a confined process can do no more, tried in a child: it is for good.
#include "os/confine.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <thread>

#include "base/bytes.h"
#include "base/text.h"
#include "os/file.h"
#include "os/forbidden_calls.h"
#include "os/landlock.h"
#include "os/process.h"
#include "os/sandbox.h"
#include "os/seccomp.h"
#include "support/temp_dir.h"

using namespace gw;
using namespace gw::os;

namespace {

// The child's exit code.
int in_child(const std::function<int()>& work) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(work());
  REQUIRE(child > 0);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  return WEXITSTATUS(status);
}

// "Seccomp" or "Seccomp_filters", which kernels have since 5.9.
std::optional<std::uint64_t> own_status(std::string_view name) {
  const auto text = read_file("/proc/self/status", 1 << 20);
  std::string_view rest = text ? std::string_view(*text) : std::string_view();
  while (!rest.empty()) {
    std::string_view line = take_line(rest);
    if (!line.starts_with(name) || !line.substr(name.size()).starts_with(':')) continue;
    line.remove_prefix(name.size() + 1);
    return parse_decimal(trim(line));
  }
  return {};
}

}  // namespace

TEST_CASE("a confined process and its threads write beside their own files only, and run nothing") {
  const testing::TempDir dir;
  const testing::TempDir other;
  const int code = in_child([&] {
    const auto confined = confine({.written = {dir.file("db"), "", "/none/at/all"}});
    if (!confined || !confined->no_new_privs || ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) {
      return 1;
    }
    const bool landlock = confined->landlock > 0;
    if (!landlock && confined->refused.empty()) return 2;
    if (!write_file_atomic(dir.file("db"), "x", 0600)) return 3;
    if (!read_file("/proc/self/status", 1 << 20)) return 4;
    int failed = 0;
    std::thread thread([&] {
      if (landlock && create_file(other.file("f"), "x", 0600)) failed = 5;
      if (landlock && !create_file(dir.file("g"), "x", 0600)) failed = 6;
      if (confined->seccomp && (::unshare(CLONE_FILES) == 0 || errno != EPERM)) failed = 7;
      char program[] = "/bin/true";
      char* argv[] = {program, nullptr};
      if (confined->seccomp && (::execv(program, argv) == 0 || errno != EPERM)) failed = 8;
    });
    thread.join();
    return failed;
  });
  CHECK(code == 0);
  if (landlock_abi() == 0) WARN("this kernel has no Landlock");
}

TEST_CASE("a process has as many descriptors as it may") {
  const int code = in_child([] {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_max < 64) return 1;
    const rlimit low{16, limit.rlim_max};
    if (::setrlimit(RLIMIT_NOFILE, &low) != 0) return 2;
    if (raise_descriptor_limit() != limit.rlim_max) return 3;
    return raise_descriptor_limit() == limit.rlim_max ? 0 : 4;
  });
  CHECK(code == 0);
}

TEST_CASE("a filter that ends who confines itself is found out, and nobody ends") {
  const auto filters = own_status("Seccomp_filters");
  if (!filters || own_status("Seccomp") != 0U) {
    WARN("not tried: the kernel does not count filters, or there is one already");
    return;
  }
  const testing::TempDir dir;
  const SeccompPolicy policy{
      .deny = {"landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self", "seccomp"},
      .otherwise = SeccompPolicy::Otherwise::kKill};
  const auto program = compile_seccomp(policy).value();
  const int code = in_child([&] {
    if (call_ends_us(SYS_seccomp)) return 1;
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || !install_seccomp(program)) return 2;
    if (!call_ends_us(SYS_seccomp) || call_ends_us(SYS_getpid) || landlock_abi() != 0) return 3;
    const auto confined = confine({.written = {dir.file("db")}});
    if (!confined || !confined->no_new_privs || confined->landlock != 0 || confined->seccomp) {
      return 4;
    }
    if (confined->refused.size() < 2) return 5;
    // What it runs is confined as far as it goes.
    Spawn spawn;
    spawn.argv = {"/bin/grep", "-q", fmt::format("^Seccomp_filters:\t{}$", *filters + 2),
                  "/proc/self/status"};
    SandboxPolicy sandbox;
    sandbox.pids = sandbox.network = sandbox.ipc = false;
    sandbox.landlock = LandlockPolicy{};
    sandbox.seccomp = SeccompPolicy{.deny = {"ptrace"}};
    sandbox.required = 0;
    if (!apply_sandbox(sandbox, spawn)) return 6;
    auto child = os::spawn(std::move(spawn));
    if (!child) return 7;
    const auto refused = sandbox_refusals(child->refused());
    if (refused.empty() || refused.front().part != SandboxPart::kLandlock) return 8;
    const auto exit = child->wait_for(std::chrono::minutes(1));
    if (!exit || !*exit || !(*exit)->ok()) return 9;
    // Where the kernel reaps for whoever ignores the ends of children, nobody knows: better not.
    ::signal(SIGCHLD, SIG_IGN);
    return call_ends_us(SYS_getppid) ? 0 : 10;
  });
  CHECK(code == 0);
}
