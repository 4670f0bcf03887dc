// A list of patterns and a path, divided by a line feed: the answer for a list is that of one of
// its patterns; what matches a path matches all below it, and a malformed pattern matches nothing.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz/require.h"
#include "module/path.h"
#include "module/private_patterns.h"

namespace fuzz_private_patterns {

using namespace gw;
using namespace gw::mod;

FUZZ_TARGET(private_patterns)(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string_view patterns = text.substr(0, text.find('\n'));
  const std::string_view path = text.substr(std::min(size, patterns.size() + 1));
  const bool matches = match_prefix_patterns(patterns, path);
  bool any = false;
  for (std::string_view rest = patterns;;) {
    const std::string_view glob = rest.substr(0, rest.find(','));
    const bool one = match_prefix_patterns(glob, path);
    if (one) require(glob.size() > kMaxPatternsBytes || check_prefix_patterns(glob).has_value());
    any = any || one;
    if (glob.size() == rest.size()) break;
    rest.remove_prefix(glob.size() + 1);
  }
  require(matches == any);
  if (matches && path.size() < kMaxPathBytes - 2) {
    require(match_prefix_patterns(patterns, std::string(path) + "/x"));
  }
  return 0;
}

}  // namespace fuzz_private_patterns
