#include "os/thread.h"

#include <algorithm>
#include <system_error>
#include <vector>

namespace gw::os {

Result<Thread> start_thread(std::function<void()> run) {
  try {
    return Thread(std::thread(std::move(run)));
  } catch (const std::system_error& e) {
    Error error = errno_error("starting a thread", e.code().value());
    error.kind = ErrorKind::kUnavailable;
    return error;
  }
}

void run_on_threads(std::size_t count, const std::function<void(std::size_t)>& run) {
  std::vector<Thread> threads;
  std::size_t next = 1;
  for (; next < count; ++next) {
    auto thread = start_thread([&run, next] { run(next); });
    if (!thread) break;
    threads.push_back(*std::move(thread));
  }
  if (count > 0) run(0);
  for (; next < count; ++next) run(next);
  for (Thread& thread : threads) thread.join();
}

unsigned processors() { return std::max(1U, std::thread::hardware_concurrency()); }

}  // namespace gw::os
