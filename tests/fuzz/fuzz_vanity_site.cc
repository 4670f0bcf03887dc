// Any file of entries: what is read can be printed as a list and is read the same; what passes the
// check becomes zone text of printable lines.
#include <cstdint>
#include <string>
#include <string_view>

#include "dns/signature_life.h"
#include "fuzz/require.h"
#include "vanity/lint.h"
#include "vanity/site_config.h"
#include "vanity/zone_text.h"

namespace fuzz_vanity_site {

using namespace gw::vanity;

FUZZ_TARGET(vanity_site)(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  for (SiteFormat format : {SiteFormat::kAuto, SiteFormat::kList, SiteFormat::kSally,
                            SiteFormat::kVangen, SiteFormat::kGovanityurls}) {
    auto entries = parse_site(text, {format, "example.org"});
    if (!entries) {
      require(entries.error().kind == gw::ErrorKind::kUsage);
      continue;
    }
    (void)lint_entries(*entries);
    if (!check_entries(*entries)) continue;
    std::string list;
    for (const GoImport& e : *entries) list += format_import(e) + "\n";
    auto again = parse_site(list, {SiteFormat::kList, {}});
    require(again && *again == *entries);
    for (ZoneFormat zone_format : {ZoneFormat::kZone, ZoneFormat::kNsupdate}) {
      auto zone = format_zone_text(*entries, {.format = zone_format, .ttl = 300});
      if (!zone) continue;
      for (char c : zone->text) require((c >= 0x20 && c < 0x7f) || c == '\n');
    }
  }
  (void)gw::dns::read_signatures(text, gw::from_unix(1700000000));
  return 0;
}

}  // namespace fuzz_vanity_site
