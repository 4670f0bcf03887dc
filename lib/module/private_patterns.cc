#include "module/private_patterns.h"

#include <algorithm>
#include <optional>

#include "base/bytes.h"
#include "module/path.h"
#include "module/unicode.h"

namespace gw::mod {

namespace {

// What the front of a pattern takes: one character, or none when it is malformed.
struct Step {
  std::size_t pattern;  // bytes of the pattern
  std::size_t text;     // bytes of the text
  bool matches;
};

// One character of a class (Go's getEsc).
std::optional<char32_t> class_char(std::string_view pattern, std::size_t& at) {
  if (at >= pattern.size() || pattern[at] == '-' || pattern[at] == ']') return std::nullopt;
  if (pattern[at] == '\\') ++at;
  const Rune rune = decode_rune(pattern.substr(std::min(at, pattern.size())));
  if (rune.value == kRuneError && rune.size <= 1) return std::nullopt;
  at += rune.size;
  return rune.value;
}

// `[...]` at the front of `pattern`, against the character at the front of `text`.
std::optional<Step> match_class(std::string_view pattern, std::string_view text) {
  const Rune rune = decode_rune(text);
  std::size_t at = 1;
  const bool negated = at < pattern.size() && pattern[at] == '^';
  if (negated) ++at;
  bool in = false;
  for (bool first = true;; first = false) {
    if (!first && at < pattern.size() && pattern[at] == ']') break;
    const auto low = class_char(pattern, at);
    if (!low) return std::nullopt;
    auto high = low;
    if (at < pattern.size() && pattern[at] == '-') {
      ++at;
      high = class_char(pattern, at);
      if (!high) return std::nullopt;
    }
    in = in || (*low <= rune.value && rune.value <= *high);
  }
  return Step{at + 1, rune.size, in != negated};
}

// Neither is empty, and the pattern does not begin with `*`.
std::optional<Step> match_one(std::string_view pattern, std::string_view text) {
  switch (pattern[0]) {
    case '[':
      return match_class(pattern, text);
    case '?':
      return Step{1, decode_rune(text).size, text[0] != '/'};
    case '\\':
      if (pattern.size() < 2) return std::nullopt;
      return Step{2, 1, pattern[1] == text[0]};
    default:
      return Step{1, 1, pattern[0] == text[0]};
  }
}

bool is_well_formed(std::string_view glob) {
  while (!glob.empty()) {
    if (glob[0] == '*') {
      glob.remove_prefix(1);
      continue;
    }
    const auto step = match_one(glob, "x");
    if (!step) return false;
    glob.remove_prefix(step->pattern);
  }
  return true;
}

// path.Match. After a mismatch only the last `*` takes one byte more, as there: what the earlier
// ones took stays, so the steps are at most the product of both sizes.
bool glob_matches(std::string_view glob, std::string_view text) {
  std::size_t g = 0;
  std::size_t t = 0;
  std::optional<std::size_t> star;  // position after the last `*`
  std::size_t star_text = 0;        // where what it takes ends for now
  while (t < text.size()) {
    if (g < glob.size() && glob[g] == '*') {
      star = ++g;
      star_text = t;
      continue;
    }
    if (g < glob.size()) {
      const auto step = match_one(glob.substr(g), text.substr(t));
      if (!step) return false;
      if (step->matches) {
        g += step->pattern;
        t += step->text;
        continue;
      }
    }
    if (!star || text[star_text] == '/') return false;
    g = *star;
    t = ++star_text;
  }
  return glob.find_first_not_of('*', g) == glob.npos;
}

// Takes the next pattern off the front of a list.
std::string_view take_pattern(std::string_view& patterns) {
  std::string_view glob = patterns.substr(0, patterns.find(','));
  patterns.remove_prefix(std::min(patterns.size(), glob.size() + 1));
  if (glob.ends_with('/')) glob.remove_suffix(1);
  return glob;
}

// The first `elements` (at least one) of a path; nothing when it has fewer.
std::optional<std::string_view> first_elements(std::string_view path, std::size_t elements) {
  for (std::size_t end = 0;; ++end) {
    end = path.find('/', end);
    if (--elements == 0) return path.substr(0, end);
    if (end == path.npos) return std::nullopt;
  }
}

}  // namespace

Status check_prefix_patterns(std::string_view patterns) {
  if (patterns.size() > kMaxPatternsBytes) return usage_error("list of patterns is too long");
  while (!patterns.empty()) {
    const std::string_view glob = take_pattern(patterns);
    if (!is_well_formed(glob)) return usage_error("malformed pattern " + quoted(glob));
  }
  return {};
}

bool match_prefix_patterns(std::string_view patterns, std::string_view path) {
  if (path.size() > kMaxPathBytes) return false;
  while (!patterns.empty()) {
    const std::string_view glob = take_pattern(patterns);
    if (glob.empty()) continue;
    const auto slashes = static_cast<std::size_t>(std::count(glob.begin(), glob.end(), '/'));
    const auto prefix = first_elements(path, slashes + 1);
    if (prefix && glob_matches(glob, *prefix)) return true;
  }
  return false;
}

}  // namespace gw::mod
