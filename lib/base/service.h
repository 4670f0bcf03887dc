// What a daemon owes its service manager: stopping when asked, and saying how it is.
//
// Stop is one flag that every loop of the process waits on, as a condition or as a descriptor in
// poll(2), so that nothing sleeps past a request to end. SignalThread turns signals into that
// request and into callbacks on an ordinary thread, where anything may be called. Notifier speaks
// systemd's sd_notify protocol, which is one datagram, without its library, and Heartbeat feeds its
// watchdog meanwhile.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "base/clock.h"
#include "base/file.h"
#include "base/result.h"

namespace gw {

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

// Handles signals on a thread of its own until it is destroyed.
//
// SIGTERM and SIGINT request `stop`; a second one of them ends the process at once, as it would
// have without us. SIGHUP and SIGUSR1 run their callbacks, on this object's thread; without a
// callback they keep their usual effect. SIGPIPE is ignored: writes return EPIPE.
//
// start() blocks the signals it handles in the calling thread, and threads inherit that: call it
// before any other thread is made. Children inherit it too: between fork and exec call
// reset_signals_for_child().
class SignalThread {
 public:
  struct Callbacks {
    std::function<void()> hangup;  // SIGHUP: reload
    std::function<void()> user1;   // SIGUSR1
  };
  static Result<std::unique_ptr<SignalThread>> start(Stop& stop, Callbacks callbacks);
  ~SignalThread();  // joins; the signals stay blocked in the threads that inherited that
  SignalThread(const SignalThread&) = delete;
  SignalThread& operator=(const SignalThread&) = delete;

  // The first signal that requested the stop, 0 when none did. Tells an interrupted one-shot
  // command (exit 130) from a daemon that was told to end (exit 0).
  int stopped_by() const { return stopped_by_.load(); }

 private:
  SignalThread(Stop& stop, Callbacks callbacks, Fd signals)
      : stop_(stop), callbacks_(std::move(callbacks)), signals_(std::move(signals)) {}
  void run();
  void handle(int signal);

  Stop& stop_;
  Callbacks callbacks_;
  Fd signals_;
  Stop ending_;
  std::atomic<int> stopped_by_{0};
  std::thread thread_;
};

void ignore_sigpipe();

// Unblocks every signal and gives SIGPIPE its default again. Async-signal-safe: for use between
// fork and exec.
void reset_signals_for_child();

// Tells the service manager what this process is doing: sd_notify(3). Each call sends one datagram
// and never blocks; they return false when it could not be sent, which a daemon may ignore, and
// true when there is nobody to tell. Any thread.
class Notifier {
 public:
  // Nobody to tell.
  Notifier() = default;
  // `socket`: an absolute path, or '@' and an abstract name (then also with embedded NULs). Any
  // other text is as if there were none. `watchdog`: 0 for none.
  explicit Notifier(std::string socket, std::chrono::microseconds watchdog = {});

  // NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID; removes them from the environment, so that no
  // child speaks in our name. Call before any other thread is made.
  static Notifier from_environment();

  bool active() const { return !socket_.empty(); }

  bool ready(std::string_view status = {}) const;
  bool status(std::string_view text) const;  // one line for `systemctl status`
  bool reloading() const;                    // follow with ready() when done
  bool stopping() const;
  bool watchdog() const;  // still alive

  // How often to call watchdog(): half of what the manager asked for; nothing when it did not.
  std::optional<std::chrono::microseconds> watchdog_interval() const;

 private:
  bool send(std::string_view message) const;
  std::string socket_;
  std::chrono::microseconds watchdog_{};
};

// Feeds the watchdog from a thread of its own while others wait for a network, however long that
// takes, but not for ever: only until `limit` after the last sign of life, so that a process that
// hangs is still found out. alive() may be called from any thread.
class Heartbeat {
 public:
  // Does nothing when `notifier` (borrowed) has no watchdog_interval().
  Heartbeat(const Notifier& notifier, Duration limit);
  ~Heartbeat();  // joins
  Heartbeat(const Heartbeat&) = delete;
  Heartbeat& operator=(const Heartbeat&) = delete;

  void alive() { last_.store(system_clock().mono(), std::memory_order_relaxed); }

 private:
  void run(Duration every);

  const Notifier& notifier_;
  const Duration limit_;
  std::atomic<MonoTime> last_;
  Stop ending_;
  std::thread thread_;
};

}  // namespace gw
