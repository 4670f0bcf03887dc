// The authoritative answer to one query (RFC 1034 4.3.2, RFC 4035 3.1), with DNSSEC by online
// signing and compact denial of existence (RFC 9824): a pure function of the query, the zones and a
// signer.
//
// The idea: a name either exists or it does not, so one ZoneContent::find decides the answer's kind
// (one more for each alias that is followed, within the zone); each RRset of the answer is copied
// from the zone's own bytes, and its RRSIG comes from the signer, which caches. A denial needs no
// neighbour: one NSEC, made here, whose owner is the name asked for, says which types it has. Per
// query: one virtual call to find the name, one for each signature, no allocation, no lock.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "dns/cookie.h"
#include "dns/wire.h"
#include "dns/zone.h"

namespace gw::dns {

// What kind of answer it was, for metrics and for rate limiting (which treats denials and errors as
// one class a zone, since their names are the attacker's choice).
enum class AnswerKind : std::uint8_t {
  kDropped,  // size 0: send nothing
  kPositive,
  kNodata,
  kMissing,  // the name does not exist, whatever the RCODE
  kReferral,
  kRefused,
  kError,  // FORMERR, NOTIMP, BADVERS, SERVFAIL
};

// One RRset to sign: `origin` and `owner` lower-cased, rrset.ttl the original TTL.
struct SignRequest {
  NameView origin;  // of the zone: the signer's name
  KeyId key;
  NameView owner;
  const RrsetView& rrset;
  // Of the answer that it is for, as in AnswerResult, as far as that is known by now: who limits
  // answers need not sign those that will not be sent.
  AnswerKind kind = AnswerKind::kPositive;
  NameView source = {};
};

enum class SignStatus {
  kSigned,
  kLater,   // over the signing budget: a truncated answer over UDP, SERVFAIL over TCP
  kFailed,  // SERVFAIL with the result's extended error
};

struct SignResult {
  SignStatus status = SignStatus::kFailed;
  std::size_t size = 0;  // octets of RRSIG rdata written, when signed
  Ede ede = Ede::kOther;
  std::string_view why = {};  // the extended error's text; lives as long as the signer
};

// Makes RRSIGs. An object belongs to one thread at a time (each worker has its own, over a shared
// key and cache if it likes).
class RrsetSigner {
 public:
  virtual ~RrsetSigner() = default;
  // Writes the RRSIG's whole rdata (18 octets, the zone's origin as the signer's name, the
  // signature) to `out`, which has exactly rrsig_size(request.origin) octets.
  virtual SignResult sign(const SignRequest& request, std::span<char> out) = 0;
};
// The signatures of algorithms 13 and 15 have 64 octets.
inline std::size_t rrsig_size(NameView origin) { return 18 + origin.size() + 64; }
inline constexpr std::size_t kMaxRrsig = 18 + kMaxName + 64;

// What a server says about itself. Views outlive the calls.
struct AnswerOptions {
  std::string_view server_id;  // NSID and CH TXT id.server (at most 255 octets); empty: not told
  std::size_t max_udp_size = kDefaultUdpSize;
  std::uint16_t keepalive = 100;  // idle timeout told over TCP, in units of 100 ms (RFC 7828)
};

struct AnswerResult {
  std::size_t size = 0;  // octets of the response; 0: none is sent
  AnswerKind kind = AnswerKind::kDropped;
  Rcode rcode = Rcode::kNoError;
  bool truncated = false;
  const Zone* zone = nullptr;  // the zone that answered, if any
  // Whose data it is, when that is not the name asked for: the delegation, the wildcard or the
  // DNAME that answers for any number of names. Valid as long as the zone's content.
  NameView source;
};

// Answers queries, one after the other: from a packet's bytes to the response's. It holds what one
// query needs on its way, so that the next one allocates nothing.
//
// Belongs to one thread, or to one at a time. Zones, signer, options and what they view outlive it.
class Answerer {
 public:
  Answerer(const ZoneSet& zones, RrsetSigner& signer, const AnswerOptions& options);
  ~Answerer();
  Answerer(const Answerer&) = delete;
  Answerer& operator=(const Answerer&) = delete;

  // `out` holds at least 65535 bytes over TCP and max(512, options.max_udp_size) over UDP, and does
  // not overlap the packet. The asker's cookie, if it sent one, is answered with ours.
  AnswerResult answer(std::string_view packet, Transport transport, std::span<char> out,
                      const Asker& asker = {});

  // The reply to the last packet that only says "ask again over TCP": the slip of response rate
  // limiting. `out`: at least 512 bytes. Precondition: it was not dropped, and its answer no error.
  std::size_t answer_truncated(std::span<char> out) const;

  // The reply to the last packet that only says "ask again with this cookie" (RFC 7873 5.2.3).
  // `out`: at least 512 bytes. Precondition: it was not dropped, and has_cookie().
  std::size_t answer_bad_cookie(std::span<char> out) const;

  // Of the query at hand, also while it is being answered: whether a cookie goes with the answer,
  // and whether it came with one of ours, so that its sender is where it says.
  bool has_cookie() const;
  bool has_good_cookie() const;

  // What the last packet was read as, the packet still there.
  const Query& query() const;

 private:
  class Life;
  std::unique_ptr<Life> life_;
};

}  // namespace gw::dns
