// All that answers need, around a zone of nothing but an apex, and a clock that stands until told;
// and queries for it.
#pragma once

#include <memory>
#include <string>

#include "dns/rdata.h"
#include "dns/static_zone.h"
#include "dns/types.h"
#include "dnsd/query_handler.h"

namespace gw::dnsd {

inline const std::string kApex = *dns::parse_lower_name("x.example");

inline std::string u16(std::size_t v) { return {static_cast<char>(v >> 8), static_cast<char>(v)}; }

// A query for the apex, by UDP.
inline std::string apex_query(std::uint16_t id, std::uint16_t type, bool dnssec = false) {
  std::string m = u16(id) + u16(0) + u16(1) + u16(0) + u16(0) + u16(dnssec ? 1 : 0);
  m += kApex + u16(type) + u16(1);
  if (dnssec) m += std::string("\0\0\x29\x04\xd0\0\0\x80\0\0\0", 11);
  return m;
}

// By TCP.
inline std::string framed_query(std::uint16_t id, std::uint16_t type, bool dnssec = false) {
  const std::string m = apex_query(id, type, dnssec);
  return u16(m.size()) + m;
}

struct ServedApex {
  FakeClock clock{from_unix(1'700'000'000)};
  Epochs epochs;
  SigningContext signing{{.cache_bytes = 1 << 20, .udp_rate = 1, .tcp_rate = 1}};
  std::unique_ptr<dns::StaticZone> zone;
  dns::ZoneSet zones;
  RateLimiter rate_limiter;
  Serving serving;

  struct Options {
    std::uint32_t rate = 0;        // UDP answers a second to one network; 0: no limit
    bool has_key = true;           // its answers can be signed
    const Clock* clock = nullptr;  // in place of the one that stands
  };
  ServedApex() : ServedApex(Options()) {}
  explicit ServedApex(const Options& options)
      : zone(make_zone(options.has_key)),
        rate_limiter(options.rate),
        serving{.epochs = epochs,
                .zones = zones,
                .signing = signing,
                .rate_limiter = rate_limiter,
                .limit_loopback = false,
                .answer = {},
                .clock = options.clock != nullptr ? *options.clock : clock} {
    (void)zones.add(zone.get());
  }

 private:
  std::unique_ptr<dns::StaticZone> make_zone(bool has_key) {
    using namespace dns;
    KeyId key = kUnsigned;
    if (has_key) {
      key = *signing.add_key(
          std::make_shared<const ZoneKey>(*ZoneKey::from_secret(kApex, 13, std::string(32, '\7'))));
    }
    SoaFields soa;
    soa.mname = soa.rname = kApex;
    return *StaticZone::make(
        kApex,
        {Rrset::make(kApex, rrtype::kSoa, 300, {soa_rdata(soa)}),
         Rrset::make(kApex, rrtype::kNs, 300, {kApex}),
         Rrset::make(kApex, rrtype::kTxt, 300, {txt_rdata(std::string(1000, 'x'))})},
        key);
  }
};

}  // namespace gw::dnsd
