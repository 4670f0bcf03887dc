// When is it time to look for commits and changed files? Soon after every change, and seldom
// otherwise.
//
// The kernel tells that a file is written to (os::FileWatch). That is before the change can be
// seen, since SQLite writes a commit's pages first and makes them visible at the end, and a zone
// file must have stayed as it is for a moment. So after an event follows a time of looking five
// times a second, without listening: then neither a busy log nor a busy neighbour in the directory
// costs more than that. Afterwards it is listening again, with a look now and then for what nobody
// tells: the clock, a disk that took longer. Where the kernel does not tell, it is five times a
// second throughout.
//
// One thread.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "dnsd/reload_request.h"
#include "os/file_watch.h"
#include "os/stop.h"

namespace gw::dnsd {

class ChangeWatch {
 public:
  static constexpr std::chrono::milliseconds kQuick{200};
  static constexpr std::chrono::seconds kQuickFor{5};  // after the last event
  static constexpr std::chrono::seconds kSlow{5};

  // `files`: what is to be watched at the moment; called in wait(). The clock outlives it.
  ChangeWatch(const Clock& clock, std::function<std::vector<std::string>()> files);

  // Waits until it is time to look, `most` at most, or until there is a request to reload, which is
  // not taken. True when the stop was requested.
  bool wait(const os::Stop& stop, const ReloadRequest& reload, Duration most);

  // Whether nothing is listened to for the time being.
  bool quick() const { return !told_ || clock_.mono() < quick_until_; }

 private:
  void listen();

  const Clock& clock_;
  const std::function<std::vector<std::string>()> files_;
  std::optional<os::FileWatch> watch_;
  std::vector<std::string> watched_;
  bool told_ = true;  // of every change to a watched file
  MonoTime quick_until_{};
};

}  // namespace gw::dnsd
