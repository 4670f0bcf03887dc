// Progress for a person: a line that is rewritten on a terminal, else a log line now and then.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "base/log.h"
#include "follow/options.h"

namespace gw::follow {

// "1234567 of 71848828 records, 201000/s, 5m51s left".
std::string format_progress(const Progress& p);

// One thread at a time. `terminal`: takes the line, null when there is none; then `log` gets it
// every half minute. Both must outlive it.
class ProgressReporter {
 public:
  ProgressReporter(std::function<void(std::string_view)> terminal, const Logger& log)
      : terminal_(std::move(terminal)), log_(log) {}
  void operator()(const Progress& p);

 private:
  std::function<void(std::string_view)> terminal_;
  const Logger& log_;
  std::chrono::milliseconds logged_{0};
  std::uint64_t run_ = 0;  // where the run began that `logged_` belongs to
};

}  // namespace gw::follow
