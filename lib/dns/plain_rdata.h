// The rdata of the types that most zones are made of, read from the forms in which they are mostly
// written: an address, a name without escapes, a number before it, quoted strings without escapes.
// Ten times as fast as ldns, which reads everything else (presentation.h).
//
// Pure: any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "dns/name.h"

namespace gw::dns {

// Fields are separated by single blanks; a relative name is completed with `origin`. None for every
// text and type that is not plain, whether it is right or wrong.
std::optional<std::string> parse_plain_rdata(std::uint16_t type, std::string_view text,
                                             NameView origin);

}  // namespace gw::dns
