// Threads that may not be had: a process at its limit of tasks gets an error, not an end. Every
// thread of the house is made here.
#pragma once

#include <functional>
#include <thread>
#include <utility>

#include "base/result.h"

namespace gw::os {

// A thread that was started, or none. Whoever has it joins it. Movable only.
class Thread {
 public:
  Thread() = default;
  bool joinable() const { return thread_.joinable(); }
  void join() { thread_.join(); }

 private:
  friend Result<Thread> start_thread(std::function<void()> run);
  explicit Thread(std::thread thread) : thread_(std::move(thread)) {}
  std::thread thread_;
};

// kUnavailable when the system gives no thread. `run` must not throw.
Result<Thread> start_thread(std::function<void()> run);

// Calls run(0) .. run(count - 1) and returns when all have ended: each on a thread of its own, or,
// where none is to be had, one after the other on this one. Any order; `run` must not throw, and
// none may wait for another.
void run_on_threads(std::size_t count, const std::function<void(std::size_t)>& run);

// The processors that this process may use; at least 1.
unsigned processors();

}  // namespace gw::os
