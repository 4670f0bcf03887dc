#include "dns/answer.h"

#include <algorithm>
#include <array>

#include "dns/dnssec.h"

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
  bool present = false;
  Name key;
  Name algorithm;
  std::string_view time_and_fudge;
  std::string_view original_id;
};

// Reads the TSIG record of a query; false when its rdata is malformed.
bool read_tsig(const Query& query, TsigEcho& out) {
  std::string_view message = query.message;
  std::size_t at = read_name(message, query.tsig_offset, out.key);
  if (at == 0) return false;
  at += 10;  // the reader has checked that the record is whole, and the last
  std::size_t algorithm = read_name(message, at, out.algorithm);
  if (algorithm == 0 || algorithm + 10 > message.size()) return false;
  out.time_and_fudge = message.substr(algorithm, 8);
  std::size_t mac = load_u16(message.data() + algorithm + 8);
  std::string_view rest = message.substr(algorithm + 10);
  // After the MAC: original id, error, and the size of the other data, which ends the record.
  if (mac + 6 > rest.size() || load_u16(rest.data() + mac + 4) != rest.size() - mac - 6) {
    return false;
  }
  out.original_id = rest.substr(mac, 2);
  out.present = true;
  return true;
}

// Answers one query: a method for each step, the state they share as members.
class Engine {
 public:
  Engine(const Query& query, Transport transport, RrsetSigner& signer, const AnswerOptions& options,
         Node& node, std::span<char> out)
      : query_(query),
        transport_(transport),
        signer_(signer),
        options_(options),
        node_(node),
        writer_(out, response_limit(query, transport, options), query) {
    if (query.has_edns) writer_.reserve(opt_room());
  }

  AnswerResult error(Rcode rcode, Ede ede = Ede::kNone, AnswerKind kind = AnswerKind::kError) {
    writer_.clear();
    writer_.set_authoritative(false);
    writer_.set_rcode(rcode);
    ede_ = ede;
    return finish(kind);
  }

  AnswerResult run(const ZoneSet& zones);

 private:
  static std::size_t response_limit(const Query& query, Transport transport,
                                    const AnswerOptions& options) {
    if (transport != Transport::kUdp) return kMaxMessage;
    return std::max(kMinUdpSize, std::min<std::size_t>(query.udp_size, options.max_udp_size));
  }

  // What the OPT record may come to, so that the records leave it room. An extended error needs
  // none: it goes with answers that have no records.
  std::size_t opt_room() const {
    std::size_t room = ResponseWriter::kOptSize;
    if (query_.wants_nsid) room += 4 + options_.server_id.size();
    if (query_.wants_zone_version) room += 10;
    if (query_.wants_keepalive) room += 6;
    return room;
  }

  AnswerResult finish(AnswerKind kind);
  AnswerResult chaos();
  AnswerResult unknown_key();
  void add_tsig();
  AnswerResult fail(AnswerKind kind);

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
    nsec_.make(node_.kind == NodeKind::kCut ? node_.at : name_, zone_->origin(), node_,
               negative_ttl());
  }

  std::uint32_t negative_ttl() {
    if (soa_.count == 0) soa_ = content_->soa();
    return std::min(soa_.ttl, soa_minimum(soa_.rdatas));
  }

  const Query& query_;
  Transport transport_;
  RrsetSigner& signer_;
  const AnswerOptions& options_;
  Node& node_;
  ResponseWriter writer_;
  const Zone* zone_ = nullptr;
  const ZoneContent* content_ = nullptr;  // set: the zone answers
  NameView source_;
  RrsetView soa_;
  bool signed_ = false;       // the zone is
  bool with_dnssec_ = false;  // RRSIGs and NSECs go with the answer

  // The name that node_ is about: the one asked for, then the targets of aliases.
  static constexpr unsigned kMaxAliases = 12;
  NameView name_;
  std::array<NameView, kMaxAliases> followed_;  // the names before it
  unsigned aliases_ = 0;
  std::array<char, kMaxAliases*(2 + kMaxName)> made_;  // CNAME rdatas that DNAMEs led to
  std::size_t made_size_ = 0;

  TsigEcho tsig_;
  SignResult failure_{SignStatus::kSigned, 0, Ede::kNone};
  Ede ede_ = Ede::kNone;
  MadeNsec nsec_;
};

AnswerResult Engine::finish(AnswerKind kind) {
  if (query_.has_edns) {
    writer_.add_opt({writer_.rcode(), static_cast<std::uint16_t>(options_.max_udp_size),
                     query_.dnssec_ok, query_.compact_ok});
    std::array<char, 6> data;
    if (ede_ != Ede::kNone) {
      store_u16(data.data(), static_cast<std::uint16_t>(ede_));
      writer_.add_option(edns::kError, {data.data(), 2});
    }
    if (query_.wants_keepalive && transport_ != Transport::kUdp) {
      store_u16(data.data(), options_.keepalive);
      writer_.add_option(edns::kKeepalive, {data.data(), 2});
    }
    if (query_.wants_zone_version && content_ != nullptr) {
      data[0] = static_cast<char>(label_count(zone_->origin()));
      data[1] = 0;  // the SOA's serial (RFC 9660 2)
      store_u32(data.data() + 2, soa_serial(content_->soa().rdatas));
      writer_.add_option(edns::kZoneVersion, {data.data(), 6});
    }
    if (query_.wants_nsid && !options_.server_id.empty()) {
      writer_.add_option(edns::kNsid, options_.server_id);
    }
  }
  if (tsig_.present) add_tsig();
  AnswerResult result;
  result.kind = kind;
  result.rcode = writer_.rcode();
  result.truncated = writer_.truncated();
  result.zone = zone_;
  result.source = source_;
  result.size = writer_.finish();
  return result;
}

// RFC 4892: which server answered. Everything else of another class is not ours.
AnswerResult Engine::chaos() {
  constexpr NameView kIdServer{"\2id\6server\0", 11};
  if (query_.qclass != rrclass::kCh || query_.name() != kIdServer || options_.server_id.empty() ||
      (query_.qtype != rrtype::kTxt && query_.qtype != rrtype::kAny)) {
    return error(Rcode::kRefused, Ede::kNotAuthoritative, AnswerKind::kRefused);
  }
  std::string_view id = options_.server_id.substr(0, 255);
  std::span<char> rdata =
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
AnswerResult Engine::unknown_key() {
  if (!read_tsig(query_, tsig_)) return error(Rcode::kFormErr);
  return error(Rcode::kNotAuth);
}

void Engine::add_tsig() {
  constexpr std::uint16_t kBadKey = 17;
  std::span<char> rdata =
      writer_.begin_record(Section::kAdditional, tsig_.key, rrtype::kTsig, rrclass::kAny, 0);
  NameView algorithm = tsig_.algorithm;
  std::size_t size = algorithm.size() + 16;
  if (rdata.size() < size) return;
  char* at = std::copy(algorithm.begin(), algorithm.end(), rdata.data());
  at = std::copy(tsig_.time_and_fudge.begin(), tsig_.time_and_fudge.end(), at);
  store_u16(at, 0);  // MAC size
  at = std::copy(tsig_.original_id.begin(), tsig_.original_id.end(), at + 2);
  store_u16(at, kBadKey);
  store_u16(at + 2, 0);  // other data
  writer_.end_record(size);
}

bool Engine::add_rrsig(Section section, NameView owner, const RrsetView& rrset, std::uint32_t ttl) {
  std::size_t size = rrsig_size(zone_->origin());
  std::span<char> rdata = writer_.begin_record(section, owner, rrtype::kRrsig, rrclass::kIn, ttl);
  if (rdata.size() < size) return false;
  SignResult result =
      signer_.sign({zone_->origin(), content_->key(), owner, rrset}, rdata.first(size));
  if (result.status != SignStatus::kSigned || result.size == 0 || result.size > size) {
    failure_ = result;
    if (result.status == SignStatus::kSigned) failure_.status = SignStatus::kFailed;
    return false;
  }
  writer_.end_record(result.size);
  return true;
}

bool Engine::add(Section section, NameView owner, const RrsetView& rrset, std::uint32_t ttl) {
  return writer_.add_rrset(section, owner, rrset, ttl) &&
         (!with_dnssec_ || add_rrsig(section, owner, rrset, ttl));
}

// The answer did not fit, or could not be signed.
AnswerResult Engine::fail(AnswerKind kind) {
  bool udp = transport_ == Transport::kUdp;
  if (failure_.status == SignStatus::kFailed || (failure_.status == SignStatus::kLater && !udp)) {
    return error(Rcode::kServFail, failure_.ede);
  }
  writer_.truncate();
  return finish(kind);
}

// RFC 2308 3, RFC 9824 3: the SOA, and one NSEC at the very name that was asked for.
bool Engine::add_denial() {
  std::uint32_t ttl = negative_ttl();
  if (!add(Section::kAuthority, zone_->origin(), soa_, ttl)) return false;
  if (!with_dnssec_) return true;
  make_nsec();
  return add(Section::kAuthority, node_.kind == NodeKind::kCut ? node_.at : name_, nsec_.view, ttl);
}

// Looks for what answers the question type at the node; writes it, or the denial.
bool Engine::add_final(AnswerKind& kind) {
  const bool missing = node_.kind == NodeKind::kMissing;
  // RFC 9824 2: with DNSSEC the denial is that of a name without data, unless the client said that
  // it understands the truth.
  if (missing && with_dnssec_ && query_.compact_ok) writer_.set_rcode(Rcode::kNxDomain);
  // Every bitmap says that NSEC and RRSIG exist, so at every name, even a missing one, a question
  // for them has an answer: without it validators call the denial bogus.
  if (signed_ && query_.qtype == rrtype::kNsec) {
    make_nsec();
    return add(Section::kAnswer, name_, nsec_.view, nsec_.view.ttl);
  }
  if (signed_ && query_.qtype == rrtype::kRrsig) {
    const RrsetView* covered = &nsec_.view;
    if (node_.kind == NodeKind::kNode) {
      covered = &node_.rrsets.front();
    } else {
      make_nsec();
    }
    return add_rrsig(Section::kAnswer, name_, *covered, covered->ttl);
  }
  const RrsetView* found = nullptr;
  if (node_.kind == NodeKind::kNode || node_.kind == NodeKind::kCut) {
    // ANY: one RRset is enough (RFC 8482 4.1).
    found = query_.qtype == rrtype::kAny ? &node_.rrsets.front() : node_.find(query_.qtype);
  }
  if (found != nullptr) return add(Section::kAnswer, name_, *found, found->ttl);
  if (!missing && aliases_ == 0) kind = AnswerKind::kNodata;
  if (missing && !with_dnssec_) writer_.set_rcode(Rcode::kNxDomain);
  return add_denial();
}

// The CNAME at the node, unless the question is for what a node with a CNAME has itself.
const RrsetView* Engine::alias() const {
  if (node_.kind != NodeKind::kNode || node_.rrsets.front().type != rrtype::kCname) return nullptr;
  switch (query_.qtype) {
    case rrtype::kCname:
    case rrtype::kAny:
      return nullptr;
    case rrtype::kNsec:
    case rrtype::kRrsig:
      return signed_ ? nullptr : &node_.rrsets.front();
    default:
      return &node_.rrsets.front();
  }
}

// Whether the answer goes on at an alias's target. Beyond the zone it does not: resolvers would not
// believe it (RFC 5452 6).
bool Engine::follow_to(NameView target) {
  followed_[aliases_++] = name_;
  name_ = target;
  const auto before = std::span<const NameView>(followed_).first(aliases_);
  return aliases_ < kMaxAliases && is_subdomain(target, zone_->origin()) &&
         std::find(before.begin(), before.end(), target) == before.end();
}

bool Engine::add_alias(bool& follow) {
  const RrsetView& cname = *alias();
  if (!add(Section::kAnswer, name_, cname, cname.ttl)) return false;
  follow = follow_to(cname.rdatas.substr(2));
  return true;
}

// RFC 6672 3.1: the DNAME, and the CNAME that follows from it for this name, which is never signed.
bool Engine::add_dname(bool& follow) {
  const RrsetView& dname = node_.rrsets.front();
  if (!add(Section::kAnswer, node_.at, dname, dname.ttl)) return false;
  const NameView target = dname.rdatas.substr(2);
  const NameView prefix = name_.substr(0, name_.size() - node_.at.size());
  const std::size_t size = prefix.size() + target.size();
  if (size > kMaxName) {
    writer_.set_rcode(Rcode::kYxDomain);
    return true;
  }
  char* rdata = made_.data() + made_size_;
  store_u16(rdata, static_cast<std::uint16_t>(size));
  std::copy(target.begin(), target.end(), std::copy(prefix.begin(), prefix.end(), rdata + 2));
  made_size_ += 2 + size;
  const RrsetView cname{rrtype::kCname, 1, dname.ttl, {rdata, 2 + size}};
  if (!writer_.add_rrset(Section::kAnswer, name_, cname, cname.ttl)) return false;
  if (query_.qtype != rrtype::kCname && query_.qtype != rrtype::kAny) {
    follow = follow_to(cname.rdatas.substr(2));
  }
  return true;
}

bool Engine::add_glue() {
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
bool Engine::add_referral() {
  const RrsetView& ns = node_.rrsets.front();
  if (!writer_.add_rrset(Section::kAuthority, node_.at, ns, ns.ttl)) return false;
  if (with_dnssec_) {
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
bool Engine::add_resolved(AnswerKind& kind) {
  kind = AnswerKind::kPositive;
  for (;;) {
    content_->find(name_, node_);
    if (aliases_ == 0) source_ = node_.at;
    bool follow = false;
    if (node_.kind == NodeKind::kCut) {
      // The DS is the one thing at a delegation that is the parent's to tell (RFC 4035 3.1.4.1).
      if (query_.qtype == rrtype::kDs && name_.size() == node_.at.size()) return add_final(kind);
      if (aliases_ == 0) {
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
      if (node_.kind == NodeKind::kMissing && aliases_ == 0) kind = AnswerKind::kMissing;
      return add_final(kind);
    }
    if (!follow) return true;
  }
}

AnswerResult Engine::run(const ZoneSet& zones) {
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
  zone_ = zones.find(query_.name(), query_.qtype);
  if (zone_ == nullptr) {
    return error(Rcode::kRefused, Ede::kNotAuthoritative, AnswerKind::kRefused);
  }
  if (query_.qtype == rrtype::kAxfr || query_.qtype == rrtype::kIxfr) {
    return error(Rcode::kRefused, Ede::kProhibited, AnswerKind::kRefused);
  }
  content_ = zone_->content();
  if (content_ == nullptr) return error(Rcode::kServFail, Ede::kNotReady);
  signed_ = content_->key() != kUnsigned;
  with_dnssec_ = signed_ && query_.dnssec_ok;
  name_ = query_.name();
  writer_.set_authoritative(true);
  AnswerKind kind = AnswerKind::kPositive;
  if (!add_resolved(kind)) return fail(kind);
  return finish(kind);
}

}  // namespace

AnswerResult answer(QueryStatus status, const Query& query, Transport transport,
                    const ZoneSet& zones, RrsetSigner& signer, const AnswerOptions& options,
                    Node& node, std::span<char> out) {
  if (status == QueryStatus::kDrop) return {};
  Engine engine(query, transport, signer, options, node, out);
  switch (status) {
    case QueryStatus::kFormErr:
      return engine.error(Rcode::kFormErr);
    case QueryStatus::kNotImp:
      return engine.error(Rcode::kNotImp);
    case QueryStatus::kBadVers:
      return engine.error(Rcode::kBadVers);
    default:
      return engine.run(zones);
  }
}

std::size_t answer_truncated(const Query& query, const AnswerOptions& options,
                             std::span<char> out) {
  ResponseWriter writer(out, kMinUdpSize, query);
  writer.truncate();
  if (query.has_edns) {
    writer.add_opt({Rcode::kNoError, static_cast<std::uint16_t>(options.max_udp_size),
                    query.dnssec_ok, query.compact_ok});
  }
  return writer.finish();
}

}  // namespace gw::dns
