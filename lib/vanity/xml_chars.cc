#include "vanity/xml_chars.h"

#include <algorithm>
#include <cstddef>
#include <iterator>

#include "base/text.h"
#include "vanity/xml_names.h"

namespace gw::vanity {
namespace {

template <std::size_t N>
bool in_ranges(const CharRange (&ranges)[N], std::uint32_t rune) {
  const CharRange* range =
      std::lower_bound(std::begin(ranges), std::end(ranges), rune,
                       [](const CharRange& r, std::uint32_t value) { return r.last < value; });
  return range != std::end(ranges) && range->first <= rune;
}

}  // namespace

bool is_xml_name(std::string_view name) {
  bool first = true;
  while (!name.empty()) {
    const std::uint32_t rune = take_rune(name);
    if (rune == kBadRune) return false;
    bool ok;
    if (rune < 0x80) {
      const char c = static_cast<char>(rune);
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
