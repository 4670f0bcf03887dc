// A request to end that every loop of the process can wait on, as a condition or as a descriptor in
// poll(2), so that nothing sleeps past it.
#pragma once

#include <atomic>

#include "base/clock.h"
#include "os/file.h"

namespace gw::os {

// A request to end: made once, never taken back. Any thread; request() is async-signal-safe too.
// Must outlive everything that waits on it.
class Stop {
 public:
  Stop();
  Stop(const Stop&) = delete;
  Stop& operator=(const Stop&) = delete;

  void request();
  bool requested() const { return requested_.load(std::memory_order_acquire); }

  // Waits until the request is made (true) or the time is over (false). A wait of zero or less
  // only looks.
  bool wait_for(Duration timeout) const;

  // Becomes readable with the request and stays so: for poll(2), epoll(7) and event loops. Never
  // read from it. -1, which poll ignores, in a process that had no descriptor left: requested() and
  // wait_for() still work.
  int fd() const { return event_.get(); }

 private:
  std::atomic<bool> requested_{false};
  Fd event_;
};

}  // namespace gw::os
