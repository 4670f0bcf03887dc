#include "dns/zone_lexer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "base/text.h"

namespace gw::dns {

namespace {

// A record's text: four times its rdata when every octet is escaped.
constexpr std::size_t kMaxTokens = 1 << 16;

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r'; }
bool ends_token(char c) { return is_space(c) || c == '\n' || c == ';' || c == '(' || c == ')'; }

}  // namespace

ZoneLexer::ZoneLexer(std::string_view text) : text_(text) {
  if (text_.starts_with("\xef\xbb\xbf")) at_ = 3;  // a byte order mark
}

// One token at at_, which is at its first octet. A quoted part may be anywhere within it
// (`alpn="h2,h3"`), but a token that begins with a quote ends with it.
Status ZoneLexer::token(ZoneEntry& entry) {
  const std::size_t begin = at_;
  const bool starts_quoted = text_[at_] == '"';
  bool quoted = false;
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c == '\n' && quoted) return usage_error("a quoted string does not end on its line");
    if (!quoted && ends_token(c)) break;
    if (is_control(c) && c != '\t' && c != '\r') {
      return usage_error(fmt::format("control character 0x{:02x}", static_cast<std::uint8_t>(c)),
                         "write it as \\DDD");
    }
    if (c == '\\') {
      ++at_;
      if (at_ == text_.size() || text_[at_] == '\n') {
        return usage_error("a backslash at the end of the line");
      }
    } else if (c == '"') {
      quoted = !quoted;
      if (!quoted && starts_quoted) {
        ++at_;
        break;
      }
    }
    ++at_;
  }
  if (quoted) return usage_error("a quoted string does not end");
  if (entry.tokens.size() == kMaxTokens) return usage_error("too many fields");
  entry.tokens.push_back(text_.substr(begin, at_ - begin));
  return {};
}

Result<bool> ZoneLexer::next(ZoneEntry& entry) {
  entry.tokens.clear();
  std::size_t open = 0;  // the line of the parenthesis that is open
  bool line_start = true;
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (line_start && entry.tokens.empty() && open == 0) {
      entry.owner_left_out = is_space(c);
      entry.line = line_;
    }
    line_start = false;
    if (c == '\n') {
      if (open == 0 && !entry.tokens.empty()) return true;
      ++at_;
      ++line_;
      line_start = true;
    } else if (is_space(c)) {
      ++at_;
    } else if (c == ';') {
      at_ = std::min(text_.find('\n', at_), text_.size());
    } else if (c == '(') {
      if (open != 0) return usage_error("a parenthesis within parentheses");
      open = line_;
      ++at_;
    } else if (c == ')') {
      if (open == 0) return usage_error("a closing parenthesis without an opening one");
      open = 0;
      ++at_;
    } else {
      GW_CHECK(token(entry));
    }
  }
  if (open != 0) {
    return usage_error(fmt::format("the parenthesis opened on line {} is never closed", open));
  }
  return !entry.tokens.empty();
}

}  // namespace gw::dns
