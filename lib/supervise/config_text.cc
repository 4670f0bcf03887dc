#include "supervise/config_text.h"

#include <fmt/format.h>

#include <array>

#include "base/json.h"

namespace gw::supervise {
namespace {

// JSON's texts are TOML's, too.
std::string toml(std::string_view text) { return format_json(Json(std::string(text))); }

}  // namespace

std::string format_time(std::chrono::milliseconds time) {
  constexpr std::array<std::pair<std::int64_t, const char*>, 4> kUnits{
      {{86'400'000, "d"}, {3'600'000, "h"}, {60'000, "m"}, {1'000, "s"}}};
  if (time.count() == 0) return "0s";
  for (const auto& [unit, name] : kUnits) {
    if (time.count() % unit == 0) return fmt::format("{}{}", time.count() / unit, name);
  }
  return fmt::format("{}ms", time.count());
}

void ConfigText::add(std::string_view key, std::string_view value) {
  own_ += fmt::format("{} = {}\n", key, toml(value));
}

void ConfigText::add_list(std::string_view key, const std::vector<std::string>& values) {
  if (values.empty()) return;
  own_ += fmt::format("{} = [", key);
  for (std::size_t i = 0; i < values.size(); ++i) {
    own_ += fmt::format("{}{}", i == 0 ? "" : ", ", toml(values[i]));
  }
  own_ += "]\n";
}

void ConfigText::add_flag(std::string_view key, bool value) {
  own_ += fmt::format("{} = {}\n", key, value ? "true" : "false");
}

void ConfigText::add_general_flag(std::string_view key, bool value) {
  general_ += fmt::format("{} = {}\n", key, value ? "true" : "false");
}

void ConfigText::add_time(std::string_view key, std::chrono::milliseconds value) {
  add(key, format_time(value));
}

void ConfigText::comment(std::string_view text) { own_ += fmt::format("# {}\n", text); }

std::string ConfigText::text() const {
  return fmt::format("{}{}[supervise]\n{}", general_, general_.empty() ? "" : "\n", own_);
}

}  // namespace gw::supervise
