// Schedules, dates, rules and files of time zones: whatever the text is, it is refused, or the next
// slot lies where it says.
#include <cstdint>
#include <cstdlib>

#include "base/text.h"
#include "fuzz/require.h"
#include "update/schedule.h"

namespace fuzz_schedule {

using namespace gw;
using namespace gw::update;

namespace {

void check(const Schedule& schedule) {
  WallTime from = from_unix(1711800000);
  for (int i = 0; i < 3; ++i) {
    const auto slot = schedule.next(from);
    if (!slot) return;
    if (slot->start < from || (slot->end && *slot->end <= slot->start)) std::abort();
    if (!slot->end) return;
    from = *slot->end;
  }
}

}  // namespace

// The first line is a zone's rule, or a file follows; the others are items and a blackout.
FUZZ_TARGET(schedule)(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  if (auto file = TimeZone::parse_file(text)) {
    const WallTime t = file->at_local(1711800000);
    if (file->format(t).empty()) std::abort();
    return 0;
  }
  const std::string_view rule = take_line(text);
  auto zone = TimeZone::parse_rule(rule);
  std::vector<std::string> items;
  std::vector<Blackout> blackouts;
  while (!text.empty() && items.size() < 8) {
    const std::string_view line = take_line(text);
    if (auto blackout = parse_blackout(line)) {
      blackouts.push_back(*blackout);
    } else {
      items.emplace_back(line);
    }
  }
  auto schedule = Schedule::parse(items);
  if (!schedule) return 0;
  if (zone) schedule->set_zone(*zone);
  schedule->set_blackouts(blackouts);
  check(*schedule);
  return 0;
}

}  // namespace fuzz_schedule
