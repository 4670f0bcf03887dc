#include "dns/zone.h"

#include <fmt/format.h>

#include <algorithm>

namespace gw::dns {

Status ZoneSet::add(const Zone* zone) {
  for (const Zone* other : zones_) {
    if (other->origin() == zone->origin()) {
      return usage_error(fmt::format("zone {} is given twice", format_name(zone->origin())));
    }
  }
  const auto shorter = [&](const Zone* other) {
    return other->origin().size() < zone->origin().size();
  };
  zones_.insert(std::find_if(zones_.begin(), zones_.end(), shorter), zone);
  return {};
}

const Zone* ZoneSet::find(NameView name, std::uint16_t qtype) const {
  const Zone* apex = nullptr;
  for (const Zone* zone : zones_) {
    if (!is_subdomain(name, zone->origin())) continue;
    if (qtype == rrtype::kDs && apex == nullptr && name.size() == zone->origin().size()) {
      apex = zone;
      continue;
    }
    return zone;
  }
  return apex;
}

Rrset Rrset::make(NameView owner, std::uint16_t type, std::uint32_t ttl,
                  std::vector<std::string> rdatas) {
  return {std::string(owner), type, ttl, std::move(rdatas), {}};
}

}  // namespace gw::dns
