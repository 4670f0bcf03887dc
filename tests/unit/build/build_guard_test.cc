#include "build/build_guard.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <string>

#include "support/temp_dir.h"

using namespace gw;
using namespace gw::build;

namespace {

BuildGuard guard_of(const testing::TempDir& dir, const BuildLimits& limits) {
  return {limits, os::Dir::open(dir.path()).value(), std::nullopt};
}

}  // namespace

TEST_CASE("guard: what stays within its limits is left alone") {
  const testing::TempDir dir;
  std::ofstream(dir.file("x")) << "x";
  BuildGuard guard = guard_of(dir, {});
  CHECK(guard.fd() == -1);
  CHECK(guard.look(::getpid()));
  CHECK(!guard.finish());
  CHECK(!guard.disk_full());
}

TEST_CASE("guard: each limit is told by its name") {
  const testing::TempDir dir;
  {
    const std::string used(8'000'000, 'x');
    BuildGuard guard = guard_of(dir, {.memory_bytes = 1'000'000});
    CHECK(!guard.look(::getpid()));
    CHECK(used.back() == 'x');
    const auto found = guard.finish();
    REQUIRE(found);
    CHECK(found->reason == Reason::kMemoryLimit);
    CHECK(found->line == "the build used more than 1 MB of memory");
  }
  {
    BuildGuard guard = guard_of(dir, {.processes = 0});
    CHECK(!guard.look(::getpid()));
    CHECK(guard.finish()->reason == Reason::kProcessLimit);
  }
  // What is there in the end counts, also when it came in no time.
  BuildGuard guard = guard_of(dir, {.disk_bytes = 100'000});
  CHECK(guard.look(::getpid()));
  std::ofstream(dir.file("x")) << std::string(200'000, 'x');
  CHECK(guard.finish()->reason == Reason::kDiskLimit);
  CHECK(limit_reason(Reason::kTimeLimit, {.time = std::chrono::seconds(5)}).line ==
        "the build used more than 5 seconds");
}

TEST_CASE("guard: limits are reasons of their own, with what to do") {
  for (const Reason reason :
       {Reason::kMemoryLimit, Reason::kDiskLimit, Reason::kProcessLimit, Reason::kTimeLimit}) {
    CHECK(is_limit(reason));
    CHECK(reason_hint(reason).starts_with("--max-"));
  }
  CHECK(!is_limit(Reason::kForbidden));
  CHECK(!is_limit(Reason::kUnknown));
}
