// Records and key files as text: what is read is written and read back as the same. ldns 1.8.3
// leaks at a malformed IPSECKEY record: long runs need -detect_leaks=0.
#include <cstdint>

#include "base/clock.h"
#include "dns/name.h"
#include "dns/presentation.h"
#include "fuzz/require.h"

namespace fuzz_dns_text {

FUZZ_TARGET(dns_text)(const std::uint8_t* data, std::size_t size) {
  using namespace gw::dns;  // NOLINT(google-build-using-namespace)
  std::string_view text(reinterpret_cast<const char*>(data), size);
  if (auto key = parse_private_key(text)) {
    auto again = parse_private_key(format_private_key(*key, gw::from_unix(0)));
    require(again && again->algorithm == key->algorithm && again->secret == key->secret);
  }
  if (auto key = parse_public_key(text)) {
    // ldns does not read every name that it can hold; those of zones that are served it does.
    auto again = parse_public_key(format_public_key(*key, 3600));
    const bool zone = check_name_text(format_host(key->owner), NameUse::kZone).has_value();
    require(again.has_value() || !zone);
    require(!again || (again->owner == key->owner && again->dnskey == key->dnskey));
  }
  if (auto record = parse_record(text, kRootName, 300)) {
    require(is_wire_name(record->owner));
    // Not every text that ldns reads does it write in a form that it reads again: then an error is
    // all that may come of it.
    if (auto line = format_record(*record)) {
      auto again = parse_record(*line, kRootName, 0);
      require(!again || again->rdata == record->rdata);
    }
  }
  return 0;
}

}  // namespace fuzz_dns_text
