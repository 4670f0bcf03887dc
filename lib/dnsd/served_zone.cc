#include "dnsd/served_zone.h"

namespace gw::dnsd {

Json ServedZone::common_status() const {
  const std::shared_ptr<const ZoneKey> signed_with = key();
  Json out;
  out["name"] = dns::format_name(zone().origin());
  Json k;
  k["tag"] = signed_with->tag();
  k["algorithm"] = signed_with->algorithm();
  k["ds"] = signed_with->ds_text();
  out["key"] = std::move(k);
  out["signature_life_seconds"] = kSignatureLife;
  out["signature_renewed_seconds_before"] = kSignatureLife / 4;
  return out;
}

void ServedZone::log_reloaded(const ZoneKey& before) const {
  const std::shared_ptr<const ZoneKey> now = key();
  log_.info("reloaded", {{"zone", dns::format_host(zone().origin())},
                         {"key_tag", now->tag()},
                         {"old_key_tag", before.tag()},
                         {"changed", now->identity() != before.identity() ? 1 : 0}});
}

}  // namespace gw::dnsd
