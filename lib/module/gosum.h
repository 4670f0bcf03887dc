// go.sum files: which sums a project has for the modules it uses.
//
//   line = MODULE VERSION["/go.mod"] HASH LF        words divided by any white space
//
// Read as the go command reads them (cmd/go/internal/modfetch, readGoSum): blank lines do not
// count, and neither do lines with the hash of an empty go.mod, which an old Go wrote by mistake.
// Whether path and version are ones, and the hash is known, is for the caller to say. Pure, linear.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace gw::mod {

// A project of 10,000 modules has 2 MB.
inline constexpr std::size_t kMaxGoSumBytes = 16 << 20;

struct GoSumLine {  // views into the text
  std::string_view module;
  std::string_view version;
  bool gomod = false;     // the sum is that of its go.mod alone
  std::string_view hash;  // "h1:..."
  std::size_t line = 0;   // from 1
  bool operator==(const GoSumLine&) const = default;
};

// kUsage, "go.sum:LINE: REASON", for a line that has not three words.
Result<std::vector<GoSumLine>> parse_gosum(std::string_view text);

}  // namespace gw::mod
