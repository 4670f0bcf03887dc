#include "update/schedule.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "base/text.h"
#include "base/time_range.h"

namespace gw::update {
namespace {

constexpr std::array<std::string_view, 7> kDays{"su", "mo", "tu", "we", "th", "fr", "sa"};
constexpr std::int64_t kHoursADay = 24;
constexpr std::int64_t kHour = 3600;
constexpr std::int64_t kSearched = std::int64_t{3660} * kHoursADay;
constexpr int kThursday = 4;  // 1970-01-01

using Days = std::bitset<7>;
using Hours = std::bitset<24>;

std::int64_t floor_div(std::int64_t a, std::int64_t b) {
  return a >= 0 ? a / b : -((-a + b - 1) / b);
}

Result<std::size_t> parse_day(std::string_view text) {
  const auto* day = std::find(kDays.begin(), kDays.end(), text);
  if (day == kDays.end()) {
    return usage_error(quoted(text) + " is no day", "days are su mo tu we th fr sa");
  }
  return static_cast<std::size_t>(day - kDays.begin());
}

Result<Days> parse_days(std::string_view text) {
  Days days;
  for (const std::string_view part : split(text, ',')) {
    const auto ends = split(part, '-');
    if (ends.size() > 2) return usage_error(quoted(part) + " is no range of days");
    GW_TRY(const std::size_t first, parse_day(ends.front()));
    GW_TRY(const std::size_t last, parse_day(ends.back()));
    for (std::size_t day = first;; day = (day + 1) % 7) {
      if (days[day]) return usage_error(fmt::format("{} is named twice", kDays[day]));
      days.set(day);
      if (day == last) break;
    }
  }
  return days;
}

std::optional<std::size_t> parse_hour(std::string_view text) {
  const auto hour = parse_decimal(text);
  if (!hour || *hour > kHoursADay) return std::nullopt;
  return *hour;
}

Result<Hours> parse_hours(std::string_view text) {
  Hours hours;
  for (const std::string_view part : split(text, ',')) {
    const auto ends = split(part, '-');
    const auto first = parse_hour(ends.front());
    const auto last = parse_hour(ends.back());
    if (ends.size() != 2 || !first || !last || *first >= *last) {
      return usage_error(quoted(part) + " is no range of hours",
                         "such as 9-17: from 0 to 24, the end is not included");
    }
    for (std::size_t hour = *first; hour < *last; ++hour) {
      if (hours[hour]) return usage_error(fmt::format("hour {} is named twice", hour));
      hours.set(hour);
    }
  }
  return hours;
}

Result<std::int64_t> parse_date(std::string_view text) {
  const auto midnight = parse_rfc3339(std::string(text) + "T00:00:00Z");
  if (!midnight || text.size() != 10) {
    return usage_error(quoted(text) + " is no date", "such as 2026-12-24, or FIRST/LAST");
  }
  return floor_div(to_unix(*midnight), kHoursADay * kHour);
}

}  // namespace

Result<Blackout> parse_blackout(std::string_view text) {
  const auto ends = split(text, '/');
  if (ends.size() > 2) return usage_error(quoted(text) + " is no range of dates");
  Blackout out;
  GW_TRY(out.first, parse_date(ends.front()));
  GW_TRY(out.last, parse_date(ends.back()));
  if (out.last < out.first) return usage_error(quoted(text) + " ends before it begins");
  return out;
}

Result<Schedule> Schedule::parse(std::span<const std::string> items) {
  Schedule schedule;
  for (const std::string& item : items) {
    if (auto added = schedule.add(item); !added) {
      return std::move(added).error().in("schedule " + quoted(item));
    }
    schedule.always_ = false;
    schedule.items_.push_back(item);
  }
  return schedule;
}

Status Schedule::add(std::string_view item) {
  const auto parts = split(item, ' ');
  if (item.empty() || parts.size() > 2) {
    return usage_error("not of the form DAYS [HOURS] or HOURS", "such as mo-fr 9-17");
  }
  const bool only_hours = is_digit(item[0]);
  if (only_hours && parts.size() == 2) return usage_error("days come before hours");
  Days days;
  days.set();
  Hours hours;
  hours.set();
  if (!only_hours) {
    GW_TRY(days, parse_days(parts.front()));
  }
  if (only_hours || parts.size() == 2) {
    GW_TRY(hours, parse_hours(parts.back()));
  }
  for (std::size_t i = 0; i < hours_.size(); ++i) {
    if (days[i / kHoursADay] && hours[i % kHoursADay]) hours_.set(i);
  }
  return {};
}

bool Schedule::is_blackout(std::int64_t day) const {
  return std::any_of(blackouts_.begin(), blackouts_.end(),
                     [&](const Blackout& b) { return day >= b.first && day <= b.last; });
}

bool Schedule::open(std::int64_t hour) const {
  const std::int64_t day = floor_div(hour, kHoursADay);
  if (is_blackout(day)) return false;
  if (always_) return true;
  const std::int64_t weekday = ((day + kThursday) % 7 + 7) % 7;
  return hours_[static_cast<std::size_t>(weekday * kHoursADay + hour - day * kHoursADay)];
}

WallTime Schedule::begin(std::int64_t hour) const { return zone_.at_local(hour * kHour); }

WallTime Schedule::end(std::int64_t hour) const {
  return open(hour + 1) ? begin(hour + 1) : begin(hour) + std::chrono::hours(1);
}

std::optional<Slot> Schedule::next(WallTime from) const {
  if (from > kLastTime) return std::nullopt;
  if (always_ && blackouts_.empty()) return Slot{from, std::nullopt};
  // Two hours earlier: an hour that comes twice, or is late, may still be open.
  const std::int64_t first = floor_div(zone_.local_seconds(from), kHour) - 2;
  for (std::int64_t hour = first; hour < first + kSearched; ++hour) {
    if (!open(hour) || end(hour) <= from) continue;
    Slot slot{std::max(from, begin(hour)), end(hour)};
    while (open(hour + 1) && begin(hour + 1) <= *slot.end && hour < first + kSearched) {
      slot.end = std::max(*slot.end, end(++hour));
    }
    if (slot.start > kLastTime) return std::nullopt;
    if (hour >= first + kSearched || *slot.end > kLastTime) slot.end.reset();
    return slot;
  }
  return std::nullopt;
}

}  // namespace gw::update
