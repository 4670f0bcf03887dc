#include "dnsd/module_zone.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/bytes.h"
#include "dns/module_name.h"
#include "dns/rdata.h"
#include "dns/static_zone.h"
#include "dns/types.h"

namespace gw::dnsd {

namespace {

// Raised when the rules by which answers follow from the log change.
constexpr int kSelectionRules = 1;

std::string join_name(std::string_view labels, dns::NameView origin) {
  return std::string(labels).append(origin);
}

std::string address_rdata(const os::SocketAddress& address) {
  const std::string_view ip = address.ip_bytes();
  if (address.is_v6()) {
    std::array<std::uint8_t, 16> bytes{};
    std::memcpy(bytes.data(), ip.data(), bytes.size());
    return dns::aaaa_rdata(bytes);
  }
  std::array<std::uint8_t, 4> bytes{};
  std::memcpy(bytes.data(), ip.data(), bytes.size());
  return dns::a_rdata(bytes);
}

void add_addresses(std::vector<dns::Rrset>& rrsets, const NameServer& server, std::uint32_t ttl) {
  std::vector<std::string> v4;
  std::vector<std::string> v6;
  for (const os::SocketAddress& address : server.addresses) {
    (address.is_v6() ? v6 : v4).push_back(address_rdata(address));
  }
  if (!v4.empty()) {
    rrsets.push_back(dns::Rrset::make(server.name, dns::rrtype::kA, ttl, std::move(v4)));
  }
  if (!v6.empty()) {
    rrsets.push_back(dns::Rrset::make(server.name, dns::rrtype::kAaaa, ttl, std::move(v6)));
  }
}

}  // namespace

Result<NameServer> NameServer::parse(std::string_view text, dns::NameView zone) {
  NameServer server;
  const std::size_t equals = text.find('=');
  if (text.substr(0, equals).empty()) return usage_error("a name server's name is missing");
  GW_CHECK(dns::check_host_text(text.substr(0, equals)));
  GW_TRY(server.name, dns::parse_lower_name(text.substr(0, equals)));
  std::string_view rest = equals == std::string_view::npos ? "" : text.substr(equals + 1);
  while (!rest.empty()) {
    const std::string_view one = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), one.size() + 1));
    GW_TRY(auto address, os::SocketAddress::parse(one, std::uint16_t{53}));
    if (address.port() != 53) {
      return usage_error(fmt::format("{}: a name server's address has no port", quoted(one)));
    }
    server.addresses.push_back(address);
  }
  const std::string name = dns::format_host(server.name);
  const bool inside = dns::is_subdomain(server.name, zone);
  if (inside && server.addresses.empty()) {
    return usage_error(fmt::format("name server {} is inside the zone and needs an address", name),
                       fmt::format("--ns {}=192.0.2.1", name));
  }
  if (!inside && (!server.addresses.empty() || equals != std::string_view::npos)) {
    return usage_error(
        fmt::format("name server {} is outside the zone {}: its address is not ours to serve", name,
                    dns::format_host(zone)));
  }
  for (const std::string_view label : {"\2v0", "\2v1"}) {
    if (dns::is_subdomain(server.name, join_name(label, zone))) {
      return usage_error(fmt::format("name server {} is among the names of modules", name));
    }
  }
  return server;
}

std::string ZoneSettings::fingerprint(const ZoneKey& key) const {
  std::string all = fmt::format("{} {} {} ", kSelectionRules, ttl, negative_ttl);
  all.append(origin).append(rname).append(key.dnskey());
  for (const NameServer& server : name_servers) {
    all.append(server.name);
    for (const os::SocketAddress& address : server.addresses) {
      append_u8(all, static_cast<std::uint8_t>(address.ip_bytes().size()));
      all.append(address.ip_bytes());
    }
    all.push_back('\0');
  }
  return encode_hex(as_bytes(sha256(all)));
}

class ModuleZone::Content final : public dns::ZoneContent {
 public:
  explicit Content(const ModuleZone& zone) : zone_(zone) {}

  void find(dns::NameView name, dns::Node& out) const override;
  dns::RrsetView soa() const override { return apex->soa(); }
  dns::KeyId key() const override { return apex->key(); }

  std::unique_ptr<dns::StaticZone> apex;
  std::string toolchain;  // packed, as in RrsetView

 private:
  void find_module(std::string_view labels, dns::Node& out) const;
  static void look_up(const ModuleLookup::State& lookup, std::string_view labels, dns::Node& out);
  const ModuleZone& zone_;
};

ModuleZone::ModuleZone(Epochs& epochs, const ModuleIndex& index, const ModuleLookup& lookup,
                       const ZoneSettings& settings)
    : epochs_(epochs), index_(index), lookup_(lookup), settings_(settings), served_(epochs) {}

Result<std::unique_ptr<const dns::ZoneContent>> ModuleZone::make(const State& state) const {
  const std::string& origin = settings_.origin;
  const std::uint32_t ttl = settings_.ttl;
  dns::SoaFields soa;
  soa.mname = settings_.name_servers.front().name;
  soa.rname = settings_.rname;
  soa.serial = state.serial;
  soa.minimum = settings_.negative_ttl;
  std::vector<dns::Rrset> rrsets;
  // A denial lives for the shorter of the SOA's TTL and MINIMUM: the latter is to decide.
  rrsets.push_back(dns::Rrset::make(origin, dns::rrtype::kSoa,
                                    std::max(ttl, settings_.negative_ttl), {dns::soa_rdata(soa)}));
  std::vector<std::string> names;
  for (const NameServer& server : settings_.name_servers) names.push_back(server.name);
  rrsets.push_back(dns::Rrset::make(origin, dns::rrtype::kNs, ttl, names));
  // No mail, unless the SOA record says that somebody reads it here.
  if (settings_.rname.substr(1U + dns::octet(settings_.rname, 0)) != origin) {
    rrsets.push_back(dns::Rrset::make(origin, dns::rrtype::kMx, ttl, {std::string("\0\0\0", 3)}));
  }
  rrsets.push_back(dns::Rrset::make(origin, dns::rrtype::kDnskey, ttl, {state.dnskey}));
  for (const NameServer& server : settings_.name_servers) {
    if (dns::is_subdomain(server.name, origin)) add_addresses(rrsets, server, ttl);
  }
  auto content = std::make_unique<Content>(*this);
  GW_TRY(content->apex, dns::StaticZone::make(origin, rrsets, state.key));
  if (!state.toolchain.empty()) {
    const std::array<std::string, 1> rdata = {dns::txt_rdata(state.toolchain)};
    GW_TRY(content->toolchain, dns::pack_rdatas(dns::rrtype::kTxt, rdata));
  }
  return std::unique_ptr<const dns::ZoneContent>(std::move(content));
}

void ModuleZone::publish(std::unique_ptr<const dns::ZoneContent> content) {
  served_.publish(std::move(content));
  epochs_.collect();
}

void ModuleZone::Content::find(dns::NameView name, dns::Node& out) const {
  const std::size_t size = name.size() - zone_.origin().size();
  std::size_t last = 0;  // the label before the origin
  for (std::size_t at = 0; at < size; at += 1 + static_cast<std::uint8_t>(name[at])) last = at;
  if (size == 0 || name.substr(last, size - last) != dns::kModuleSpace) {
    return apex->find(name, out);
  }
  if (last == 0) return out.set_empty();
  find_module(name.substr(0, last), out);
}

void ModuleZone::Content::find_module(std::string_view labels, dns::Node& out) const {
  out.made.type = dns::rrtype::kTxt;
  out.made.count = 1;
  out.made.ttl = zone_.settings_.ttl;
  if (labels == dns::kToolchainLabels) {
    out.made.rdatas = toolchain;
    return out.made.rdatas.empty() ? out.set_empty() : out.set_made();
  }
  const ModuleLookup::State* lookup = zone_.lookup_.state();
  ModuleIndex::Found found = zone_.index_.find(labels);
  std::array<char, dns::kMaxName> canonical;
  if (!found.exists) {
    const std::size_t size = dns::canonical_module_labels(labels, canonical);
    if (size != 0) {
      labels = {canonical.data(), size};
      found = zone_.index_.find(labels);
    }
  }
  if (!found.exists) return lookup != nullptr ? look_up(*lookup, labels, out) : out.set_missing();
  if (found.rdatas.empty()) return out.set_empty();
  out.made.rdatas = found.rdatas;
  out.set_made();
}

// What find_module has begun.
void ModuleZone::Content::look_up(const ModuleLookup::State& lookup, std::string_view labels,
                                  dns::Node& out) {
  const auto found = lookup.find(labels, std::span(out.scratch).first<ModuleLookup::kRdatas>());
  switch (found.kind) {
    case ModuleLookup::Kind::kMissing:
      return out.set_missing();
    case ModuleLookup::Kind::kEmpty:
      return out.set_empty();
    case ModuleLookup::Kind::kUnknown:
      return out.set(dns::NodeKind::kUnknown);
    case ModuleLookup::Kind::kAnswer:
      out.made.rdatas = {out.scratch.data(), found.size};
      return out.set_made();
  }
}

}  // namespace gw::dnsd
