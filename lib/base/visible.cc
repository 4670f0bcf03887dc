#include "base/visible.h"

#include "base/text.h"

namespace gw {

bool is_visible_rune(std::uint32_t rune) {
  if (rune <= 0x20 || (rune >= 0x7f && rune <= 0xa0) || rune == 0xad || rune == kBadRune) {
    return false;
  }
  return !(rune >= 0x200b && rune <= 0x200f) && !(rune >= 0x2028 && rune <= 0x202e) &&
         !(rune >= 0x2060 && rune <= 0x206f) && rune != 0xfeff && rune < 0xe0000;
}

std::string one_line(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::string_view before = text;
    const std::uint32_t rune = take_rune(text);
    if (rune == kBadRune) text.remove_prefix(1);
    const std::string_view bytes = before.substr(0, before.size() - text.size());
    if (rune == ' ' || is_visible_rune(rune)) {
      out += bytes;
      continue;
    }
    for (const char c : bytes) {
      const auto byte = static_cast<unsigned char>(c);
      out += "\\x";
      out += kHex[byte >> 4U];
      out += kHex[byte & 15U];
    }
  }
  return out;
}

}  // namespace gw
