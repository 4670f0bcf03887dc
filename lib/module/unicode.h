// Characters beyond ASCII, judged as the go command judges them.
//
// Problem: which file names a module zip may hold and which characters go.mod takes is defined by
// Go's package unicode; the C library's answers depend on the host's locale and version. The tables
// are Unicode 15.0, those of Go 1.21 to 1.26. Go 1.19 has 13.0: characters that were assigned since
// are letters here and none there.
//
// Pure functions. Costs: none worth counting for ASCII, a binary search among 700 ranges beyond.
#pragma once

#include <string_view>

namespace gw::mod {

inline constexpr char32_t kRuneError = 0xfffd;

struct Rune {
  char32_t value;    // kRuneError for bytes that are not UTF-8
  std::size_t size;  // bytes; 1 for an error, 0 only for empty text
};
// The first character (Go's utf8.DecodeRuneInString): a byte that begins no well-formed sequence is
// a character of its own.
Rune decode_rune(std::string_view text);

bool is_letter(char32_t c);  // unicode.IsLetter
bool is_printable(
    char32_t c);            // unicode.IsPrint: letters, marks, numbers, punctuation, symbols, " "
bool is_space(char32_t c);  // unicode.IsSpace

// Without the white space at both ends (strings.TrimSpace).
std::string_view trim_space(std::string_view text);

}  // namespace gw::mod
