// The times that RFC 3339 can write, in UTC: those of the years 0000 to 9999. parse_rfc3339() takes
// no other; who computes with times before format_rfc3339() sees to it.
#pragma once

#include "base/clock.h"

namespace gw {

inline constexpr WallTime kFirstTime{std::chrono::seconds(-62167219200)};
inline constexpr WallTime kLastTime{std::chrono::seconds(253402300799)};

}  // namespace gw
