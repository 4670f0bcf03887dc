#include "base/clock.h"

#include <fmt/format.h>

#include "base/text.h"
#include "base/time_range.h"

namespace gw {

namespace {

class SystemClock : public Clock {
 public:
  WallTime now() const override {
    return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  }
  MonoTime mono() const override { return std::chrono::steady_clock::now(); }
};

// Exactly `n` digits off the front, then `after` unless that is 0.
std::optional<unsigned> take_number(std::string_view& rest, std::size_t n, char after) {
  if (rest.size() < n + (after != 0 ? 1 : 0) || (after != 0 && rest[n] != after)) {
    return std::nullopt;
  }
  unsigned value = 0;
  for (const char c : rest.substr(0, n)) {
    if (!is_digit(c)) return std::nullopt;
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  rest.remove_prefix(n + (after != 0 ? 1 : 0));
  return value;
}

void skip_fraction(std::string_view& rest) {
  if (!rest.starts_with('.')) return;
  std::size_t n = 1;
  while (n < rest.size() && is_digit(rest[n])) ++n;
  if (n > 1) rest.remove_prefix(n);
}

// "Z" or "+02:00", all that is left.
std::optional<std::chrono::minutes> parse_offset(std::string_view rest) {
  if (rest == "Z") return std::chrono::minutes(0);
  if (!rest.starts_with('+') && !rest.starts_with('-')) return std::nullopt;
  const int sign = rest[0] == '-' ? -1 : 1;
  rest.remove_prefix(1);
  const auto hours = take_number(rest, 2, ':');
  const auto minutes = take_number(rest, 2, 0);
  if (!hours || !minutes || !rest.empty() || *hours > 23 || *minutes > 59) return std::nullopt;
  return std::chrono::minutes(sign * static_cast<int>(*hours * 60 + *minutes));
}

}  // namespace

const Clock& system_clock() {
  static const SystemClock clock;
  return clock;
}

std::string format_rfc3339(WallTime t) {
  auto day = std::chrono::floor<std::chrono::days>(t);
  const std::chrono::year_month_day ymd(day);
  const std::chrono::hh_mm_ss hms(t - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(ymd.year()),
                     static_cast<unsigned>(ymd.month()), static_cast<unsigned>(ymd.day()),
                     hms.hours().count(), hms.minutes().count(), hms.seconds().count());
}

std::optional<WallTime> make_time(int year, unsigned month, unsigned day, unsigned hour,
                                  unsigned minute, unsigned second) {
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(day)};
  if (!date.ok() || hour > 23 || minute > 59 || second > 59) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second);
}

std::optional<WallTime> parse_rfc3339(std::string_view text) {
  const auto year = take_number(text, 4, '-');
  const auto month = year ? take_number(text, 2, '-') : year;
  const auto day = month ? take_number(text, 2, 'T') : month;
  const auto hour = day ? take_number(text, 2, ':') : day;
  const auto minute = hour ? take_number(text, 2, ':') : hour;
  const auto second = minute ? take_number(text, 2, 0) : minute;
  if (!second) return std::nullopt;
  skip_fraction(text);
  const auto offset = parse_offset(text);
  const auto time = make_time(static_cast<int>(*year), *month, *day, *hour, *minute, *second);
  if (!offset || !time) return std::nullopt;
  const WallTime utc = *time - *offset;
  if (utc < kFirstTime || utc > kLastTime) return std::nullopt;
  return utc;
}

}  // namespace gw
