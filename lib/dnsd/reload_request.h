// A request to read keys and files again, which may come any number of times: whoever hears of it
// (a signal's thread) and the server share this object alone, and neither knows when the other is
// there.
#pragma once

#include <atomic>

#include "os/file.h"

namespace gw::dnsd {

// Must outlive everything that makes or takes requests.
class ReloadRequest {
 public:
  ReloadRequest();
  ReloadRequest(const ReloadRequest&) = delete;
  ReloadRequest& operator=(const ReloadRequest&) = delete;

  // Any thread. Requests that are not taken yet are one.
  void request();
  // Whether there was one; from now on there is none. One thread.
  bool take();

  // Readable while there is one: for poll(2), never to be read from. -1, which poll ignores, in a
  // process that had no descriptor left: take() still works.
  int fd() const { return event_.get(); }

 private:
  std::atomic<bool> requested_{false};
  os::Fd event_;
};

}  // namespace gw::dnsd
