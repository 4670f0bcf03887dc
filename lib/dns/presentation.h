// DNS records as text (RFC 1035 5, RFC 3597), and the key files that BIND's tools read and write.
// The only door to ldns, which never sees a packet: it turns rdata into text and back.
//
// Any thread. Text is bounded by the caller (a file's size limit); a record is at most 64 KiB.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "dns/name.h"

namespace gw::dns {

struct Record {
  std::string owner;  // wire
  std::uint16_t type = 0;
  std::uint16_t rrclass = 1;
  std::uint32_t ttl = 0;
  std::string rdata;  // wire, names uncompressed, case as written
};

// "TXT", "TYPE65280".
std::string format_type(std::uint16_t type);
// kUsage for an unknown mnemonic.
Result<std::uint16_t> parse_type(std::string_view text);

// One record, one line: "www.example.org. 300 IN A 192.0.2.1". A relative owner or name is
// completed with `origin`. Errors are kUsage and name the problem.
Result<Record> parse_record(std::string_view text, NameView origin, std::uint32_t default_ttl);
// The rdata alone: parse_rdata(rrtype::kA, "192.0.2.1", origin).
Result<std::string> parse_rdata(std::uint16_t type, std::string_view text, NameView origin);

// One line without a line feed, fields separated by tabs. An error (kCorrupt) when `rdata` is not
// the wire form of its type.
Result<std::string> format_record(const Record& record);

// A private key as BIND keeps it (dnssec-keygen's Kzone.+013+12345.private, format 1.3).
struct PrivateKeyText {
  std::uint8_t algorithm = 0;  // 13 or 15
  std::string secret;          // raw: the 32-octet scalar, or the 32-octet seed
};
// kUsage: not such a file, another format version, another algorithm, a key of the wrong size.
// Unknown fields (times) are ignored.
Result<PrivateKeyText> parse_private_key(std::string_view text);
std::string format_private_key(const PrivateKeyText& key, WallTime created);

// The public half, the .key file: one DNSKEY record; comment lines start with `;`.
struct PublicKeyText {
  std::string owner;   // wire, lower-cased
  std::string dnskey;  // rdata
};
Result<PublicKeyText> parse_public_key(std::string_view text);
// With a comment that says what the key is for, as dnssec-keygen does.
std::string format_public_key(const PublicKeyText& key, std::uint32_t ttl);

}  // namespace gw::dns
