#include "store/types.h"

#include <algorithm>

namespace gw::store {

std::string_view keep_name(Keep keep) { return keep == Keep::kRecords ? "records" : "versions"; }

std::optional<Keep> parse_keep(std::string_view name) {
  for (const Keep keep : {Keep::kVersions, Keep::kRecords}) {
    if (name == keep_name(keep)) return keep;
  }
  return std::nullopt;
}

std::optional<WallTime> accepted_at(std::span<const HeadTime> heads, std::uint64_t record) {
  const auto it = std::upper_bound(heads.begin(), heads.end(), record,
                                   [](std::uint64_t r, const HeadTime& h) { return r < h.size; });
  if (it == heads.end()) return std::nullopt;
  return it->accepted;
}

}  // namespace gw::store
