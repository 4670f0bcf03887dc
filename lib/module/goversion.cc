#include "module/goversion.h"

#include <algorithm>

#include "base/text.h"

namespace gw::mod {

namespace {

bool take(std::string_view& rest, std::string_view prefix) {
  if (!rest.starts_with(prefix)) return false;
  rest.remove_prefix(prefix.size());
  return true;
}

// Canonical decimal of at most six digits: no toolchain will need more.
bool take_number(std::string_view& rest, std::uint32_t& out) {
  std::size_t n = 0;
  while (n < rest.size() && is_digit(rest[n])) ++n;
  if (n == 0 || n > 6 || (n > 1 && rest[0] == '0')) return false;
  out = 0;
  for (const char c : rest.substr(0, n)) out = out * 10 + static_cast<std::uint32_t>(c - '0');
  rest.remove_prefix(n);
  return true;
}

bool is_word(std::string_view s) {
  return !s.empty() && std::all_of(s.begin(), s.end(), is_lower_or_digit);
}

}  // namespace

std::optional<GoVersion> parse_go_version(std::string_view text) {
  GoVersion v;
  std::string_view rest = text;
  if (!take(rest, "go1.") || !take_number(rest, v.minor)) return std::nullopt;
  if (rest.empty()) return v;
  if (take(rest, ".")) {
    if (!take_number(rest, v.patch) || !rest.empty()) return std::nullopt;
    return v;
  }
  if (take(rest, "rc")) {
    v.stage = GoVersion::Stage::kRc;
  } else if (take(rest, "beta")) {
    v.stage = GoVersion::Stage::kBeta;
  } else {
    return std::nullopt;
  }
  if (!take_number(rest, v.number) || !rest.empty()) return std::nullopt;
  return v;
}

std::optional<ToolchainRecord> parse_toolchain_version(std::string_view version) {
  std::string_view rest = version;
  if (!take(rest, "v0.0.1-")) return std::nullopt;
  const std::size_t dot = rest.rfind('.');
  if (dot == std::string_view::npos) return std::nullopt;
  ToolchainRecord out{rest.substr(0, dot), rest.substr(dot + 1)};
  const std::size_t dash = out.platform.find('-');
  if (dash == std::string_view::npos || !is_word(out.platform.substr(0, dash)) ||
      !is_word(out.platform.substr(dash + 1)) || !parse_go_version(out.go_version)) {
    return std::nullopt;
  }
  return out;
}

}  // namespace gw::mod
