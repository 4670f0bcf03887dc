// One thread that waits for everything at once: descriptors, timers, signals, and what other
// threads ask it to do. It wakes up for nothing else.
//
// Everything here belongs to the thread that calls run(), but wake(), post() and stop(), which any
// thread may call. What is watched ends with its Watch or Timer, also from inside a callback, its
// own too: after that no callback of it runs. A callback must not block.
//
// Sources: epoll(7), timerfd_create(2), signalfd(2), eventfd(2).
#pragma once

#include <sys/epoll.h>
#include <sys/signalfd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"
#include "os/file.h"

namespace gw::os {

class Loop {
 public:
  using Callback = std::function<void(std::uint32_t events)>;

  // Ends its watching when it goes. Must not outlive the loop; may be empty.
  class Watch {
   public:
    Watch() = default;
    Watch(Watch&& o) noexcept
        : loop_(std::exchange(o.loop_, nullptr)),
          fd_(o.fd_),
          id_(o.id_),
          owned_(std::move(o.owned_)) {}
    Watch& operator=(Watch&& o) noexcept;
    ~Watch() { end(); }
    void end();
    // Other events of the same descriptor; 0 pauses.
    Status change(std::uint32_t events) const;

   private:
    friend class Loop;
    Watch(Loop* loop, int fd, std::uint64_t id) : loop_(loop), fd_(fd), id_(id) {}
    Loop* loop_ = nullptr;
    int fd_ = -1;
    std::uint64_t id_ = 0;
    Fd owned_;
  };

  // Runs its callback once for each time it was set.
  class Timer {
   public:
    enum class Why {
      kTime,
      kClockSet,  // of at(): somebody set the clock; the time that was waited for is void
    };
    Status after(Duration delay) const;  // counts while the machine sleeps, too
    Status at(WallTime when) const;      // at once when that is past
    Status cancel() const;

   private:
    friend class Loop;
    Status set(bool wall, std::chrono::nanoseconds at, int flags) const;
    Fd mono_;
    Fd wall_;
    Watch mono_watch_;
    Watch wall_watch_;
  };

  static Result<std::unique_ptr<Loop>> make();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // `fd` is borrowed. `events`: EPOLLIN, EPOLLOUT, …; level-triggered unless EPOLLET is among them.
  // kIo: a regular file cannot be waited for.
  Result<Watch> watch(int fd, std::uint32_t events, Callback callback);
  Result<Timer> timer(std::function<void(Timer::Why)> callback);
  // Blocks the signals in this thread, which those that it makes later inherit, and hands them out
  // here. They stay blocked when it ends.
  Result<Watch> signals(const std::vector<int>& numbers,
                        std::function<void(const signalfd_siginfo&)> callback);

  void post(std::function<void()> work) GW_EXCLUDES(mutex_);  // runs on the loop's thread, in order
  // Runs it once, as the last thing before the loop would wait: when there is nothing left to do. A
  // later one takes its place. On the loop's thread.
  void when_idle(std::function<void()> work) { idle_ = std::move(work); }
  void wake() const;  // makes run_once() return; async-signal-safe
  void stop() {
    stop_.store(true);
    wake();
  }

  // Until stop(). kIo: epoll itself fails.
  Status run();
  // Waits at most so long for something, and does all that is there.
  Status run_once(std::optional<Duration> timeout = {});

 private:
  Loop(Fd epoll, Fd event) : epoll_(std::move(epoll)), event_(std::move(event)) {}
  Status add(int fd, std::uint32_t events, std::uint64_t id);
  void take_posted() GW_EXCLUDES(mutex_);
  int wait(std::array<epoll_event, 64>& events, int timeout);

  Fd epoll_;
  Fd event_;
  std::atomic<bool> stop_{false};
  // By a number that is never used again: what was removed while its event was on the way is not
  // found. A callback that runs is held by run_once() itself.
  std::unordered_map<std::uint64_t, std::shared_ptr<Callback>> callbacks_;
  std::uint64_t next_id_ = 1;
  std::function<void()> idle_;
  Mutex mutex_;
  std::vector<std::function<void()>> posted_ GW_GUARDED_BY(mutex_);
};

}  // namespace gw::os
