#include "dns/dnssec.h"

#include <array>
#include <catch2/catch.hpp>
#include <random>
#include <set>

#include "base/bytes.h"
#include "base/crypto.h"
#include "dns/rdata.h"
#include "support/dns/oracle.h"
#include "support/dns/test_zone.h"

namespace gw::dns {
namespace {

using test::wire;

std::string hex(std::string_view bytes) { return encode_hex(bytes); }

std::string bitmap(std::vector<std::uint16_t> types) {
  std::array<char, 9000> out;
  return {out.data(), write_type_bitmap(types, out)};
}

std::string next(std::string_view name) {
  std::array<char, kMaxName> out;
  return {out.data(), write_next_name(name, out)};
}

TEST_CASE("what follows the last name of a zone is its apex") {
  const std::string origin = parse_name("example.org").value();
  std::string last = origin;
  while (last.size() < kMaxName) {
    const std::size_t label = std::min<std::size_t>(63, kMaxName - last.size() - 1);
    last = static_cast<char>(label) + std::string(label, '\xff') + last;
  }
  REQUIRE(last.size() == kMaxName);
  std::array<char, kMaxName> out;
  CHECK(std::string_view(out.data(), write_next_name(last, out, origin)) == origin);
  CHECK(std::string_view(out.data(), write_next_name(last, out)) != origin);
}

TEST_CASE("what follows a name and all that is below it") {
  auto sibling = [](std::string_view name) {
    std::array<char, kMaxName> out;
    return format_name({out.data(), write_next_sibling(wire(name), out, wire("x"))});
  };
  CHECK(sibling("sub.x") == "sub\\000.x.");
  CHECK(sibling(std::string(62, 'a') + ".x") == std::string(62, 'a') + "\\000.x.");
  // A full label: its last octet is raised, upper-case letters skipped.
  CHECK(sibling(std::string(63, 'a') + ".x") == std::string(62, 'a') + "b.x.");
  CHECK(sibling(std::string(62, 'a') + "@.x") == std::string(62, 'a') + "[.x.");
}

TEST_CASE("type bitmaps") {
  // RFC 4034 4.3: A MX RRSIG NSEC TYPE1234.
  std::string expected = "0006400100000003041b" + std::string(26 * 2, '0') + "20";
  CHECK(hex(bitmap({1, 15, 46, 47, 1234})) == expected);
  CHECK(hex(bitmap({46, 47})) == "0006000000000003");
  CHECK(hex(bitmap({46, 47, 128})) == "0011000000000003" + std::string(20, '0') + "80");
  CHECK(hex(bitmap({255, 256})) == "0020" + std::string(62, '0') + "01" + "010180");
  CHECK(bitmap({}).empty());
  std::array<char, 7> small;
  CHECK(write_type_bitmap(std::vector<std::uint16_t>{46, 47}, small) == 0);
}

// The types of a bitmap, ascending; an error for anything but the canonical form.
Result<std::vector<std::uint16_t>> parse_type_bitmap(std::string_view bitmap) {
  std::vector<std::uint16_t> types;
  ByteReader in(bitmap);
  int last = -1;
  while (!in.empty()) {
    auto window = in.u8();
    auto octets = in.u8();
    if (!octets || *octets == 0 || *octets > 32 || *window <= last) {
      return corrupt_error("type bitmap: bad window");
    }
    auto bits = in.bytes(*octets);
    if (!bits) return corrupt_error("type bitmap: cut short");
    if (bits->back() == 0) return corrupt_error("type bitmap: trailing zero octet");
    for (unsigned i = 0; i < *octets * 8U; ++i) {
      if ((static_cast<std::uint8_t>((*bits)[i / 8]) & (0x80 >> (i % 8))) != 0) {
        types.push_back(static_cast<std::uint16_t>(*window << 8 | i));
      }
    }
    last = *window;
  }
  return types;
}

TEST_CASE("type bitmaps and back, as ldns has them") {
  std::mt19937 random(5);
  for (int i = 0; i < 500; ++i) {
    std::set<std::uint16_t> set;
    for (std::size_t n = 1 + random() % 20; n > 0; --n) {
      set.insert(static_cast<std::uint16_t>(random() % (random() % 4 == 0 ? 65536 : 260)));
    }
    std::vector<std::uint16_t> types(set.begin(), set.end());
    std::string map = bitmap(types);
    CHECK(parse_type_bitmap(map).value() == types);
    std::vector<ldns_rr_type> ldns_types;
    for (std::uint16_t type : types) ldns_types.push_back(static_cast<ldns_rr_type>(type));
    // ldns drops types no NSEC may name, so only compare when there are none.
    ldns_rdf* rdf =
        ldns_dnssec_create_nsec_bitmap(ldns_types.data(), ldns_types.size(), LDNS_RR_TYPE_NSEC3);
    std::string theirs(reinterpret_cast<const char*>(ldns_rdf_data(rdf)), ldns_rdf_size(rdf));
    ldns_rdf_deep_free(rdf);
    CHECK(hex(theirs) == hex(map));
  }
}

TEST_CASE("bitmaps that are not canonical") {
  for (const char* bad : {"00", "0000",
                          "0021"
                          "00",
                          "000100", "00010101",
                          "01018000"
                          "0180",
                          "000180000180", "00018000"}) {
    INFO(bad);
    CHECK(!parse_type_bitmap(decode_hex(bad).value()));
  }
}

TEST_CASE("the next name") {
  CHECK(next(wire("a.example")) == wire("\\000.a.example"));
  // 253 octets: "\000." still fits; 254: it does not, but an octet does; 255: nothing does.
  auto name = [](std::size_t first, char last) {
    std::string out(1, static_cast<char>(first));
    out += std::string(first - 1, 'm') + last;
    for (int i = 0; i < 3; ++i) out += std::string(1, 62) + std::string(62, 'x');
    return out + std::string(1, '\0');
  };
  auto tail = [&] { return name(1, 'a').substr(2); };
  REQUIRE(name(63, 'a').size() == 254);
  CHECK(next(name(62, 'a')) == std::string("\1\0", 2) + name(62, 'a'));
  // 254 octets with a full first label: its last octet is raised.
  CHECK(next(name(63, 'a')) == name(63, 'b'));
  CHECK(next(name(63, '@')) == name(63, '['));
  CHECK(next(name(63, 'z')) == name(63, '{'));
  CHECK(next(name(63, '\xfe')) == name(63, '\xff'));
  // 0xff is carried, and goes.
  CHECK(next(name(63, '\xff')) == std::string(1, 62) + std::string(61, 'm') + "n" + tail());
  // 254 octets with a shorter first label: it grows.
  std::string grows = std::string("\1a") + std::string(1, 60) + std::string(60, 'm') + tail();
  REQUIRE(grows.size() == 253);
  grows = std::string("\2aa") + std::string(1, 60) + std::string(60, 'm') + tail();
  REQUIRE(grows.size() == 254);
  CHECK(next(grows) ==
        std::string("\3aa\0", 4) + std::string(1, 60) + std::string(60, 'm') + tail());
  // 255 octets: it cannot.
  std::string full = std::string("\3aaa") + std::string(1, 60) + std::string(60, 'm') + tail();
  REQUIRE(full.size() == 255);
  CHECK(next(full) == std::string("\3aab") + std::string(1, 60) + std::string(60, 'm') + tail());
  // The first label cannot be raised at all: the next one grows.
  std::string stuck =
      std::string("\3\xff\xff\xff") + std::string(1, 60) + std::string(60, 'm') + tail();
  CHECK(next(stuck) == std::string(1, 61) + std::string(60, 'm') + std::string(1, '\0') + tail());
}

TEST_CASE("nothing that has room for it sorts between a name and its next") {
  std::mt19937 random(11);
  auto label = [&](std::size_t length) {
    std::string out(1, static_cast<char>(length));
    for (std::size_t i = 0; i < length; ++i) {
      static constexpr std::string_view kOctets("\xff\xfe@a[zm\0", 8);
      out.push_back(kOctets[random() % kOctets.size()]);
    }
    return out;
  };
  for (int i = 0; i < 3000; ++i) {
    // Names of 250 to 255 octets, whose first labels are any length.
    std::string name;
    std::size_t total = 250 + random() % 6;
    std::size_t left = total - 1;
    while (left > 0) {
      std::size_t length = std::min<std::size_t>(left - 1, 1 + random() % 63);
      if (left - 1 - length == 1) length = length == 63 ? 62 : length + 1;
      name += label(length);
      left -= 1 + length;
    }
    name.push_back('\0');
    REQUIRE(is_wire_name(name));
    REQUIRE(name.size() == total);
    std::string after = next(name);
    REQUIRE(is_wire_name(after));
    CHECK(lower_name(after) == after);
    if (after == kRootName) continue;
    CHECK(compare_names(name, after) < 0);
    // Any third name that is greater than the first is not less than the second.
    for (int k = 0; k < 50; ++k) {
      std::string other = name;
      std::size_t at = 1 + random() % 8;
      other[at] = static_cast<char>(static_cast<std::uint8_t>(other[at]) + 1);
      if (!is_wire_name(other) || compare_names(other, name) <= 0) continue;
      if (lower_name(other) != other) continue;
      CHECK(compare_names(other, after) >= 0);
    }
  }
}

TEST_CASE("key tags and DS") {
  CHECK(dnskey_rdata(257, 13, "key") == std::string("\1\1\3\15key", 7));
  std::mt19937 random(2);
  for (std::uint8_t algorithm : {algorithm::kEcdsaP256, algorithm::kEd25519}) {
    for (int i = 0; i < 50; ++i) {
      std::string public_key;
      for (std::size_t n = public_key_size(algorithm); n > 0; --n) {
        public_key.push_back(static_cast<char>(random()));
      }
      std::string dnskey = dnskey_rdata(kDnskeyFlagsCsk, algorithm, public_key);
      std::string rr_wire = wire("Example.ORG");
      append_u16(rr_wire, rrtype::kDnskey);
      append_u16(rr_wire, 1);
      append_u32(rr_wire, 300);
      append_u16(rr_wire, static_cast<std::uint16_t>(dnskey.size()));
      rr_wire += dnskey;
      ldns_rr* rr = nullptr;
      std::size_t at = 0;
      REQUIRE(ldns_wire2rr(&rr, reinterpret_cast<const std::uint8_t*>(rr_wire.data()),
                           rr_wire.size(), &at, LDNS_SECTION_ANSWER) == LDNS_STATUS_OK);
      CHECK(key_tag(dnskey) == ldns_calc_keytag(rr));
      ldns_rr* ds = ldns_key_rr2ds(rr, LDNS_SHA256);
      ldns_buffer* buffer = ldns_buffer_new(512);
      ldns_rr_rdata2buffer_wire(buffer, ds);
      std::string theirs(reinterpret_cast<const char*>(ldns_buffer_begin(buffer)),
                         ldns_buffer_position(buffer));
      CHECK(hex(ds_rdata(wire("Example.ORG"), dnskey)) == hex(theirs));
      ldns_buffer_free(buffer);
      ldns_rr_free(ds);
      ldns_rr_free(rr);
    }
  }
  CHECK(public_key_size(8) == 0);
}

TEST_CASE("rrsig rdata") {
  std::array<char, kMaxRrsig> out;
  std::string signer = wire("l.example.org");
  RrsigFields fields = {rrtype::kTxt, 13, 4, 300, 0x80000001, 5, 0xbeef, signer};
  std::size_t size = write_rrsig_prefix(fields, out);
  std::string rdata(out.data(), size);
  CHECK(hex(rdata) == "00100d040000012c8000000100000005beef" + hex(signer));
  CHECK(write_rrsig_prefix(fields, std::span<char>(out).first(size - 1)) == 0);
  rdata += "sig";
  auto parsed = parse_rrsig(rdata);
  REQUIRE(parsed);
  CHECK(parsed->fields.type_covered == rrtype::kTxt);
  CHECK(parsed->fields.expiration == 0x80000001);
  CHECK(parsed->fields.signer == signer);
  CHECK(parsed->signature == "sig");
  CHECK(!parse_rrsig(rdata.substr(0, 18)));
  CHECK(!parse_rrsig(rdata.substr(0, 20)));
}

// Signs with both algorithms over RRsets of every kind; ldns verifies.
TEST_CASE("what is signed is the canonical form") {
  struct Row {
    const char* owner;
    std::uint16_t type;
    std::vector<std::string> rdatas;
  };
  std::string seed(32, 's');
  P256Signer p256 = P256Signer::generate().value();
  std::string origin = wire("example.org");
  for (const Row& row : std::vector<Row>{
           {"a.example.org", rrtype::kA, {a_rdata({9, 0, 0, 1}), a_rdata({1, 0, 0, 1})}},
           {"example.org", rrtype::kNs, {wire("NS2.Example.org"), wire("ns1.example.ORG")}},
           {"example.org",
            rrtype::kMx,
            {std::string("\0\12", 2) + wire("MX.example.org"), std::string("\0\0", 2) + wire(".")}},
           {"example.org",
            rrtype::kSoa,
            {soa_rdata({.mname = wire("NS.example.org"), .rname = wire("Host.Example.org")})}},
           {"x.example.org",
            rrtype::kTxt,
            {txt_rdata("b"), txt_rdata("a"), txt_rdata("aa"), txt_rdata(std::string(300, 'x'))}},
           {"_s._tcp.example.org",
            rrtype::kSrv,
            {std::string("\0\1\0\2\0\3", 6) + wire("HOST.example.org")}},
           {"*.example.org", rrtype::kTxt, {txt_rdata("wild")}},
           {"t.example.org", 65280, {"AnyThing", std::string("\0\1", 2)}},
       }) {
    for (std::uint8_t algorithm : {algorithm::kEcdsaP256, algorithm::kEd25519}) {
      INFO(row.owner << " " << row.type << " " << int{algorithm});
      bool is_p256 = algorithm == algorithm::kEcdsaP256;
      std::string dnskey = dnskey_rdata(kDnskeyFlagsCsk, algorithm,
                                        is_p256 ? p256.public_key() : ed25519_public_key(seed));
      std::string packed = pack_rdatas(row.type, row.rdatas).value();
      auto count = static_cast<std::uint16_t>(unpack_rdatas(packed).size());
      RrsetView set = {row.type, count, 300, packed};
      std::string owner = wire(row.owner);
      std::array<char, kMaxRrsig> rrsig;
      std::size_t prefix =
          write_rrsig_prefix({row.type, algorithm, static_cast<std::uint8_t>(rrsig_labels(owner)),
                              300, test::kExpiration, test::kInception, key_tag(dnskey), origin},
                             rrsig);
      std::string data;
      append_signed_data(data, {rrsig.data(), prefix}, owner, set);
      std::string signature(64, '\0');
      if (is_p256) {
        REQUIRE(p256.sign(data, reinterpret_cast<std::uint8_t*>(signature.data())));
      } else {
        signature = ed25519_sign(seed, data);
      }
      // A message with the RRset and its RRSIG, as ldns reads it.
      std::string ask = test::make_query({.name = row.owner, .type = row.type, .edns = false});
      Query query;
      REQUIRE(read_query(ask, query) == QueryStatus::kOk);
      std::vector<char> out(4096);
      ResponseWriter writer(out, out.size(), query);
      REQUIRE(writer.add_rrset(Section::kAnswer, owner, set, 300));
      std::span<char> rdata = writer.begin_record(Section::kAnswer, owner, rrtype::kRrsig, 1, 300);
      REQUIRE(rdata.size() >= prefix + 64);
      std::copy(rrsig.begin(), rrsig.begin() + static_cast<std::ptrdiff_t>(prefix), rdata.begin());
      std::copy(signature.begin(), signature.end(),
                rdata.begin() + static_cast<std::ptrdiff_t>(prefix));
      writer.end_record(prefix + 64);
      test::Reply reply = test::read_reply({out.data(), writer.finish()});
      REQUIRE(reply.parsed);
      CHECK(test::verify_section(ldns_pkt_answer(reply.packet.get()), dnskey, origin,
                                 test::kInception + 60) == "");
      CHECK(test::verify_section(ldns_pkt_answer(reply.packet.get()), dnskey, origin,
                                 test::kExpiration + 60) != "");
    }
  }
}

}  // namespace
}  // namespace gw::dns
