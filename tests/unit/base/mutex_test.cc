#include "base/mutex.h"

#include <catch2/catch.hpp>
#include <thread>
#include <vector>

namespace gw {
namespace {

struct Counter {
  mutable Mutex mutex;
  Condition changed;
  int value GW_GUARDED_BY(mutex) = 0;
};

TEST_CASE("a mutex keeps threads apart, and a condition waits for them") {
  Counter counter;
  constexpr int kThreads = 4;
  constexpr int kEach = 1000;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&counter] {
      for (int i = 0; i < kEach; ++i) {
        const MutexLock lock(counter.mutex);
        ++counter.value;
        counter.changed.notify_all();
      }
    });
  }
  {
    const MutexLock lock(counter.mutex);
    while (counter.value < kThreads * kEach) counter.changed.wait(counter.mutex);
    CHECK(counter.value == kThreads * kEach);
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_CASE("a condition gives up at its time, with the mutex held") {
  Counter counter;
  const MutexLock lock(counter.mutex);
  const auto past = std::chrono::steady_clock::now() - std::chrono::seconds(1);
  CHECK_FALSE(counter.changed.wait_until(counter.mutex, past));
  std::thread other([&counter] { CHECK_FALSE(counter.mutex.try_lock()); });
  other.join();
}

}  // namespace
}  // namespace gw
