// Characters and names of XML 1.0 (second edition), which decide what Go's encoding/xml takes. Pure
// functions.
#pragma once

#include <cstdint>
#include <string_view>

namespace gw::vanity {

// Production Name: a letter, "_" or ":", then those, digits, ".", "-", combining characters and
// extenders.
bool is_xml_name(std::string_view name);

// Production Char, of a valid code point.
bool is_xml_char(std::uint32_t rune);

}  // namespace gw::vanity
