// What a zone holds, as the answer engine sees it: views of RRsets, found by name.
//
// The engine (answer.h) asks one Zone one question a query: what is at this name? A Zone answers
// with views of what it already has in memory, so that a query costs neither an allocation nor a
// copy. The module zone's index (lib/dnsd) and StaticZone (static_zone.h) hold such content.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "dns/name.h"

namespace gw::dns {

// An RRset without its owner. `rdatas` is what follows the TTL on the wire, `count` times: RDLENGTH
// (two octets) and RDATA, in the canonical order of RFC 4034 6.3, without duplicates, names inside
// lower-cased and uncompressed: so it is copied into answers and hashed into signatures as it is.
struct RrsetView {
  std::uint16_t type = 0;
  std::uint16_t count = 0;
  std::uint32_t ttl = 0;  // seconds; at most 2^31-1
  std::string_view rdatas;
};

enum class NodeKind {
  kMissing,  // no such name, and nothing below it
  kEmpty,    // the name exists without RRsets: an empty non-terminal, a module without a release
  kNode,     // the name has RRsets
  kCut,      // the name is at or below a delegation: the RRsets are its NS and, if any, its DS
  kDname,    // the name is below the owner of a DNAME, which is the one RRset
  kUnknown,  // it cannot be told at the moment: SERVFAIL with extended error 14
};

// Addresses that a referral carries, since nobody else can tell them or for convenience. They are
// not the zone's own data, and never signed.
struct GlueView {
  NameView owner;
  RrsetView addresses;
  bool in_domain = false;  // the name server is at or below the cut: without it nothing works
};

// The result of ZoneContent::find, made by the caller and reused from query to query. A zone that
// keeps its RRsets ready points `rrsets` at them; one that makes them up at each query puts the
// RRset into `made`, its rdata into `scratch`, and points `rrsets` at `made`. No RRSIG or NSEC is
// ever in `rrsets`: the engine makes those. Ascending by type, at most kMaxNodeTypes.
inline constexpr std::size_t kMaxNodeTypes = 60;
struct Node {
  Node() = default;
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  void set(NodeKind k, std::span<const RrsetView> sets = {}, NameView source = {}) {
    kind = k;
    rrsets = sets;
    at = source;
  }
  // Sets kind and rrsets for the one RRset of `made`.
  void set_made() { set(NodeKind::kNode, {&made, 1}); }
  void set_empty() { set(NodeKind::kEmpty); }
  void set_missing() { set(NodeKind::kMissing); }
  const RrsetView* find(std::uint16_t type) const {
    for (const RrsetView& set : rrsets) {
      if (set.type == type) return &set;
    }
    return nullptr;
  }

  NodeKind kind = NodeKind::kMissing;
  std::span<const RrsetView> rrsets;
  // Whose RRsets they are: the cut, the DNAME's owner, or the wildcard that made the name exist;
  // empty when they are the name's own.
  NameView at;
  std::span<const GlueView> glue;  // of a kCut; else anything
  RrsetView made;
  std::array<char, 264> scratch;  // length, and a TXT of one string of 255 octets
};

// Which key signs a zone's content: a number that the RrsetSigner understands (lib/dnsd gives them
// out); kUnsigned: no DNSSEC records at all are served, as if no query had DO.
using KeyId = std::uint64_t;
inline constexpr KeyId kUnsigned = 0;

// What a zone holds at one moment, all of one piece: the records, the SOA's serial, and the key
// that its DNSKEY announces. Called from any number of threads at once. Every view handed out, what
// find() put into the node included, is valid as long as the content itself.
class ZoneContent {
 public:
  virtual ~ZoneContent() = default;
  // `name` is lower-cased and within the zone. At the origin the node is a kNode with
  // SOA, NS and, when signed, DNSKEY.
  virtual void find(NameView name, Node& out) const = 0;
  // The SOA RRset at the origin (count 1).
  virtual RrsetView soa() const = 0;
  virtual KeyId key() const = 0;
};

// One zone. Called from any number of threads at once.
class Zone {
 public:
  virtual ~Zone() = default;
  // Lower-cased; the same for the zone's life.
  virtual NameView origin() const = 0;
  // What it holds now; nullptr: nothing yet, and every query in it is SERVFAIL with extended error
  // 14. The content stays valid until Answerer::answer() returns (a reader section that spans
  // the whole call, or a batch of calls, is the implementation's business).
  virtual const ZoneContent* content() const = 0;
};

// The zones of a server: the one that answers a query is the one with the longest matching origin,
// except that DS at a zone's apex is the parent's to answer if we serve it (RFC 4035 3.1.4.1).
// Holds pointers: the zones outlive it. Immutable after add(); find() from any thread.
class ZoneSet {
 public:
  // kUsage when a zone of this origin is in the set.
  Status add(const Zone* zone);
  // `name` lower-cased. nullptr when no zone holds it.
  const Zone* find(NameView name, std::uint16_t qtype) const;
  std::span<const Zone* const> zones() const { return zones_; }

 private:
  std::vector<const Zone*> zones_;  // longest origin first
};

// An RRset that owns its data, as it is given to StaticZone.
struct Rrset {
  std::string owner;  // wire name, any case
  std::uint16_t type = 0;
  std::uint32_t ttl = 0;
  std::vector<std::string> rdatas;  // wire, names inside uncompressed
  std::string where;                // "example.zone:12", named in errors; empty: nowhere special

  static Rrset make(NameView owner, std::uint16_t type, std::uint32_t ttl,
                    std::vector<std::string> rdatas);
};

}  // namespace gw::dns
