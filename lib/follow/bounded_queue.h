// A queue between two threads that makes the faster one wait.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

namespace gw::follow {

template <class T>
class BoundedQueue {
 public:
  // At most `limit` values that weigh `max_weight` together; one alone may be heavier.
  explicit BoundedQueue(std::size_t limit, std::size_t max_weight = SIZE_MAX)
      : limit_(limit), max_weight_(max_weight) {}

  // Waits for room; false when the queue was closed, the value is then dropped.
  bool push(T value, std::size_t weight = 0) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] { return closed_ || has_room(weight); });
    if (closed_) return false;
    items_.emplace_back(std::move(value), weight);
    weight_ += weight;
    filled_.notify_one();
    return true;
  }

  // Waits for a value, at most `timeout`. Nothing: timed out, or finished() and all were taken.
  std::optional<T> pop(std::chrono::milliseconds timeout) {
    std::unique_lock lock(mutex_);
    filled_.wait_for(lock, timeout, [&] { return closed_ || finished_ || !items_.empty(); });
    return take();
  }
  std::optional<T> pop() {
    std::unique_lock lock(mutex_);
    filled_.wait(lock, [&] { return closed_ || finished_ || !items_.empty(); });
    return take();
  }

  // No more values will come; those inside can still be taken.
  void finish() {
    const std::scoped_lock lock(mutex_);
    finished_ = true;
    filled_.notify_all();
  }
  // Both sides stop at once; what is inside is dropped.
  void close() {
    const std::scoped_lock lock(mutex_);
    closed_ = true;
    items_.clear();
    weight_ = 0;
    filled_.notify_all();
    room_.notify_all();
  }
  // Whether push() would not wait now.
  bool room_for(std::size_t weight) const {
    const std::scoped_lock lock(mutex_);
    return has_room(weight);
  }
  // Nothing will come out any more.
  bool drained() const {
    const std::scoped_lock lock(mutex_);
    return closed_ || (finished_ && items_.empty());
  }

 private:
  bool has_room(std::size_t weight) const {
    if (items_.empty()) return true;
    return items_.size() < limit_ && weight_ <= max_weight_ && weight <= max_weight_ - weight_;
  }
  std::optional<T> take() {
    if (closed_ || items_.empty()) return std::nullopt;
    std::optional<T> out(std::move(items_.front().first));
    weight_ -= items_.front().second;
    items_.pop_front();
    room_.notify_one();
    return out;
  }

  const std::size_t limit_;
  const std::size_t max_weight_;
  mutable std::mutex mutex_;
  std::condition_variable filled_, room_;
  std::deque<std::pair<T, std::size_t>> items_;
  std::size_t weight_ = 0;
  bool finished_ = false;
  bool closed_ = false;
};

}  // namespace gw::follow
