// The module zone: an apex that changes with each commit, and the module space below v0.
//
//   Z                 SOA, NS, DNSKEY, addresses of name servers inside Z; a null MX (RFC 7505),
//                     but when the SOA record's mailbox is at Z
//   v0.Z              always exists
//   toolchain.v0.Z    always exists, with a TXT once the log has a toolchain
//   ….v0.Z            the module index, and until that is complete the database itself
// A name that is not in the index but has a bare - at an end of a path element is looked up by its
// canonical spelling, so that `mjl-`, what is above it and what is below it exist too.
//
// content() needs a reader section of the zone's Epochs around it and the use of what it returns. A
// new apex is published whole, with the key that signs it; nodes of the index change one by one
// before it, so an answer may be newer than the serial that a query at the same moment is told,
// never older.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dns/zone.h"
#include "dnsd/epochs.h"
#include "dnsd/module_index.h"
#include "dnsd/module_lookup.h"
#include "dnsd/published.h"
#include "dnsd/zone_key.h"
#include "os/address.h"

namespace gw::dnsd {

struct NameServer {
  std::string name;  // wire, lower-cased
  std::vector<os::SocketAddress> addresses;

  // "NAME" or "NAME=ADDR,ADDR". A name inside `zone` needs addresses, one outside may not have any,
  // and none is below v0.<zone> or v1.<zone>. kUsage.
  static Result<NameServer> parse(std::string_view text, dns::NameView zone);
};

// What the operator decides about the zone.
struct ZoneSettings {
  std::string origin;  // wire, lower-cased
  std::vector<NameServer> name_servers;
  std::string rname;        // wire, lower-cased; the root for none
  std::uint32_t ttl = 300;  // seconds
  std::uint32_t negative_ttl = 300;

  // What of an answer depends on more than the log: a change raises the serial.
  std::string fingerprint(const ZoneKey& key) const;
};

class ModuleZone final : public dns::Zone {
 public:
  // The Epochs, the index and the lookup outlive it.
  ModuleZone(Epochs& epochs, const ModuleIndex& index, const ModuleLookup& lookup,
             const ZoneSettings& settings);

  // What changes while serving.
  struct State {
    std::uint32_t serial = 1;
    std::string toolchain = {};  // the answer's text, empty for none
    std::string dnskey = {};     // rdata
    dns::KeyId key = dns::kUnsigned;
  };
  // A content that is not served yet, so that what can fail fails before anything is changed. It
  // must not outlive the zone. kUsage when settings and state make no zone.
  Result<std::unique_ptr<const dns::ZoneContent>> make(const State& state) const;
  // Serves it from now on; nullptr: the zone is not ready. One thread at a time.
  void publish(std::unique_ptr<const dns::ZoneContent> content);

  dns::NameView origin() const override { return settings_.origin; }
  const dns::ZoneContent* content() const override { return served_.get(); }
  // Whether content() is one. Any thread, outside of a reader section too.
  bool ready() const { return served_.get() != nullptr; }

 private:
  class Content;

  Epochs& epochs_;
  const ModuleIndex& index_;
  const ModuleLookup& lookup_;
  const ZoneSettings settings_;
  Published<const dns::ZoneContent> served_;
};

}  // namespace gw::dnsd
