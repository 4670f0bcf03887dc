// Configuration files in the form of Go's package sconf, which ysco uses.
//
//   struct  = 1*( tabs KEY ":" [ " " text ] | comment )     members of one depth
//   list    = 1*( tabs "-" [ " " text ] | comment )
//   comment = [ blanks ] "#" ... ; also empty lines
//
// A key or dash without text is followed by a struct or list that is one tab deeper, or is the
// empty text. Four leading spaces are a tab. Text goes to the end of its line, and nothing is
// quoted. What a value is to be, the reader of the tree says. Pure; costs are linear.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace gw::supervise {

struct Sconf {
  enum class Kind { kText, kStruct, kList } kind = Kind::kText;
  std::size_t line = 0;  // from 1
  std::string text = {};
  std::vector<std::pair<std::string, Sconf>> members = {};
  std::vector<Sconf> items = {};

  const Sconf* find(std::string_view key) const;
};

// kUsage: "FILE:LINE: what is wrong". `file` is for messages.
Result<Sconf> parse_sconf(std::string_view text, std::string_view file);
Error sconf_error(std::string_view file, std::size_t line, std::string_view what);

}  // namespace gw::supervise
