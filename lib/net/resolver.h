// DNS lookups that are validated with DNSSEC here, in this process, by libunbound.
//
// An AD bit from a resolver proves nothing, so signatures are checked from a trust anchor down (RFC
// 4035): the two root keys of IANA, or the anchors of a file that replaces them. Questions go to
// the given resolver, or to those of /etc/resolv.conf. A resolver that strips DNSSEC makes every
// name look forged; then the DNSKEY at the anchor fails too, and with `recurse` the same questions
// are asked again by full recursion from the root; if that does no better they stay bogus. When the
// resolver gives no signature at all, or answers with SERVFAIL for a key or a DS record that would
// be needed, nothing was forged as far as anybody can tell: that is kUnavailable.
//
// All questions of one call run in parallel on one context with one deadline, which is ours:
// libunbound itself takes 17 seconds to give up on a dead resolver. Answers stay cached (for their
// TTL) as long as the Resolver lives. This header is the only door to libunbound.
//
//   GW_TRY(Resolver resolver, Resolver::create({.resolver = "127.0.0.1@53"}));
//   Question q{"go-import.example.org", dns::rrtype::kTxt};
//   Result<DnsAnswer> answer = resolver.lookup_one(q, system_clock().mono() + 5s);
//
// Cost: 1–2 ms and a thread for the context, made at the first lookup, none for the creation.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "dns/types.h"

namespace gw::net {

struct ResolverOptions {
  // IP address of a resolver, with an optional port: "192.0.2.1", "192.0.2.1@53", "2001:db8::1@53",
  // "[2001:db8::1]:53".
  // Empty: the name servers of `resolv_conf`, or 127.0.0.1 when there are none (resolv.conf(5)).
  std::string resolver = {};
  std::string resolv_conf = "/etc/resolv.conf";
  // DS and DNSKEY records in zone file form (RFC 1035 section 5); they replace the built-in ones.
  std::string trust_anchor_file = {};
  // False: no signature is looked at and every answer is kUnchecked.
  bool validate = true;
  // Whether the root is asked, past the resolver, when that gives no signatures.
  bool recurse = true;
  // How long a question's first packet waits for its answer before it is sent again: as long as the
  // slowest resolver takes, since an answer to the first one is not taken after that. Shared among
  // several resolvers.
  Duration patience = std::chrono::seconds(5);
  // Root hints in zone file form for the fallback to full recursion; empty: the built-in ones.
  std::string root_hints_file = {};
  // Names that no trust anchor covers are errors, instead of insecure without a word.
  bool need_anchor = false;
};

struct Question {
  std::string name;  // presentation form (RFC 1035 section 5.1), absolute; a final dot is optional
  std::uint16_t type = dns::rrtype::kTxt;
  bool with_packet = false;  // DnsAnswer::packet is wanted
};

enum class DnsSecurity {
  kSecure,     // proven from a trust anchor down, including that there is no such record
  kInsecure,   // proven to be unsigned, or above every anchor: nothing is known about the data
  kBogus,      // should be signed and does not verify: forged, expired, or broken by its owner
  kUnchecked,  // validation was switched off
};
std::string_view dns_security_name(DnsSecurity security);  // "secure", "insecure", ...

// An answer with rcode NOERROR or NXDOMAIN, or any that is bogus. It owns its bytes.
struct DnsAnswer {
  DnsSecurity security = DnsSecurity::kInsecure;
  std::string why_bogus;          // libunbound's reason, escaped; empty unless bogus
  bool nxdomain = false;          // the name does not exist. Compact denial (RFC 9824) is NODATA
  std::vector<std::string> data;  // RDATA in wire form, in the order received; may be empty. Bogus
                                  // answers carry data too: look at `security` first
  std::string canonical_name;     // the end of the CNAME chain when there was one
  std::chrono::seconds ttl{0};    // for how long the answer may be kept; 0 when bogus
  bool recursed = false;          // found by the fallback, past a resolver that strips DNSSEC
  std::string packet;             // with_packet: the message as libunbound assembled it, with the
                                  // signatures. Untrusted unless secure
};

// kUsage unless `text` is an address as ResolverOptions::resolver takes it.
Status check_resolver_address(std::string_view text);

// One resolver is used by one thread at a time.
class Resolver {
 public:
  // Checks the options, reads the files, and contacts nobody. kUsage: a bad address or a trust
  // anchor file that is unreadable, malformed (file and line are named) or has no anchor that could
  // ever validate anything.
  static Result<Resolver> create(ResolverOptions options);

  Resolver(Resolver&&) noexcept;
  Resolver& operator=(Resolver&&) noexcept;
  ~Resolver();  // returns at once, whatever is still in flight

  // kUsage, naming it, when no trust anchor is at or above this name, so that nothing below it
  // could ever be validated.
  Status check_anchor(std::string_view name) const;

  // One result for each question, in their order. Duplicates are sent once. Errors name the
  // question:
  //   kUsage        not a domain name, or check_anchor() with need_anchor (nothing is sent)
  //   kUnavailable  no answer by the deadline, an rcode such as SERVFAIL or REFUSED (also where a
  //                 key is asked for), nobody there, or nothing but answers without signatures
  //                 where there must be some
  //   kInternal     libunbound failed
  std::vector<Result<DnsAnswer>> lookup(std::span<const Question> questions, MonoTime deadline);
  Result<DnsAnswer> lookup_one(const Question& question, MonoTime deadline);

 private:
  struct Impl;
  explicit Resolver(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// The character-strings of a TXT record's RDATA (RFC 1035 section 3.3.14) joined with nothing
// between them; kCorrupt when the lengths do not add up or there is no string.
Result<std::string> join_txt(std::string_view rdata);

}  // namespace gw::net
