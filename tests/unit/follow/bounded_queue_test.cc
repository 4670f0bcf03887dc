// The queue between fetcher and verifier: bounded by number and by weight.
#include "follow/bounded_queue.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <cstdint>
#include <thread>

using gw::follow::BoundedQueue;
using gw::follow::QueueLimits;

namespace {

// A push by another thread that does not come back before something is taken.
void check_waits(BoundedQueue<int>& queue, int value, std::size_t weight) {
  std::atomic<bool> pushed{false};
  std::thread other([&] {
    queue.push(value, weight);
    pushed = true;
  });
  // The values are taken one by one; the last one can only be the other thread's.
  int last = 0;
  int taken = 0;
  for (; last != value; ++taken) {
    const auto got = queue.pop();
    if (!got) break;
    last = *got;
  }
  other.join();
  CHECK(last == value);
  CHECK(pushed);
}

}  // namespace

TEST_CASE("a queue has room by weight and by number") {
  constexpr QueueLimits kWeight{10, 100};
  CHECK(kWeight.have_room(0, 0, 1000));  // alone, whatever it weighs
  CHECK(kWeight.have_room(1, 60, 40));
  CHECK_FALSE(kWeight.have_room(1, 60, 41));
  CHECK_FALSE(kWeight.have_room(1, 60, SIZE_MAX));
  CHECK_FALSE(kWeight.have_room(2, 100, 1));
  CHECK_FALSE(kWeight.have_room(1, 1000, 0));
  constexpr QueueLimits kNumber{2};
  CHECK(kNumber.have_room(1, 0, SIZE_MAX));
  CHECK_FALSE(kNumber.have_room(2, 0, 0));
}

TEST_CASE("who pushes to a full queue waits until there is room") {
  BoundedQueue<int> queue(10, 100);
  REQUIRE(queue.push(1, 60));
  REQUIRE(queue.push(2, 40));
  check_waits(queue, 3, 70);
  REQUIRE(queue.push(4, 1000));
  queue.close();
  CHECK_FALSE(queue.push(5, 1));
}

TEST_CASE("a finished queue gives what is in it") {
  BoundedQueue<int> queue(2);
  REQUIRE(queue.push(1));
  REQUIRE(queue.push(2));
  queue.finish();
  CHECK(queue.pop() == 1);
  CHECK(queue.pop() == 2);
  CHECK_FALSE(queue.pop());
  CHECK(queue.drained());
}
