// From ysco to gwtool supervise: what its directory says, in our words, and what has no word here.
//
// Each setting of ysco.conf is taken over, or said to have no counterpart; none is passed over.
// What ysco takes and does not mean (a schedule whose days it ignores) stops the import, by line.
// Pure. Source: ysco v0.1.3.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "supervise/config_text.h"
#include "supervise/state.h"

namespace gw::supervise {

struct ImportedConfig {
  ConfigText config;
  std::string auth_file;  // of the password, as ysco has it: from where it is run
  std::chrono::milliseconds delay{};
  std::vector<std::string> notes;  // for the operator, a line each
};
// kUsage: "FILE:LINE: what is wrong".
Result<ImportedConfig> import_config(std::string_view text, std::string_view file);

struct ImportedState {
  State state;
  std::vector<std::string> notes;
};
// `delay`: as in the configuration. kUsage: not a state of ysco.
Result<ImportedState> import_state(std::string_view text, std::chrono::milliseconds delay,
                                   WallTime now);

// Pure parts, for tests.
//
// As Go's time.ParseDuration() takes them: "1h30m", "1.5s"; nothing for what is none, or negative.
// What is less than a millisecond is one: 0 would say that nothing was said.
std::optional<std::chrono::milliseconds> parse_go_duration(std::string_view text);
// A schedule's item without what ysco does not mind: outer spaces, leading zeros, days said twice.
std::string clean_schedule_item(std::string_view item);
// The items that say the same here. kUsage: one that ysco does not take either, or does not mean.
Result<std::vector<std::string>> import_schedule_item(std::string_view item);
// A capability by name, or by number as Go writes them. kUsage.
Result<std::string> import_capability(std::string_view text);

}  // namespace gw::supervise
