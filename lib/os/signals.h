// Signals of a daemon: turned into a request to stop and into callbacks on an ordinary thread,
// where anything may be called.
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "base/result.h"
#include "os/file.h"
#include "os/stop.h"
#include "os/thread.h"

namespace gw::os {

// Handles signals on a thread of its own until it is destroyed.
//
// SIGTERM and SIGINT request `stop`; a second one of them ends the process at once, as it would
// have without us. SIGHUP and SIGUSR1 run their callbacks, on this object's thread; without a
// callback they keep their usual effect. SIGPIPE is ignored: writes return EPIPE.
//
// start() blocks the signals it handles in the calling thread, and threads inherit that: call it
// before any other thread is made. Programs that spawn() starts do not inherit it.
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
  Thread thread_;
};

void ignore_sigpipe();

}  // namespace gw::os
