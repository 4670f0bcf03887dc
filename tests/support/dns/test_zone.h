// A small signed zone, a signer with a fixed Ed25519 key and a fixed time (so that answers are the
// same bytes on every run), and queries built field by field: for the tests, fuzz targets and
// benchmarks of the answer engine.
#pragma once

#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/crypto.h"
#include "dns/answer.h"
#include "dns/dnssec.h"
#include "dns/module_name.h"
#include "dns/name.h"
#include "dns/rdata.h"
#include "dns/static_zone.h"

namespace gw::dns::test {

inline std::string wire(std::string_view text) { return parse_name(text).value(); }

inline constexpr std::uint32_t kInception = 1700000000;
inline constexpr std::uint32_t kExpiration = kInception + 14 * 86400;

// Signs what it is asked to sign; counts.
class FixedSigner : public RrsetSigner {
 public:
  explicit FixedSigner(std::string seed = std::string(32, 'k')) : seed_(std::move(seed)) {
    dnskey_ = dnskey_rdata(kDnskeyFlagsCsk, algorithm::kEd25519, ed25519_public_key(seed_));
  }
  const std::string& dnskey() const { return dnskey_; }

  SignResult sign(const SignRequest& request, std::span<char> out) override {
    ++calls;
    if (status != SignStatus::kSigned) return {status, 0, ede};
    std::size_t prefix = write_rrsig_prefix(
        {request.rrset.type, algorithm::kEd25519,
         static_cast<std::uint8_t>(rrsig_labels(request.owner)), request.rrset.ttl, kExpiration,
         kInception, key_tag(dnskey_), request.origin},
        out);
    data_.clear();
    append_signed_data(data_, {out.data(), prefix}, request.owner, request.rrset);
    std::string signature = ed25519_sign(seed_, data_);
    if (prefix + signature.size() > out.size()) std::abort();
    std::copy(signature.begin(), signature.end(),
              out.begin() + static_cast<std::ptrdiff_t>(prefix));
    return {SignStatus::kSigned, prefix + signature.size(), Ede::kNone};
  }

  SignStatus status = SignStatus::kSigned;
  Ede ede = Ede::kOther;
  int calls = 0;

 private:
  std::string seed_;
  std::string dnskey_;
  std::string data_;
};

inline constexpr KeyId kTestKey = 1;
inline constexpr std::string_view kOrigin = "l.example.org";

// Everything the module zone has: apex, name servers, modules, a toolchain, empty non-terminals;
// and an RRset that is too large for UDP.
inline std::vector<Rrset> test_rrsets(const FixedSigner& signer, std::uint32_t soa_ttl = 600) {
  std::string origin = wire(kOrigin);
  SoaFields soa;
  soa.mname = wire("NS1.l.example.org");
  soa.rname = wire("hostmaster.l.example.org");
  soa.serial = 7458;
  std::vector<std::string> big;
  for (char c = 'a'; c < 'g'; ++c) big.push_back(txt_rdata(std::string(250, c)));
  auto below = [](std::string_view labels) {
    return wire(std::string(labels) + "." + std::string(kOrigin));
  };
  return {
      Rrset::make(origin, rrtype::kSoa, soa_ttl, {soa_rdata(soa)}),
      Rrset::make(origin, rrtype::kNs, 3600, {wire("ns1.l.example.org"), wire("ns.example.net")}),
      Rrset::make(origin, rrtype::kDnskey, 3600, {signer.dnskey()}),
      Rrset::make(below("ns1"), rrtype::kA, 3600, {a_rdata({192, 0, 2, 1})}),
      Rrset::make(below("ns1"), rrtype::kAaaa, 3600,
                  {aaaa_rdata({0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1})}),
      Rrset::make(below("mox.mjl_2d._.github.com.v0"), rrtype::kTxt, 300,
                  {txt_rdata("v=v0.0.15 t=6802a84d")}),
      Rrset::make(below("toolchain.v0"), rrtype::kTxt, 300,
                  {txt_rdata("v=go1.25.6 k=cur t=69693421")}),
      Rrset::make(below("types.v0"), 257, 300, {std::string("\0\5issue;", 8)}),
      Rrset::make(below("big.v0"), rrtype::kTxt, 300, big),
  };
}

inline std::unique_ptr<StaticZone> test_zone(const FixedSigner& signer, KeyId key = kTestKey) {
  return StaticZone::make(wire(kOrigin), test_rrsets(signer), key).value();
}

// One query, field by field.
struct Ask {
  std::string_view name;
  std::uint16_t type = rrtype::kTxt;
  bool edns = true;
  bool dnssec_ok = false;
  bool compact_ok = false;
  std::uint16_t udp_size = 1232;
  std::string options = {};  // EDNS options, wire
  std::uint16_t rrclass = rrclass::kIn;
  std::uint16_t id = 0x1234;
  std::uint16_t flags = 0x0100;  // RD
  std::uint8_t edns_version = 0;
};

inline std::string option(std::uint16_t code, std::string_view data) {
  std::string out;
  append_u16(out, code);
  append_u16(out, static_cast<std::uint16_t>(data.size()));
  out += data;
  return out;
}

inline std::string opt_record(std::uint16_t udp_size, std::uint32_t ttl, std::string_view options,
                              std::string_view owner = kRootName) {
  std::string out(owner);
  append_u16(out, rrtype::kOpt);
  append_u16(out, udp_size);
  append_u32(out, ttl);
  append_u16(out, static_cast<std::uint16_t>(options.size()));
  out += options;
  return out;
}

inline std::string header(std::uint16_t id, std::uint16_t flags, std::uint16_t qd, std::uint16_t an,
                          std::uint16_t ns, std::uint16_t ar) {
  std::string out;
  for (std::uint16_t v : {id, flags, qd, an, ns, ar}) append_u16(out, v);
  return out;
}

inline std::string question(std::string_view wire_name, std::uint16_t type,
                            std::uint16_t rrclass = rrclass::kIn) {
  std::string out(wire_name);
  append_u16(out, type);
  append_u16(out, rrclass);
  return out;
}

inline std::string make_query(const Ask& ask) {
  std::string out = header(ask.id, ask.flags, 1, 0, 0, ask.edns ? 1 : 0);
  out += question(wire(ask.name), ask.type, ask.rrclass);
  if (ask.edns) {
    std::uint32_t ttl = static_cast<std::uint32_t>(ask.edns_version) << 16;
    if (ask.dnssec_ok) ttl |= edns::kFlagDo;
    if (ask.compact_ok) ttl |= edns::kFlagCo;
    out += opt_record(ask.udp_size, ttl, ask.options);
  }
  return out;
}

}  // namespace gw::dns::test
