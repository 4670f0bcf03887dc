#include "os/stop.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>

namespace gw::os {

using std::chrono::milliseconds;

Stop::Stop() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

void Stop::request() {
  requested_.store(true, std::memory_order_release);
  std::uint64_t one = 1;
  const int saved = errno;  // may run in a signal handler
  [[maybe_unused]] const ssize_t n = ::write(event_.get(), &one, sizeof one);
  errno = saved;
}

bool Stop::wait_for(Duration timeout) const {
  // Without a descriptor the flag itself is looked at now and then.
  constexpr milliseconds kLook{20};
  const MonoTime end = system_clock().mono() + timeout;
  while (!requested()) {
    auto left = std::chrono::ceil<milliseconds>(end - system_clock().mono());
    if (left <= milliseconds::zero()) return false;
    left = std::min(left, event_ ? milliseconds(std::chrono::hours(24)) : kLook);
    pollfd p{event_.get(), POLLIN, 0};
    ::poll(&p, 1, static_cast<int>(left.count()));
  }
  return true;
}

}  // namespace gw::os
