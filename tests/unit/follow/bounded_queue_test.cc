// The queue between fetcher and verifier: bounded by number and by weight.
#include "follow/bounded_queue.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

using gw::follow::BoundedQueue;

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

TEST_CASE("a queue has room by weight") {
  BoundedQueue<int> queue(10, 100);
  CHECK(queue.room_for(1000));  // alone, whatever it weighs
  REQUIRE(queue.push(1, 60));
  CHECK(queue.room_for(40));
  CHECK_FALSE(queue.room_for(41));
  CHECK_FALSE(queue.room_for(SIZE_MAX));
  REQUIRE(queue.push(2, 40));
  CHECK_FALSE(queue.room_for(1));
  check_waits(queue, 3, 70);
  CHECK(queue.room_for(1000));
  REQUIRE(queue.push(4, 1000));
  CHECK_FALSE(queue.room_for(0));
  queue.close();
  CHECK_FALSE(queue.push(5, 1));
}

TEST_CASE("a queue has room by number") {
  BoundedQueue<int> queue(2);
  REQUIRE(queue.push(1));
  REQUIRE(queue.push(2));
  CHECK_FALSE(queue.room_for(0));
  queue.finish();
  CHECK(queue.pop() == 1);
  CHECK(queue.pop() == 2);
  CHECK_FALSE(queue.pop());
  CHECK(queue.drained());
}
