// Following beside the serving: what ends it, what does not, and what is said of it.
#include "dnsd/follow_thread.h"

#include <catch2/catch.hpp>
#include <chrono>
#include <future>

#include "base/metrics.h"

namespace gw::dnsd {
namespace {

using namespace std::chrono_literals;

const Logger& silent() {
  static const Logger log(LogLevel::kError, [](std::string_view) {});
  return log;
}

// Until it is told to stop.
Status follow_on(const os::Stop& stop) {
  while (!stop.wait_for(1h)) {
  }
  return {};
}

TEST_CASE("following runs until its end is asked for") {
  std::promise<void> begun;
  bool ended = false;
  {
    FollowThread thread(
        [&](const os::Stop&) -> Result<FollowThread::Follow> {
          return FollowThread::Follow([&](const os::Stop& stop) {
            begun.set_value();
            auto status = follow_on(stop);
            ended = true;
            return status;
          });
        },
        silent());
    CHECK(thread.state() == "starting");
    REQUIRE(thread.start());
    begun.get_future().wait();
    CHECK(thread.state() == "running");
    CHECK(metric_total(Metric::kServeFollowing) == 1);
  }
  CHECK(ended);
}

TEST_CASE("following that fails is tried again, and a security error halts it") {
  std::promise<std::string> while_failed;
  std::promise<void> may_end;
  std::promise<void> halted;
  int calls = 0;
  FollowThread* self = nullptr;
  const Logger log(LogLevel::kError, [&](std::string_view line) {
    if (line.find("following_halted") != std::string_view::npos) halted.set_value();
  });
  FollowThread thread(
      [&](const os::Stop&) -> Result<FollowThread::Follow> {
        return FollowThread::Follow([&](const os::Stop&) -> Status {
          if (++calls == 1) return unavailable_error("no network");
          while_failed.set_value(self->state());
          may_end.get_future().wait();
          return untrusted_error("a forged tile");
        });
      },
      log, Duration(0));
  self = &thread;
  REQUIRE(thread.start());
  CHECK(while_failed.get_future().get() == "running");
  may_end.set_value();
  halted.get_future().wait();
  while (thread.state() == "running") std::this_thread::yield();
  CHECK(thread.state() == "halted: a forged tile");
  CHECK(metric_total(Metric::kServeFollowing) == 0);
  CHECK(calls == 2);
}

TEST_CASE("the wait after a failure ends with the thread") {
  std::promise<void> failed;
  const Logger log(LogLevel::kError, [&](std::string_view) { failed.set_value(); });
  FollowThread thread(
      [](const os::Stop&) -> Result<FollowThread::Follow> {
        return FollowThread::Follow(
            [](const os::Stop&) -> Status { return unavailable_error("no network"); });
      },
      log, 1h);
  REQUIRE(thread.start());
  failed.get_future().wait();
  while (thread.state() == "running") std::this_thread::yield();
  CHECK(thread.state() == "failed, trying again: no network");
}

TEST_CASE("what cannot be opened is told, but for an alarm that halts it already") {
  auto open = [](Error error) {
    return [error](const os::Stop&) -> Result<FollowThread::Follow> { return error; };
  };
  FollowThread bad(open(usage_error("a bad source")), silent());
  const Status status = bad.start();
  REQUIRE_FALSE(status);
  CHECK(status.error().message == "a bad source");
  FollowThread halted(open(untrusted_error("an alarm")), silent());
  CHECK(halted.start());
  CHECK(halted.state() == "halted: an alarm");
}

}  // namespace
}  // namespace gw::dnsd
