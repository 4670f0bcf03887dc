// Values as ysco and Go have them: durations, capabilities, a schedule's items.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>

#include "base/text.h"
#include "os/user.h"
#include "supervise/import.h"
#include "update/schedule.h"

namespace gw::supervise {
namespace {

// "mo-fr,we 9-17" as "mo-fr 9-17" and "we 9-17".
std::vector<std::string> take_apart(const std::string& item) {
  const std::size_t space = item.find(' ');
  std::vector<std::string> out;
  for (const std::string_view first : split(std::string_view(item).substr(0, space), ',')) {
    if (space == item.npos) {
      out.emplace_back(first);
      continue;
    }
    for (const std::string_view second : split(std::string_view(item).substr(space + 1), ',')) {
      out.push_back(fmt::format("{} {}", first, second));
    }
  }
  return out;
}

std::string without_zeros(std::string_view hours) {
  std::string out;
  for (std::size_t i = 0; i < hours.size(); ++i) {
    const bool first = i == 0 || !is_digit(hours[i - 1]);
    const bool more = i + 1 < hours.size() && is_digit(hours[i + 1]);
    if (!(hours[i] == '0' && first && more)) out += hours[i];
  }
  return out;
}

// The parts of a list, each once.
std::string once_each(std::string_view list) {
  std::vector<std::string_view> seen;
  std::string out;
  for (const std::string_view part : split(list, ',')) {
    if (std::find(seen.begin(), seen.end(), part) != seen.end()) continue;
    if (!seen.empty()) out += ',';
    seen.push_back(part);
    out += part;
  }
  return out;
}

// As Go's strconv.ParseUint() with base 0 takes it, but for underscores.
std::optional<std::uint64_t> parse_go_number(std::string_view text) {
  int base = 10;
  if (text.size() > 1 && text[0] == '0') {
    const char sign = to_lower(text.substr(1, 1))[0];
    const bool has_letter = sign == 'x' || sign == 'b' || sign == 'o';
    base = sign == 'x' ? 16 : sign == 'b' ? 2 : 8;
    text.remove_prefix(has_letter ? 2 : 1);
  }
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number, base);
  if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return number;
}

}  // namespace

std::optional<std::chrono::milliseconds> parse_go_duration(std::string_view text) {
  if (text == "0") return std::chrono::milliseconds(0);
  if (text.empty()) return std::nullopt;
  constexpr double kMost = 1e21;
  constexpr double kMillisecond = 1e6;
  double sum = 0;  // nanoseconds
  while (!text.empty()) {
    const std::size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
    const std::string number(text.substr(0, digits));
    text.remove_prefix(digits);
    const std::string_view unit = text.substr(0, text.find_first_of("0123456789."));
    text.remove_prefix(unit.size());
    const bool one_dot = std::count(number.begin(), number.end(), '.') <= 1;
    if (number.empty() || number == "." || number.size() > 18 || !one_dot) return std::nullopt;
    const double each = unit == "h"                                    ? 3.6e12
                        : unit == "m"                                  ? 6e10
                        : unit == "s"                                  ? 1e9
                        : unit == "ms"                                 ? kMillisecond
                        : unit == "us" || unit == "µs" || unit == "μs" ? 1e3
                        : unit == "ns"                                 ? 1
                                                                       : 0;
    if (each == 0) return std::nullopt;
    sum += std::stod(number) * each;
    if (sum > kMost) return std::nullopt;
  }
  return std::chrono::milliseconds(static_cast<std::int64_t>(std::ceil(sum / kMillisecond)));
}

std::string clean_schedule_item(std::string_view item) {
  item = trim(item);
  const std::size_t space = item.find(' ');
  const auto clean = [](std::string_view part) { return once_each(without_zeros(part)); };
  if (space == item.npos) return clean(item);
  return fmt::format("{} {}", clean(item.substr(0, space)), clean(item.substr(space + 1)));
}

Result<std::vector<std::string>> import_schedule_item(std::string_view item) {
  std::vector<std::string> out{clean_schedule_item(item)};
  auto parsed = update::Schedule::parse(out);
  if (parsed) return out;
  // Where ranges overlap each of them may be an item of its own.
  out = take_apart(out.front());
  if (!update::Schedule::parse(out)) return std::move(parsed).error();
  return out;
}

Result<std::string> import_capability(std::string_view text) {
  const auto number = parse_go_number(text);
  GW_TRY(const int capability, os::parse_capability(number ? std::to_string(*number) : text));
  return os::capability_name(capability);
}

}  // namespace gw::supervise
