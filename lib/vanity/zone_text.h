// go-import entries as TXT records, ready for a zone file or for nsupdate(1). Pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "vanity/go_import.h"

namespace gw::vanity {

enum class ZoneFormat { kZone, kNsupdate };

// How the text is written. zone: the zone's name, for a line that knsupdate needs and nsupdate
// finds by itself; "" leaves it out.
struct ZoneStyle {
  ZoneFormat format = ZoneFormat::kZone;
  std::uint32_t ttl = 300;
  std::string zone = {};
};

struct ZoneText {
  std::string text;  // one line a record
  // What the owner should know: size_warnings(), a duplicate that was left out, two records for one
  // prefix.
  std::vector<std::string> warnings;
};

// Records grouped by domain, in the order given, identical ones once. Precondition:
// check_entries(). kUsage when a domain's record set cannot fit a DNS message, or cannot be
// verified, or a domain is not in the zone.
Result<ZoneText> format_zone_text(std::span<const GoImport> entries, const ZoneStyle& style);

// TXT data in presentation form (RFC 1035 section 5.1): strings of at most 255 bytes.
std::string format_txt(std::string_view text);

// Wire size of a TXT record with its owner compressed to a pointer.
std::size_t txt_record_size(std::string_view text);

// What a signature is made of (RFC 4034 section 3.1.8.1): each record with its owner in full.
// libunbound has a buffer of 64 KB for it, and calls what does not fit bogus.
inline constexpr std::size_t kMostCanonical = 65000;  // leaves room for the signature's own fields
std::size_t canonical_size(std::string_view name, std::span<const std::string> rdatas);
// What is wrong with a set that comes to more.
std::string unverifiable(std::size_t canonical);

inline constexpr std::size_t kSafeMessage = 1232;  // DNS flag day 2020: no fragments below this
inline constexpr std::size_t kMostRecords = 100;   // BIND's default since 9.18.28 (CVE-2024-1737)

// What may go wrong with a set of so many records and bytes: it needs TCP, or BIND refuses it.
std::vector<std::string> size_warnings(std::size_t records, std::size_t bytes);

}  // namespace gw::vanity
