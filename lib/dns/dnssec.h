// DNSSEC's data forms (RFC 4034, RFC 6605, RFC 8080, RFC 4509) and compact denial (RFC 9824): type
// bitmaps, the "next" name of a denial, the bytes a signature is made over, key tags and DS. No
// keys and no cryptography but SHA-256: signing is the caller's.
//
// The span functions do not allocate. Pure: any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "dns/name.h"
#include "dns/types.h"
#include "dns/zone.h"

namespace gw::dns {

// Writes the type bitmap field of an NSEC (RFC 4034 4.1.2) for `types`, ascending, each once, and
// returns its size; 0 when `out` is too small (34 octets are always enough for types below 256) or
// there are no types.
std::size_t write_type_bitmap(std::span<const std::uint16_t> types, std::span<char> out);

// The name right after `name` in canonical order, for the NSEC of compact denial (the absolute
// method of RFC 4471): `\000.` in front if that fits; else `\000` appended to the leftmost label if
// that is shorter than 63; else its last octet raised, A-Z skipped, 0xff carried to the octet
// before it; and the zone's `origin` after its last name. `name` is lower-cased, within the zone
// and not the root. Returns the size.
std::size_t write_next_name(NameView name, std::span<char, kMaxName> out,
                            NameView origin = kRootName);
// The same without the first step: the name right after `name` and everything below it. For the
// NSEC at a delegation, below which nothing is this zone's to deny.
std::size_t write_next_sibling(NameView name, std::span<char, kMaxName> out,
                               NameView origin = kRootName);

// An RRSIG without its signature.
struct RrsigFields {
  std::uint16_t type_covered = 0;
  std::uint8_t algorithm = 0;
  std::uint8_t labels = 0;
  std::uint32_t original_ttl = 0;
  std::uint32_t expiration = 0;  // Unix seconds, modulo 2^32 (RFC 4034 3.1.5)
  std::uint32_t inception = 0;
  std::uint16_t key_tag = 0;
  NameView signer;  // lower-cased
};
// The RRSIG's rdata up to the signature, 18 octets and the signer's name. Returns the size; 0 when
// `out` is too small.
std::size_t write_rrsig_prefix(const RrsigFields& fields, std::span<char> out);
struct ParsedRrsig {
  RrsigFields fields;  // signer: a view of the rdata
  std::string_view prefix;
  std::string_view signature;
};
Result<ParsedRrsig> parse_rrsig(std::string_view rdata);

// Whether a message has any RRSIG in its answer or its authority section, whatever it is worth.
bool has_signatures(std::string_view message);

// Appends to `out` what the signature is made over (RFC 4034 3.1.8.1): the RRSIG's prefix, then
// each record in canonical form with the TTL of `rrset`, which must be the prefix's original TTL.
// `owner` is lower-cased. `out` keeps its capacity: a reused string makes this free of allocations.
void append_signed_data(std::string& out, std::string_view rrsig_prefix, NameView owner,
                        const RrsetView& rrset);

// DNSKEY rdata. `public_key`: 64 octets x||y for algorithm 13 (RFC 6605 4), 32 octets for 15 (RFC
// 8080 3).
std::string dnskey_rdata(std::uint16_t flags, std::uint8_t algorithm, std::string_view public_key);
// RFC 4034 appendix B.
std::uint16_t key_tag(std::string_view dnskey_rdata);
// DS rdata with digest type 2, SHA-256 (RFC 4509). `owner`: any case.
std::string ds_rdata(NameView owner, std::string_view dnskey_rdata);
// Octets of a public key of an algorithm we sign with; 0 for any other.
std::size_t public_key_size(std::uint8_t algorithm);

}  // namespace gw::dns
