// A few threads that do what must not hold up a loop.
#pragma once

#include <deque>
#include <functional>
#include <vector>

#include "base/mutex.h"
#include "os/thread.h"

namespace gw::http {

// Any thread may submit.
class WorkerPool {
 public:
  explicit WorkerPool(std::size_t max_waiting) : max_waiting_(max_waiting) {}
  ~WorkerPool();  // what waits is dropped, what runs is waited for
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // Once, first. Fewer threads when the system gives no more; kUnavailable when it gives none.
  Status start(unsigned threads);

  // False, and nothing is done, when max_waiting jobs wait already.
  bool submit(std::function<void()> job);

 private:
  void run();

  const std::size_t max_waiting_;
  Mutex mutex_;
  Condition changed_;
  std::deque<std::function<void()>> jobs_ GW_GUARDED_BY(mutex_);
  bool ending_ GW_GUARDED_BY(mutex_) = false;
  std::vector<os::Thread> threads_;
};

}  // namespace gw::http
