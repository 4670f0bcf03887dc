#include "vanity/xml_chars.h"

#include <algorithm>
#include <cstddef>
#include <iterator>

#include "vanity/xml_names.h"

namespace gw::vanity {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

template <std::size_t N>
bool in_ranges(const CharRange (&ranges)[N], std::uint32_t rune) {
  const CharRange* range =
      std::lower_bound(std::begin(ranges), std::end(ranges), rune,
                       [](const CharRange& r, std::uint32_t value) { return r.last < value; });
  return range != std::end(ranges) && range->first <= rune;
}

}  // namespace

std::uint32_t take_rune(std::string_view& text) {
  auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  std::uint8_t lead = at(0);
  if (lead < 0x80) {
    text.remove_prefix(1);
    return lead;
  }
  std::size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < size) return kBadRune;
  std::uint32_t rune = lead & (0xFF >> (size + 1));
  for (std::size_t i = 1; i < size; i++) {
    if ((at(i) & 0xC0) != 0x80) return kBadRune;
    rune = rune << 6 | (at(i) & 0x3F);
  }
  constexpr std::uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (rune < kSmallest[size] || rune > 0x10FFFF || (rune >= 0xD800 && rune <= 0xDFFF)) {
    return kBadRune;
  }
  text.remove_prefix(size);
  return rune;
}

void append_rune(std::string& out, std::uint32_t rune) {
  auto put = [&](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (rune >= 0xD800 && rune <= 0xDFFF) rune = 0xFFFD;
  if (rune < 0x80) {
    put(rune);
  } else if (rune < 0x800) {
    put(0xC0 | rune >> 6);
    put(0x80 | (rune & 0x3F));
  } else if (rune < 0x10000) {
    put(0xE0 | rune >> 12);
    put(0x80 | (rune >> 6 & 0x3F));
    put(0x80 | (rune & 0x3F));
  } else {
    put(0xF0 | rune >> 18);
    put(0x80 | (rune >> 12 & 0x3F));
    put(0x80 | (rune >> 6 & 0x3F));
    put(0x80 | (rune & 0x3F));
  }
}

bool is_xml_name(std::string_view name) {
  bool first = true;
  while (!name.empty()) {
    std::uint32_t rune = take_rune(name);
    if (rune == kBadRune) return false;
    bool ok;
    if (rune < 0x80) {
      char c = static_cast<char>(rune);
      ok =
          is_letter(c) || c == '_' || c == ':' || (!first && (is_digit(c) || c == '.' || c == '-'));
    } else {
      ok = in_ranges(kNameStart, rune) || (!first && in_ranges(kNameMore, rune));
    }
    if (!ok) return false;
    first = false;
  }
  return !first;
}

bool is_xml_char(std::uint32_t rune) {
  if (rune >= 0x20) return rune != 0xFFFE && rune != 0xFFFF;
  return rune == '\t' || rune == '\n' || rune == '\r';
}

}  // namespace gw::vanity
