// Text, each thing once: characters, tokens, lines, white space, UTF-8.
//
// Free of locales; ASCII unless it says UTF-8. Views are into what was given. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gw {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
constexpr bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
constexpr bool is_letter(char c) { return is_lower(c) || is_upper(c); }
constexpr bool is_alnum(char c) { return is_letter(c) || is_digit(c); }
constexpr bool is_lower_or_digit(char c) { return is_lower(c) || is_digit(c); }
constexpr bool is_hex_digit(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
constexpr bool is_control(char c) { return (c >= 0 && c < ' ') || c == 0x7f; }
constexpr bool is_visible(char c) { return c > ' ' && c < 0x7f; }  // ASCII that is no blank
// One digit at least, and nothing else.
bool all_digits(std::string_view text);
// A token of HTTP (RFC 9110 section 5.6.2): one character at least.
bool is_http_token(std::string_view text);
// What a field of HTTP can hold (section 5.5): no control character but the tab.
bool is_http_field_value(std::string_view text);

char to_lower(char c);
std::string to_lower(std::string_view text);
char to_upper(char c);

// Without the characters of `set` at both ends.
std::string_view trim(std::string_view text, std::string_view set = " \t\r\n");

// Takes the next line off `rest`: without its LF, the last one may have none. A CR stays.
std::string_view take_line(std::string_view& rest);

// The parts between the `at`s, one at least; any of them may be empty.
std::vector<std::string_view> split(std::string_view text, char at);

// Words as Go's strings.Fields divides them: at ASCII and Unicode white space, none is empty.
std::vector<std::string_view> split_words(std::string_view text);

// "FILE:LINE", the context of an error about that line (Error::in()).
std::string at_line(std::string_view file, std::size_t line);

// True for well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms, at most U+10FFFF).
bool is_utf8(std::string_view text);

inline constexpr std::uint32_t kBadRune = 0xFFFFFFFF;
// Takes one code point of UTF-8 off the front; kBadRune, and nothing taken, when there is none.
// Precondition: not empty.
std::uint32_t take_rune(std::string_view& text);
// As UTF-8; a surrogate becomes U+FFFD. Precondition: at most U+10FFFF.
void append_rune(std::string& out, std::uint32_t rune);

// The length of the white space character at the front of UTF-8 text, as Unicode's White_Space and
// Go's unicode.IsSpace have it; 0 when there is none.
std::size_t space_size(std::string_view text);

}  // namespace gw
