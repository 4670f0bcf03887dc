// The manager's side of sd_notify, for a child of ours: what it says is heard, judged, and passed
// on in our own name as far as it is true of us, too.
//
// The child is given a NOTIFY_SOCKET of its own. Who sends is told by the kernel (SCM_CREDENTIALS),
// so a stranger who finds the socket says nothing. Descriptors that come along are closed at once:
// none is kept (FDSTORE), and a barrier is thereby answered.
//
// Belongs to its loop's thread. Sources: sd_notify(3), unix(7).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "os/file.h"
#include "os/loop.h"

namespace gw::os {

// One message, from a process that the kernel vouches for.
struct Notification {
  pid_t pid = 0;
  uid_t uid = 0;
  bool ready = false;
  bool reloading = false;
  bool stopping = false;
  bool watchdog = false;                            // it is alive
  bool watchdog_trigger = false;                    // it wants to be treated as if it were not
  std::optional<std::string> status = {};           // UTF-8, one line
  std::optional<std::uint64_t> watchdog_usec = {};  // the interval it wants from now on
  std::optional<std::uint64_t> extend_usec = {};    // EXTEND_TIMEOUT_USEC
  std::optional<std::uint64_t> reload_usec = {};    // MONOTONIC_USEC
};

// What it says; unknown lines and bad values are passed over, as the manager does.
Notification parse_notification(std::string_view text);

// The lines that may be said in our own name: never its MAINPID, as the manager's main process is
// us; STOPPING only when we stop, too.
std::string relayed_lines(const Notification& notification, bool stopping_too);

class NotifyRelay {
 public:
  // `heard` is called for each message; whose pid it is, it looks at itself.
  static Result<std::unique_ptr<NotifyRelay>> make(Loop& loop,
                                                   std::function<void(const Notification&)> heard);
  // One that this process had before it replaced its own program by exec(2).
  static Result<std::unique_ptr<NotifyRelay>> adopt(Loop& loop, Fd fd, std::string address,
                                                    std::function<void(const Notification&)> heard);
  NotifyRelay(const NotifyRelay&) = delete;
  NotifyRelay& operator=(const NotifyRelay&) = delete;

  // For the child's environment: "NOTIFY_SOCKET=" and this. Any user of this network namespace can
  // send to it.
  const std::string& address() const { return address_; }
  int fd() const { return fd_.get(); }

 private:
  NotifyRelay(Fd fd, std::string address, std::function<void(const Notification&)> heard)
      : fd_(std::move(fd)), address_(std::move(address)), heard_(std::move(heard)) {}
  void receive();
  Fd fd_;
  std::string address_;
  std::function<void(const Notification&)> heard_;
  Loop::Watch watch_;
};

}  // namespace gw::os
