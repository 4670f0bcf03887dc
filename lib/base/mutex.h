// A mutex whose rules clang checks: what it guards is said at the member (GW_GUARDED_BY), what a
// function needs held at its declaration (GW_REQUIRES), and clang's -Wthread-safety, which
// cmake/test.sh --tidy runs as an error, finds every access without it.
//
//   mutable Mutex mutex_;
//   State state_ GW_GUARDED_BY(mutex_);
//   ...
//   const MutexLock lock(mutex_);
//   state_ = ...;
//
// std::mutex itself has no attributes in libstdc++; this is one, and costs the same. g++ sees no
// attributes at all.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#ifdef __clang__
#define GW_THREAD_ATTRIBUTE(x) __attribute__((x))
#else
#define GW_THREAD_ATTRIBUTE(x)
#endif

// At a member: may only be touched with the mutex held.
#define GW_GUARDED_BY(mutex) GW_THREAD_ATTRIBUTE(guarded_by(mutex))
// At a pointer: what it points to may only be touched with the mutex held.
#define GW_PT_GUARDED_BY(mutex) GW_THREAD_ATTRIBUTE(pt_guarded_by(mutex))
// At a mutex: who needs both takes this one first.
#define GW_ACQUIRED_BEFORE(mutex) GW_THREAD_ATTRIBUTE(acquired_before(mutex))
// At a function: the caller holds the mutex.
#define GW_REQUIRES(mutex) GW_THREAD_ATTRIBUTE(requires_capability(mutex))
// At a function: the caller does not hold it, as it is taken inside.
#define GW_EXCLUDES(mutex) GW_THREAD_ATTRIBUTE(locks_excluded(mutex))

namespace gw {

class GW_THREAD_ATTRIBUTE(capability("mutex")) Mutex {
 public:
  void lock() GW_THREAD_ATTRIBUTE(acquire_capability()) { mutex_.lock(); }
  void unlock() GW_THREAD_ATTRIBUTE(release_capability()) { mutex_.unlock(); }
  bool try_lock() GW_THREAD_ATTRIBUTE(try_acquire_capability(true)) { return mutex_.try_lock(); }

 private:
  friend class Condition;
  std::mutex mutex_;
};

// Holds the mutex for as long as it lives.
class GW_THREAD_ATTRIBUTE(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) GW_THREAD_ATTRIBUTE(acquire_capability(mutex)) : mutex_(mutex) {
    mutex_.lock();
  }
  ~MutexLock() GW_THREAD_ATTRIBUTE(release_capability()) { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// Waits for what another thread does under the mutex. Wake-ups may be spurious: wait in a loop over
// what is guarded, which clang then checks too (a predicate's body it would not see into).
class Condition {
 public:
  void wait(Mutex& mutex) GW_REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    condition_.wait(lock);
    lock.release();
  }
  // False when the time was over first.
  template <class Clock, class Length>
  bool wait_until(Mutex& mutex, std::chrono::time_point<Clock, Length> end) GW_REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    const bool in_time = condition_.wait_until(lock, end) == std::cv_status::no_timeout;
    lock.release();
    return in_time;
  }
  void notify_one() { condition_.notify_one(); }
  void notify_all() { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

}  // namespace gw
