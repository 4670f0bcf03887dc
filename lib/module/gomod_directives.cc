#include "module/gomod_directives.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "base/text.h"
#include "module/gomod_lexer.h"
#include "module/path.h"
#include "module/semver.h"

namespace gw::mod {

namespace {

template <std::size_t N>
bool is_one_of(const std::array<std::string_view, N>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}
constexpr std::array<std::string_view, 5> kLaxVerbs = {"go", "module", "retract", "require",
                                                       "ignore"};
constexpr std::array<std::string_view, 8> kBlockVerbs = {"module",  "godebug", "require", "exclude",
                                                         "replace", "retract", "tool",    "ignore"};

// Takes a number without leading zeros off the front.
bool take_number(std::string_view& text, bool may_be_zero) {
  std::size_t n = 0;
  while (n < text.size() && is_digit(text[n])) ++n;
  if (n == 0 || (text[0] == '0' && (n > 1 || !may_be_zero))) return false;
  text.remove_prefix(n);
  return true;
}

// Takes "1.21" off the front (modfile's GoVersionRE and laxGoVersionRE up to there).
bool take_language(std::string_view& text) {
  if (!take_number(text, false) || !text.starts_with('.')) return false;
  text.remove_prefix(1);
  return take_number(text, true);
}

// 1.21, 1.21.0, 1.21rc1, 1.21.0rc1: GoVersionRE.
bool is_go_version(std::string_view text) {
  if (!take_language(text)) return false;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    if (!take_number(text, true)) return false;
  }
  if (text.empty()) return true;
  const auto digits = std::find_if_not(text.begin(), text.end(), is_lower);
  return digits != text.begin() && digits != text.end() &&
         std::all_of(digits, text.end(), is_digit);
}

// The "1.21" of "v1.21" and "1.21.x": laxGoVersionRE; "" when that does not match.
std::string_view lax_go_version(std::string_view text) {
  if (text.starts_with('v')) text.remove_prefix(1);
  std::string_view rest = text;
  if (!take_language(rest) || rest.empty()) return {};
  return text.substr(0, text.size() - rest.size());
}

bool is_directory(std::string_view path) {
  for (const std::string_view start : {"./", "../", "/", ".\\", "..\\", "\\"}) {
    if (path.starts_with(start)) return true;
  }
  return path == "." || path == ".." ||
         (path.size() >= 2 && gw::is_letter(path[0]) && path[1] == ':');
}

Result<std::string> parse_text(std::string_view token) {
  auto text = parse_gomod_string(token);
  if (!text) return usage_error("invalid quoted string: " + quoted(token));
  return *std::move(text);
}

Result<std::string> parse_version(std::string_view token) {
  const auto text = parse_gomod_string(token);
  if (!text) return usage_error(fmt::format("version {} invalid: malformed string", quoted(token)));
  auto canonical = canonical_version(*text);
  if (!canonical) {
    return usage_error(
        fmt::format("version {} invalid: must be of the form v1.2.3", quoted(*text)));
  }
  return *std::move(canonical);
}

// That a version is one that the module with this path can have.
Status check_major(std::string_view path, std::string_view version) {
  const auto parts = split_path_version(path);
  if (!parts) return usage_error(quoted(path) + ": invalid module path");
  if (version.empty() || major_matches(version, parts->major)) return {};
  const std::string_view major = parts->major.empty() ? "v0 or v1" : parts->major.substr(1);
  return usage_error(
      fmt::format("{}: version {} invalid: should be {}", quoted(path), quoted(version), major));
}

struct Interval {
  std::string low, high;
  std::size_t words = 0;  // that it is made of
};

// modfile's parseVersionInterval; the versions as they were written.
Result<Interval> parse_interval(std::span<const std::string_view> words) {
  const auto word = [&](std::size_t i) { return i < words.size() ? words[i] : ""; };
  if (words.empty() || words[0] == "(") return usage_error("expected '[' or version");
  if (words[0] != "[") {
    GW_TRY(const std::string version, parse_text(words[0]));
    return Interval{version, version, 1};
  }
  if (words.size() < 2) return usage_error("expected version after '['");
  GW_TRY(std::string low, parse_text(words[1]));
  if (word(2) != ",") return usage_error("expected ',' after version");
  if (words.size() < 4) return usage_error("expected version after ','");
  GW_TRY(std::string high, parse_text(words[3]));
  if (word(4) != "]") return usage_error("expected ']' after version");
  return Interval{std::move(low), std::move(high), 5};
}

Error at(std::size_t line, const Error& error) { return gomod_error(line, error.message); }

}  // namespace

Status GoModDirectives::add(std::string_view verb, const GoModLine& line) {
  if (!strict_ && !is_one_of(kLaxVerbs, verb)) return {};
  if (++directives_ > kMaxGoModDirectives) return gomod_error(line.line, "too many directives");
  const Status status = add_known(verb, line);
  if (!status) return at(line.line, status.error());
  return {};
}

Result<bool> GoModDirectives::begin_block(Words words, std::size_t line) const {
  if (words.size() == 1 && is_one_of(kBlockVerbs, words[0])) return true;
  if (!strict_) return false;
  return gomod_error(line, "unknown block type: " + quoted(words[0]));
}

Status GoModDirectives::add_known(std::string_view verb, const GoModLine& line) {
  if (verb == "module") return add_module(line);
  if (verb == "go") return add_go(line);
  if (verb == "toolchain") return add_toolchain(line);
  if (verb == "godebug") return add_godebug(line);
  if (verb == "require" || verb == "exclude") return add_required(verb, line);
  if (verb == "replace") return add_replace(line);
  if (verb == "retract") return add_retract(line);
  if (verb == "tool") return add_path(verb, line, mod_.tool);
  if (verb == "ignore") return add_path(verb, line, mod_.ignore);
  return usage_error("unknown directive: " + quoted(verb));
}

Status GoModDirectives::add_module(const GoModLine& line) {
  if (mod_.module) return usage_error("repeated module statement");
  if (line.words.size() != 1) return usage_error("usage: module module/path");
  GW_TRY(std::string path, parse_text(line.words[0]));
  mod_.module = GoModModule{std::move(path), deprecation(directive_comment(line)), line.line};
  return {};
}

Status GoModDirectives::add_go(const GoModLine& line) {
  if (mod_.go) return usage_error("repeated go statement");
  if (line.words.size() != 1) return usage_error("go directive expects exactly one argument");
  std::string_view version = line.words[0];
  if (!is_go_version(version)) version = strict_ ? "" : lax_go_version(version);
  if (version.empty()) {
    return usage_error(
        fmt::format("invalid go version {}: must match format 1.23.0", quoted(line.words[0])));
  }
  mod_.go = GoModVersion{std::string(version), line.line};
  return {};
}

Status GoModDirectives::add_toolchain(const GoModLine& line) {
  if (mod_.toolchain) return usage_error("repeated toolchain statement");
  if (line.words.size() != 1) {
    return usage_error("toolchain directive expects exactly one argument");
  }
  const std::string_view name = line.words[0];
  if (name != "default" && name != "go1" && !name.starts_with("go1.")) {
    return usage_error(fmt::format(
        "invalid toolchain version {}: must match format go1.23.0 or default", quoted(name)));
  }
  mod_.toolchain = GoModVersion{std::string(name), line.line};
  return {};
}

Status GoModDirectives::add_godebug(const GoModLine& line) {
  const std::string_view word = line.words.empty() ? "" : line.words[0];
  const std::size_t equals = word.find('=');
  if (line.words.size() != 1 || equals == word.npos || word.find_first_of("\"`',") != word.npos) {
    return usage_error("usage: godebug key=value");
  }
  mod_.godebug.push_back(
      {std::string(word.substr(0, equals)), std::string(word.substr(equals + 1)), line.line});
  return {};
}

Status GoModDirectives::add_required(std::string_view verb, const GoModLine& line) {
  if (line.words.size() != 2) return usage_error(fmt::format("usage: {} module/path v1.2.3", verb));
  GW_TRY(std::string path, parse_text(line.words[0]));
  GW_TRY(std::string version, parse_version(line.words[1]));
  GW_CHECK(check_major(path, version));
  if (verb == "exclude") {
    mod_.exclude.push_back({std::move(path), std::move(version), line.line});
  } else {
    mod_.require.push_back(
        {std::move(path), std::move(version), is_indirect(line.behind), line.line});
  }
  return {};
}

Status GoModDirectives::add_replace(const GoModLine& line) {
  const Words words = line.words;
  const std::size_t arrow = words.size() >= 2 && words[1] == "=>" ? 1 : 2;
  if (words.size() < arrow + 2 || words.size() > arrow + 3 || words[arrow] != "=>") {
    return usage_error(
        "usage: replace module/path [v1.2.3] => other/module v1.4, or => ../local/directory");
  }
  GoModReplace out;
  out.line = line.line;
  GW_TRY(out.path, parse_text(words[0]));
  if (arrow == 2) {
    GW_TRY(out.version, parse_version(words[1]));
  }
  GW_CHECK(check_major(out.path, out.version));
  GW_TRY(out.with, parse_text(words[arrow + 1]));
  const bool directory = is_directory(out.with);
  if (words.size() == arrow + 3) {
    GW_TRY(out.with_version, parse_version(words[arrow + 2]));
    if (directory) {
      return usage_error(quoted(out.with) + ": a replacement directory cannot have a version");
    }
  } else if (!directory) {
    return usage_error(quoted(out.with) +
                       ": a replacement without a version must be a directory: rooted, or starting "
                       "with . or ..");
  } else if (out.with.find('\\') != out.with.npos) {
    return usage_error(quoted(out.with) + ": a replacement directory as Windows writes it");
  }
  mod_.replace.push_back(std::move(out));
  return {};
}

Status GoModDirectives::add_retract(const GoModLine& line) {
  auto interval = parse_interval(line.words);
  if (!interval) return strict_ ? std::move(interval).error() : Status();
  if (strict_ && interval->words < line.words.size()) {
    return usage_error("unexpected token after version: " + quoted(line.words[interval->words]));
  }
  std::string rationale = directive_comment(line);
  comment_bytes_ += rationale.size();
  if (comment_bytes_ > kMaxGoModBytes) return usage_error("too many comments on retractions");
  mod_.retract.push_back(
      {std::move(interval->low), std::move(interval->high), std::move(rationale), line.line});
  return {};
}

Status GoModDirectives::add_path(std::string_view verb, const GoModLine& line,
                                 std::vector<GoModPath>& to) {
  if (line.words.size() != 1) {
    return usage_error(fmt::format("{} directive expects exactly one argument", verb));
  }
  GW_TRY(std::string path, parse_text(line.words[0]));
  to.push_back({std::move(path), line.line});
  return {};
}

}  // namespace gw::mod
