#include "http/worker_pool.h"

#include <utility>

namespace gw::http {

Status WorkerPool::start(unsigned threads) {
  for (unsigned i = 0; i < threads; ++i) {
    auto thread = os::start_thread([this] { run(); });
    if (thread) {
      threads_.push_back(*std::move(thread));
    } else if (threads_.empty()) {
      return std::move(thread).error();
    }
  }
  return {};
}

WorkerPool::~WorkerPool() {
  std::deque<std::function<void()>> dropped;
  {
    const MutexLock lock(mutex_);
    ending_ = true;
    dropped.swap(jobs_);
  }
  changed_.notify_all();
  for (os::Thread& t : threads_) t.join();
}

bool WorkerPool::submit(std::function<void()> job) {
  {
    const MutexLock lock(mutex_);
    if (jobs_.size() >= max_waiting_) return false;
    jobs_.push_back(std::move(job));
  }
  changed_.notify_one();
  return true;
}

void WorkerPool::run() {
  for (;;) {
    std::function<void()> job;
    {
      const MutexLock lock(mutex_);
      while (!ending_ && jobs_.empty()) changed_.wait(mutex_);
      if (ending_) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    job();
  }
}

}  // namespace gw::http
