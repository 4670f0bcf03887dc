#include "module/gomod_lexer.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "module/go_string.h"
#include "module/unicode.h"

namespace gw::mod {

namespace {

using Kind = GoModToken::Kind;

constexpr std::string_view kPunctuation = "()[]{},";

bool is_punctuation(char c) { return kPunctuation.find(c) != kPunctuation.npos; }

// modfile's isIdent.
bool is_word_rune(char32_t c) {
  if (c < 0x80) return c > 0x20 && c < 0x7f && !is_punctuation(static_cast<char>(c));
  return !is_space(c) && is_printable(c);
}

}  // namespace

Error gomod_error(std::size_t line, std::string_view what) {
  return usage_error(fmt::format("go.mod:{}: {}", line, what));
}

std::optional<std::string> parse_gomod_string(std::string_view token) {
  if (token.starts_with('"')) return unquote_go(token);
  if (token.find_first_of("\"'`") != token.npos) return std::nullopt;
  return std::string(token);
}

GoModToken GoModLexer::take() {
  GoModToken out = token_;
  if (out.kind != Kind::kEnd && out.kind != Kind::kError) advance();
  return out;
}

Error GoModLexer::fail(std::string_view what) const {
  return error_ ? *error_ : gomod_error(line_, what);
}

void GoModLexer::set_error(std::string_view what, std::size_t line) {
  error_ = gomod_error(line, what);
  token_.kind = Kind::kError;
}

void GoModLexer::skip_rune() {
  const Rune rune = decode_rune(text_.substr(at_));
  if (rune.value == '\n') ++line_;
  at_ += rune.size;
}

void GoModLexer::finish(Kind kind, std::size_t first_line) {
  token_.kind = kind;
  token_.text = text_.substr(token_.offset, at_ - token_.offset);
  token_.line = first_line;
  token_.several_lines = kind == Kind::kWord && line_ != first_line;
  line_is_empty_ = kind != Kind::kWord;
}

void GoModLexer::advance() {
  while (!at_end() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\r')) ++at_;
  token_.offset = at_;
  token_.line = line_;
  if (at_end()) return finish(Kind::kEnd, line_);
  if (ahead("//")) return read_comment();
  const char c = text_[at_];
  if (c == '\n') {
    const std::size_t line = line_;
    skip_rune();
    return finish(Kind::kLineFeed, line);
  }
  if (is_punctuation(c)) {
    ++at_;
    return finish(Kind::kWord, line_);
  }
  if (c == '"' || c == '`') return read_string(c);
  read_word();
}

void GoModLexer::read_comment() {
  const std::size_t line = line_;
  const Kind kind = line_is_empty_ ? Kind::kComment : Kind::kLineComment;
  const std::size_t end = text_.find('\n', at_);
  at_ = end == text_.npos ? text_.size() : end + 1;
  if (end != text_.npos) ++line_;
  finish(kind, line);
}

void GoModLexer::read_string(char quote) {
  const std::size_t line = line_;
  ++at_;
  for (;;) {
    if (at_end()) return set_error("unexpected end of file in string", line);
    const char c = text_[at_];
    if (c == '\n') return set_error("unexpected newline in string", line_);
    skip_rune();
    if (c == quote) break;
    if (c != '\\' || quote == '`') continue;
    if (at_end()) return set_error("unexpected end of file in string", line);
    skip_rune();
  }
  finish(Kind::kWord, line);
}

void GoModLexer::read_word() {
  const std::size_t begin = at_;
  while (!at_end() && !(at_ > begin && ahead("//"))) {
    if (ahead("/*")) {
      return set_error("mod files must use // comments (not /* */ comments)", line_);
    }
    const Rune rune = decode_rune(text_.substr(at_));
    if (!is_word_rune(rune.value)) break;
    at_ += rune.size;
  }
  if (at_ == begin) {
    const Rune rune = decode_rune(text_.substr(at_));
    return set_error("unexpected input character " + quoted(text_.substr(at_, rune.size)), line_);
  }
  finish(Kind::kWord, line_);
}

}  // namespace gw::mod
