#include "os/thread.h"

#include <system_error>
#include <utility>

namespace gw::os {

Result<std::thread> start_thread(std::function<void()> run) {
  try {
    return std::thread(std::move(run));
  } catch (const std::system_error& e) {
    Error error = errno_error("starting a thread", e.code().value());
    error.kind = ErrorKind::kUnavailable;
    return error;
  }
}

}  // namespace gw::os
