// A time zone's rules: which local time it is, and when a local time is.
//
// The C library's zones are one a process and read files behind one's back; these are values, so
// that a schedule is a pure function of its time and its zone. Read from the bytes of a TZif file
// (/usr/share/zoneinfo) or from a rule as in TZ.
//
// "Local seconds" count from 1970-01-01 00:00 of the local calendar as if its days all had 24
// hours. Sources: RFC 9636 (TZif), POSIX.1-2024 section 8.3 (TZ). Immutable; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace gw::update {

class TimeZone {
 public:
  TimeZone() = default;  // UTC

  // "CET-1CEST,M3.5.0,M10.5.0/3", "UTC0", "<+03>-3". kUsage.
  static Result<TimeZone> parse_rule(std::string_view text);
  // A whole TZif file. kCorrupt.
  static Result<TimeZone> parse_file(std::string_view bytes);

  // Seconds east of Greenwich.
  std::int32_t offset_at(WallTime t) const;
  std::int64_t local_seconds(WallTime t) const { return to_unix(t) + offset_at(t); }
  // The first moment at which clocks here show that. For one that is left out when clocks are put
  // forward, the moment at which they are.
  WallTime at_local(std::int64_t local) const;

  // RFC 3339 with this zone's offset: "2024-10-08T00:00:00+02:00"; in UTC with a Z. So is what has
  // no such form: a local year of more than four digits, an offset that is no whole minutes.
  std::string format(WallTime t) const;

 private:
  // The day of a year on which clocks change, and the local time then.
  struct Change {
    enum class Kind : std::uint8_t { kMonth, kJulian, kDay } kind = Kind::kMonth;
    std::array<int, 3> day{};  // month, week, weekday; or a day from 1 without leap days; or from 0
    std::int32_t time = 7200;
  };
  struct Rule {
    std::int32_t standard = 0;
    std::int32_t summer = 0;
    std::optional<std::array<Change, 2>> changes;  // to summer, back
  };
  struct Period {
    std::int64_t from;
    std::int32_t offset;
  };
  static std::optional<Rule> read_rule(std::string_view text);
  static std::optional<std::int32_t> read_time(std::string_view& text, int max_hours);
  static bool read_name(std::string_view& text);
  static std::optional<Change> read_change(std::string_view& text);
  static std::int64_t change_in(int year, const Change& change);
  std::int32_t by_rule(std::int64_t t) const;

  std::int32_t before_ = 0;      // until the first period
  std::vector<Period> periods_;  // ascending
  std::optional<Rule> rule_;     // after the last one
};

}  // namespace gw::update
