#include "buildd/queue.h"

#include <catch2/catch.hpp>
#include <future>
#include <type_traits>

using namespace gw;
using namespace gw::buildd;
using Kind = BuildUpdate::Kind;

namespace {

build::Key key(int n) {
  return {.module = "a.b",
          .version = "v1." + std::to_string(n) + ".0",
          .target = {"linux", "amd64"},
          .go_version = "go1.26.8"};
}

// Work that waits until the test lets it go on.
class Gate {
 public:
  BuildUpdate work(const build::Key& k, const BuildQueue::Progress& progress) {
    progress("working");
    const MutexLock lock(mutex_);
    ++started_;
    changed_.notify_all();
    while (open_ == 0) changed_.wait(mutex_);
    --open_;
    BuildUpdate out;
    out.kind = Kind::kSuccess;
    out.sum = k.version;
    return out;
  }
  void let(int n) {
    const MutexLock lock(mutex_);
    open_ += n;
    changed_.notify_all();
  }
  void wait_started(int n) {
    const MutexLock lock(mutex_);
    while (started_ < n) changed_.wait(mutex_);
  }
  int started() {
    const MutexLock lock(mutex_);
    return started_;
  }

 private:
  Mutex mutex_;
  Condition changed_;
  int open_ = 0, started_ = 0;
};

// The last update, and all before it.
class Seen {
 public:
  BuildQueue::Watcher watcher() {
    return [this](const BuildUpdate& update) {
      all.push_back(update);
      if (update.last()) end_.set_value();
      return true;
    };
  }
  const BuildUpdate& wait() {
    end_.get_future().wait();
    return all.back();
  }
  std::vector<BuildUpdate> all;

 private:
  std::promise<void> end_;
};

}  // namespace

TEST_CASE("queue: one build a key, shared by those who wait", "[queue]") {
  Gate gate;
  BuildQueue queue([&](const auto& k, const auto& p) { return gate.work(k, p); }, 10);
  REQUIRE(queue.start(1));
  Seen first, second, third;
  REQUIRE(queue.submit(key(1), first.watcher()));
  gate.wait_started(1);
  REQUIRE(queue.submit(key(2), second.watcher()));
  REQUIRE(queue.submit(key(3), third.watcher()));
  Seen again;
  REQUIRE(queue.submit(key(3), again.watcher()));
  Seen late;
  REQUIRE(queue.submit(key(3), late.watcher()));
  CHECK(queue.waiting() == 2);
  CHECK(queue.running() == 1);
  CHECK(queue.pending().size() == 3);
  CHECK(queue.pending()[0].state.progress == "working");
  gate.let(3);
  CHECK(first.wait().sum == "v1.1.0");
  CHECK(second.wait().kind == Kind::kSuccess);
  CHECK(third.wait().sum == "v1.3.0");
  CHECK(again.wait().sum == "v1.3.0");
  CHECK(late.wait().sum == "v1.3.0");
  CHECK(gate.started() == 3);
  std::vector<std::size_t> positions;
  for (const BuildUpdate& update : third.all) {
    if (!update.last()) positions.push_back(update.position);
  }
  CHECK(positions.front() == 2);
  CHECK(positions.back() == 0);
  CHECK(std::is_sorted(positions.rbegin(), positions.rend()));
}

TEST_CASE("queue: it has an end, and those who leave", "[queue]") {
  Gate gate;
  std::promise<void> left;
  Seen running, waiting;
  {
    BuildQueue queue([&](const auto& k, const auto& p) { return gate.work(k, p); }, 1);
    REQUIRE(queue.start(1));
    REQUIRE(queue.submit(key(1), running.watcher()));
    gate.wait_started(1);
    REQUIRE(queue.submit(key(2), waiting.watcher()));
    CHECK(queue.submit(key(3), nullptr).error().kind == ErrorKind::kUnavailable);
    REQUIRE(queue.submit(key(2), nullptr));  // waits already
    int told = 0;
    REQUIRE(queue.submit(key(2), [&](const BuildUpdate&) { return ++told > 1; }));
    queue.close();
    const BuildUpdate refused = waiting.wait();
    CHECK(refused.kind == Kind::kTempFailed);
    CHECK(refused.stopping);
    CHECK(told == 1);
    CHECK_FALSE(queue.wait_idle(std::chrono::milliseconds(1)));  // the first one runs
    CHECK(queue.submit(key(4), nullptr).error().kind == ErrorKind::kUnavailable);
    CHECK_FALSE(queue.find(build::format_key(key(2))));
    CHECK(queue.find(build::format_key(key(1))));
    gate.let(1);
    CHECK(queue.wait_idle(std::chrono::hours(1)));
    CHECK_FALSE(queue.find(build::format_key(key(1))));
  }
  CHECK(running.wait().kind == Kind::kSuccess);
}
