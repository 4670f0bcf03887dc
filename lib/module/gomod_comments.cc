// What comments in go.mod mean: golang.org/x/mod/modfile's isIndirect, parseDirectiveComment and
// parseDeprecation (rule.go).
#include <algorithm>
#include <utility>

#include "base/text.h"
#include "module/gomod_directives.h"
#include "module/unicode.h"

namespace gw::mod {

namespace {

// What is behind "//", without white space around.
std::string_view comment_text(std::string_view comment) {
  if (comment.starts_with("//")) comment.remove_prefix(2);
  return trim_space(comment);
}

}  // namespace

bool is_indirect(std::string_view behind) {
  std::string_view text = comment_text(behind);
  if (text == "indirect") return true;
  if (!text.starts_with("indirect;")) return false;
  text.remove_prefix(9);
  return !text.empty() && is_space(decode_rune(text).value);
}

std::string directive_comment(const GoModLine& line) {
  const bool own = line.before.any || !line.behind.empty();
  std::string out;
  bool first = true;
  const auto add = [&](std::string_view comment) {
    if (!std::exchange(first, false)) out += '\n';
    out += comment_text(comment);
  };
  for (std::string_view rest = own ? line.before.text : line.block_before.text; !rest.empty();) {
    std::string_view text = take_line(rest);
    text.remove_prefix(std::min(text.find_first_not_of(" \t\r"), text.size()));
    if (!text.empty()) add(text);
  }
  if (!line.behind.empty()) add(line.behind);
  return out;
}

std::string deprecation(std::string_view comment) {
  constexpr std::string_view kMark = "Deprecated:";
  constexpr std::string_view kAfterGap = "\n\nDeprecated:";
  std::size_t at = 0;
  if (!comment.starts_with(kMark)) {
    at = comment.find(kAfterGap);
    if (at == comment.npos) return {};
    at += kAfterGap.size() - kMark.size();
  }
  comment.remove_prefix(at + kMark.size());
  comment.remove_prefix(std::min(comment.find_first_not_of(' '), comment.size()));
  return std::string(comment.substr(0, comment.find("\n\n")));
}

}  // namespace gw::mod
