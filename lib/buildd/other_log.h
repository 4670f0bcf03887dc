// Another service's log, built again: every record of it, as it comes.
//
// For `build serve --verify-only`: a service that makes nothing for readers, but whatever another
// one has logged, and compares. The other one is a verifier of every build here (maker.h), so that
// a record gets into this log only when it is the same; what is not is told, counted, and tried
// again hourly, as it may have been a machine's fault. The records are read from the other log's
// tiles, proven under a head that continues those seen before: a feed could leave some out.
//
// A file remembers how far it got: the next record's number, then those to try again, a line each.
// One thread; the queue builds.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "build/log_client.h"
#include "buildd/ledger.h"
#include "buildd/queue.h"
#include "os/stop.h"

namespace gw::buildd {

struct OtherLogState {
  std::uint64_t next = 0;
  std::set<std::uint64_t> again;
};
std::string format_other_log_state(const OtherLogState& state);
// kCorrupt.
Result<OtherLogState> parse_other_log_state(std::string_view text);

// All must outlive it.
struct OtherLogParts {
  BuildQueue& queue;
  Ledger& ledger;
  const Clock& clock;
  const Logger& logger;
  const os::Stop& stop;
};

class OtherLog {
 public:
  using Open = std::function<Result<std::unique_ptr<build::LogClient>>()>;
  // `at_once`: builds under way.
  static Result<std::unique_ptr<OtherLog>> make(Open open, std::string state_file,
                                                std::size_t at_once, OtherLogParts parts);

  // What is new, to its end or the 100,000th. Errors: of reading the other log; kUnavailable:
  // stopped.
  Status round();

 private:
  OtherLog(Open open, std::string state_file, std::size_t at_once, OtherLogParts parts)
      : open_(std::move(open)),
        state_file_(std::move(state_file)),
        at_once_(at_once),
        parts_(parts) {}
  enum class End { kSettled, kAgain };
  struct Waiting;
  Status run(const std::vector<std::pair<std::uint64_t, std::string>>& records);
  End settle(std::uint64_t number, const std::string& record, const BuildUpdate& end) const;
  Status save() const;

  const Open open_;
  const std::string state_file_;
  const std::size_t at_once_;
  const OtherLogParts parts_;
  OtherLogState state_;
  MonoTime again_at_{};
};

}  // namespace gw::buildd
