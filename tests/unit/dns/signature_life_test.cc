#include "dns/signature_life.h"

#include <catch2/catch.hpp>
#include <string>

#include "base/bytes.h"
#include "dns/dnssec.h"

namespace gw::dns {

TEST_CASE("signatures are read from a message") {
  // A TXT record and its RRSIG, the owner compressed: signed from 1700000000 for 1000000 seconds.
  std::string packet;
  auto u16 = [&](unsigned v) { append_u16(packet, static_cast<std::uint16_t>(v)); };
  u16(1), u16(0x8180), u16(1), u16(2), u16(0), u16(0);
  packet += std::string("\1a\1b\0", 5);
  u16(16), u16(1);
  u16(0xC00C), u16(16), u16(1), append_u32(packet, 60), u16(2), packet += "\1x";
  u16(0xC00C), u16(46), u16(1), append_u32(packet, 60), u16(18 + 3 + 64);
  u16(16), packet += "\x0d\x02", append_u32(packet, 60);
  append_u32(packet, 1701000000), append_u32(packet, 1700000000), u16(4711);
  packet += std::string("\1b\0", 3) + std::string(64, 's');

  auto found = read_signatures(packet, from_unix(1700500000));
  REQUIRE(found.size() == 1);
  CHECK(found[0].covered == 16);
  CHECK(found[0].signer == "b.");
  CHECK(to_unix(found[0].expiration) == 1701000000);
  CHECK(to_unix(found[0].inception) == 1700000000);
  CHECK(has_signatures(packet));
  CHECK_FALSE(has_signatures(packet.substr(0, 12)));
  CHECK_FALSE(near_expiry(found[0], from_unix(1700500000)));
  CHECK_FALSE(near_expiry(found[0], from_unix(1700900000)));
  CHECK(near_expiry(found[0], from_unix(1700900001)));
  CHECK(near_expiry(found[0], from_unix(1701000001)));
  // Every truncation is malformed, and is survived.
  for (std::size_t n = 0; n < packet.size(); ++n) {
    CHECK(read_signatures(packet.substr(0, n), from_unix(1700500000)).empty());
  }
  // Times wrap around in 2106.
  auto later = read_signatures(packet, from_unix(1700500000 + (std::int64_t{1} << 32)));
  CHECK(to_unix(later.at(0).expiration) == 1701000000 + (std::int64_t{1} << 32));
}

}  // namespace gw::dns
