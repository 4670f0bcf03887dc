// Rdata that ldns reads too freely: what no other server would load is refused here.
//
// ldns takes `LOC 91 N`, `APL 1:0.0.0.0/33`, an odd number of hex digits, `MX -1` and unknown
// types in a CSYNC. LOC and APL are read here; of the others the text is checked first. The wire
// forms are those that generic data (RFC 3597) must have, too.
//
// Sources: RFC 1876 (LOC), RFC 3123 (APL), RFC 4255 and 6594 (SSHFP), RFC 6698 and 8162 (TLSA,
// SMIMEA), RFC 8659 (CAA), RFC 8976 (ZONEMD), RFC 7477 (CSYNC), and what BIND 9.18 refuses.
//
// Pure: any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace gw::dns {

// Whether parse_strict_rdata() reads the type's text.
bool has_strict_text(std::uint16_t type);

// `text`: the fields as in a master file, separated by blanks. Precondition: has_strict_text().
// kUsage.
Result<std::string> parse_strict_rdata(std::uint16_t type, std::string_view text);

// What ldns would read although it is wrong: kUsage. For types that it reads rightly, nothing.
Status check_rdata_text(std::uint16_t type, std::string_view text);

// Whether it is the wire form of the type, as far as the types of this file go.
bool is_strict_rdata(std::uint16_t type, std::string_view rdata);

}  // namespace gw::dns
