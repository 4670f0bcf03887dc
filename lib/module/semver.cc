#include "module/semver.h"

#include <algorithm>

#include "base/text.h"

namespace gw::mod {

namespace {

// Takes a decimal without leading zeros off the front; empty when there is none.
std::string_view take_number(std::string_view& rest) {
  std::size_t n = 0;
  while (n < rest.size() && is_digit(rest[n])) ++n;
  if (n > 1 && rest[0] == '0') return {};
  const std::string_view out = rest.substr(0, n);
  rest.remove_prefix(n);
  return out;
}

bool take(std::string_view& rest, char c) {
  if (!rest.starts_with(c)) return false;
  rest.remove_prefix(1);
  return true;
}

std::string_view take_identifier(std::string_view& rest) {
  const std::size_t dot = rest.find('.');
  const std::string_view out = rest.substr(0, dot);
  rest.remove_prefix(dot == std::string_view::npos ? rest.size() : dot + 1);
  return out;
}

// Dot-separated identifiers, none empty.
bool are_identifiers(std::string_view text) {
  if (text.empty() || text.back() == '.') return false;
  while (!text.empty()) {
    const std::string_view id = take_identifier(text);
    if (id.empty()) return false;
    for (const char c : id) {
      if (!is_alnum(c) && c != '-') return false;
    }
  }
  return true;
}

// Identifiers, numbers without leading zeros.
bool is_prerelease(std::string_view text) {
  if (!are_identifiers(text)) return false;
  while (!text.empty()) {
    const std::string_view id = take_identifier(text);
    if (id.size() > 1 && id[0] == '0' && all_digits(id)) return false;
  }
  return true;
}

int sign(int n) { return n < 0 ? -1 : (n > 0 ? 1 : 0); }

// semver.org 2.0.0 item 11.4.
int compare_prerelease(std::string_view a, std::string_view b) {
  if (a.empty() || b.empty()) return a.empty() ? (b.empty() ? 0 : 1) : -1;
  while (!a.empty() && !b.empty()) {
    const std::string_view ia = take_identifier(a);
    const std::string_view ib = take_identifier(b);
    if (ia == ib) continue;
    const bool na = all_digits(ia);
    const bool nb = all_digits(ib);
    if (na != nb) return na ? -1 : 1;
    return na ? compare_number(ia, ib) : sign(ia.compare(ib));
  }
  return a.empty() ? (b.empty() ? 0 : -1) : 1;
}

}  // namespace

std::optional<Semver> parse_semver(std::string_view text) {
  Semver v;
  std::string_view rest = text;
  if (!take(rest, 'v')) return std::nullopt;
  v.major = take_number(rest);
  if (v.major.empty() || !take(rest, '.')) return std::nullopt;
  v.minor = take_number(rest);
  if (v.minor.empty() || !take(rest, '.')) return std::nullopt;
  v.patch = take_number(rest);
  if (v.patch.empty()) return std::nullopt;
  if (const std::size_t plus = rest.find('+'); plus != std::string_view::npos) {
    if (rest.substr(plus) != "+incompatible") return std::nullopt;
    v.incompatible = true;
    rest = rest.substr(0, plus);
  }
  if (rest.empty()) return v;
  if (!take(rest, '-') || !is_prerelease(rest)) return std::nullopt;
  v.prerelease = rest;
  return v;
}

std::optional<std::string> canonical_version(std::string_view text) {
  const std::size_t plus = text.find('+');
  const std::string_view metadata = plus == text.npos ? "" : text.substr(plus);
  if (!metadata.empty() && !are_identifiers(metadata.substr(1))) return std::nullopt;
  std::string out(text.substr(0, plus));
  // Only a bare vX or vX.Y may be short.
  const auto dots = std::count(text.begin(), text.end(), '.');
  if (dots < 2 && out.find('-') == out.npos && metadata.empty()) out += dots == 0 ? ".0.0" : ".0";
  if (!parse_semver(out)) return std::nullopt;
  if (metadata == "+incompatible") out += metadata;
  return out;
}

int compare_number(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
  return sign(a.compare(b));
}

int compare_semver(const Semver& a, const Semver& b) {
  if (const int c = compare_number(a.major, b.major); c != 0) return c;
  if (const int c = compare_number(a.minor, b.minor); c != 0) return c;
  if (const int c = compare_number(a.patch, b.patch); c != 0) return c;
  return compare_prerelease(a.prerelease, b.prerelease);
}

std::optional<PseudoVersion> parse_pseudo_version(std::string_view text) {
  auto v = parse_semver(text);
  if (!v || v->prerelease.empty()) return std::nullopt;
  // The prerelease is TIME-REV, 0.TIME-REV or PRE.0.TIME-REV; REV holds no dash.
  const std::string_view pre = v->prerelease;
  const std::size_t dash = pre.rfind('-');
  constexpr std::size_t kTimeBytes = 14;
  if (dash == std::string_view::npos || dash < kTimeBytes || dash + 1 == pre.size()) {
    return std::nullopt;
  }
  PseudoVersion out;
  out.time = pre.substr(dash - kTimeBytes, kTimeBytes);
  out.revision = pre.substr(dash + 1);
  out.incompatible = v->incompatible;
  const std::string_view before = pre.substr(0, dash - kTimeBytes);
  if (!all_digits(out.time) || !std::all_of(out.revision.begin(), out.revision.end(), is_alnum)) {
    return std::nullopt;
  }
  const bool good = before.empty() ? v->minor == "0" && v->patch == "0"
                                   : before == "0." || before.ends_with(".0.");
  if (!good) return std::nullopt;
  out.base = text.substr(0, static_cast<std::size_t>(out.time.data() - text.data()));
  return out;
}

}  // namespace gw::mod
