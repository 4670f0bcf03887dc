// The tokens of a go.mod file, as golang.org/x/mod/modfile (read.go) cuts them.
//
//   token   = ident | string | "(" | ")" | "[" | "]" | "{" | "}" | "," | LF | comment
//   ident   = printable characters but blanks and punctuation; "//" ends it, "/*" is an error
//   string  = '"' ... '"' with "\" before any character, or '`' ... '`'; no LF but after "\"
//   comment = "//" ... LF, the LF included
//
// For lib/module/gomod*.cc only. A lexer belongs to one thread; tokens are views into the text.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace gw::mod {

struct GoModToken {
  enum class Kind {
    kEnd,
    kError,  // see GoModLexer::fail
    kLineFeed,
    kComment,      // alone on its line
    kLineComment,  // behind something; ends the line as a line feed does
    kWord,         // ident, string or punctuation
  };
  Kind kind = Kind::kEnd;
  std::string_view text;
  std::size_t line = 0;    // where it begins, from 1
  std::size_t offset = 0;  // in the text
  bool several_lines = false;

  bool ends_line() const {
    return kind == Kind::kEnd || kind == Kind::kLineFeed || kind == Kind::kLineComment;
  }
  // Punctuation by itself; a quoted "(" is another text.
  bool is(char c) const { return kind == Kind::kWord && text.size() == 1 && text[0] == c; }
};

class GoModLexer {
 public:
  // The text must outlive the lexer.
  explicit GoModLexer(std::string_view text) : text_(text) { advance(); }

  const GoModToken& peek() const { return token_; }
  // Takes the next token; the end and an error stay.
  GoModToken take();

  // The text's own error when it has been met, else this one at the place that has been read up to.
  Error fail(std::string_view what) const;

 private:
  void advance();
  bool at_end() const { return at_ == text_.size(); }
  bool ahead(std::string_view prefix) const { return text_.substr(at_).starts_with(prefix); }
  void skip_rune();
  void finish(GoModToken::Kind kind, std::size_t first_line);
  void set_error(std::string_view what, std::size_t line);
  void read_comment();
  void read_string(char quote);
  void read_word();

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
  bool line_is_empty_ = true;  // nothing but blanks since the last line feed
  GoModToken token_;
  std::optional<Error> error_;
};

// An error at a line: "go.mod:3: WHAT".
Error gomod_error(std::size_t line, std::string_view what);

// The value of a token where a string is wanted (modfile's parseString): a word without quotes in
// it, or an interpreted string of Go. Nothing when it is malformed.
std::optional<std::string> parse_gomod_string(std::string_view token);

}  // namespace gw::mod
