#include "os/loop.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <thread>
#include <type_traits>

#include "support/os/as_user.h"

using namespace gw;
using namespace gw::os;
using namespace std::chrono_literals;

namespace {

struct Pipe {
  Fd read;
  Fd write;
  Pipe() {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
    read = Fd(ends[0]);
    write = Fd(ends[1]);
  }
  void put() const { REQUIRE(::write(write.get(), "x", 1) == 1); }
};

}  // namespace

TEST_CASE("loop: descriptors call back for as long as they are watched") {
  auto loop = Loop::make().value();
  const Pipe pipe;
  int calls = 0;
  auto watched = loop->watch(pipe.read.get(), EPOLLIN, [&](std::uint32_t events) {
    CHECK((events & EPOLLIN) != 0);
    ++calls;
  });
  REQUIRE(watched);
  Loop::Watch watch = *std::move(watched);
  REQUIRE(loop->run_once(0s));
  CHECK(calls == 0);
  pipe.put();
  REQUIRE(loop->run_once());
  REQUIRE(loop->run_once());
  CHECK(calls == 2);  // level-triggered
  REQUIRE(watch.change(0));
  REQUIRE(loop->run_once(0s));
  CHECK(calls == 2);
  REQUIRE(watch.change(EPOLLIN));
  REQUIRE(loop->run_once());
  CHECK(calls == 3);
  watch.end();
  watch.end();
  REQUIRE(loop->run_once(0s));
  CHECK(calls == 3);
  CHECK_FALSE(watch.change(EPOLLIN));
  // The same descriptor again, by assignment over one that watches another.
  const Pipe other;
  watch = loop->watch(other.read.get(), EPOLLIN, [](std::uint32_t) { FAIL(); }).value();
  other.put();
  watch = loop->watch(pipe.read.get(), EPOLLIN, [&](std::uint32_t) { calls += 10; }).value();
  REQUIRE(loop->run_once());
  CHECK(calls == 13);
  CHECK_FALSE(loop->watch(pipe.read.get(), EPOLLIN, {}));  // twice
  const Fd file(::open("/etc/passwd", O_RDONLY | O_CLOEXEC));
  CHECK(loop->watch(file.get(), EPOLLIN, {}).error().kind == ErrorKind::kIo);
}

TEST_CASE("loop: a callback may end its own watch and others that are due") {
  auto loop = Loop::make().value();
  const Pipe a;
  const Pipe b;
  Loop::Watch watch_a;
  Loop::Watch watch_b;
  int calls = 0;
  const std::string kept(100, 'k');  // of the closure, looked at after the watch is gone
  const auto end_both = [&, kept](std::uint32_t) {
    watch_a.end();
    watch_b.end();
    ++calls;
    CHECK(kept == std::string(100, 'k'));
  };
  watch_a = loop->watch(a.read.get(), EPOLLIN, end_both).value();
  watch_b = loop->watch(b.read.get(), EPOLLIN, end_both).value();
  a.put();
  b.put();
  REQUIRE(loop->run_once());
  REQUIRE(loop->run_once(0s));
  CHECK(calls == 1);
}

TEST_CASE("loop: timers") {
  auto loop = Loop::make().value();
  std::vector<std::string> fired;
  const auto note = [&](const std::string& name) {
    return [&fired, name](Loop::Timer::Why why) {
      fired.push_back(name + (why == Loop::Timer::Why::kTime ? "" : " (clock set)"));
    };
  };
  auto first = loop->timer(note("first")).value();
  auto second = loop->timer(note("second")).value();
  auto never = loop->timer(note("never")).value();
  auto wall = loop->timer(note("wall")).value();
  REQUIRE(second.after(30ms));
  REQUIRE(first.after(-5s));  // a time that is over
  REQUIRE(never.after(1ms));
  REQUIRE(never.cancel());
  REQUIRE(never.after(1h));
  REQUIRE(wall.at(WallTime::max()));
  while (fired.size() < 2) REQUIRE(loop->run_once());
  CHECK(fired == std::vector<std::string>{"first", "second"});
  REQUIRE(wall.at(WallTime(1s)));  // long ago
  while (fired.size() < 3) REQUIRE(loop->run_once());
  CHECK(fired[2] == "wall");
  // Once only, and again when set again.
  REQUIRE(first.after(0s));
  while (fired.size() < 4) REQUIRE(loop->run_once());
  REQUIRE(loop->run_once(0s));
  CHECK(fired.size() == 4);
  os_test::not_tried("a timer whose clock is set: that would set this machine's");
}

TEST_CASE("loop: signals") {
  os_test::in_child([]() -> std::string {
    auto loop = Loop::make().value();
    std::vector<int> got;
    auto watch = loop->signals({SIGUSR1, SIGTERM}, [&](const signalfd_siginfo& info) {
      got.push_back(static_cast<int>(info.ssi_signo));
    });
    GW_EXPECT(bool(watch));
    ::raise(SIGUSR1);
    ::raise(SIGTERM);
    while (got.size() < 2) GW_EXPECT(bool(loop->run_once()));
    GW_EXPECT((got == std::vector<int>{SIGUSR1, SIGTERM}));
    GW_EXPECT(!loop->signals({1000}, {}));
    watch->end();
    ::raise(SIGUSR1);  // blocked still
    GW_EXPECT(bool(loop->run_once(0s)));
    GW_EXPECT(got.size() == 2);
    return {};
  });
}

TEST_CASE("loop: what is for when it is idle runs once, after all that is there") {
  auto loop = Loop::make().value();
  std::vector<std::string> done;
  loop->when_idle([&] { done.emplace_back("replaced"); });
  loop->when_idle([&] { done.emplace_back("idle"); });
  loop->post([&] {
    done.emplace_back("first");
    loop->post([&] { done.emplace_back("second"); });
  });
  for (int i = 0; i < 4; ++i) REQUIRE(loop->run_once(0s));
  CHECK(done == std::vector<std::string>{"first", "second", "idle"});
  loop->when_idle([&] {
    loop->when_idle([&] { done.emplace_back("next time"); });
    loop->post([&] { done.emplace_back("third"); });
  });
  REQUIRE(loop->run_once(0s));  // what it posted does not wait
  CHECK(done.back() == "third");
  REQUIRE(loop->run_once(0s));
  CHECK(done.back() == "next time");
}

TEST_CASE("loop: work of other threads, and its end") {
  auto loop = Loop::make().value();
  std::vector<int> done;
  const auto self = std::this_thread::get_id();
  std::thread other([&] {
    for (int i = 0; i < 100; ++i) {
      loop->post([&, i] {
        CHECK(std::this_thread::get_id() == self);
        done.push_back(i);
        if (i == 50) loop->post([&] { done.push_back(1000); });  // from inside
      });
    }
    loop->post([&] { loop->stop(); });
  });
  REQUIRE(loop->run());
  other.join();
  REQUIRE(loop->run_once(0s));
  CHECK(done.size() == 101);
  CHECK(std::is_sorted(done.begin(), done.begin() + 50));
  CHECK(loop->run());  // stopped: returns at once
}
