// Records and keys of a build service's log: whatever parses has exactly one spelling, and the key
// of a record leads back to its target.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "fuzz/require.h"
#include "tlog/build_log.h"
#include "tlog/record.h"

namespace fuzz_build_record {

using namespace gw;
using namespace gw::tlog;

FUZZ_TARGET(build_record)(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (const auto r = parse_build_record(input)) {
    if (format_build_record(*r) != input || !is_record_text(input)) std::abort();
    const std::string key = format_build_key(r->target);
    const auto target = parse_build_key(key);
    if (!target || *target != r->target) std::abort();
    if (!kBuildLog.check_answer(input, key)) std::abort();
  }
  if (const auto target = parse_build_key(input)) {
    if (format_build_key(*target) != input) std::abort();
  }
  return 0;
}

}  // namespace fuzz_build_record
