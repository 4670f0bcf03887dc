// Rdata of the record types that our zones are made of: built from its fields, read, and brought
// into the canonical form (RFC 4034 6) in which a zone holds it. Names are wire names.
//
// Pure: any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace gw::dns {

// `rdata` with the names inside it lower-cased, for the types of RFC 4034 6.2 (as corrected by RFC
// 6840 5.1); std::nullopt when it is not the wire form of such a type.
std::optional<std::string> canonical_rdata(std::uint16_t type, std::string_view rdata);
// The `rdatas` of a RrsetView: canonical, sorted, each once. Errors are kUsage.
Result<std::string> pack_rdatas(std::uint16_t type, std::span<const std::string> rdatas);
// The rdatas of a packed RRset, one after the other.
std::vector<std::string_view> unpack_rdatas(std::string_view packed);

std::string a_rdata(std::array<std::uint8_t, 4> address);
std::string aaaa_rdata(std::array<std::uint8_t, 16> address);
// Splits into character-strings of 255 octets.
std::string txt_rdata(std::string_view text);
struct SoaFields {
  std::string mname, rname;
  std::uint32_t serial = 0, refresh = 14400, retry = 3600, expire = 1209600, minimum = 300;
};
std::string soa_rdata(const SoaFields& soa);
// Their places in valid SOA rdata, without parsing: the last five 32-bit integers.
std::uint32_t soa_serial(std::string_view rdata);
std::uint32_t soa_minimum(std::string_view rdata);

}  // namespace gw::dns
