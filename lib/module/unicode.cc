#include "module/unicode.h"

#include <algorithm>
#include <iterator>

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

// How many bytes a sequence with this first byte has, and what its second byte may be (RFC 3629
// section 4: no overlong forms, no surrogates, at most U+10FFFF).
struct Lead {
  std::size_t size;
  unsigned low, high;
};
Lead lead_of(unsigned char b) {
  if (b >= 0xc2 && b <= 0xdf) return {2, 0x80, 0xbf};
  if (b == 0xe0) return {3, 0xa0, 0xbf};
  if (b == 0xed) return {3, 0x80, 0x9f};
  if (b >= 0xe1 && b <= 0xef) return {3, 0x80, 0xbf};
  if (b == 0xf0) return {4, 0x90, 0xbf};
  if (b >= 0xf1 && b <= 0xf3) return {4, 0x80, 0xbf};
  if (b == 0xf4) return {4, 0x80, 0x8f};
  return {1, 1, 0};
}

}  // namespace

Rune decode_rune(std::string_view text) {
  if (text.empty()) return {kRuneError, 0};
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x80) return {first, 1};
  const Lead lead = lead_of(first);
  if (lead.size == 1 || text.size() < lead.size) return {kRuneError, 1};
  char32_t value = first & (0x7fU >> lead.size);
  for (std::size_t i = 1; i < lead.size; ++i) {
    const unsigned b = static_cast<unsigned char>(text[i]);
    const unsigned low = i == 1 ? lead.low : 0x80;
    const unsigned high = i == 1 ? lead.high : 0xbf;
    if (b < low || b > high) return {kRuneError, 1};
    value = (value << 6) | (b & 0x3f);
  }
  return {value, lead.size};
}

bool is_letter(char32_t c) {
  if (c < 0x80) return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return is_in(kLetters, c);
}

bool is_printable(char32_t c) {
  if (c < 0x80) return c >= 0x20 && c < 0x7f;
  return is_in(kPrintable, c);
}

bool is_space(char32_t c) {
  if (c < 0x80) return c == ' ' || (c >= '\t' && c <= '\r');
  return c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 ||
         c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

std::string_view trim_space(std::string_view text) {
  while (!text.empty()) {
    const Rune r = decode_rune(text);
    if (!is_space(r.value)) break;
    text.remove_prefix(r.size);
  }
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
