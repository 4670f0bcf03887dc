// A configuration or state of ysco, and what a supervisor leaves to the next: whatever the text is,
// it is refused, or what is made of it is right in our own words, and read back as it was.
#include <cstdint>
#include <cstdlib>

#include "fuzz/require.h"
#include "supervise/handover.h"
#include "supervise/import.h"
#include "supervise/readiness.h"
#include "supervise/sconf.h"

namespace fuzz_supervise_import {

using namespace gw;
using namespace gw::supervise;

namespace {

void require_right(bool ok) {
  if (!ok) std::abort();
}

// As deep as it may be, with lines that are there.
void check_tree(const Sconf& value, std::size_t lines, int depth) {
  require_right(depth < 32 && value.line <= lines);
  for (const auto& [key, member] : value.members) check_tree(member, lines, depth + 1);
  for (const Sconf& item : value.items) check_tree(item, lines, depth + 1);
}

}  // namespace

FUZZ_TARGET(supervise_import)(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (const auto tree = parse_sconf(text, "f")) check_tree(*tree, size + 1, 0);
  if (const auto config = import_config(text, "f")) {
    require_right(!config->auth_file.empty());
    require_right(config->config.text().find("[supervise]\n") != std::string::npos);
  }
  const WallTime now = from_unix(1800000000);
  if (const auto state = import_state(text, std::chrono::hours(72), now)) {
    require_right(parse_state(format_state(state->state)).has_value());
    for (const auto& [version, time] : state->state.versions) require_right(time <= now);
  }
  if (const auto left = parse_handover(text)) {
    require_right(format_handover(*parse_handover(format_handover(*left))) ==
                  format_handover(*left));
  }
  (void)parse_readiness(text);
  (void)parse_go_duration(text);
  return 0;
}

}  // namespace fuzz_supervise_import
