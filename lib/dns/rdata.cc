#include "dns/rdata.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "dns/name.h"
#include "dns/presentation.h"
#include "dns/strict_rdata.h"
#include "dns/svcb.h"
#include "dns/wire.h"

namespace gw::dns {

namespace {

// Where the names stand in the rdata of the types whose names are lower-cased (RFC 4034 6.2; RFC
// 6840 5.1 takes NSEC off that list). HINFO, which is on it, has none, and RRSIGs are our own.
struct NamesAt {
  static constexpr std::size_t kAny = static_cast<std::size_t>(-1);
  std::size_t before = 0;  // octets
  unsigned names = 1;
  std::size_t after = 0;  // octets, or kAny
};

// The octets before the name of a NAPTR (RFC 3403 4.1): two numbers, three character-strings.
std::size_t naptr_prefix(std::string_view rdata) {
  std::size_t at = 4;
  for (int i = 0; i < 3 && at < rdata.size(); ++i) at += 1U + static_cast<std::uint8_t>(rdata[at]);
  return at;
}

// Of an A6 (RFC 2874 3.1): the prefix's length and what it leaves of an address. With a length of 0
// there is no name.
std::optional<NamesAt> names_in_a6(std::string_view rdata) {
  const std::size_t bits = rdata.empty() ? 255 : static_cast<std::uint8_t>(rdata[0]);
  if (bits > 128) return NamesAt{rdata.size() + 1};
  const std::size_t before = 1 + (128 - bits + 7) / 8;
  return NamesAt{before, bits == 0 ? 0U : 1U};
}

std::optional<NamesAt> names_at(std::uint16_t type, std::string_view rdata) {
  switch (type) {
    case rrtype::kNs:
    case 3:  // MD
    case 4:  // MF
    case rrtype::kCname:
    case 7:  // MB
    case 8:  // MG
    case 9:  // MR
    case rrtype::kPtr:
    case rrtype::kDname:
      return NamesAt{};
    case rrtype::kSoa:
      return NamesAt{0, 2, 20};
    case 14:  // MINFO
    case 17:  // RP
      return NamesAt{0, 2};
    case rrtype::kMx:
    case 18:  // AFSDB
    case 21:  // RT
    case 36:  // KX
      return NamesAt{2};
    case 24:  // SIG
      return NamesAt{18, 1, NamesAt::kAny};
    case 26:  // PX
      return NamesAt{2, 2};
    case 30:  // NXT
      return NamesAt{0, 1, NamesAt::kAny};
    case rrtype::kSrv:
      return NamesAt{6};
    case 35:  // NAPTR
      return NamesAt{naptr_prefix(rdata)};
    case 38:  // A6
      return names_in_a6(rdata);
    default:
      return std::nullopt;
  }
}

// Whether a digest of this type has this many octets (RFC 4034 5.1.4, RFC 4509, RFC 6605; the
// registry of DS digests). Of types that we do not know any size is right.
bool is_digest(std::uint8_t type, std::size_t size) {
  switch (type) {
    case 0:  // the delete form of CDS (RFC 8078 4)
      return size == 1;
    case 1:
      return size == 20;
    case 2:
    case 3:
      return size == 32;
    case 4:
      return size == 48;
    default:
      return true;
  }
}

// The rdata of types with a fixed form is checked, so that no answer holds what a resolver would
// call malformed.
bool is_well_formed(std::uint16_t type, std::string_view rdata) {
  switch (type) {
    case rrtype::kA:
      return rdata.size() == 4;
    case rrtype::kAaaa:
      return rdata.size() == 16;
    case rrtype::kTxt: {
      if (rdata.empty()) return false;
      while (!rdata.empty()) {
        const std::size_t size = 1U + static_cast<std::uint8_t>(rdata[0]);
        if (size > rdata.size()) return false;
        rdata.remove_prefix(size);
      }
      return true;
    }
    case rrtype::kDs:
    case rrtype::kCds:
      return rdata.size() > 4 && is_digest(static_cast<std::uint8_t>(rdata[3]), rdata.size() - 4);
    case rrtype::kDnskey:
    case rrtype::kCdnskey:
      return rdata.size() > 4;
    case rrtype::kSvcb:
    case rrtype::kHttps:
      return is_svcb(rdata);
    default:
      return is_strict_rdata(type, rdata);
  }
}

}  // namespace

std::optional<std::string> canonical_rdata(std::uint16_t type, std::string_view rdata) {
  if (rdata.size() > 0xffff || !is_well_formed(type, rdata)) return std::nullopt;
  const auto names = names_at(type, rdata);
  if (!names) return std::string(rdata);
  if (rdata.size() < names->before) return std::nullopt;
  std::string out(rdata);
  std::size_t at = names->before;
  for (unsigned i = 0; i < names->names; ++i) {
    const std::size_t size = wire_name_size(rdata.substr(at));
    if (size == 0) return std::nullopt;
    lower_name(out.data() + at, size);
    at += size;
  }
  if (names->after != NamesAt::kAny && rdata.size() - at != names->after) return std::nullopt;
  return out;
}

Result<std::string> pack_rdatas(std::uint16_t type, std::span<const std::string> rdatas) {
  if (rdatas.empty()) {
    return usage_error(fmt::format("rrset of type {} is empty", format_type(type)));
  }
  std::vector<std::string> canonical;
  canonical.reserve(rdatas.size());
  std::size_t total = 0;
  for (const std::string& rdata : rdatas) {
    auto form = canonical_rdata(type, rdata);
    if (!form) return usage_error("malformed rdata of type " + format_type(type));
    total += 2 + form->size();
    canonical.push_back(*std::move(form));
  }
  // std::string compares as unsigned octets, shorter first: the order of RFC 4034 6.3.
  std::sort(canonical.begin(), canonical.end());
  canonical.erase(std::unique(canonical.begin(), canonical.end()), canonical.end());
  // With owners, RRSIG and OPT it must still fit in one message.
  if (total + canonical.size() * 10 > kMaxMessage - 2048) {
    return usage_error(
        fmt::format("rrset of type {} does not fit in a message", format_type(type)));
  }
  std::string packed;
  packed.reserve(total);
  for (const std::string& rdata : canonical) {
    append_u16(packed, static_cast<std::uint16_t>(rdata.size()));
    packed += rdata;
  }
  return packed;
}

std::vector<std::string_view> unpack_rdatas(std::string_view packed) {
  std::vector<std::string_view> rdatas;
  while (packed.size() >= 2) {
    const std::size_t size = load_u16(packed.data());
    rdatas.push_back(packed.substr(2, size));
    packed.remove_prefix(std::min(packed.size(), 2 + size));
  }
  return rdatas;
}

std::string a_rdata(std::array<std::uint8_t, 4> address) {
  return {address.begin(), address.end()};
}

std::string aaaa_rdata(std::array<std::uint8_t, 16> address) {
  return {address.begin(), address.end()};
}

std::string txt_rdata(std::string_view text) {
  std::string rdata;
  do {
    const std::string_view part = text.substr(0, 255);
    append_u8(rdata, static_cast<std::uint8_t>(part.size()));
    rdata += part;
    text.remove_prefix(part.size());
  } while (!text.empty());
  return rdata;
}

std::string soa_rdata(const SoaFields& soa) {
  std::string rdata = soa.mname + soa.rname;
  for (const std::uint32_t v : {soa.serial, soa.refresh, soa.retry, soa.expire, soa.minimum}) {
    append_u32(rdata, v);
  }
  return rdata;
}

std::uint32_t soa_serial(std::string_view rdata) {
  return load_u32(rdata.data() + rdata.size() - 20);
}

std::uint32_t soa_minimum(std::string_view rdata) {
  return load_u32(rdata.data() + rdata.size() - 4);
}

}  // namespace gw::dns
