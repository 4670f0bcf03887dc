#include "dns/static_zone.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <set>
#include <span>
#include <utility>

#include "dns/name.h"
#include "dns/presentation.h"
#include "dns/rdata.h"

namespace gw::dns {

namespace {

// Bytes that stay where they are: names and rdatas, one behind the other.
class ZoneBytes {
 public:
  std::string_view put(std::string_view bytes) {
    if (bytes.size() > room_) {
      room_ = std::max(bytes.size(), next_);
      next_ = std::min(next_ * 2, kMostChunk);
      chunks_.push_back(std::make_unique<char[]>(room_));
      at_ = chunks_.back().get();
    }
    char* begin = at_;
    std::copy(bytes.begin(), bytes.end(), begin);
    at_ += bytes.size();
    room_ -= bytes.size();
    return {begin, bytes.size()};
  }

 private:
  static constexpr std::size_t kMostChunk = std::size_t{1} << 20;
  std::vector<std::unique_ptr<char[]>> chunks_;
  char* at_ = nullptr;
  std::size_t room_ = 0;
  std::size_t next_ = 512;
};

}  // namespace

struct StaticZone::Impl {
  struct NodeData {
    NameView name;
    std::uint32_t first = 0;  // of its RRsets in `views`
    std::uint32_t link = 0;   // of a cut: in `referrals`; else its `*` child, as in `table`
    std::uint8_t count = 0;   // of its RRsets
    bool cut = false;
    bool dname = false;
  };
  struct Glue {
    NameView owner;
    RrsetView addresses;
  };
  struct Referral {
    std::size_t first = 0;  // in `referred`
    std::size_t count = 0;
  };

  std::string origin;
  KeyId key = kUnsigned;
  ZoneBytes bytes;               // what the views point into
  std::vector<RrsetView> views;  // node by node
  std::vector<Glue> glue;        // by owner in canonical order
  std::vector<NodeData> nodes;
  std::vector<Referral> referrals;  // of each cut
  std::vector<GlueView> referred;
  // Open addressing over nodes: index + 1, or 0. A power of two, at most half full.
  std::vector<std::uint32_t> table;
  unsigned deepest = 0;        // labels
  bool reaches_below = false;  // some name stands for more than itself: `*`, a cut, a DNAME
  RrsetView soa;

  static std::size_t hash(NameView name) { return std::hash<std::string_view>{}(name); }

  std::span<const RrsetView> rrsets(const NodeData& node) const {
    return {views.data() + node.first, node.count};
  }
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

// A set as it is given: its first record in the list.
struct GivenSet {
  RrsetView view;
  const RecordList::Record* from = nullptr;
};

// What errors say where it is.
struct Given {
  const RecordList& records;
  NameView origin;

  std::string place(const RecordList::Record& r) const {
    const std::string where = records.where(r);
    return fmt::format("{}: {}", where.empty() ? "zone " + format_name(origin) : where,
                       format_name(records.owner(r)));
  }
  Error refused(const RecordList::Record& r, std::string_view why) const {
    return usage_error(fmt::format("{}: {}", place(r), why));
  }
};

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

Status check_rrset(const Given& given, const RecordList::Record& r) {
  const NameView owner = given.records.owner(r);
  if (!is_subdomain(owner, given.origin)) return given.refused(r, "not in the zone");
  if (r.ttl > 0x7fffffff) return given.refused(r, "ttl over 2^31-1");
  if (!is_zone_data(r.type)) {
    Error error = given.refused(r, fmt::format("type {} is not zone data", format_type(r.type)));
    error.hint = "give the zone without signatures and denials: the server makes its own";
    return error;
  }
  if (r.type == rrtype::kSoa && owner != given.origin) {
    return given.refused(r, "a soa record belongs at the zone's apex only");
  }
  if (r.type == rrtype::kDs && owner == given.origin) {
    return given.refused(r, "the zone's own ds record belongs in its parent");
  }
  const bool wildcard = first_label(owner) == "*";
  if (wildcard && (r.type == rrtype::kNs || r.type == rrtype::kDname)) {
    return given.refused(
        r, fmt::format("a wildcard cannot have {} (RFC 4592 4)", format_type(r.type)));
  }
  return {};
}

const GivenSet* find_set(std::span<const GivenSet> sets, std::uint16_t type) {
  for (const GivenSet& set : sets) {
    if (set.view.type == type) return &set;
  }
  return nullptr;
}

// Whether a set of CDS or CDNSKEY says both "no DS any more" and which DS there is to be (RFC 8078
// 4: the former stands alone).
bool is_torn(const GivenSet& set) {
  const std::size_t algorithm = set.view.type == rrtype::kCds ? 2 : 3;
  if (set.view.count < 2) return false;
  for (const std::string_view rdata : unpack_rdatas(set.view.rdatas)) {
    if (rdata.size() > algorithm && rdata[algorithm] == 0) return true;
  }
  return false;
}

// What may not stand beside each other at one name.
Status check_name(const Given& given, std::span<const GivenSet> sets, NameView owner) {
  for (auto [type, what] : {std::pair{rrtype::kCname, "cname"}, {rrtype::kDname, "dname"}}) {
    const GivenSet* alias = find_set(sets, type);
    if (alias != nullptr && alias->view.count != 1) {
      return given.refused(*alias->from, fmt::format("more than one {}", what));
    }
  }
  const GivenSet* cname = find_set(sets, rrtype::kCname);
  if (cname != nullptr && sets.size() != 1) {
    return given.refused(*cname->from, "a cname beside other records");
  }
  for (const std::uint16_t type : {rrtype::kCds, rrtype::kCdnskey}) {
    const GivenSet* set = find_set(sets, type);
    if (set != nullptr && is_torn(*set)) {
      return given.refused(*set->from,
                           fmt::format("the {} that deletes stands alone", format_type(type)));
    }
  }
  if (owner == given.origin) return {};
  const GivenSet* ns = find_set(sets, rrtype::kNs);
  const GivenSet* ds = find_set(sets, rrtype::kDs);
  if (ds != nullptr && ns == nullptr) {
    return given.refused(*ds->from, "a ds record without a delegation (ns records)");
  }
  const GivenSet* dname = find_set(sets, rrtype::kDname);
  if (dname != nullptr && ns != nullptr) {
    return given.refused(*dname->from, "a dname at a delegation");
  }
  return {};
}

}  // namespace

// The steps of StaticZone::make, over what they share. The records come in canonical order: what is
// below a name follows it at once, and RRsets of a name by their types.
class StaticZone::Maker {
 public:
  Maker(Impl& impl, const RecordList& records, std::vector<std::string>* warnings)
      : impl_(impl), given_{records, impl.origin}, warnings_(warnings) {}

  Status take_all();
  Status finish();

 private:
  using NodeData = Impl::NodeData;
  using Sets = std::span<const GivenSet>;
  struct Cut {
    std::uint32_t node = 0;
    const RecordList::Record* from = nullptr;
  };

  Status take_name(std::size_t begin, std::size_t end);
  Result<GivenSet> pack(std::size_t begin, std::size_t end);
  Status sort_out(NameView name, Sets sets);
  void keep(NodeData node, Sets sets);
  void keep_ancestors(NameView name);
  void keep_glue(NameView name, const GivenSet& set);
  void below_cut(NameView name, Sets sets);
  void at_cut(NameView name, Sets sets);
  void left_out(const GivenSet& set);
  Status add_glue(const Cut& cut);

  Impl& impl_;
  const Given given_;
  std::vector<std::string>* warnings_;
  NameView cut_, dname_;  // the last ones
  NameView kept_;         // the name that was kept last
  std::vector<Cut> cuts_;
  std::vector<GivenSet> sets_;  // of the name at hand
  std::vector<std::string> rdatas_;
};

Status StaticZone::Maker::take_all() {
  const RecordList& records = given_.records;
  for (std::size_t begin = 0; begin < records.size();) {
    const NameView owner = records.owner(records[begin]);
    std::size_t end = begin + 1;
    while (end < records.size() && records.owner(records[end]) == owner) ++end;
    GW_CHECK(take_name(begin, end));
    begin = end;
  }
  return {};
}

Status StaticZone::Maker::take_name(std::size_t begin, std::size_t end) {
  const RecordList& records = given_.records;
  sets_.clear();
  while (begin < end) {
    std::size_t next = begin + 1;
    while (next < end && records[next].type == records[begin].type) ++next;
    GW_CHECK(check_rrset(given_, records[begin]));
    GW_TRY(const GivenSet set, pack(begin, next));
    if (sets_.size() == kMaxNodeTypes) return given_.refused(*set.from, "too many types");
    sets_.push_back(set);
    begin = next;
  }
  return sort_out(impl_.bytes.put(records.owner(*sets_.front().from)), sets_);
}

Result<GivenSet> StaticZone::Maker::pack(std::size_t begin, std::size_t end) {
  const RecordList& records = given_.records;
  const RecordList::Record& first = records[begin];
  rdatas_.clear();
  for (std::size_t i = begin; i < end; ++i) rdatas_.emplace_back(records.rdata(records[i]));
  auto packed = pack_rdatas(first.type, rdatas_);
  if (!packed) return std::move(packed).error().in(given_.place(first));
  const auto count = static_cast<std::uint16_t>(unpack_rdatas(*packed).size());
  return GivenSet{{first.type, count, first.ttl, impl_.bytes.put(*packed)}, &first};
}

void StaticZone::Maker::left_out(const GivenSet& set) {
  if (warnings_ == nullptr) return;
  warnings_->push_back(fmt::format("{}: {} is at or below a delegation and no glue: left out",
                                   given_.place(*set.from), format_type(set.view.type)));
}

// The names between this one and the origin exist, too. Those above the name that was kept last do
// already, and no other ones: all that is below a name stands together.
void StaticZone::Maker::keep_ancestors(NameView name) {
  if (name.size() <= impl_.origin.size()) return;
  for (NameView above = parent_name(name);
       above.size() > impl_.origin.size() && (kept_.empty() || !is_subdomain(kept_, above));
       above = parent_name(above)) {
    NodeData node;
    node.name = above;
    impl_.nodes.push_back(node);
  }
}

void StaticZone::Maker::keep(NodeData node, Sets sets) {
  keep_ancestors(node.name);
  kept_ = node.name;
  node.first = static_cast<std::uint32_t>(impl_.views.size());
  node.count = static_cast<std::uint8_t>(sets.size());
  for (const GivenSet& set : sets) impl_.views.push_back(set.view);
  impl_.nodes.push_back(node);
}

void StaticZone::Maker::keep_glue(NameView name, const GivenSet& set) {
  if (is_address(set.view.type)) {
    impl_.glue.push_back({name, set.view});
  } else {
    left_out(set);
  }
}

void StaticZone::Maker::below_cut(NameView name, Sets sets) {
  for (const GivenSet& set : sets) keep_glue(name, set);
}

void StaticZone::Maker::at_cut(NameView name, Sets sets) {
  std::vector<GivenSet> own;
  for (const GivenSet& set : sets) {
    if (set.view.type == rrtype::kNs || set.view.type == rrtype::kDs) {
      own.push_back(set);
    } else {
      keep_glue(name, set);
    }
  }
  NodeData node;
  node.name = name;
  node.cut = true;
  const RecordList::Record* from = sets.front().from;
  keep(node, own);
  cuts_.push_back({static_cast<std::uint32_t>(impl_.nodes.size() - 1), from});
}

// Tells what is served from what only stands in the file.
Status StaticZone::Maker::sort_out(NameView name, Sets sets) {
  if (!cut_.empty() && is_subdomain(name, cut_)) {
    below_cut(name, sets);
    return {};
  }
  if (!dname_.empty() && is_subdomain(name, dname_)) {
    return given_.refused(*sets.front().from, "below the dname at " + format_name(dname_));
  }
  GW_CHECK(check_name(given_, sets, name));
  if (name != impl_.origin && find_set(sets, rrtype::kNs) != nullptr) {
    cut_ = name;
    at_cut(name, sets);
    return {};
  }
  NodeData node;
  node.name = name;
  node.dname = find_set(sets, rrtype::kDname) != nullptr;
  if (node.dname) dname_ = name;
  keep(node, sets);
  return {};
}

Status StaticZone::Maker::add_glue(const Cut& cut) {
  NodeData& node = impl_.nodes[cut.node];
  std::vector<GlueView> all;
  for (const NameView server : unpack_rdatas(impl_.rrsets(node).front().rdatas)) {
    const bool in_domain = is_subdomain(server, node.name);
    auto at = std::lower_bound(
        impl_.glue.begin(), impl_.glue.end(), server,
        [](const Impl::Glue& glue, NameView name) { return compare_names(glue.owner, name) < 0; });
    const bool known = at != impl_.glue.end() && at->owner == server;
    if (!known && in_domain) {
      return given_.refused(
          *cut.from, fmt::format("its name server {} needs an address (A or AAAA) in this zone",
                                 format_name(server)));
    }
    for (; at != impl_.glue.end() && at->owner == server; ++at) {
      all.push_back({at->owner, at->addresses, in_domain});
    }
  }
  // What must be in the referral goes first.
  std::stable_partition(all.begin(), all.end(),
                        [](const GlueView& glue) { return glue.in_domain; });
  node.link = static_cast<std::uint32_t>(impl_.referrals.size());
  impl_.referrals.push_back({impl_.referred.size(), all.size()});
  impl_.referred.insert(impl_.referred.end(), all.begin(), all.end());
  return {};
}

Status StaticZone::Maker::finish() {
  for (const Cut& cut : cuts_) GW_CHECK(add_glue(cut));
  impl_.views.shrink_to_fit();
  impl_.nodes.shrink_to_fit();
  impl_.index();
  if (const NodeData* apex = impl_.find(impl_.origin); apex != nullptr) {
    for (const RrsetView& set : impl_.rrsets(*apex)) {
      if (set.type == rrtype::kSoa && set.count == 1) impl_.soa = set;
    }
  }
  if (impl_.soa.count == 1) return {};
  return usage_error(
      fmt::format("zone {}: needs one soa record at its apex", format_name(impl_.origin)));
}

StaticZone::StaticZone(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
StaticZone::~StaticZone() = default;

Result<std::unique_ptr<StaticZone>> StaticZone::make(NameView origin, const RecordList& sorted,
                                                     KeyId key,
                                                     std::vector<std::string>* warnings) {
  auto impl = std::make_unique<Impl>();
  impl->origin = lower_name(origin);
  impl->key = key;
  Maker maker(*impl, sorted, warnings);
  GW_CHECK(maker.take_all());
  GW_CHECK(maker.finish());
  return std::unique_ptr<StaticZone>(new StaticZone(std::move(impl)));
}

Result<std::unique_ptr<StaticZone>> StaticZone::make(NameView origin,
                                                     const std::vector<Rrset>& rrsets, KeyId key,
                                                     std::vector<std::string>* warnings) {
  RecordList records;
  std::set<std::pair<std::string, std::uint16_t>> seen;
  for (const Rrset& rrset : rrsets) {
    const std::string where =
        rrset.where.empty() ? "zone " + format_name(lower_name(origin)) : rrset.where;
    const std::string place = fmt::format("{}: {}", where, format_name(rrset.owner));
    if (!seen.emplace(lower_name(rrset.owner), rrset.type).second) {
      return usage_error(fmt::format("{}: two rrsets of type {}", place, format_type(rrset.type)));
    }
    if (rrset.rdatas.empty()) {
      return usage_error(
          fmt::format("{}: rrset of type {} is empty", place, format_type(rrset.type)));
    }
    GW_CHECK(records.add(rrset));
  }
  records.sort();
  return make(origin, records, key, warnings);
}

NameView StaticZone::origin() const { return impl_->origin; }
RrsetView StaticZone::soa() const { return impl_->soa; }
KeyId StaticZone::key() const { return impl_->key; }
std::size_t StaticZone::rrset_count() const { return impl_->views.size(); }

void StaticZone::find(NameView name, Node& out) const {
  const Impl::NodeData* node = impl_->find(name);
  if (node != nullptr && !node->cut) {
    const std::span<const RrsetView> sets = impl_->rrsets(*node);
    return out.set(sets.empty() ? NodeKind::kEmpty : NodeKind::kNode, sets);
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
    const Impl::Referral& referral = impl_->referrals[node->link];
    out.glue = {impl_->referred.data() + referral.first, referral.count};
    return out.set(NodeKind::kCut, impl_->rrsets(*node), node->name);
  }
  if (node->dname) {
    // The DNAME alone: what else its owner has is not what is asked for.
    for (const RrsetView& set : impl_->rrsets(*node)) {
      if (set.type == rrtype::kDname) return out.set(NodeKind::kDname, {&set, 1}, node->name);
    }
  }
  if (node->link == 0) return out.set_missing();
  node = &impl_->nodes[node->link - 1];
  const std::span<const RrsetView> sets = impl_->rrsets(*node);
  out.set(sets.empty() ? NodeKind::kEmpty : NodeKind::kNode, sets, node->name);
}

}  // namespace gw::dns
