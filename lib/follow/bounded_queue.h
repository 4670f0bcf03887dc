// A queue between two threads that makes the faster one wait.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>

#include "base/mutex.h"

namespace gw::follow {

// At most `limit` values that weigh `max_weight` together; one alone may be heavier.
struct QueueLimits {
  std::size_t limit;
  std::size_t max_weight = SIZE_MAX;

  // For one more, beside `count` that weigh `weight`.
  bool have_room(std::size_t count, std::size_t weight, std::size_t more) const {
    if (count == 0) return true;
    return count < limit && weight <= max_weight && more <= max_weight - weight;
  }
};

template <class T>
class BoundedQueue {
 public:
  explicit BoundedQueue(std::size_t limit, std::size_t max_weight = SIZE_MAX)
      : limits_{limit, max_weight} {}

  // Waits for room; false when the queue was closed, the value is then dropped.
  bool push(T value, std::size_t weight = 0) {
    const MutexLock lock(mutex_);
    while (!closed_ && !limits_.have_room(items_.size(), weight_, weight)) room_.wait(mutex_);
    if (closed_) return false;
    items_.emplace_back(std::move(value), weight);
    weight_ += weight;
    filled_.notify_one();
    return true;
  }

  // Waits for a value, at most `timeout`. Nothing: timed out, or finished() and all were taken.
  std::optional<T> pop(std::chrono::milliseconds timeout) {
    const auto end = std::chrono::steady_clock::now() + timeout;
    const MutexLock lock(mutex_);
    while (waiting() && filled_.wait_until(mutex_, end)) {
    }
    return take();
  }
  std::optional<T> pop() {
    const MutexLock lock(mutex_);
    while (waiting()) filled_.wait(mutex_);
    return take();
  }

  // No more values will come; those inside can still be taken.
  void finish() {
    const MutexLock lock(mutex_);
    finished_ = true;
    filled_.notify_all();
  }
  // Both sides stop at once; what is inside is dropped.
  void close() {
    const MutexLock lock(mutex_);
    closed_ = true;
    items_.clear();
    weight_ = 0;
    filled_.notify_all();
    room_.notify_all();
  }
  // Nothing will come out any more.
  bool drained() const {
    const MutexLock lock(mutex_);
    return closed_ || (finished_ && items_.empty());
  }

 private:
  // For a value that may still come.
  bool waiting() const GW_REQUIRES(mutex_) { return !closed_ && !finished_ && items_.empty(); }
  std::optional<T> take() GW_REQUIRES(mutex_) {
    if (closed_ || items_.empty()) return std::nullopt;
    std::optional<T> out(std::move(items_.front().first));
    weight_ -= items_.front().second;
    items_.pop_front();
    room_.notify_one();
    return out;
  }

  const QueueLimits limits_;
  mutable Mutex mutex_;
  Condition filled_, room_;
  std::deque<std::pair<T, std::size_t>> items_ GW_GUARDED_BY(mutex_);
  std::size_t weight_ GW_GUARDED_BY(mutex_) = 0;
  bool finished_ GW_GUARDED_BY(mutex_) = false;
  bool closed_ GW_GUARDED_BY(mutex_) = false;
};

}  // namespace gw::follow
