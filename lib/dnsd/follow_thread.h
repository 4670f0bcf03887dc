// Following the log beside the serving, on a thread of its own.
//
// It never ends the serving: after a security error the last verified data is served on and
// following stays halted; after any other error it is tried again, for ever. What is followed is
// given as a function, so that this room needs none of the follower's.
#pragma once

#include <functional>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/result.h"
#include "os/stop.h"
#include "os/thread.h"

namespace gw::dnsd {

// state() from any thread, everything else from the one that made it. Destroying it ends following
// and waits for that. The logger is borrowed.
class FollowThread {
 public:
  // Follows until the stop is requested; an error ends it before.
  using Follow = std::function<Status(const os::Stop& stop)>;
  // Opens what there is to open. kUntrusted: an earlier security error halts following.
  using Open = std::function<Result<Follow>(const os::Stop& stop)>;

  FollowThread(Open open, const Logger& log, Duration retry = std::chrono::minutes(1))
      : open_(std::move(open)), log_(log), retry_(retry) {}
  ~FollowThread();
  FollowThread(const FollowThread&) = delete;
  FollowThread& operator=(const FollowThread&) = delete;

  // Once. Errors of `open` but kUntrusted, such as another follower or a bad source: then nothing
  // is followed, and the caller serves nothing either.
  Status start();

  // "starting", "running", "failed, trying again: WHY", "halted: WHY".
  std::string state() const;

 private:
  void run();
  void halt(const Error& error);
  void say(std::string state);

  Open open_;
  const Logger& log_;
  Duration retry_;
  os::Stop stop_;
  Follow follow_;
  mutable Mutex mutex_;
  std::string state_ GW_GUARDED_BY(mutex_) = "starting";
  os::Thread thread_;
};

}  // namespace gw::dnsd
