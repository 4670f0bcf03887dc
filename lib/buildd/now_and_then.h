// What is done now and then, however often the service is started: when it was done last is kept.
//
// One thread. What cannot be kept is told to the log, and done again after the next start.
#pragma once

#include <chrono>
#include <string>

#include "base/clock.h"
#include "base/log.h"

namespace gw::buildd {

class NowAndThen {
 public:
  // `file`: where the time is kept; without one it counts as done now. Clock and logger must
  // outlive it.
  NowAndThen(std::string file, std::chrono::seconds every, const Clock& clock,
             const Logger& logger);
  // Until it is to be done.
  std::chrono::seconds left() const { return left_; }
  void done();

 private:
  const std::string file_;
  const std::chrono::seconds every_;
  const Clock& clock_;
  const Logger& logger_;
  std::chrono::seconds left_{};
};

}  // namespace gw::buildd
