// Versions that the log has twice: whether both records say the same, and the proof when they do
// not.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "store/writer.h"
#include "tlog/checkpoint.h"
#include "tlog/evidence.h"
#include "tlog/source.h"

namespace gw::follow {

// What conflicts() carries: the versions, to be kept with the alarm.
struct Conflicts : tlog::Contradiction {
  Conflicts(tlog::Evidence e, std::vector<store::RepeatedVersion> v)
      : Contradiction(std::move(e)), versions(std::move(v)) {}
  std::vector<store::RepeatedVersion> versions;
};

// One thread at a time; source and log must outlive it.
class Repeats {
 public:
  Repeats(tlog::TileSource& source, tlog::Checkpoint head, const Logger& log)
      : source_(source), head_(std::move(head)), log_(log) {}

  // store::RepeatCheck: fetches both records of each, authenticated under the head.
  Result<std::vector<bool>> compare(std::span<const store::RepeatedVersion> repeats);
  // Those of which compare() said that they differ. kUntrusted; carries Conflicts.
  Error conflicts(std::vector<store::RepeatedVersion> versions);

 private:
  void warn(std::span<const store::RepeatedVersion> repeats, const std::vector<bool>& same) const;

  tlog::TileSource& source_;
  const tlog::Checkpoint head_;
  const Logger& log_;
  // Records that differ, authenticated when they were compared.
  std::map<std::uint64_t, std::string> texts_;
};

}  // namespace gw::follow
