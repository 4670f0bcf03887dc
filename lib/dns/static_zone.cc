#include "dns/static_zone.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/bytes.h"
#include "dns/presentation.h"
#include "dns/rdata.h"
#include "dns/wire.h"

namespace gw::dns {

struct StaticZone::Impl {
  // One cache line: all that a lookup looks at.
  struct alignas(64) NodeData {
    std::string name;
    std::vector<RrsetView> rrsets;
    std::uint32_t link = 0;  // of a cut: in `referrals`; else its `*` child, as in `table`
    bool cut = false;
    bool dname = false;
  };

  std::string origin;
  KeyId key = kUnsigned;
  std::vector<std::string> packed;                     // what the views point into
  std::map<std::string, std::vector<RrsetView>> glue;  // by owner: GlueView::owner points here
  std::vector<NodeData> nodes;
  std::vector<std::vector<GlueView>> referrals;  // the glue of each cut
  // Open addressing over nodes: index + 1, or 0. A power of two, at most half full.
  std::vector<std::uint32_t> table;
  unsigned deepest = 0;        // labels
  bool reaches_below = false;  // some name stands for more than itself: `*`, a cut, a DNAME
  std::size_t rrset_count = 0;
  RrsetView soa;

  static std::size_t hash(NameView name) { return std::hash<std::string_view>{}(name); }

  const NodeData* find(NameView name) const {
    const std::uint32_t i = table[slot(name)];
    return i == 0 ? nullptr : &nodes[i - 1];
  }
  // Where `name` is in the table, or would be.
  std::size_t slot(NameView name) const {
    const std::size_t mask = table.size() - 1;
    std::size_t i = hash(name) & mask;
    while (table[i] != 0 && nodes[table[i] - 1].name != name) i = (i + 1) & mask;
    return i;
  }
  void index() {
    std::size_t size = 16;
    while (size < nodes.size() * 2) size *= 2;
    table.assign(size, 0);
    for (std::size_t n = 0; n < nodes.size(); ++n) {
      table[slot(nodes[n].name)] = static_cast<std::uint32_t>(n + 1);
      deepest = std::max(deepest, label_count(nodes[n].name));
      rrset_count += nodes[n].rrsets.size();
    }
    for (const NodeData& node : nodes) {
      reaches_below = reaches_below || node.cut || node.dname || first_label(node.name) == "*";
      if (node.name.size() <= origin.size() || first_label(node.name) != "*") continue;
      nodes[table[slot(parent_name(node.name))] - 1].link =
          static_cast<std::uint32_t>(&node - nodes.data() + 1);
    }
  }
};

namespace {

struct NameLess {
  bool operator()(const std::string& a, const std::string& b) const {
    return compare_names(a, b) < 0;
  }
};

struct GivenSet {
  RrsetView view;
  const Rrset* from;
};
// In canonical order: what is below a name follows it at once.
using GivenNames = std::map<std::string, std::vector<GivenSet>, NameLess>;

std::string place(const Rrset& rrset, NameView origin) {
  const std::string where = rrset.where.empty() ? "zone " + format_name(origin) : rrset.where;
  return fmt::format("{}: {}", where, format_name(rrset.owner));
}

Error refused(const Rrset& rrset, NameView origin, std::string_view why) {
  return usage_error(fmt::format("{}: {}", place(rrset, origin), why));
}

bool is_zone_data(std::uint16_t type) {
  switch (type) {
    case 0:
    case rrtype::kOpt:
    case rrtype::kRrsig:
    case rrtype::kNsec:
    case rrtype::kNsec3:
    case rrtype::kNsec3Param:
      return false;
    default:
      return type < rrtype::kNxname || type > rrtype::kAny;
  }
}

bool is_address(std::uint16_t type) { return type == rrtype::kA || type == rrtype::kAaaa; }

Status check_rrset(const Rrset& rrset, NameView owner, NameView origin) {
  if (!is_subdomain(owner, origin)) return refused(rrset, origin, "not in the zone");
  if (rrset.ttl > 0x7fffffff) return refused(rrset, origin, "ttl over 2^31-1");
  if (!is_zone_data(rrset.type)) {
    Error error =
        refused(rrset, origin, fmt::format("type {} is not zone data", format_type(rrset.type)));
    error.hint = "give the zone without signatures and denials: the server makes its own";
    return error;
  }
  if (rrset.type == rrtype::kSoa && owner != origin) {
    return refused(rrset, origin, "a soa record belongs at the zone's apex only");
  }
  if (rrset.type == rrtype::kDs && owner == origin) {
    return refused(rrset, origin, "the zone's own ds record belongs in its parent");
  }
  const bool wildcard = first_label(owner) == "*";
  if (wildcard && (rrset.type == rrtype::kNs || rrset.type == rrtype::kDname)) {
    return refused(rrset, origin,
                   fmt::format("a wildcard cannot have {} (RFC 4592 4)", format_type(rrset.type)));
  }
  return {};
}

const GivenSet* find_set(const std::vector<GivenSet>& sets, std::uint16_t type) {
  for (const GivenSet& set : sets) {
    if (set.view.type == type) return &set;
  }
  return nullptr;
}

// What may not stand beside each other at one name.
Status check_name(const std::vector<GivenSet>& sets, NameView owner, NameView origin) {
  for (auto [type, what] : {std::pair{rrtype::kCname, "cname"}, {rrtype::kDname, "dname"}}) {
    const GivenSet* alias = find_set(sets, type);
    if (alias != nullptr && alias->view.count != 1) {
      return refused(*alias->from, origin, fmt::format("more than one {}", what));
    }
  }
  const GivenSet* cname = find_set(sets, rrtype::kCname);
  if (cname != nullptr && sets.size() != 1) {
    return refused(*cname->from, origin, "a cname beside other records");
  }
  if (owner == origin) return {};
  const GivenSet* ns = find_set(sets, rrtype::kNs);
  const GivenSet* ds = find_set(sets, rrtype::kDs);
  if (ds != nullptr && ns == nullptr) {
    return refused(*ds->from, origin, "a ds record without a delegation (ns records)");
  }
  const GivenSet* dname = find_set(sets, rrtype::kDname);
  if (dname != nullptr && ns != nullptr) {
    return refused(*dname->from, origin, "a dname at a delegation");
  }
  return {};
}

}  // namespace

// The steps of StaticZone::make, over what they share.
class StaticZone::Maker {
 public:
  Maker(Impl& impl, std::vector<std::string>* warnings) : impl_(impl), warnings_(warnings) {}

  Status take(const std::vector<Rrset>& rrsets);
  Status sort_out();
  Status finish();

 private:
  using NodeData = Impl::NodeData;
  void keep(const std::string& name, NodeData data);
  void below_cut(const std::string& name, const std::vector<GivenSet>& sets);
  void at_cut(const std::string& name, const std::vector<GivenSet>& sets);
  void left_out(const GivenSet& set);
  Status add_glue(NodeData& cut);

  Impl& impl_;
  std::vector<std::string>* warnings_;
  GivenNames given_;
  std::map<std::string, NodeData, NameLess> kept_;
};

Status StaticZone::Maker::take(const std::vector<Rrset>& rrsets) {
  impl_.packed.reserve(rrsets.size());  // the views must stay where they point
  for (const Rrset& rrset : rrsets) {
    std::string owner = lower_name(rrset.owner);
    GW_CHECK(check_rrset(rrset, owner, impl_.origin));
    auto packed = pack_rdatas(rrset.type, rrset.rdatas);
    if (!packed) return std::move(packed).error().in(place(rrset, impl_.origin));
    impl_.packed.push_back(*std::move(packed));
    const auto count = static_cast<std::uint16_t>(unpack_rdatas(impl_.packed.back()).size());
    std::vector<GivenSet>& sets = given_[std::move(owner)];
    if (find_set(sets, rrset.type) != nullptr) {
      return refused(rrset, impl_.origin, "two rrsets of type " + format_type(rrset.type));
    }
    if (sets.size() == kMaxNodeTypes) return refused(rrset, impl_.origin, "too many types");
    sets.push_back({{rrset.type, count, rrset.ttl, impl_.packed.back()}, &rrset});
  }
  return {};
}

void StaticZone::Maker::left_out(const GivenSet& set) {
  if (warnings_ == nullptr) return;
  warnings_->push_back(fmt::format("{}: {} is at or below a delegation and no glue: left out",
                                   place(*set.from, impl_.origin), format_type(set.view.type)));
}

// A name exists, and so do those between it and the origin.
void StaticZone::Maker::keep(const std::string& name, NodeData data) {
  kept_[name] = std::move(data);
  for (NameView above = name; above.size() > impl_.origin.size(); above = parent_name(above)) {
    kept_.try_emplace(std::string(above));
  }
}

void StaticZone::Maker::below_cut(const std::string& name, const std::vector<GivenSet>& sets) {
  for (const GivenSet& set : sets) {
    if (is_address(set.view.type)) {
      impl_.glue[name].push_back(set.view);
    } else {
      left_out(set);
    }
  }
}

void StaticZone::Maker::at_cut(const std::string& name, const std::vector<GivenSet>& sets) {
  NodeData node;
  node.cut = true;
  for (const GivenSet& set : sets) {
    if (set.view.type == rrtype::kNs || set.view.type == rrtype::kDs) {
      node.rrsets.push_back(set.view);
    } else if (is_address(set.view.type)) {
      impl_.glue[name].push_back(set.view);
    } else {
      left_out(set);
    }
  }
  keep(name, std::move(node));
}

// Tells what is served from what only stands in the file.
Status StaticZone::Maker::sort_out() {
  NameView cut;
  NameView dname;
  for (const auto& [name, sets] : given_) {
    if (!cut.empty() && is_subdomain(name, cut)) {
      below_cut(name, sets);
      continue;
    }
    if (!dname.empty() && is_subdomain(name, dname)) {
      return refused(*sets.front().from, impl_.origin, "below the dname at " + format_name(dname));
    }
    GW_CHECK(check_name(sets, name, impl_.origin));
    if (name != impl_.origin && find_set(sets, rrtype::kNs) != nullptr) {
      cut = name;
      at_cut(name, sets);
      continue;
    }
    NodeData node;
    for (const GivenSet& set : sets) node.rrsets.push_back(set.view);
    node.dname = find_set(sets, rrtype::kDname) != nullptr;
    if (node.dname) dname = name;
    keep(name, std::move(node));
  }
  return {};
}

Status StaticZone::Maker::add_glue(NodeData& cut) {
  std::vector<GlueView> all;
  for (NameView server : unpack_rdatas(cut.rrsets.front().rdatas)) {
    const bool in_domain = is_subdomain(server, cut.name);
    auto it = impl_.glue.find(std::string(server));
    if (it == impl_.glue.end()) {
      if (!in_domain) continue;
      return refused(*given_.at(cut.name).front().from, impl_.origin,
                     fmt::format("its name server {} needs an address (A or AAAA) in this zone",
                                 format_name(server)));
    }
    for (const RrsetView& addresses : it->second) {
      all.push_back({it->first, addresses, in_domain});
    }
  }
  // What must be in the referral goes first.
  std::stable_partition(all.begin(), all.end(),
                        [](const GlueView& glue) { return glue.in_domain; });
  cut.link = static_cast<std::uint32_t>(impl_.referrals.size());
  impl_.referrals.push_back(std::move(all));
  return {};
}

Status StaticZone::Maker::finish() {
  const auto by_type = [](const RrsetView& a, const RrsetView& b) { return a.type < b.type; };
  for (auto& [name, sets] : impl_.glue) std::sort(sets.begin(), sets.end(), by_type);
  for (auto& [name, data] : kept_) {
    data.name = name;
    std::sort(data.rrsets.begin(), data.rrsets.end(), by_type);
    if (data.cut) GW_CHECK(add_glue(data));
    impl_.nodes.push_back(std::move(data));
  }
  impl_.index();
  if (const NodeData* apex = impl_.find(impl_.origin); apex != nullptr) {
    for (const RrsetView& set : apex->rrsets) {
      if (set.type == rrtype::kSoa && set.count == 1) impl_.soa = set;
    }
  }
  if (impl_.soa.count == 1) return {};
  return usage_error(
      fmt::format("zone {}: needs one soa record at its apex", format_name(impl_.origin)));
}

StaticZone::StaticZone(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
StaticZone::~StaticZone() = default;

Result<std::unique_ptr<StaticZone>> StaticZone::make(NameView origin,
                                                     const std::vector<Rrset>& rrsets, KeyId key,
                                                     std::vector<std::string>* warnings) {
  auto impl = std::make_unique<Impl>();
  impl->origin = lower_name(origin);
  impl->key = key;
  Maker maker(*impl, warnings);
  GW_CHECK(maker.take(rrsets));
  GW_CHECK(maker.sort_out());
  GW_CHECK(maker.finish());
  return std::unique_ptr<StaticZone>(new StaticZone(std::move(impl)));
}

NameView StaticZone::origin() const { return impl_->origin; }
RrsetView StaticZone::soa() const { return impl_->soa; }
KeyId StaticZone::key() const { return impl_->key; }
std::size_t StaticZone::rrset_count() const { return impl_->rrset_count; }

void StaticZone::find(NameView name, Node& out) const {
  const Impl::NodeData* node = impl_->find(name);
  if (node != nullptr && !node->cut) {
    return out.set(node->rrsets.empty() ? NodeKind::kEmpty : NodeKind::kNode, node->rrsets);
  }
  if (node == nullptr) {
    if (!impl_->reaches_below) return out.set_missing();
    NameView above = name;
    for (unsigned labels = label_count(name); node == nullptr; --labels) {
      above = parent_name(above);
      if (labels <= impl_->deepest + 1) node = impl_->find(above);  // the origin is found at last
    }
  }
  if (node->cut) {
    out.glue = impl_->referrals[node->link];
    return out.set(NodeKind::kCut, node->rrsets, node->name);
  }
  if (node->dname) {
    // The DNAME alone: what else its owner has is not what is asked for.
    for (const RrsetView& set : node->rrsets) {
      if (set.type == rrtype::kDname) return out.set(NodeKind::kDname, {&set, 1}, node->name);
    }
  }
  if (node->link == 0) return out.set_missing();
  node = &impl_->nodes[node->link - 1];
  out.set(node->rrsets.empty() ? NodeKind::kEmpty : NodeKind::kNode, node->rrsets, node->name);
}

}  // namespace gw::dns
