// The lines and blocks of go.mod: golang.org/x/mod/modfile's parser (read.go), without a tree. Each
// line is judged when it ends (gomod_directives.cc); a fault of the syntax further down is told in
// place of a fault in a directive, as there.
//
//   file  = { line | block | comment | LF }
//   line  = word { word } end            end = LF | comment | end of file
//   block = word { word } "(" end { line | comment | LF } ")" end    also "( )" in one line
#include "module/gomod.h"

#include <fmt/format.h>

#include <utility>

#include "module/gomod_directives.h"
#include "module/gomod_lexer.h"

namespace gw::mod {

namespace {

using Kind = GoModToken::Kind;

// No directive has more words that matter.
constexpr std::size_t kKeptWords = 16;

// Whole-line comments and blank lines while they come.
struct Gathered {
  bool any = false;
  std::size_t begin = 0;

  void add(const GoModToken& token) {
    if (!std::exchange(any, true)) begin = token.offset;
  }
};

class FileParser {
 public:
  FileParser(std::string_view text, GoModMode mode)
      : text_(text), lexer_(text), directives_(mode) {}

  Result<GoMod> run() {
    GW_CHECK(parse_file());
    if (fault_) return *std::move(fault_);
    return std::move(directives_).take();
  }

 private:
  Status parse_file();
  Status parse_statement(const Gathered& comments);
  Status parse_block(std::size_t line, const GoModComments& comments);
  Status parse_block_line(const Gathered& comments);
  void keep(std::string_view word) {
    if (words_.size() < kKeptWords) words_.push_back(word);
  }
  GoModComments comments_before(const Gathered& comments, const GoModToken& token) const {
    if (!comments.any) return {};
    return {text_.substr(comments.begin, token.offset - comments.begin), true};
  }
  // The line in words_, whose own first word is `first`, and which `end` ends.
  void add_line(const GoModToken& first, const GoModToken& end, const GoModComments& before);
  void note(Status status) {
    if (!status && !fault_) fault_ = std::move(status).error();
  }

  std::string_view text_;
  GoModLexer lexer_;
  GoModDirectives directives_;
  std::optional<Error> fault_;           // of the first bad directive
  std::vector<std::string_view> words_;  // of the line that is read, its verb first
  bool several_lines_ = false;           // one of them goes over lines
  std::string_view block_verb_;          // inside a block whose lines count
  GoModComments block_before_;
};

Status FileParser::parse_file() {
  Gathered comments;
  for (;;) {
    switch (lexer_.peek().kind) {
      case Kind::kEnd:
        return {};
      case Kind::kError:
        return lexer_.fail("");
      case Kind::kLineFeed:
        lexer_.take();
        comments = {};
        break;
      case Kind::kComment:
        comments.add(lexer_.take());
        break;
      default:
        GW_CHECK(parse_statement(comments));
        comments = {};
    }
  }
}

Status FileParser::parse_statement(const Gathered& comments) {
  const GoModToken first = lexer_.take();
  const GoModComments before = comments_before(comments, first);
  words_ = {first.text};
  block_before_ = {};
  several_lines_ = first.several_lines;
  for (;;) {
    const GoModToken token = lexer_.take();
    if (token.kind == Kind::kError) return lexer_.fail("");
    if (token.ends_line()) {
      add_line(first, token, before);
      return {};
    }
    several_lines_ = several_lines_ || token.several_lines;
    if (token.is('(')) {
      if (lexer_.peek().ends_line()) return parse_block(first.line, before);
      if (lexer_.peek().is(')')) {
        const GoModToken close = lexer_.take();
        if (lexer_.peek().ends_line()) {
          lexer_.take();
          const auto known = directives_.begin_block(words_, first.line);
          if (!known) note(known.error());
          return {};
        }
        keep(token.text);
        keep(close.text);
        continue;
      }
    }
    keep(token.text);
  }
}

Status FileParser::parse_block(std::size_t line, const GoModComments& comments) {
  const auto known = directives_.begin_block(words_, line);
  if (!known) note(known.error());
  block_verb_ = known && *known ? words_[0] : std::string_view();
  block_before_ = comments;
  Gathered before;
  for (bool empty = true;;) {
    switch (lexer_.peek().kind) {
      case Kind::kEnd:
        return lexer_.fail(
            fmt::format("syntax error (unterminated block started at go.mod:{})", line));
      case Kind::kError:
        return lexer_.fail("");
      case Kind::kLineComment:
        lexer_.take();
        continue;
      case Kind::kLineFeed: {
        const GoModToken blank = lexer_.take();
        if (before.any || !empty) before.add(blank);
        continue;
      }
      case Kind::kComment:
        before.add(lexer_.take());
        continue;
      case Kind::kWord:
        break;
    }
    if (lexer_.peek().is(')')) break;
    GW_CHECK(parse_block_line(before));
    before = {};
    empty = false;
  }
  lexer_.take();
  if (!lexer_.peek().ends_line()) {
    return lexer_.fail("syntax error (expected newline after closing paren)");
  }
  lexer_.take();
  return {};
}

Status FileParser::parse_block_line(const Gathered& comments) {
  const GoModToken first = lexer_.take();
  words_ = {block_verb_, first.text};
  several_lines_ = first.several_lines;
  for (;;) {
    const GoModToken token = lexer_.take();
    if (token.kind == Kind::kError) return lexer_.fail("");
    if (token.ends_line()) {
      if (!block_verb_.empty()) add_line(first, token, comments_before(comments, first));
      return {};
    }
    several_lines_ = several_lines_ || token.several_lines;
    keep(token.text);
  }
}

void FileParser::add_line(const GoModToken& first, const GoModToken& end,
                          const GoModComments& before) {
  if (fault_) return;
  GoModLine line;
  line.words = std::span(words_).subspan(1);
  line.line = first.line;
  line.before = before;
  if (end.kind == Kind::kLineComment && !several_lines_) line.behind = end.text;
  line.block_before = block_before_;
  note(directives_.add(words_[0], line));
}

}  // namespace

Result<GoMod> parse_gomod(std::string_view text, GoModMode mode) {
  if (text.size() > kMaxGoModBytes) return usage_error("go.mod: larger than 16 MiB");
  return FileParser(text, mode).run();
}

}  // namespace gw::mod
