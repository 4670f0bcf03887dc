// The service manager's protocols, without its library: saying how we are, and taking what it hands
// us.
//
// Notifier speaks sd_notify, which is one datagram, and Heartbeat feeds its watchdog while others
// wait for a network. take_listening_sockets() takes sockets that were opened for us. What a
// manager does for its services, a supervisor does for its own: see os/notify_relay.h.
#pragma once

#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "os/file.h"
#include "os/stop.h"
#include "os/thread.h"

namespace gw::os {

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
  // What from_environment() took out, as "NAME=value", for a program that takes this one's place.
  std::vector<std::string> environment() const;

  bool ready(std::string_view status = {}) const;
  bool status(std::string_view text) const;  // one line for `systemctl status`
  bool reloading() const;                    // follow with ready() when done
  bool stopping() const;
  bool watchdog() const;  // still alive

  // What a NotifyRelay made of another's message; lines that end in '\n'.
  bool relay(std::string_view lines) const { return lines.empty() || send(lines); }

  // How often to call watchdog(): half of what the manager asked for; nothing when it did not.
  std::optional<std::chrono::microseconds> watchdog_interval() const;

 private:
  bool send(std::string_view message) const;
  std::string socket_;
  std::chrono::microseconds watchdog_{};
};

struct HandedSocket {
  Fd fd;
  std::string name;  // of LISTEN_FDNAMES; empty where there is none
};

// LISTEN_FDS, if LISTEN_PID says that they are for us: descriptors from 3 on, closed on exec from
// now on. Removes the variables, so that no child takes them for its own. Call once, before any
// other thread is made. kUsage: the variables are not a list of open descriptors.
Result<std::vector<HandedSocket>> take_listening_sockets();

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
  Thread thread_;
};

}  // namespace gw::os
