// Characters and names of XML 1.0 (second edition), which decide what Go's encoding/xml takes. Pure
// functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gw::vanity {

inline constexpr std::uint32_t kBadRune = 0xFFFFFFFF;

// Takes one code point of UTF-8 off the front (RFC 3629); kBadRune, and nothing taken, when there
// is none. Precondition: not empty.
std::uint32_t take_rune(std::string_view& text);

// As UTF-8; a surrogate becomes U+FFFD. Precondition: at most U+10FFFF.
void append_rune(std::string& out, std::uint32_t rune);

// Production Name: a letter, "_" or ":", then those, digits, ".", "-", combining characters and
// extenders.
bool is_xml_name(std::string_view name);

// Production Char, of a valid code point.
bool is_xml_char(std::uint32_t rune);

}  // namespace gw::vanity
