// A queue between two threads that makes the faster one wait.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

namespace gw::follow {

template <class T>
class BoundedQueue {
 public:
  explicit BoundedQueue(std::size_t limit) : limit_(limit) {}

  // Waits for room; false when the queue was closed, the value is then dropped.
  bool push(T value) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] { return closed_ || items_.size() < limit_; });
    if (closed_) return false;
    items_.push_back(std::move(value));
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
    filled_.notify_all();
    room_.notify_all();
  }
  // Nothing will come out any more.
  bool drained() const {
    const std::scoped_lock lock(mutex_);
    return closed_ || (finished_ && items_.empty());
  }

 private:
  std::optional<T> take() {
    if (closed_ || items_.empty()) return std::nullopt;
    std::optional<T> out(std::move(items_.front()));
    items_.pop_front();
    room_.notify_one();
    return out;
  }

  const std::size_t limit_;
  mutable std::mutex mutex_;
  std::condition_variable filled_, room_;
  std::deque<T> items_;
  bool finished_ = false;
  bool closed_ = false;
};

}  // namespace gw::follow
