#include "update/time_zone.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "base/bytes.h"
#include "base/text.h"
#include "base/time_range.h"

namespace gw::update {
namespace {

using std::chrono::days;
using std::chrono::sys_days;

constexpr std::int64_t kDay = 86400;

std::int64_t day_number(int year, unsigned month, unsigned day) {
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(day)};
  return sys_days(date).time_since_epoch().count();
}

int year_of(std::int64_t seconds) {
  const sys_days day{days(seconds >= 0 ? seconds / kDay : (seconds - kDay + 1) / kDay)};
  return static_cast<int>(std::chrono::year_month_day(day).year());
}

// Digits off the front, at most three.
std::optional<int> take_number(std::string_view& text) {
  int value = 0;
  std::size_t n = 0;
  for (; n < text.size() && is_digit(text[n]); ++n) {
    if (n == 3) return std::nullopt;
    value = value * 10 + (text[n] - '0');
  }
  if (n == 0) return std::nullopt;
  text.remove_prefix(n);
  return value;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text[0] != c) return false;
  text.remove_prefix(1);
  return true;
}

bool within(int value, int min, int max) { return value >= min && value <= max; }

}  // namespace

// ---- rules ----

bool TimeZone::read_name(std::string_view& text) {
  const bool quoted = take(text, '<');
  std::size_t n = 0;
  while (n < text.size() && (is_letter(text[n]) ||
                             (quoted && (is_digit(text[n]) || text[n] == '+' || text[n] == '-')))) {
    ++n;
  }
  text.remove_prefix(n);
  return n >= 3 && (!quoted || take(text, '>'));
}

// [+-]hh[:mm[:ss]]
std::optional<std::int32_t> TimeZone::read_time(std::string_view& text, int max_hours) {
  const bool negative = take(text, '-');
  if (!negative) take(text, '+');
  std::int32_t seconds = 0;
  std::int32_t unit = 3600;
  int max = max_hours;
  do {
    const auto number = take_number(text);
    if (!number || *number > max) return std::nullopt;
    seconds += *number * unit;
    unit /= 60;
    max = 59;
  } while (unit > 0 && take(text, ':'));
  return negative ? -seconds : seconds;
}

std::optional<TimeZone::Change> TimeZone::read_change(std::string_view& text) {
  Change change;
  if (take(text, 'M')) {
    const auto month = take_number(text);
    if (!month || !take(text, '.')) return std::nullopt;
    const auto week = take_number(text);
    if (!week || !take(text, '.')) return std::nullopt;
    const auto weekday = take_number(text);
    if (!weekday || !within(*month, 1, 12) || !within(*week, 1, 5) || !within(*weekday, 0, 6)) {
      return std::nullopt;
    }
    change.day = {*month, *week, *weekday};
  } else {
    change.kind = take(text, 'J') ? Change::Kind::kJulian : Change::Kind::kDay;
    const auto day = take_number(text);
    const int first = change.kind == Change::Kind::kJulian ? 1 : 0;
    if (!day || !within(*day, first, 365)) return std::nullopt;
    change.day[0] = *day;
  }
  if (!take(text, '/')) return change;
  const auto time = read_time(text, 167);
  if (!time) return std::nullopt;
  change.time = *time;
  return change;
}

std::optional<TimeZone::Rule> TimeZone::read_rule(std::string_view text) {
  Rule rule;
  if (!read_name(text)) return std::nullopt;
  const auto west = read_time(text, 24);
  if (!west) return std::nullopt;
  rule.standard = -*west;
  if (text.empty()) return rule;
  if (!read_name(text)) return std::nullopt;
  rule.summer = rule.standard + 3600;
  if (!text.empty() && text[0] != ',') {
    const auto summer = read_time(text, 24);
    if (!summer) return std::nullopt;
    rule.summer = -*summer;
  }
  std::array<Change, 2> changes;
  for (Change& change : changes) {
    if (!take(text, ',')) return std::nullopt;
    const auto read = read_change(text);
    if (!read) return std::nullopt;
    change = *read;
  }
  if (!text.empty()) return std::nullopt;
  rule.changes = changes;
  return rule;
}

// In local seconds of the time before it.
std::int64_t TimeZone::change_in(int year, const Change& change) {
  std::int64_t day = 0;
  switch (change.kind) {
    case Change::Kind::kMonth: {
      const auto month = static_cast<unsigned>(change.day[0]);
      const std::int64_t first = day_number(year, month, 1);
      const auto weekday = std::chrono::weekday(sys_days(days(first))).c_encoding();
      day = first + (change.day[2] - static_cast<int>(weekday) + 7) % 7 + (change.day[1] - 1) * 7;
      const std::int64_t end =
          month == 12 ? day_number(year + 1, 1, 1) : day_number(year, month + 1, 1);
      while (day >= end) day -= 7;  // the fifth is the last
      break;
    }
    case Change::Kind::kJulian: {
      const bool after_leap_day = std::chrono::year(year).is_leap() && change.day[0] >= 60;
      day = day_number(year, 1, 1) + change.day[0] - 1 + (after_leap_day ? 1 : 0);
      break;
    }
    case Change::Kind::kDay:
      day = day_number(year, 1, 1) + change.day[0];
      break;
  }
  return day * kDay + change.time;
}

std::int32_t TimeZone::by_rule(std::int64_t t) const {
  const Rule& rule = *rule_;
  if (!rule.changes) return rule.standard;
  const int year = year_of(t + rule.standard);
  const std::int64_t begin = change_in(year, (*rule.changes)[0]) - rule.standard;
  const std::int64_t end = change_in(year, (*rule.changes)[1]) - rule.summer;
  const bool summer = begin < end ? t >= begin && t < end : t >= begin || t < end;
  return summer ? rule.summer : rule.standard;
}

Result<TimeZone> TimeZone::parse_rule(std::string_view text) {
  TimeZone zone;
  zone.rule_ = read_rule(text);
  if (!zone.rule_) {
    return usage_error("not a time zone's rule: " + quoted(text),
                       "such as CET-1CEST,M3.5.0,M10.5.0/3");
  }
  return zone;
}

// ---- files ----

Result<TimeZone> TimeZone::parse_file(std::string_view bytes) {
  const Error bad = corrupt_error("not a TZif file of version 2 or later");
  struct Header {
    std::array<std::uint32_t, 6> n{};  // isutc, isstd, leap, times, types, characters
    bool read(ByteReader& in) {
      const auto magic = in.bytes(5);
      if (!magic || magic->substr(0, 4) != "TZif" || (*magic)[4] < '2' || !in.bytes(15)) {
        return false;
      }
      for (std::uint32_t& count : n) {
        const auto value = in.u32();
        if (!value || *value > 100000) return false;
        count = *value;
      }
      return n[4] > 0;
    }
    std::size_t size(std::size_t time) const {
      return n[3] * (time + 1) + n[4] * 6 + n[5] + n[2] * (time + 4) + n[1] + n[0];
    }
  };
  ByteReader in(bytes);
  Header header;
  if (!header.read(in) || !in.bytes(header.size(4)) || !header.read(in)) return bad;
  const auto data = in.bytes(header.size(8));
  if (!data) return bad;
  ByteReader times(*data);
  ByteReader kinds(data->substr(header.n[3] * 8U));
  ByteReader types(data->substr(header.n[3] * 9U));
  std::vector<std::int32_t> offsets;
  for (std::uint32_t i = 0; i < header.n[4]; ++i) {
    const auto offset = static_cast<std::int32_t>(types.u32().value_or(0));
    types.u16();
    if (std::abs(offset) > 2 * kDay) return bad;
    offsets.push_back(offset);
  }
  TimeZone zone;
  zone.before_ = offsets[0];
  for (std::uint32_t i = 0; i < header.n[3]; ++i) {
    const auto from = static_cast<std::int64_t>(times.u64().value_or(0));
    const std::size_t kind = kinds.u8().value_or(0);
    if (kind >= offsets.size() || (i > 0 && from <= zone.periods_.back().from)) return bad;
    zone.periods_.push_back({from, offsets[kind]});
  }
  std::string_view footer = in.rest();
  if (!take(footer, '\n') || !footer.ends_with('\n')) return bad;
  footer.remove_suffix(1);
  if (footer.empty()) return zone;
  zone.rule_ = read_rule(footer);
  if (!zone.rule_) return bad;
  return zone;
}

// ---- questions ----

std::int32_t TimeZone::offset_at(WallTime t) const {
  const std::int64_t at = to_unix(t);
  const auto next = std::upper_bound(periods_.begin(), periods_.end(), at,
                                     [](std::int64_t x, const Period& p) { return x < p.from; });
  if (next == periods_.end() && rule_) return by_rule(at);
  return next == periods_.begin() ? before_ : std::prev(next)->offset;
}

WallTime TimeZone::at_local(std::int64_t local) const {
  // Two changes are never within two days of each other.
  const std::int32_t before = offset_at(from_unix(local - kDay));
  const std::int32_t after = offset_at(from_unix(local + kDay));
  for (const std::int32_t offset : {before, after}) {
    const WallTime t = from_unix(local - offset);
    if (offset_at(t) == offset) return t;
  }
  std::int64_t low = local - kDay;
  std::int64_t high = local + kDay;
  while (high - low > 1) {
    const std::int64_t middle = low + (high - low) / 2;
    (offset_at(from_unix(middle)) == before ? low : high) = middle;
  }
  return from_unix(high);
}

std::string TimeZone::format(WallTime t) const {
  const std::int32_t offset = offset_at(t);
  const WallTime local = t + std::chrono::seconds(offset);
  const bool has_form = local >= kFirstTime && local <= kLastTime && offset % 60 == 0;
  if (offset == 0 || !has_form) return format_rfc3339(t);
  std::string text = format_rfc3339(local);
  text.pop_back();
  const std::int32_t minutes = std::abs(offset) / 60;
  return fmt::format("{}{}{:02}:{:02}", text, offset < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

}  // namespace gw::update
