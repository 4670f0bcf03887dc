// The time zone of this machine, or one by its name, for schedules.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "update/time_zone.h"

namespace gw::supervise {

// By the name of a file in the system's collection ("Europe/Amsterdam"), or a rule as in TZ.
// kUsage: neither.
Result<update::TimeZone> named_zone(const std::string& name);

// As TZ says (`tz`), or else the system's /etc/localtime; UTC where nobody says anything, or
// nothing that can be read.
update::TimeZone local_zone(const std::optional<std::string>& tz);

}  // namespace gw::supervise
