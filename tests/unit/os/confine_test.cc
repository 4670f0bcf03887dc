// What a confined process can do no more, tried in a child: it is for good.
#include "os/confine.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <functional>
#include <thread>

#include "os/file.h"
#include "os/landlock.h"
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
