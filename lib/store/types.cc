#include "store/types.h"

#include <algorithm>

#include "tlog/build_log.h"
#include "tlog/go_log.h"

namespace gw::store {

std::string_view keep_name(Keep keep) {
  switch (keep) {
    case Keep::kVersions:
      return "versions";
    case Keep::kRecords:
      return "records";
    case Keep::kBuilds:
      return "builds";
  }
  return "";
}

std::optional<Keep> parse_keep(std::string_view name) {
  for (const Keep keep : {Keep::kVersions, Keep::kRecords, Keep::kBuilds}) {
    if (name == keep_name(keep)) return keep;
  }
  return std::nullopt;
}

const tlog::LogFormat& format_of(Keep keep) {
  return keep == Keep::kBuilds ? tlog::kBuildLog : tlog::kGoLog;
}

std::optional<WallTime> accepted_at(std::span<const HeadTime> heads, std::uint64_t record) {
  const auto it = std::upper_bound(heads.begin(), heads.end(), record,
                                   [](std::uint64_t r, const HeadTime& h) { return r < h.size; });
  if (it == heads.end()) return std::nullopt;
  return it->accepted;
}

}  // namespace gw::store
