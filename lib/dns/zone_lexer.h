// The lexical layer of master files (RFC 1035 5.1): text to entries, one for each record or
// directive, parentheses joined, comments gone.
//
// A token keeps its escapes and quotes as written, since only who reads the field knows what they
// stand for. One thread at a time; the text outlives what is read from it.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace gw::dns {

struct ZoneEntry {
  std::size_t line = 0;         // where it begins, from 1
  bool owner_left_out = false;  // it begins with white space
  std::vector<std::string_view> tokens;
};

class ZoneLexer {
 public:
  explicit ZoneLexer(std::string_view text);

  // Reads the next entry that has tokens; false at the end of the text. kUsage, without a place:
  // line() is it.
  Result<bool> next(ZoneEntry& entry);
  std::size_t line() const { return line_; }

 private:
  Status token(ZoneEntry& entry);

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
};

}  // namespace gw::dns
