// Master files: what is read is written record by record and read back as the same zone; and a zone
// that is made of it answers for every name in it.
#include <cstdint>
#include <string>

#include "dns/presentation.h"
#include "dns/static_zone.h"
#include "dns/zone_file.h"
#include "fuzz/require.h"

namespace fuzz_zone_file {

FUZZ_TARGET(zone_file)(const std::uint8_t* data, std::size_t size) {
  using namespace gw::dns;  // NOLINT(google-build-using-namespace)
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string origin = parse_name("example.org").value();
  auto include = [](const std::string& name, const std::string&) -> gw::Result<ZoneFilePart> {
    return ZoneFilePart{name, "included 1 TXT x\n"};
  };
  auto parsed = parse_zone_file(text, origin, {.name = "z", .max_ttl = 604800, .include = include});
  if (!parsed) return 0;
  const std::vector<Rrset> rrsets = parsed->records.rrsets();
  for (const Rrset& rrset : rrsets) {
    require(is_wire_name(rrset.owner) && rrset.ttl <= 604800 && !rrset.rdatas.empty());
  }
  std::string again_text;
  bool writable = true;
  for (const Rrset& rrset : rrsets) {
    for (const std::string& rdata : rrset.rdatas) {
      auto line = format_record({rrset.owner, rrset.type, 1, rrset.ttl, rdata});
      writable = writable && static_cast<bool>(line);
      if (line) again_text += *line + "\n";
    }
  }
  // Not every text that ldns reads does it write in a form that it reads again.
  if (auto again = parse_zone_file(again_text, origin, {.name = "z", .include = {}});
      again && writable) {
    require(again->records.rrsets().size() == rrsets.size());
  }
  auto zone = StaticZone::make(origin, parsed->records, 1);
  if (!zone) return 0;
  Node node;
  for (const Rrset& rrset : rrsets) {
    (*zone)->find(lower_name(rrset.owner), node);
    require(node.kind == NodeKind::kNode || node.kind == NodeKind::kCut);
  }
  return 0;
}

}  // namespace fuzz_zone_file
