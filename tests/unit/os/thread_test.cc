// Threads, and none where the system gives none.
#include "os/thread.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <catch2/catch.hpp>

using namespace gw;

TEST_CASE("a thread runs what it is given") {
  std::atomic<int> ran{0};
  auto thread = os::start_thread([&] { ran = 1; });
  REQUIRE(thread);
  thread->join();
  CHECK(ran == 1);
}

TEST_CASE("each part of some work is done once") {
  for (const std::size_t count : {0U, 1U, 2U, 9U}) {
    std::array<std::atomic<int>, 9> done{};
    os::run_on_threads(count, [&](std::size_t i) { ++done.at(i); });
    for (std::size_t i = 0; i < done.size(); ++i) CHECK(done.at(i) == (i < count ? 1 : 0));
  }
  CHECK(os::processors() >= 1);
}

TEST_CASE("a process that may have no more threads gets an error") {
  const pid_t child = ::fork();
  if (child == 0) {
    // Nobody's limit does not bind root.
    const rlimit none{0, 0};
    const uid_t nobody = 65534;
    if (::setrlimit(RLIMIT_NPROC, &none) != 0 || (::getuid() == 0 && ::setuid(nobody) != 0)) {
      ::_exit(2);
    }
    auto thread = os::start_thread([] {});
    if (thread) thread->join();
    if (thread || thread.error().kind != ErrorKind::kUnavailable) ::_exit(1);
    // What is to be done on several threads is done all the same.
    std::array<int, 3> done{};
    os::run_on_threads(3, [&](std::size_t i) { done[i] = 1; });
    ::_exit(done == std::array{1, 1, 1} ? 0 : 3);
  }
  REQUIRE(child > 0);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}
