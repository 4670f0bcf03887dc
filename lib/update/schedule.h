// When updates may be installed: days of the week and hours, in a time zone.
//
//   item  = days [" " hours] | hours
//   days  = day ["-" day] *("," day ["-" day])      day = su mo tu we th fr sa; a range may wrap
//   hours = n "-" n *("," n "-" n)                  0-24, the end is not included
//   `tu-th,sa` · `mo-fr 9-17` · `18-21` · `fr 7-8,12-13`
//
// Several items are one schedule: whenever one of them says so. No item: always. An hour that is
// left out when clocks are put forward is the next one that exists; of an hour that comes twice
// only the first counts, unless the hours around it belong to the schedule, too. Pure; any thread.
#pragma once

#include <bitset>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "update/time_zone.h"

namespace gw::update {

// Days on which nothing is installed, both included, as numbers from 1970-01-01 of the local
// calendar.
struct Blackout {
  std::int64_t first = 0;
  std::int64_t last = 0;
};
// "2026-12-24" or "2026-12-24/2027-01-02". kUsage.
Result<Blackout> parse_blackout(std::string_view text);

// From `start` on, up to and without `end`; always open: the end is none.
struct Slot {
  WallTime start;
  std::optional<WallTime> end;
};

class Schedule {
 public:
  Schedule() = default;  // always

  // kUsage, naming the item and what is wrong with it.
  static Result<Schedule> parse(std::span<const std::string> items);

  // As they were given; none: always.
  const std::vector<std::string>& items() const { return items_; }

  void set_zone(TimeZone zone) { zone_ = std::move(zone); }
  const TimeZone& zone() const { return zone_; }
  void set_blackouts(std::vector<Blackout> blackouts) { blackouts_ = std::move(blackouts); }

  // The slot that `from` is in, from `from` on, or else the next one. Nothing when there is none
  // within ten years, or before kLastTime. A slot that ends later has no end.
  std::optional<Slot> next(WallTime from) const;

 private:
  Status add(std::string_view item);
  bool open(std::int64_t hour) const;  // counted from 1970 in local time
  WallTime begin(std::int64_t hour) const;
  WallTime end(std::int64_t hour) const;
  bool is_blackout(std::int64_t day) const;

  bool always_ = true;
  std::vector<std::string> items_;
  std::bitset<std::size_t{7} * 24> hours_;  // from Sunday 0 o'clock
  TimeZone zone_;
  std::vector<Blackout> blackouts_;
};

}  // namespace gw::update
