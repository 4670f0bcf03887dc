// The directives of go.mod, one by one: golang.org/x/mod/modfile's File.add (rule.go).
//
// For lib/module/gomod.cc, which cuts the file into lines, and nobody else. Belongs to one thread;
// views need only live for the call.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "module/gomod.h"

namespace gw::mod {

// Whole lines of comments and blank lines that follow each other, as they are in the text.
struct GoModComments {
  std::string_view text;
  bool any = false;  // there is a line, maybe a blank one
};

struct GoModLine {
  std::span<const std::string_view> words;  // without the verb
  std::size_t line = 0;
  GoModComments before;
  std::string_view behind;     // the comment on the line itself, "" when there is none
  GoModComments block_before;  // of the block that the line is in
};

// Whether the comment behind a requirement is "// indirect" or "// indirect; more".
bool is_indirect(std::string_view behind);
// The comments of a directive, one a line, without "//" and blanks around: its own, above and
// behind it, or when there are none and no blank line above it, those above its block.
std::string directive_comment(const GoModLine& line);
// The text of the first paragraph of comments that begins with "Deprecated:", "" when none does.
std::string deprecation(std::string_view comment);

class GoModDirectives {
 public:
  explicit GoModDirectives(GoModMode mode) : strict_(mode == GoModMode::kStrict) {}

  // One directive. An error has its line.
  Status add(std::string_view verb, const GoModLine& line);
  // Whether lines of a block that begins with `words` are to be added, under its first word.
  Result<bool> begin_block(std::span<const std::string_view> words, std::size_t line) const;

  GoMod take() && { return std::move(mod_); }

 private:
  using Words = std::span<const std::string_view>;
  Status add_known(std::string_view verb, const GoModLine& line);
  Status add_module(const GoModLine& line);
  Status add_go(const GoModLine& line);
  Status add_toolchain(const GoModLine& line);
  Status add_godebug(const GoModLine& line);
  Status add_required(std::string_view verb, const GoModLine& line);
  Status add_replace(const GoModLine& line);
  Status add_retract(const GoModLine& line);
  Status add_path(std::string_view verb, const GoModLine& line, std::vector<GoModPath>& to);

  bool strict_;
  GoMod mod_;
  std::size_t directives_ = 0;
  std::size_t comment_bytes_ = 0;  // kept in rationales
};

}  // namespace gw::mod
