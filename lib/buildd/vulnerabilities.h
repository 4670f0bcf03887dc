// What Go's vulnerability database says of the versions that pages show.
//
// Pages must not wait for it long: one reader at a time asks, with a short time limit; the others
// get what is known, which is kept for an hour, and used on when the database cannot be asked. What
// is kept are the documents of a question; what they say of a version is computed each time.
//
// Any thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/result.h"
#include "module/vulnerability.h"

namespace gw::buildd {

class Vulnerabilities {
 public:
  using Read =
      std::function<Result<std::vector<mod::Vulnerability>>(std::span<const mod::Component>)>;
  // `read`: called by one thread at a time.
  Vulnerabilities(Read read, const Clock& clock, const Logger& logger)
      : clock_(clock), logger_(logger), read_(std::move(read)) {}

  // Null: not known now, which is not the same as none. of_module(): of the module alone, in any
  // version: for match().
  using Documents = std::shared_ptr<const std::vector<mod::Vulnerability>>;
  Documents of_module(const std::string& module);
  // Of these together. `name`: the same for the same components.
  Documents of(const std::string& name, std::span<const mod::Component> have);

 private:
  struct Kept {
    MonoTime at;
    Documents documents;
    bool good;  // else the last question failed
  };
  const Clock& clock_;
  const Logger& logger_;
  Mutex asking_ GW_ACQUIRED_BEFORE(mutex_);
  const Read read_ GW_GUARDED_BY(asking_);
  Mutex mutex_;
  std::map<std::string, Kept> kept_ GW_GUARDED_BY(mutex_);
  std::optional<MonoTime> failed_at_ GW_GUARDED_BY(mutex_);
};

}  // namespace gw::buildd
