// The reply to a lookup: `NUMBER\n`, the record, a blank line, the signed head.
//
// Taken apart here, believed only by Client, which proves it. Only lines inside the record count,
// whatever else the reply holds (CVE-2026-56864). Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace gw::tlog {

// Real ones have 600 bytes; many are held at once.
inline constexpr std::size_t kMaxLookupBytes = 128UL << 10U;

struct LookupReply {  // views into the reply
  std::uint64_t number = 0;
  std::string_view record;
  std::string_view note;
};
// kUntrusted when malformed: the number is not canonical decimal, the record not a record text, no
// note follows.
Result<LookupReply> parse_lookup(std::string_view reply);
std::string format_lookup(std::uint64_t number, std::string_view record, std::string_view note);

}  // namespace gw::tlog
