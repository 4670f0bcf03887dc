#include "dns/dnssec.h"

#include <cstring>

#include "base/bytes.h"
#include "base/crypto.h"
#include "dns/wire.h"

namespace gw::dns {

namespace {

// Raises an octet to the next one that a lower-cased name can have; false after 0xff.
bool raise(std::uint8_t& octet) {
  if (octet == 0xff) return false;
  ++octet;
  if (octet == 'A') octet = 'Z' + 1;
  return true;
}

}  // namespace

std::size_t write_type_bitmap(std::span<const std::uint16_t> types, std::span<char> out) {
  std::size_t size = 0;
  std::size_t i = 0;
  while (i < types.size()) {
    const unsigned window = types[i] >> 8;
    std::size_t end = i;
    while (end < types.size() && types[end] >> 8 == static_cast<int>(window)) ++end;
    const std::size_t octets = (types[end - 1] & 0xff) / 8 + 1;
    if (size + 2 + octets > out.size()) return 0;
    char* at = out.data() + size;
    at[0] = static_cast<char>(window);
    at[1] = static_cast<char>(octets);
    std::memset(at + 2, 0, octets);
    for (; i < end; ++i) {
      const unsigned bit = types[i] & 0xff;
      at[2 + bit / 8] = static_cast<char>(at[2 + bit / 8] | (0x80 >> (bit % 8)));
    }
    size += 2 + octets;
  }
  return size;
}

std::size_t write_next_name(NameView name, std::span<char, kMaxName> out, NameView origin) {
  if (name.size() + 2 <= kMaxName) {
    out[0] = 1;
    out[1] = 0;
    std::memcpy(out.data() + 2, name.data(), name.size());
    return name.size() + 2;
  }
  return write_next_sibling(name, out, origin);  // no name fits below this one
}

std::size_t write_next_sibling(NameView name, std::span<char, kMaxName> out, NameView origin) {
  // It differs in the first label, or, if no label can follow that one, in the next: the parent's
  // sibling.
  NameView rest = name;
  for (;;) {
    const std::size_t label = static_cast<std::uint8_t>(rest[0]);
    const std::size_t tail = rest.size() - 1 - label;
    if (rest.size() <= origin.size()) {
      // Every label is as high as can be: the zone's last name, followed by its first.
      std::memcpy(out.data(), origin.data(), origin.size());
      return origin.size();
    }
    if (label < kMaxLabel && rest.size() + 1 <= kMaxName) {
      out[0] = static_cast<char>(label + 1);
      std::memcpy(out.data() + 1, rest.data() + 1, label);
      out[1 + label] = 0;
      std::memcpy(out.data() + 2 + label, rest.data() + 1 + label, tail);
      return rest.size() + 1;
    }
    for (std::size_t keep = label; keep > 0; --keep) {
      auto octet = static_cast<std::uint8_t>(rest[keep]);
      if (!raise(octet)) continue;
      out[0] = static_cast<char>(keep);
      std::memcpy(out.data() + 1, rest.data() + 1, keep - 1);
      out[keep] = static_cast<char>(octet);
      std::memcpy(out.data() + 1 + keep, rest.data() + 1 + label, tail);
      return 1 + keep + tail;
    }
    rest.remove_prefix(1 + label);
  }
}

std::size_t write_rrsig_prefix(const RrsigFields& fields, std::span<char> out) {
  const std::size_t size = 18 + fields.signer.size();
  if (out.size() < size) return 0;
  char* at = out.data();
  store_u16(at, fields.type_covered);
  at[2] = static_cast<char>(fields.algorithm);
  at[3] = static_cast<char>(fields.labels);
  store_u32(at + 4, fields.original_ttl);
  store_u32(at + 8, fields.expiration);
  store_u32(at + 12, fields.inception);
  store_u16(at + 16, fields.key_tag);
  std::memcpy(at + 18, fields.signer.data(), fields.signer.size());
  return size;
}

Result<ParsedRrsig> parse_rrsig(std::string_view rdata) {
  if (rdata.size() < 19) return corrupt_error("rrsig: cut short");
  const std::size_t name = wire_name_size(rdata.substr(18));
  if (name == 0) return corrupt_error("rrsig: bad signer's name");
  const char* at = rdata.data();
  ParsedRrsig rrsig;
  rrsig.fields = {load_u16(at),
                  static_cast<std::uint8_t>(at[2]),
                  static_cast<std::uint8_t>(at[3]),
                  load_u32(at + 4),
                  load_u32(at + 8),
                  load_u32(at + 12),
                  load_u16(at + 16),
                  rdata.substr(18, name)};
  rrsig.prefix = rdata.substr(0, 18 + name);
  rrsig.signature = rdata.substr(18 + name);
  return rrsig;
}

void append_signed_data(std::string& out, std::string_view rrsig_prefix, NameView owner,
                        const RrsetView& rrset) {
  out.append(rrsig_prefix);
  std::string_view rest = rrset.rdatas;
  for (unsigned i = 0; i < rrset.count; ++i) {
    const std::size_t size = 2U + load_u16(rest.data());
    out.append(owner);
    char fixed[8];
    store_u16(fixed, rrset.type);
    store_u16(fixed + 2, rrclass::kIn);
    store_u32(fixed + 4, rrset.ttl);
    out.append(fixed, sizeof fixed);
    out.append(rest.substr(0, size));
    rest.remove_prefix(size);
  }
}

std::string dnskey_rdata(std::uint16_t flags, std::uint8_t algorithm, std::string_view public_key) {
  std::string rdata;
  append_u16(rdata, flags);
  append_u8(rdata, 3);  // the protocol, always this (RFC 4034 2.1.2)
  append_u8(rdata, algorithm);
  rdata += public_key;
  return rdata;
}

std::uint16_t key_tag(std::string_view dnskey_rdata) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < dnskey_rdata.size(); ++i) {
    auto octet = static_cast<std::uint8_t>(dnskey_rdata[i]);
    sum += (i & 1) != 0 ? octet : static_cast<std::uint32_t>(octet) << 8;
  }
  sum += (sum >> 16) & 0xffff;
  return static_cast<std::uint16_t>(sum);
}

std::string ds_rdata(NameView owner, std::string_view dnskey_rdata) {
  constexpr std::uint8_t kSha256 = 2;
  std::string rdata;
  append_u16(rdata, key_tag(dnskey_rdata));
  append_u8(rdata, static_cast<std::uint8_t>(dnskey_rdata[3]));
  append_u8(rdata, kSha256);
  rdata += as_bytes(sha256(lower_name(owner), dnskey_rdata));
  return rdata;
}

std::size_t public_key_size(std::uint8_t algorithm) {
  if (algorithm == algorithm::kEcdsaP256) return 64;
  if (algorithm == algorithm::kEd25519) return 32;
  return 0;
}

bool has_signatures(std::string_view message) {
  constexpr std::size_t kHeaderBytes = 12;
  if (message.size() < kHeaderBytes) return false;
  ByteReader header(message.substr(4));
  const unsigned questions = header.u16().value_or(0);
  unsigned records = header.u16().value_or(0);
  records += header.u16().value_or(0);  // where denials are
  std::size_t at = kHeaderBytes;
  Name name;
  for (unsigned i = 0; i < questions + records; ++i) {
    at = read_name(message, at, name);
    if (at == 0) return false;
    ByteReader reader(message.substr(at));
    const auto type = reader.u16();
    if (!type || !reader.u16()) return false;
    at += 4;
    if (i < questions) continue;
    if (*type == rrtype::kRrsig) return true;
    if (!reader.u32()) return false;
    const auto size = reader.u16();
    if (!size || reader.remaining() < *size) return false;
    at += 6U + *size;
  }
  return false;
}

}  // namespace gw::dns
