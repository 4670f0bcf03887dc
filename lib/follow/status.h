// How a database stands, from the database alone: for `follow-tlog --status` and monitoring.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "store/types.h"

namespace gw::follow {

enum class Standing {
  kCurrent,  // all records of a head that is young enough
  kBehind,   // records are missing, the head is too old, or there is none, no room
  kHalted,   // a security error waits for the operator
};

struct StatusReport {
  Standing standing = Standing::kBehind;
  std::vector<std::string> reasons;  // why it is not current
  store::LogState state;
  std::chrono::seconds head_age{0};
};

// `room`: what is free where the database is, if known: without it every round fails, and cannot
// say so in the database.
StatusReport judge(const store::LogState& state, WallTime now, std::chrono::seconds max_age,
                   std::optional<std::uint64_t> room = {});

// Lines "name: value" for a person.
std::vector<std::string> format_status(const StatusReport& report);
Json status_json(const StatusReport& report);

}  // namespace gw::follow
