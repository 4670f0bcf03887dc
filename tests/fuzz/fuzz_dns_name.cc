// Names from text and from messages: what is accepted is a valid name and survives the way back;
// the next name is one, and greater. The first byte says where in the message to begin.
#include <array>
#include <cstdint>
#include <string>

#include "dns/dnssec.h"
#include "dns/name.h"
#include "fuzz/require.h"

namespace fuzz_dns_name {

namespace {

void check(gw::dns::NameView name) {
  using namespace gw::dns;  // NOLINT(google-build-using-namespace)
  require(is_wire_name(name));
  require(parse_name(format_name(name)).value() == name);
  std::string lower = lower_name(name);
  require(compare_names(lower, name) == 0);
  require(is_subdomain(lower, kRootName));
  if (name == kRootName) return;
  require(is_subdomain(lower, parent_name(lower)));
  require(compare_names(parent_name(name), name) < 0);
  std::array<char, kMaxName> out;
  std::string next(out.data(), write_next_name(lower, out));
  require(is_wire_name(next));
  require(next == kRootName || compare_names(lower, next) < 0);
}

}  // namespace

FUZZ_TARGET(dns_name)(const std::uint8_t* data, std::size_t size) {
  using namespace gw::dns;  // NOLINT(google-build-using-namespace)
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (auto name = parse_name(bytes)) check(*name);
  if (is_wire_name(bytes)) check(bytes);
  if (bytes.empty()) return 0;
  Name name;
  std::size_t after = read_name(bytes, data[0], name);
  if (after != 0) {
    require(after > data[0] && after <= size);
    check(name);
  }
  return 0;
}

}  // namespace fuzz_dns_name
