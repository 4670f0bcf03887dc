// The Go toolchains that a service builds with: which there are, which it offers, and each made
// ready once.
//
// A toolchain is verified when it is first used, and known as long as somebody uses it: it lies
// where no build can write. What nobody uses may be taken out of the cache, and is verified again.
// One that could not be had is tried again by the next who asks. With a gate (toolchain_gate.h) one
// is tried out before anything is built with it: one that failed is offered no more, and `latest`
// means none that was not tried as long as there is one that was. Any thread; those who want the
// same one wait for each other.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"
#include "build/toolchain.h"
#include "build/toolchain_hash.h"
#include "buildd/toolchain_gate.h"

namespace gw::buildd {

class Toolchains {
 public:
  struct Source {
    // Release versions that can be had, newest first: never empty when it succeeds.
    std::function<Result<std::vector<std::string>>()> versions;
    std::function<Result<build::Toolchain>(const std::string& version)> make;
  };
  // Which of them are offered.
  struct Range {
    std::string oldest = {};  // what is older is not; empty: the last two minors are
    std::string before = {};  // neither is this one, nor what is newer; empty: no end
  };
  // `gate`: may be null.
  Toolchains(Source source, Range range, const Clock& clock, ToolchainGate* gate = nullptr);

  // Those that are offered, newest first; kept for a minute.
  Result<std::vector<std::string>> offered();
  // "latest", "go1.26.latest": the release that is meant. kNotFound.
  Result<std::string> resolve(std::string_view query);
  // kNotFound: not offered.
  Status check(std::string_view version);
  // Of the two newest minors.
  bool is_supported(std::string_view version);
  // The newest of each minor that is offered, where it was not tried out yet.
  std::vector<std::string> untried();

  // Also one that is not offered (any more): records of old are built again. Whether a new build
  // may be asked for is check()'s affair.
  Result<build::Toolchain> get(const std::string& version);

 private:
  Result<std::vector<std::string>> all();
  struct Ready {
    explicit Ready(const Clock& clock) : kept(clock) {}
    Mutex mutex;
    // Without what keeps it in the cache, which is its users'.
    std::optional<build::Toolchain> toolchain GW_GUARDED_BY(mutex);
    bool in_cache GW_GUARDED_BY(mutex) = false;
    build::KeptName kept GW_GUARDED_BY(mutex);
    std::weak_ptr<const os::Fd> in_use GW_GUARDED_BY(mutex);
  };
  const Source source_;
  const Range range_;
  const Clock& clock_;
  ToolchainGate* const gate_;
  std::atomic<bool> looked_again_ = false;
  Mutex mutex_;
  Condition read_;
  bool reading_ GW_GUARDED_BY(mutex_) = false;
  // Of the last one who asked; another object each time.
  std::shared_ptr<const Result<std::vector<std::string>>> answer_ GW_GUARDED_BY(mutex_);
  std::vector<std::string> versions_ GW_GUARDED_BY(mutex_);
  std::optional<MonoTime> read_at_ GW_GUARDED_BY(mutex_);
  std::map<std::string, std::shared_ptr<Ready>> ready_ GW_GUARDED_BY(mutex_);
};

}  // namespace gw::buildd
