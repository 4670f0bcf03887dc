// How long the signatures beside an answer are still good: RRSIG records (RFC 4034 section 3.1) of
// a DNS message in wire form. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace gw::dns {

struct SignatureLife {
  std::uint16_t covered = 0;  // type of the signed records
  std::string signer;         // the zone, in presentation form
  WallTime inception;
  WallTime expiration;
};

// The signatures in the answer section; none when the message is malformed. Times are 32 bits on
// the wire and are read as the ones nearest to `now` (RFC 1982).
std::vector<SignatureLife> read_signatures(std::string_view packet, WallTime now);

// True when less than a tenth of its life is left. By default BIND renews with 5 days of 14 left
// and PowerDNS with 7 of 21; Knot 3.2 waits until some hours before the end, with nothing to spare.
bool near_expiry(const SignatureLife& signature, WallTime now);

}  // namespace gw::dns
