#include "dns/answer.h"

#include <algorithm>
#include <array>

#include "dns/dnssec.h"
#include "dns/rdata.h"

namespace gw::dns {

namespace {

// The NSEC that says what exists at one name, made in place.
struct MadeNsec {
  // Each type may sit in a window of its own: at most 34 octets.
  static constexpr std::size_t kMaxTypes = kMaxNodeTypes + 3;
  std::array<char, 2 + kMaxName + kMaxTypes * 34> bytes;
  RrsetView view;

  // `owner`: the name, or the cut when the node is one.
  void make(NameView owner, NameView origin, const Node& node, std::uint32_t ttl) {
    std::array<std::uint16_t, kMaxTypes> types;
    std::size_t n = 0;
    for (const RrsetView& set : node.rrsets.first(std::min(node.rrsets.size(), kMaxNodeTypes))) {
      types[n++] = set.type;
    }
    types[n++] = rrtype::kRrsig;
    types[n++] = rrtype::kNsec;
    if (node.kind == NodeKind::kMissing) types[n++] = rrtype::kNxname;
    // Two or three types out of order at the end of an ascending list.
    std::sort(types.begin(), types.begin() + static_cast<std::ptrdiff_t>(n));
    std::size_t size = 2;
    const std::span<char, kMaxName> next(bytes.data() + size, kMaxName);
    size += node.kind == NodeKind::kCut ? write_next_sibling(owner, next, origin)
                                        : write_next_name(owner, next, origin);
    size += write_type_bitmap({types.data(), n}, std::span<char>(bytes).subspan(size));
    store_u16(bytes.data(), static_cast<std::uint16_t>(size - 2));
    view = {rrtype::kNsec, 1, ttl, {bytes.data(), size}};
  }
};

// What an unsigned TSIG in a response repeats of the query's (RFC 8945 5.2).
struct TsigEcho {
  Name key;
  Name algorithm;
  std::string_view time_and_fudge;
  std::string_view original_id;
};

// Reads the TSIG record of a query; false when its rdata is malformed.
bool read_tsig(const Query& query, TsigEcho& out) {
  const std::string_view message = query.message;
  std::size_t at = read_name(message, query.tsig_offset, out.key);
  if (at == 0) return false;
  at += 10;  // the reader has checked that the record is whole, and the last
  const std::size_t algorithm = read_name(message, at, out.algorithm);
  if (algorithm == 0 || algorithm + 10 > message.size()) return false;
  out.time_and_fudge = message.substr(algorithm, 8);
  const std::size_t mac = load_u16(message.data() + algorithm + 8);
  const std::string_view rest = message.substr(algorithm + 10);
  // After the MAC: original id, error, and the size of the other data, which ends the record.
  if (mac + 6 > rest.size() || load_u16(rest.data() + mac + 4) != rest.size() - mac - 6) {
    return false;
  }
  out.original_id = rest.substr(mac, 2);
  return true;
}

}  // namespace

// One query from its packet to the response: a method for each step, and what they share as
// members. The next query finds `now_` new, and of the rest only what it wrote itself.
class Answerer::Life {
 public:
  Life(const ZoneSet& zones, RrsetSigner& signer, const AnswerOptions& options)
      : zones_(zones), signer_(signer), options_(options) {}

  AnswerResult answer(std::string_view packet, Transport transport, std::span<char> out,
                      const Asker& asker);
  std::size_t answer_truncated(std::span<char> out) const;
  std::size_t answer_bad_cookie(std::span<char> out) const;
  bool has_cookie() const { return now_.has_cookie; }
  bool has_good_cookie() const { return now_.good_cookie; }
  const Query& query() const { return query_; }

 private:
  static constexpr unsigned kMaxAliases = 12;

  std::size_t response_limit() const {
    if (transport_ != Transport::kUdp) return kMaxMessage;
    return std::max(kMinUdpSize, std::min<std::size_t>(query_.udp_size, options_.max_udp_size));
  }

  // What the OPT record may come to, so that the records leave it room. An extended error needs
  // none: it goes with answers that have no records.
  std::size_t opt_room() const {
    std::size_t room = ResponseWriter::kOptSize;
    if (query_.wants_nsid) room += 4 + options_.server_id.size();
    if (query_.wants_zone_version) room += 10;
    if (query_.wants_keepalive) room += 6;
    if (now_.has_cookie) room += 4 + kCookie;
    return room;
  }

  AnswerResult error(Rcode rcode, Ede ede = Ede::kNone, AnswerKind kind = AnswerKind::kError);
  AnswerResult finish(AnswerKind kind);
  AnswerResult no_question();
  std::size_t short_answer(std::span<char> out, Rcode rcode) const;
  AnswerResult chaos();
  AnswerResult unknown_key();
  void add_tsig();
  AnswerResult fail(AnswerKind kind);
  AnswerResult resolve();

  // Each returns false when the answer cannot be given as it is: fail() then says how.
  bool add(Section section, NameView owner, const RrsetView& rrset, std::uint32_t ttl);
  bool add_rrsig(Section section, NameView owner, const RrsetView& rrset, std::uint32_t ttl);
  bool add_denial();
  bool add_resolved(AnswerKind& kind);
  bool add_final(AnswerKind& kind);
  bool add_alias(bool& follow);
  bool add_dname(bool& follow);
  bool add_referral();
  bool add_glue();
  bool follow_to(NameView target);
  const RrsetView* alias() const;
  // The NSEC at the name, or at the cut it is at or below.
  void make_nsec() {
    nsec_.make(node_.kind == NodeKind::kCut ? node_.at : now_.name, now_.zone->origin(), node_,
               negative_ttl());
  }

  std::uint32_t negative_ttl() {
    if (now_.soa.count == 0) now_.soa = now_.content->soa();
    return std::min(now_.soa.ttl, soa_minimum(now_.soa.rdatas));
  }

  // The same for all queries.
  const ZoneSet& zones_;
  RrsetSigner& signer_;
  const AnswerOptions& options_;

  // The question, and what the zone has at `now_.name`.
  Query query_;
  Transport transport_ = Transport::kUdp;
  Node node_;
  ResponseWriter writer_{{}, 0, query_};

  // How far the answer is.
  struct Progress {
    const Zone* zone = nullptr;
    const ZoneContent* content = nullptr;  // set: the zone answers
    NameView source;
    AnswerKind kind = AnswerKind::kPositive;
    RrsetView soa;
    bool is_signed = false;    // the zone is
    bool with_dnssec = false;  // RRSIGs and NSECs go with the answer
    bool has_tsig = false;     // tsig_ is to be echoed
    bool has_cookie = false;   // cookie_ is to be sent
    bool good_cookie = false;  // the query's was ours
    NameView name;             // the one asked for, then the targets of aliases
    unsigned aliases = 0;      // how many were followed to get there
    std::size_t made_size = 0;
    unsigned dnames = 0;  // how many are in the answer
    SignResult failure{SignStatus::kSigned, 0, Ede::kNone};
    Ede ede = Ede::kNone;
    std::string_view why;  // its text
  };
  static constexpr std::size_t kMaxWhy = 80;
  Progress now_;

  // Written before they are read.
  std::array<NameView, kMaxAliases> followed_;         // the names before now_.name
  std::array<NameView, kMaxAliases> dnames_;           // the owners of DNAMEs in the answer
  std::array<char, kMaxAliases*(2 + kMaxName)> made_;  // CNAME rdatas that DNAMEs led to
  TsigEcho tsig_;
  std::array<char, kCookie> cookie_;
  MadeNsec nsec_;
};

AnswerResult Answerer::Life::error(Rcode rcode, Ede ede, AnswerKind kind) {
  writer_.clear();
  writer_.set_authoritative(false);
  writer_.set_rcode(rcode);
  now_.ede = ede;
  return finish(kind);
}

AnswerResult Answerer::Life::finish(AnswerKind kind) {
  if (query_.has_edns) {
    writer_.add_opt({writer_.rcode(), static_cast<std::uint16_t>(options_.max_udp_size),
                     query_.dnssec_ok, query_.compact_ok});
    std::array<char, 6> data;
    if (now_.ede != Ede::kNone) {
      std::array<char, 2 + kMaxWhy> reason;
      store_u16(reason.data(), static_cast<std::uint16_t>(now_.ede));
      const std::size_t size = now_.why.copy(reason.data() + 2, kMaxWhy);
      writer_.add_option(edns::kError, {reason.data(), 2 + size});
    }
    if (query_.wants_keepalive && transport_ != Transport::kUdp) {
      store_u16(data.data(), options_.keepalive);
      writer_.add_option(edns::kKeepalive, {data.data(), 2});
    }
    if (query_.wants_zone_version && now_.content != nullptr) {
      data[0] = static_cast<char>(label_count(now_.zone->origin()));
      data[1] = 0;  // the SOA's serial (RFC 9660 2)
      store_u32(data.data() + 2, soa_serial(now_.content->soa().rdatas));
      writer_.add_option(edns::kZoneVersion, {data.data(), 6});
    }
    if (now_.has_cookie) writer_.add_option(edns::kCookie, {cookie_.data(), kCookie});
    if (query_.wants_nsid && !options_.server_id.empty()) {
      writer_.add_option(edns::kNsid, options_.server_id);
    }
  }
  if (now_.has_tsig) add_tsig();
  AnswerResult result;
  result.kind = kind;
  result.rcode = writer_.rcode();
  result.truncated = writer_.truncated();
  result.zone = now_.zone;
  result.source = now_.source;
  result.size = writer_.finish();
  return result;
}

// RFC 7873 5.4: asks for a cookie, or whether its own is one of ours.
AnswerResult Answerer::Life::no_question() {
  if (!now_.has_cookie) return error(Rcode::kFormErr);
  const bool asks = query_.cookie.size() == kClientCookie;
  if (!asks && !now_.good_cookie) writer_.set_rcode(Rcode::kBadCookie);
  return finish(asks || now_.good_cookie ? AnswerKind::kNodata : AnswerKind::kError);
}

// RFC 4892: which server answered. Everything else of another class is not ours.
AnswerResult Answerer::Life::chaos() {
  constexpr NameView kIdServer{"\2id\6server\0", 11};
  if (query_.qclass != rrclass::kCh || query_.name() != kIdServer || options_.server_id.empty() ||
      (query_.qtype != rrtype::kTxt && query_.qtype != rrtype::kAny)) {
    return error(Rcode::kRefused, Ede::kNotAuthoritative, AnswerKind::kRefused);
  }
  const std::string_view id = options_.server_id.substr(0, 255);
  const std::span<char> rdata =
      writer_.begin_record(Section::kAnswer, query_.name(), rrtype::kTxt, rrclass::kCh, 0);
  if (rdata.size() < 1 + id.size()) {
    writer_.truncate();
    return finish(AnswerKind::kPositive);
  }
  rdata[0] = static_cast<char>(id.size());
  std::copy(id.begin(), id.end(), rdata.begin() + 1);
  writer_.end_record(1 + id.size());
  return finish(AnswerKind::kPositive);
}

// No key is known here, so a signed query is told so, in a TSIG record without a MAC (RFC 8945
// 5.2.1).
AnswerResult Answerer::Life::unknown_key() {
  now_.has_tsig = read_tsig(query_, tsig_);
  if (!now_.has_tsig) return error(Rcode::kFormErr);
  return error(Rcode::kNotAuth);
}

void Answerer::Life::add_tsig() {
  constexpr std::uint16_t kBadKey = 17;
  const std::span<char> rdata =
      writer_.begin_record(Section::kAdditional, tsig_.key, rrtype::kTsig, rrclass::kAny, 0);
  const NameView algorithm = tsig_.algorithm;
  const std::size_t size = algorithm.size() + 16;
  if (rdata.size() < size) return;
  char* at = std::copy(algorithm.begin(), algorithm.end(), rdata.data());
  at = std::copy(tsig_.time_and_fudge.begin(), tsig_.time_and_fudge.end(), at);
  store_u16(at, 0);  // MAC size
  at = std::copy(tsig_.original_id.begin(), tsig_.original_id.end(), at + 2);
  store_u16(at, kBadKey);
  store_u16(at + 2, 0);  // other data
  writer_.end_record(size);
}

bool Answerer::Life::add_rrsig(Section section, NameView owner, const RrsetView& rrset,
                               std::uint32_t ttl) {
  const std::size_t size = rrsig_size(now_.zone->origin());
  const std::span<char> rdata =
      writer_.begin_record(section, owner, rrtype::kRrsig, rrclass::kIn, ttl);
  if (rdata.size() < size) return false;
  const SignResult result =
      signer_.sign({now_.zone->origin(), now_.content->key(), owner, rrset, now_.kind, now_.source},
                   rdata.first(size));
  if (result.status != SignStatus::kSigned || result.size == 0 || result.size > size) {
    now_.failure = result;
    if (result.status == SignStatus::kSigned) now_.failure.status = SignStatus::kFailed;
    return false;
  }
  writer_.end_record(result.size);
  return true;
}

bool Answerer::Life::add(Section section, NameView owner, const RrsetView& rrset,
                         std::uint32_t ttl) {
  return writer_.add_rrset(section, owner, rrset, ttl) &&
         (!now_.with_dnssec || add_rrsig(section, owner, rrset, ttl));
}

// The answer did not fit, or could not be signed.
AnswerResult Answerer::Life::fail(AnswerKind kind) {
  const bool udp = transport_ == Transport::kUdp;
  if (now_.failure.status == SignStatus::kFailed ||
      (now_.failure.status == SignStatus::kLater && !udp)) {
    now_.why = now_.failure.why;
    return error(Rcode::kServFail, now_.failure.ede);
  }
  writer_.truncate();
  return finish(kind);
}

// RFC 2308 3, RFC 9824 3: the SOA, and one NSEC at the very name that was asked for.
bool Answerer::Life::add_denial() {
  const std::uint32_t ttl = negative_ttl();
  if (!add(Section::kAuthority, now_.zone->origin(), now_.soa, ttl)) return false;
  if (!now_.with_dnssec) return true;
  make_nsec();
  return add(Section::kAuthority, node_.kind == NodeKind::kCut ? node_.at : now_.name, nsec_.view,
             ttl);
}

// Looks for what answers the question type at the node; writes it, or the denial.
bool Answerer::Life::add_final(AnswerKind& kind) {
  const bool missing = node_.kind == NodeKind::kMissing;
  // RFC 9824 2: with DNSSEC the denial is that of a name without data, unless the client said that
  // it understands the truth.
  if (missing && now_.with_dnssec && query_.compact_ok) writer_.set_rcode(Rcode::kNxDomain);
  // Every bitmap says that NSEC and RRSIG exist, so at every name, even a missing one, a question
  // for them has an answer: without it validators call the denial bogus.
  if (now_.is_signed && query_.qtype == rrtype::kNsec) {
    make_nsec();
    return add(Section::kAnswer, now_.name, nsec_.view, nsec_.view.ttl);
  }
  if (now_.is_signed && query_.qtype == rrtype::kRrsig) {
    const RrsetView* covered = &nsec_.view;
    if (node_.kind == NodeKind::kNode) {
      covered = &node_.rrsets.front();
    } else {
      make_nsec();
    }
    return add_rrsig(Section::kAnswer, now_.name, *covered, covered->ttl);
  }
  const RrsetView* found = nullptr;
  if (node_.kind == NodeKind::kNode || node_.kind == NodeKind::kCut) {
    // ANY: one RRset is enough (RFC 8482 4.1).
    found = query_.qtype == rrtype::kAny ? &node_.rrsets.front() : node_.find(query_.qtype);
  }
  if (found != nullptr) return add(Section::kAnswer, now_.name, *found, found->ttl);
  if (!missing && now_.aliases == 0) kind = AnswerKind::kNodata;
  if (missing && !now_.with_dnssec) writer_.set_rcode(Rcode::kNxDomain);
  return add_denial();
}

// The CNAME at the node, unless the question is for what a node with a CNAME has itself.
const RrsetView* Answerer::Life::alias() const {
  if (node_.kind != NodeKind::kNode || node_.rrsets.front().type != rrtype::kCname) return nullptr;
  switch (query_.qtype) {
    case rrtype::kCname:
    case rrtype::kAny:
      return nullptr;
    case rrtype::kNsec:
    case rrtype::kRrsig:
      return now_.is_signed ? nullptr : &node_.rrsets.front();
    default:
      return &node_.rrsets.front();
  }
}

// Whether the answer goes on at an alias's target. Beyond the zone it does not: resolvers would not
// believe it (RFC 5452 6).
bool Answerer::Life::follow_to(NameView target) {
  followed_[now_.aliases++] = now_.name;
  now_.name = target;
  const auto before = std::span<const NameView>(followed_).first(now_.aliases);
  return now_.aliases < kMaxAliases && is_subdomain(target, now_.zone->origin()) &&
         std::find(before.begin(), before.end(), target) == before.end();
}

bool Answerer::Life::add_alias(bool& follow) {
  const RrsetView& cname = *alias();
  if (!add(Section::kAnswer, now_.name, cname, cname.ttl)) return false;
  follow = follow_to(cname.rdatas.substr(2));
  return true;
}

// RFC 6672 3.1: the DNAME, and the CNAME that follows from it for this name, which is never signed.
bool Answerer::Life::add_dname(bool& follow) {
  const RrsetView& dname = node_.rrsets.front();
  // Once, however often the way leads there (RFC 2181 5).
  const auto before = std::span<const NameView>(dnames_).first(now_.dnames);
  if (std::find(before.begin(), before.end(), node_.at) == before.end()) {
    if (!add(Section::kAnswer, node_.at, dname, dname.ttl)) return false;
    dnames_[now_.dnames++] = node_.at;
  }
  const NameView target = dname.rdatas.substr(2);
  const NameView prefix = now_.name.substr(0, now_.name.size() - node_.at.size());
  const std::size_t size = prefix.size() + target.size();
  if (size > kMaxName) {
    writer_.set_rcode(Rcode::kYxDomain);
    return true;
  }
  char* rdata = made_.data() + now_.made_size;
  store_u16(rdata, static_cast<std::uint16_t>(size));
  std::copy(target.begin(), target.end(), std::copy(prefix.begin(), prefix.end(), rdata + 2));
  now_.made_size += 2 + size;
  const RrsetView cname{rrtype::kCname, 1, dname.ttl, {rdata, 2 + size}};
  if (!writer_.add_rrset(Section::kAnswer, now_.name, cname, cname.ttl)) return false;
  if (query_.qtype != rrtype::kCname && query_.qtype != rrtype::kAny) {
    follow = follow_to(cname.rdatas.substr(2));
  }
  return true;
}

bool Answerer::Life::add_glue() {
  for (const GlueView& glue : node_.glue) {
    const RrsetView& set = glue.addresses;
    // RFC 9471: without the addresses below the cut the referral leads nowhere.
    if (!writer_.add_rrset(Section::kAdditional, glue.owner, set, set.ttl) && glue.in_domain) {
      return false;
    }
  }
  return true;
}

// RFC 4035 3.1.4: whose the name is, and, signed, whether that one's keys are known here.
bool Answerer::Life::add_referral() {
  const RrsetView& ns = node_.rrsets.front();
  if (!writer_.add_rrset(Section::kAuthority, node_.at, ns, ns.ttl)) return false;
  if (now_.with_dnssec) {
    if (const RrsetView* ds = node_.find(rrtype::kDs); ds != nullptr) {
      if (!add(Section::kAuthority, node_.at, *ds, ds->ttl)) return false;
    } else {
      make_nsec();
      if (!add(Section::kAuthority, node_.at, nsec_.view, nsec_.view.ttl)) return false;
    }
  }
  return add_glue();
}

// Follows the aliases from the name asked for, then says what there is.
bool Answerer::Life::add_resolved(AnswerKind& kind) {
  kind = AnswerKind::kPositive;
  for (;;) {
    now_.content->find(now_.name, node_);
    if (node_.kind == NodeKind::kUnknown) {
      now_.failure = {SignStatus::kFailed, 0, Ede::kNotReady, {}};
      return false;
    }
    if (now_.aliases == 0) now_.source = node_.at;
    bool follow = false;
    if (node_.kind == NodeKind::kCut) {
      // The DS is the one thing at a delegation that is the parent's to tell (RFC 4035 3.1.4.1).
      if (query_.qtype == rrtype::kDs && now_.name.size() == node_.at.size())
        return add_final(kind);
      if (now_.aliases == 0) {
        kind = AnswerKind::kReferral;
        writer_.set_authoritative(false);
      }
      return add_referral();
    }
    if (node_.kind == NodeKind::kDname) {
      if (!add_dname(follow)) return false;
    } else if (alias() != nullptr) {
      if (!add_alias(follow)) return false;
    } else {
      if (node_.kind == NodeKind::kMissing && now_.aliases == 0) kind = AnswerKind::kMissing;
      return add_final(kind);
    }
    if (!follow) return true;
  }
}

AnswerResult Answerer::Life::resolve() {
  if (query_.tsig_offset != 0) return unknown_key();
  if (query_.qclass != rrclass::kIn) return chaos();
  switch (query_.qtype) {
    case 0:
    case rrtype::kOpt:
    case rrtype::kNxname:
    case rrtype::kTkey:
    case rrtype::kTsig:
      return error(Rcode::kFormErr, Ede::kInvalidQueryType);
    case rrtype::kAxfr:
      if (transport_ == Transport::kUdp) return error(Rcode::kFormErr, Ede::kInvalidQueryType);
      break;
    default:
      break;
  }
  now_.zone = zones_.find(query_.name(), query_.qtype);
  if (now_.zone == nullptr) {
    return error(Rcode::kRefused, Ede::kNotAuthoritative, AnswerKind::kRefused);
  }
  if (query_.qtype == rrtype::kAxfr || query_.qtype == rrtype::kIxfr) {
    return error(Rcode::kRefused, Ede::kProhibited, AnswerKind::kRefused);
  }
  now_.content = now_.zone->content();
  if (now_.content == nullptr) return error(Rcode::kServFail, Ede::kNotReady);
  now_.is_signed = now_.content->key() != kUnsigned;
  now_.with_dnssec = now_.is_signed && query_.dnssec_ok;
  now_.name = query_.name();
  writer_.set_authoritative(true);
  if (!add_resolved(now_.kind)) return fail(now_.kind);
  return finish(now_.kind);
}

AnswerResult Answerer::Life::answer(std::string_view packet, Transport transport,
                                    std::span<char> out, const Asker& asker) {
  const QueryStatus status = read_query(packet, query_);
  now_ = {};
  if (status == QueryStatus::kDrop) return {};
  transport_ = transport;
  if (!query_.cookie.empty() && asker.secrets != nullptr) {
    now_.has_cookie = true;
    now_.good_cookie = asker.secrets->answer(query_.cookie, asker.ip, asker.now, cookie_);
  }
  writer_ = ResponseWriter(out, response_limit(), query_);
  if (query_.has_edns) writer_.reserve(opt_room());
  switch (status) {
    case QueryStatus::kFormErr:
      return error(Rcode::kFormErr);
    case QueryStatus::kNotImp:
      return error(Rcode::kNotImp);
    case QueryStatus::kBadVers:
      return error(Rcode::kBadVers);
    case QueryStatus::kNoQuestion:
      return no_question();
    default:
      return resolve();
  }
}

// One without records.
std::size_t Answerer::Life::short_answer(std::span<char> out, Rcode rcode) const {
  ResponseWriter writer(out, kMinUdpSize, query_);
  if (rcode == Rcode::kNoError) writer.truncate();
  writer.set_rcode(rcode);
  if (query_.has_edns) {
    writer.add_opt({rcode, static_cast<std::uint16_t>(options_.max_udp_size), query_.dnssec_ok,
                    query_.compact_ok});
    if (now_.has_cookie) writer.add_option(edns::kCookie, {cookie_.data(), kCookie});
  }
  return writer.finish();
}

std::size_t Answerer::Life::answer_truncated(std::span<char> out) const {
  return short_answer(out, Rcode::kNoError);
}

std::size_t Answerer::Life::answer_bad_cookie(std::span<char> out) const {
  return short_answer(out, Rcode::kBadCookie);
}

Answerer::Answerer(const ZoneSet& zones, RrsetSigner& signer, const AnswerOptions& options)
    : life_(std::make_unique<Life>(zones, signer, options)) {}
Answerer::~Answerer() = default;

AnswerResult Answerer::answer(std::string_view packet, Transport transport, std::span<char> out,
                              const Asker& asker) {
  return life_->answer(packet, transport, out, asker);
}

std::size_t Answerer::answer_truncated(std::span<char> out) const {
  return life_->answer_truncated(out);
}

std::size_t Answerer::answer_bad_cookie(std::span<char> out) const {
  return life_->answer_bad_cookie(out);
}

bool Answerer::has_cookie() const { return life_->has_cookie(); }
bool Answerer::has_good_cookie() const { return life_->has_good_cookie(); }

const Query& Answerer::query() const { return life_->query(); }

}  // namespace gw::dns
