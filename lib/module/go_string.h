// String literals of Go: `"interpreted\n"` and `raw` ones in back quotes, as strconv reads and
// writes them. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gw::mod {

// The literal that `text` begins with, with its quotes; empty when it begins with none that ends.
std::string_view quoted_prefix(std::string_view text);

// strconv.Unquote, without characters in single quotes: the value of one whole literal. Bytes that
// are not UTF-8 become U+FFFD in an interpreted string. Nothing when malformed.
std::optional<std::string> unquote_go(std::string_view literal);

// strconv.Quote: an interpreted literal; what is not printable, or not UTF-8, is escaped.
std::string quote_go(std::string_view text);

}  // namespace gw::mod
