#include "tlog/history.h"

#include <fmt/format.h>

namespace gw::tlog {

HeadComparison settle_history(std::uint64_t size, const Hash& claimed, const Hash& recomputed,
                              const HeadTree& larger) {
  const bool equal_size = size == larger.head().size();
  HeadComparison out{HeadRelation::kFork, size, claimed, recomputed, {}};
  if (claimed == recomputed) {
    out.relation = equal_size ? HeadRelation::kSame : HeadRelation::kPrefix;
  } else if (!equal_size) {
    out.tiles = larger.evidence(size);
  }
  return out;
}

Result<HeadComparison> compare_history(std::uint64_t size, const Hash& claimed, HeadTree& larger) {
  const Checkpoint& head = larger.head();
  if (size > head.size()) {
    return usage_error(fmt::format("head of {} records is older than {}", head.size(), size));
  }
  if (size == head.size()) return settle_history(size, claimed, head.root(), larger);
  GW_TRY(const Frontier frontier, larger.frontier_at(size));
  return settle_history(size, claimed, frontier.root(), larger);
}

}  // namespace gw::tlog
