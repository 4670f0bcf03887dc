// What the operator has to say on the first page: an option's text, or what was put in its place
// since, which is kept in a file.
//
// Any thread.
#pragma once

#include <string>

#include "base/mutex.h"
#include "base/result.h"

namespace gw::buildd {

class Notes {
 public:
  static constexpr std::size_t kMaxBytes = 10'000;
  // `file`: read at once, if it is there. `given`: the option's.
  Notes(std::string file, std::string given);

  std::string text() const;
  // Empty: the option's again. kUsage: too long.
  Status set(std::string text);

 private:
  const std::string file_;
  const std::string given_;
  mutable Mutex mutex_;
  std::string text_ GW_GUARDED_BY(mutex_);
};

}  // namespace gw::buildd
