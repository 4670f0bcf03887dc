#include "dns/zone.h"

#include <algorithm>
#include <map>

#include "base/bytes.h"
#include "dns/wire.h"

namespace gw::dns {

Status ZoneSet::add(const Zone* zone) {
  for (const Zone* other : zones_) {
    if (other->origin() == zone->origin()) {
      return usage_error("zone " + format_name(zone->origin()) + " is given twice");
    }
  }
  auto shorter = [&](const Zone* other) { return other->origin().size() < zone->origin().size(); };
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

struct StaticZone::Impl {
  struct NodeData {
    std::string name;
    std::vector<RrsetView> rrsets;
  };

  std::string origin;
  bool is_signed = true;
  std::vector<std::string> packed;  // what the views point into
  std::vector<NodeData> nodes;
  // Open addressing over nodes: index + 1, or 0. A power of two, at most half full.
  std::vector<std::uint32_t> table;
  RrsetView soa;

  static std::size_t hash(NameView name) { return std::hash<std::string_view>{}(name); }

  const NodeData* find(NameView name) const {
    std::size_t mask = table.size() - 1;
    for (std::size_t i = hash(name) & mask; table[i] != 0; i = (i + 1) & mask) {
      const NodeData& node = nodes[table[i] - 1];
      if (node.name == name) return &node;
    }
    return nullptr;
  }

  void index() {
    std::size_t size = 16;
    while (size < nodes.size() * 2) size *= 2;
    table.assign(size, 0);
    for (std::size_t n = 0; n < nodes.size(); n++) {
      std::size_t i = hash(nodes[n].name) & (size - 1);
      while (table[i] != 0) i = (i + 1) & (size - 1);
      table[i] = static_cast<std::uint32_t>(n + 1);
    }
  }
};

namespace {

Status check_rrset(const Rrset& rrset, NameView owner, NameView origin) {
  if (!is_subdomain(owner, origin)) return usage_error("not in the zone");
  if (rrset.ttl > 0x7fffffff) return usage_error("ttl over 2^31-1");
  switch (rrset.type) {
    case 0:
    case rrtype::kOpt:
    case rrtype::kRrsig:
    case rrtype::kNsec:
    case rrtype::kNxname:
      return usage_error("type " + std::to_string(rrset.type) + " is not zone data");
    case rrtype::kCname:
    case rrtype::kDname:
      return usage_error("an alias cannot be served by this zone");
    case rrtype::kNs:
      if (owner != origin) return usage_error("a delegation cannot be served by this zone");
      break;
    default:
      if (rrset.type > rrtype::kNxname && rrset.type <= rrtype::kAny) {
        return usage_error("type " + std::to_string(rrset.type) + " is not zone data");
      }
      break;
  }
  if (owner.substr(0, 2) == std::string_view("\1*", 2)) {
    return usage_error("a wildcard cannot be served by this zone");
  }
  return {};
}

struct NameLess {
  bool operator()(const std::string& a, const std::string& b) const {
    return compare_names(a, b) < 0;
  }
};

}  // namespace

StaticZone::StaticZone(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
StaticZone::~StaticZone() = default;

Result<std::unique_ptr<StaticZone>> StaticZone::make(NameView origin,
                                                     const std::vector<Rrset>& rrsets,
                                                     bool is_signed) {
  auto impl = std::make_unique<Impl>();
  impl->origin = lower_name(origin);
  impl->is_signed = is_signed;
  impl->packed.reserve(rrsets.size());  // the views below must stay where they point
  std::map<std::string, std::vector<RrsetView>, NameLess> nodes;
  for (const Rrset& rrset : rrsets) {
    std::string owner = lower_name(rrset.owner);
    std::string where = "zone " + format_name(impl->origin) + ": " + format_name(owner);
    if (Status ok = check_rrset(rrset, owner, impl->origin); !ok) {
      return std::move(ok).error().in(where);
    }
    auto packed = pack_rdatas(rrset.type, rrset.rdatas);
    if (!packed) return std::move(packed).error().in(where);
    impl->packed.push_back(*std::move(packed));
    auto count = static_cast<std::uint16_t>(unpack_rdatas(impl->packed.back()).size());
    std::vector<RrsetView>& node = nodes[owner];
    for (const RrsetView& other : node) {
      if (other.type == rrset.type) {
        return usage_error(where + ": two rrsets of type " + std::to_string(rrset.type));
      }
    }
    if (node.size() == kMaxNodeTypes) return usage_error(where + ": too many types");
    node.push_back({rrset.type, count, rrset.ttl, impl->packed.back()});
    // The names between this one and the origin exist, too.
    for (NameView name = owner; name.size() > impl->origin.size(); name = parent_name(name)) {
      nodes.try_emplace(std::string(name));
    }
  }
  for (auto& [name, sets] : nodes) {
    std::sort(sets.begin(), sets.end(),
              [](const RrsetView& a, const RrsetView& b) { return a.type < b.type; });
    impl->nodes.push_back({name, std::move(sets)});
  }
  impl->index();
  const Impl::NodeData* apex = impl->find(impl->origin);
  for (const RrsetView& set : apex == nullptr ? std::vector<RrsetView>{} : apex->rrsets) {
    if (set.type == rrtype::kSoa && set.count == 1) impl->soa = set;
  }
  if (impl->soa.count != 1) {
    return usage_error("zone " + format_name(impl->origin) + ": needs one soa record at its apex");
  }
  return std::unique_ptr<StaticZone>(new StaticZone(std::move(impl)));
}

NameView StaticZone::origin() const { return impl_->origin; }

void StaticZone::find(NameView name, Node& out) const {
  const Impl::NodeData* node = impl_->find(name);
  if (node == nullptr) {
    out.set_missing();
  } else if (node->rrsets.empty()) {
    out.set_empty();
  } else {
    out.kind = NodeKind::kNode;
    out.rrsets = node->rrsets;
  }
}

RrsetView StaticZone::soa() const { return impl_->soa; }

bool StaticZone::is_signed() const { return impl_->is_signed; }

}  // namespace gw::dns
