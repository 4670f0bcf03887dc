#include "dns/signature_life.h"

#include <chrono>

#include "base/bytes.h"
#include "dns/dnssec.h"
#include "dns/name.h"
#include "dns/types.h"

namespace gw::dns {
namespace {

constexpr std::size_t kHeader = 12;

WallTime nearest_time(std::uint32_t wire, WallTime now) {
  auto base = static_cast<std::uint32_t>(to_unix(now));
  return now + std::chrono::seconds(static_cast<std::int32_t>(wire - base));
}

}  // namespace

std::vector<SignatureLife> read_signatures(std::string_view packet, WallTime now) {
  std::vector<SignatureLife> out;
  if (packet.size() < kHeader) return out;
  ByteReader header(packet.substr(4));
  const unsigned questions = header.u16().value_or(0);
  const unsigned answers = header.u16().value_or(0);
  std::size_t at = kHeader;
  Name name;
  for (unsigned i = 0; i < questions + answers; ++i) {
    at = read_name(packet, at, name);
    if (at == 0) return {};
    ByteReader reader(packet.substr(at));
    auto type = reader.u16();
    if (!type || !reader.u16()) return {};
    if (i < questions) {
      at += 4;
      continue;
    }
    auto ttl = reader.u32();
    auto size = reader.u16();
    if (!ttl || !size || reader.remaining() < *size) return {};
    const std::size_t data = at + 10;
    at = data + *size;
    if (*type != rrtype::kRrsig) continue;
    const auto rrsig = parse_rrsig(packet.substr(data, *size));
    if (!rrsig) return {};
    SignatureLife life;
    life.covered = rrsig->fields.type_covered;
    life.signer = format_name(rrsig->fields.signer);
    life.expiration = nearest_time(rrsig->fields.expiration, now);
    life.inception = nearest_time(rrsig->fields.inception, now);
    out.push_back(std::move(life));
  }
  return out;
}

bool near_expiry(const SignatureLife& s, WallTime now) {
  return (s.expiration - now) * 10 < s.expiration - s.inception;
}

}  // namespace gw::dns
