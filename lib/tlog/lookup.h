// The reply to a lookup: `NUMBER\n`, the record, a blank line, the signed head.
//
// Taken apart here, believed only by Client, which proves it. Only lines inside the record count,
// whatever else the reply holds (CVE-2026-56864), and the record must have exactly one zip line and
// one go.mod line for the module asked for (CVE-2026-42501). Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace gw::tlog {

inline constexpr std::size_t kMaxLookupBytes = 2UL << 20U;

struct LookupReply {  // views into the reply
  std::uint64_t number = 0;
  std::string_view record;
  std::string_view note;
};
// kUntrusted when malformed: the number is not canonical decimal, the record not a record text, no
// note follows.
Result<LookupReply> parse_lookup(std::string_view reply);
std::string format_lookup(std::uint64_t number, std::string_view record, std::string_view note);

struct LookupSums {  // views into the record
  std::string_view zip_sum;
  std::string_view gomod_sum;
};
// Precondition: `record` is authenticated. kUntrusted unless it holds exactly one line of each kind
// for this module version, each with a well-formed h1 sum.
Result<LookupSums> find_sums(std::string_view record, std::string_view module,
                             std::string_view version);

// "lookup/ESCAPED_PATH@ESCAPED_VERSION"; kUsage when either cannot be one.
Result<std::string> lookup_path(std::string_view module, std::string_view version);

}  // namespace gw::tlog
