// A zone's content in memory, made once from a list of RRsets: ordinary zones, and the apex of the
// module zone.
//
// It knows what RFC 1034 4.3.2 asks of an authoritative server: delegations with their glue, empty
// non-terminals (RFC 4592 2.2.2), wildcards, DNAMEs, and what may not stand beside or below what.
// All of it is worked out when the zone is made, so that a lookup of a name that exists is one hash
// and one comparison; for any other name it is one for each label up to the closest encloser,
// beginning no deeper than the zone's deepest name.
//
// Costs about 100 bytes a name beside its records, and a microsecond of time.
//
// Immutable: any thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "dns/record_list.h"
#include "dns/zone.h"

namespace gw::dns {

class StaticZone final : public Zone, public ZoneContent {
 public:
  // kUsage: names outside the zone, no SOA at the origin or two, two RRsets of one owner and type,
  // malformed rdata, types that are not zone data (RRSIG, NSEC, NSEC3, meta types), a TTL over
  // 2^31-1, a CNAME beside other data, several CNAMEs or DNAMEs at a name, data below a DNAME, NS
  // or DNAME at a wildcard, a DS without a delegation, and a delegation to a name server below
  // itself without an address. `warnings`, when given, gets a line for each RRset that is left out:
  // data below a delegation that is not glue.
  static Result<std::unique_ptr<StaticZone>> make(NameView origin, const RecordList& sorted,
                                                  KeyId key,
                                                  std::vector<std::string>* warnings = nullptr);
  static Result<std::unique_ptr<StaticZone>> make(NameView origin, const std::vector<Rrset>& rrsets,
                                                  KeyId key,
                                                  std::vector<std::string>* warnings = nullptr);
  ~StaticZone() override;

  NameView origin() const override;
  const ZoneContent* content() const override { return this; }
  void find(NameView name, Node& out) const override;
  RrsetView soa() const override;
  KeyId key() const override;
  std::size_t rrset_count() const;  // that are served

 private:
  struct Impl;
  class Maker;
  explicit StaticZone(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace gw::dns
