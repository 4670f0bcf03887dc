#include "module/unicode.h"

#include <algorithm>
#include <iterator>
#include <string>

#include "base/text.h"

namespace gw::mod {

namespace {

struct Range {
  char32_t first, last;
};

#include "module/unicode_tables.inc"

template <std::size_t N>
bool is_in(const Range (&table)[N], char32_t c) {
  const Range* after = std::upper_bound(std::begin(table), std::end(table), c,
                                        [](char32_t v, const Range& r) { return v < r.first; });
  return after != std::begin(table) && c <= std::prev(after)->last;
}

}  // namespace

Rune decode_rune(std::string_view text) {
  if (text.empty()) return {kRuneError, 0};
  if (const auto first = static_cast<unsigned char>(text[0]); first < 0x80) return {first, 1};
  std::string_view rest = text;
  const std::uint32_t rune = take_rune(rest);
  if (rune == kBadRune) return {kRuneError, 1};
  return {rune, text.size() - rest.size()};
}

bool is_letter(char32_t c) {
  if (c < 0x80) return gw::is_letter(static_cast<char>(c));
  return is_in(kLetters, c);
}

bool is_printable(char32_t c) {
  if (c < 0x80) return c >= 0x20 && c < 0x7f;
  return is_in(kPrintable, c);
}

bool is_space(char32_t c) {
  if (c < 0x80) return c == ' ' || (c >= '\t' && c <= '\r');
  if (c > 0x10ffff) return false;
  std::string text;
  append_rune(text, c);
  return space_size(text) != 0;
}

std::string_view trim_space(std::string_view text) {
  while (const std::size_t size = space_size(text)) text.remove_prefix(size);
  while (!text.empty()) {
    // The last character: the longest well-formed sequence that ends here, or else one byte.
    Rune last{kRuneError, 1};
    for (std::size_t n = 1; n <= 4 && n <= text.size(); ++n) {
      const Rune r = decode_rune(text.substr(text.size() - n));
      if (r.size == n && (n > 1 || r.value != kRuneError)) last = r;
    }
    if (!is_space(last.value)) break;
    text.remove_suffix(last.size);
  }
  return text;
}

}  // namespace gw::mod
