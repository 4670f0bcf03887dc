// Threads that may not be had: a process at its limit of tasks gets an error, not an end.
#pragma once

#include <functional>
#include <thread>

#include "base/result.h"

namespace gw::os {

// kUnavailable when the system gives no thread. `run` must not throw; who gets the thread joins it.
Result<std::thread> start_thread(std::function<void()> run);

}  // namespace gw::os
