#include "dns/wire.h"

#include <algorithm>
#include <cstring>

#include "dns/cookie.h"

namespace gw::dns {

namespace {

// Copies `size` bytes of a name with ASCII letters lower-cased, eight bytes at a time: `to` has up
// to seven spare bytes, and so may `from` (`readable` says how many bytes it has).
void copy_lower(char* to, const char* from, std::size_t size, std::size_t readable) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  for (std::size_t i = 0; i < size; i += 8) {
    std::uint64_t word = 0;
    if (i + 8 <= readable) {
      std::memcpy(&word, from + i, 8);
    } else {
      std::memcpy(&word, from + i, size - i);
    }
    const std::uint64_t low7 = word & (0x7f * kOnes);
    const std::uint64_t from_a = low7 + (0x80 - 'A') * kOnes;
    const std::uint64_t past_z = low7 + (0x7f - 'Z') * kOnes;
    const std::uint64_t upper = (from_a ^ past_z) & ~word & (0x80 * kOnes);
    word |= upper >> 2;
    std::memcpy(to + i, &word, 8);
  }
}

// The offset after the name at `at`, compressed or not; 0 when malformed. The pointer's target is
// not looked at: nothing but its own record depends on it.
std::size_t skip_name(std::string_view message, std::size_t at) {
  const std::size_t begin = at;
  while (at < message.size()) {
    const std::uint8_t length = octet(message, at);
    if (length == 0) return at + 1;
    if (length > kMaxLabel) {
      return (length & 0xc0) == 0xc0 && at + 2 <= message.size() ? at + 2 : 0;
    }
    at += 1U + length;
    if (at - begin >= kMaxName) return 0;
  }
  return 0;
}

struct RecordHead {
  std::size_t begin;
  bool root_owner;
  std::uint16_t type;
  std::uint16_t rrclass;
  std::uint32_t ttl;
  std::string_view rdata;
};

// Reads the record at `at`; returns the offset after it, 0 when it is cut short.
std::size_t read_record(std::string_view message, std::size_t at, RecordHead& out) {
  const std::size_t fixed = skip_name(message, at);
  if (fixed == 0 || fixed + 10 > message.size()) return 0;
  const char* p = message.data() + fixed;
  const std::size_t size = load_u16(p + 8);
  if (fixed + 10 + size > message.size()) return 0;
  out = {at,
         octet(message, at) == 0,
         load_u16(p),
         load_u16(p + 2),
         load_u32(p + 4),
         message.substr(fixed + 10, size)};
  return fixed + 10 + size;
}

// The options of an OPT record; false when one overruns or has a value that it cannot have. With
// the second the record is `understood` all the same.
bool read_options(std::string_view options, Query& out, bool& understood) {
  bool good = true;
  while (!options.empty()) {
    if (options.size() < 4) return false;
    const std::uint16_t code = load_u16(options.data());
    const std::size_t size = load_u16(options.data() + 2);
    if (4 + size > options.size()) return false;
    switch (code) {
      case edns::kNsid:
        out.wants_nsid = true;
        break;
      case edns::kZoneVersion:
        good = good && size == 0;
        out.wants_zone_version = true;
        break;
      case edns::kKeepalive:
        out.wants_keepalive = true;
        break;
      case edns::kCookie:
        // All but the first are passed over (RFC 7873 5.2).
        if (!out.cookie.empty()) break;
        good = good && is_cookie_size(size);
        if (is_cookie_size(size)) out.cookie = options.substr(4, size);
        break;
      default:
        break;
    }
    options.remove_prefix(4 + size);
  }
  understood = !good;
  return good;
}

bool read_opt(const RecordHead& record, Query& out, bool& understood) {
  if (out.has_edns || !record.root_owner) return false;
  out.has_edns = true;
  out.udp_size = record.rrclass < kMinUdpSize ? kMinUdpSize : record.rrclass;
  out.edns_version = static_cast<std::uint8_t>(record.ttl >> 16);
  out.dnssec_ok = (record.ttl & edns::kFlagDo) != 0;
  out.compact_ok = out.dnssec_ok && (record.ttl & edns::kFlagCo) != 0;
  // Another version may give the rdata another form.
  return out.edns_version != 0 || read_options(record.rdata, out, understood);
}

// The question; returns the offset after it, 0 when malformed. A name that starts the message has
// nothing to point at, so a compression pointer in it is malformed, too.
std::size_t read_question(std::string_view packet, Query& out) {
  std::size_t at = kHeaderSize;
  unsigned labels = 0;
  for (;;) {
    if (at >= packet.size()) return 0;
    const std::uint8_t length = octet(packet, at);
    if (length == 0) break;
    if (length > kMaxLabel) return 0;
    out.label_offsets[labels++] = static_cast<std::uint8_t>(at - kHeaderSize);
    at += 1U + length;
    if (at - kHeaderSize >= kMaxName) return 0;
  }
  ++at;
  if (at + 4 > packet.size()) return 0;
  const std::size_t size = at - kHeaderSize;
  out.labels = static_cast<std::uint8_t>(labels);
  out.name_size = static_cast<std::uint16_t>(size);
  copy_lower(out.lower.data(), packet.data() + kHeaderSize, size, packet.size() - kHeaderSize);
  out.qtype = load_u16(packet.data() + at);
  out.qclass = load_u16(packet.data() + at + 2);
  out.question = packet.substr(kHeaderSize, size + 4);
  return at + 4;
}

// The records after the question; false when malformed. `understood`: the fault is an option's
// value or lies outside of the OPT record.
bool read_records(std::string_view packet, std::size_t at, Query& out, bool& understood) {
  const unsigned answers = load_u16(packet.data() + 6);
  const unsigned authorities = load_u16(packet.data() + 8);
  const unsigned additionals = load_u16(packet.data() + 10);
  // Only IXFR has a record in them, the SOA the client holds (RFC 1995 3).
  if (answers != 0) return false;
  if (authorities != 0 && (out.qtype != rrtype::kIxfr || authorities != 1)) return false;
  RecordHead record;
  understood = false;
  for (unsigned i = 0; i < authorities; ++i) {
    at = read_record(packet, at, record);
    if (at == 0 || record.type == rrtype::kOpt) return false;
  }
  for (unsigned i = 0; i < additionals; ++i) {
    at = read_record(packet, at, record);
    if (at == 0) return false;
    if (record.type == rrtype::kOpt) {
      if (!read_opt(record, out, understood)) return false;
    } else if (record.type == rrtype::kTsig) {
      understood = out.has_edns;
      if (i + 1 != additionals || record.rrclass != rrclass::kAny) return false;
      out.tsig_offset = static_cast<std::uint16_t>(record.begin);
    }
  }
  understood = out.has_edns;
  return at == packet.size();
}

void reset(Query& out, std::string_view packet) {
  out.message = packet;
  out.recursion_desired = false;
  out.question = {};
  out.qtype = 0;
  out.qclass = 0;
  out.has_edns = false;
  out.dnssec_ok = false;
  out.compact_ok = false;
  out.edns_version = 0;
  out.udp_size = kMinUdpSize;
  out.wants_nsid = false;
  out.wants_zone_version = false;
  out.wants_keepalive = false;
  out.cookie = {};
  out.tsig_offset = 0;
  out.name_size = 0;
  out.labels = 0;
}

// Half an OPT record promises nothing: the reply has none. To one that was understood it has one
// (RFC 6891 6.1.1): a FORMERR without it reads as "no EDNS here".
QueryStatus malformed(Query& out, bool understood) {
  out.has_edns = understood;
  out.dnssec_ok = false;
  out.compact_ok = false;
  out.udp_size = kMinUdpSize;
  out.cookie = {};
  return QueryStatus::kFormErr;
}

}  // namespace

QueryStatus read_query(std::string_view packet, Query& out) {
  if (packet.size() < kHeaderSize || packet.size() > kMaxMessage ||
      (octet(packet, 2) & 0x80) != 0) {
    return QueryStatus::kDrop;
  }
  reset(out, packet);
  out.id = load_u16(packet.data());
  out.opcode = (octet(packet, 2) >> 3) & 0x0f;
  out.recursion_desired = (octet(packet, 2) & 0x01) != 0;
  if (out.opcode != opcode::kQuery) return QueryStatus::kNotImp;
  const unsigned questions = load_u16(packet.data() + 4);
  if (questions > 1) return QueryStatus::kFormErr;
  const std::size_t at = questions == 0 ? kHeaderSize : read_question(packet, out);
  if (at == 0) return QueryStatus::kFormErr;
  bool understood = false;
  if (!read_records(packet, at, out, understood)) return malformed(out, understood);
  if (questions == 0) {
    if (out.cookie.empty() || out.tsig_offset != 0) return malformed(out, understood);
    return QueryStatus::kNoQuestion;
  }
  return out.edns_version == 0 ? QueryStatus::kOk : QueryStatus::kBadVers;
}

ResponseWriter::ResponseWriter(std::span<char> out, std::size_t limit, const Query& query)
    : out_(out.data()),
      limit_(std::min(limit, out.size())),
      size_(kHeaderSize + query.question.size()),
      body_(size_),
      query_(&query) {
  if (!query.question.empty()) {
    std::memcpy(out_ + kHeaderSize, query.question.data(), query.question.size());
  }
}

ResponseWriter::OwnerForm ResponseWriter::owner_form(NameView owner) const {
  // The longest part of the owner that the question ends in becomes a pointer.
  const NameView asked = query_->name();
  NameView rest = owner;
  while (rest.size() > 1) {
    if (rest.size() <= asked.size()) {
      const std::size_t cut = asked.size() - rest.size();
      if (std::memcmp(asked.data() + cut, rest.data(), rest.size()) == 0) {
        unsigned i = 0;
        while (i < query_->labels && query_->label_offsets[i] < cut) ++i;
        if (i < query_->labels && query_->label_offsets[i] == cut) {
          return {owner.size() - rest.size(),
                  static_cast<std::uint16_t>(0xc000 + kHeaderSize + cut)};
        }
      }
    }
    rest.remove_prefix(1U + octet(rest, 0));
  }
  return {owner.size() - 1, 0};
}

std::size_t ResponseWriter::write_head(std::size_t at, NameView owner, OwnerForm form,
                                       const RecordFields& fields) const {
  std::memcpy(out_ + at, owner.data(), form.spelled);
  at += form.spelled;
  if (form.pointer != 0) {
    store_u16(out_ + at, form.pointer);
    at += 2;
  } else {
    out_[at++] = 0;
  }
  store_u16(out_ + at, fields.type);
  store_u16(out_ + at + 2, fields.rrclass);
  store_u32(out_ + at + 4, fields.ttl);
  return at + 8;
}

bool ResponseWriter::add_rrset(Section section, NameView owner, const RrsetView& rrset,
                               std::uint32_t ttl) {
  const OwnerForm form = owner_form(owner);
  std::size_t at = size_;
  if (at + rrset.count * (form.size() + 8) + rrset.rdatas.size() > limit_ - reserved_) return false;
  std::string_view rest = rrset.rdatas;
  for (unsigned i = 0; i < rrset.count; ++i) {
    const std::size_t size = 2U + load_u16(rest.data());
    at = write_head(at, owner, form, {rrset.type, rrclass::kIn, ttl});
    std::memcpy(out_ + at, rest.data(), size);
    at += size;
    rest.remove_prefix(size);
  }
  size_ = at;
  counts_[static_cast<int>(section)] = static_cast<std::uint16_t>(count(section) + rrset.count);
  return true;
}

std::span<char> ResponseWriter::begin_record(Section section, NameView owner, std::uint16_t type,
                                             std::uint16_t rrclass, std::uint32_t ttl) {
  const OwnerForm form = owner_form(owner);
  const std::size_t end = limit_ - reserved_;
  if (size_ + form.size() + 10 > end) return {};
  record_ = write_head(size_, owner, form, {type, rrclass, ttl});
  section_ = section;
  return {out_ + record_ + 2, end - record_ - 2};
}

void ResponseWriter::end_record(std::size_t rdata_size) {
  store_u16(out_ + record_, static_cast<std::uint16_t>(rdata_size));
  size_ = record_ + 2 + rdata_size;
  ++counts_[static_cast<int>(section_)];
}

void ResponseWriter::clear() {
  size_ = body_;
  counts_ = {};
  opt_length_ = 0;
}

void ResponseWriter::truncate() {
  clear();
  truncated_ = true;
}

void ResponseWriter::reserve(std::size_t bytes) { reserved_ = std::min(bytes, limit_ - body_); }

void ResponseWriter::add_opt(const OptFields& opt) {
  reserved_ = 0;
  char* at = out_ + size_;
  at[0] = 0;
  store_u16(at + 1, rrtype::kOpt);
  store_u16(at + 3, opt.udp_size);
  at[5] = static_cast<char>(static_cast<std::uint16_t>(opt.rcode) >> 4);
  at[6] = 0;
  store_u16(at + 7, static_cast<std::uint16_t>((opt.dnssec_ok ? edns::kFlagDo : 0) |
                                               (opt.compact_ok ? edns::kFlagCo : 0)));
  store_u16(at + 9, 0);
  opt_length_ = size_ + 9;
  size_ += kOptSize;
  ++counts_[static_cast<int>(Section::kAdditional)];
}

bool ResponseWriter::add_option(std::uint16_t code, std::string_view data) {
  if (opt_length_ == 0 || size_ + 4 + data.size() > limit_) return false;
  char* at = out_ + size_;
  store_u16(at, code);
  store_u16(at + 2, static_cast<std::uint16_t>(data.size()));
  if (!data.empty()) std::memcpy(at + 4, data.data(), data.size());
  size_ += 4 + data.size();
  store_u16(out_ + opt_length_, static_cast<std::uint16_t>(size_ - opt_length_ - 2));
  return true;
}

std::size_t ResponseWriter::finish() {
  // RA, Z, AD and CD stay 0: we do not recurse, and an authority validates nothing.
  store_u16(out_, query_->id);
  out_[2] = static_cast<char>(0x80 | (query_->opcode << 3) | (authoritative_ ? 0x04 : 0) |
                              (truncated_ ? 0x02 : 0) | (query_->recursion_desired ? 0x01 : 0));
  out_[3] = static_cast<char>(static_cast<std::uint16_t>(rcode_) & 0x0f);
  store_u16(out_ + 4, query_->question.empty() ? 0 : 1);
  store_u16(out_ + 6, count(Section::kAnswer));
  store_u16(out_ + 8, count(Section::kAuthority));
  store_u16(out_ + 10, count(Section::kAdditional));
  return size_;
}

}  // namespace gw::dns
