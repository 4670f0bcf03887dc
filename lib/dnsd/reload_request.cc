#include "dnsd/reload_request.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

namespace gw::dnsd {

ReloadRequest::ReloadRequest() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

void ReloadRequest::request() {
  requested_.store(true);
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t n = ::write(event_.get(), &one, sizeof(one));
}

// The descriptor first: a request in between is taken now and then heard of once more for nothing;
// the other way round nobody would hear of it.
bool ReloadRequest::take() {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t n = ::read(event_.get(), &count, sizeof(count));
  return requested_.exchange(false);
}

}  // namespace gw::dnsd
