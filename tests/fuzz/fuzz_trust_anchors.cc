// Files of trust anchors: what is read is read again as the same, record by record, and the last
// one, at its own owner, has an anchor at or above it.
#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz/require.h"
#include "net/resolver_anchors.h"

namespace fuzz_trust_anchors {

FUZZ_TARGET(trust_anchors)(const std::uint8_t* data, std::size_t size) {
  using namespace gw::net;  // NOLINT(google-build-using-namespace)
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto anchors = parse_trust_anchors(text, "file");
  if (!anchors) {
    require(anchors.error().kind == gw::ErrorKind::kUsage);
    for (const char c : anchors.error().message) require(c >= 0x20 && c < 0x7f);
    return 0;
  }
  require(!anchors->empty());
  std::string lines;
  for (const TrustAnchor& a : *anchors) {
    require(a.owner.ends_with('.') && a.record.starts_with(a.owner + " IN D"));
    for (const char c : a.record) require(c >= 0x20 && c < 0x7f);
    lines += a.record + "\n";
    const std::string* owner = find_anchor_owner(*anchors, a.owner);
    require(owner != nullptr && *owner == a.owner);
  }
  const auto again = parse_trust_anchors(lines, "again");
  require(again && again->size() == anchors->size());
  for (std::size_t i = 0; i < anchors->size(); ++i) {
    require((*again)[i].owner == (*anchors)[i].owner);
    require((*again)[i].record == (*anchors)[i].record);
  }
  return 0;
}

}  // namespace fuzz_trust_anchors
