#include "dns/zone.h"

#include <catch2/catch.hpp>

#include "dns/rdata.h"
#include "support/dns/format_rdata.h"
#include "support/dns/test_zone.h"

namespace gw::dns {
namespace {

using test::wire;

Rrset soa(std::string_view owner) {
  return Rrset::make(wire(owner), rrtype::kSoa, 600,
                     {soa_rdata({.mname = wire("ns.x"), .rname = wire("h.x"), .serial = 7})});
}

TEST_CASE("a static zone finds its names and what is above them") {
  test::FixedSigner signer;
  auto zone = test::test_zone(signer);
  struct Row {
    std::string name;
    NodeKind kind;
    std::vector<std::uint16_t> types;
  };
  Node node;
  for (const Row& row : std::vector<Row>{
           {"l.example.org", NodeKind::kNode, {2, 6, 48}},
           {"ns1.l.example.org", NodeKind::kNode, {1, 28}},
           {"v0.l.example.org", NodeKind::kEmpty, {}},
           {"com.v0.l.example.org", NodeKind::kEmpty, {}},
           {"_.github.com.v0.l.example.org", NodeKind::kEmpty, {}},
           {"mjl_2d._.github.com.v0.l.example.org", NodeKind::kEmpty, {}},
           {"mox.mjl_2d._.github.com.v0.l.example.org", NodeKind::kNode, {16}},
           {"x.mox.mjl_2d._.github.com.v0.l.example.org", NodeKind::kMissing, {}},
           {"x.l.example.org", NodeKind::kMissing, {}},
       }) {
    INFO(row.name);
    zone->find(wire(row.name), node);
    CHECK(node.kind == row.kind);
    std::vector<std::uint16_t> types;
    for (const RrsetView& set : node.rrsets) types.push_back(set.type);
    CHECK(types == row.types);
    for (std::uint16_t type : row.types) CHECK(node.find(type)->type == type);
    CHECK(node.find(99) == nullptr);
  }
  CHECK(soa_serial(zone->soa().rdatas) == 7458);
  CHECK(soa_minimum(zone->soa().rdatas) == 300);
}

TEST_CASE("what a static zone refuses") {
  struct Row {
    std::vector<Rrset> rrsets;
    const char* message;
  };
  auto with = [](Rrset rrset) { return std::vector<Rrset>{soa("x"), std::move(rrset)}; };
  for (const Row& row : std::vector<Row>{
           {{}, "needs one soa"},
           {{Rrset::make(wire("x"), rrtype::kTxt, 1, {txt_rdata("a")})}, "needs one soa"},
           {{soa("a.x")}, "apex only"},
           {{soa("x"), soa("x")}, "two rrsets"},
           {{Rrset::make(
                wire("x"), rrtype::kSoa, 1,
                {soa("x").rdatas[0], soa_rdata({.mname = wire("a"), .rname = wire("b")})})},
            "needs one soa"},
           {with(Rrset::make(wire("y"), rrtype::kTxt, 1, {txt_rdata("a")})), "not in the zone"},
           {with(Rrset::make(wire("a.x"), rrtype::kTxt, 0x80000000, {txt_rdata("a")})), "ttl"},
           {with(Rrset::make(wire("a.x"), rrtype::kTxt, 1, {})), "empty"},
           {with(Rrset::make(wire("a.x"), rrtype::kTxt, 1, {""})), "malformed"},
           {with(Rrset::make(wire("a.x"), rrtype::kTxt, 1, {"\5abc"})), "malformed"},
           {with(Rrset::make(wire("a.x"), rrtype::kA, 1, {"abc"})), "malformed"},
           {with(Rrset::make(wire("a.x"), rrtype::kAaaa, 1, {"abcd"})), "malformed"},
           {with(Rrset::make(wire("a.x"), rrtype::kMx, 1, {"a"})), "malformed"},
           {with(Rrset::make(wire("x"), rrtype::kNs, 1, {wire("a") + "b"})), "malformed"},
           {with(Rrset::make(wire("a.x"), rrtype::kRrsig, 1, {"a"})), "not zone data"},
           {with(Rrset::make(wire("a.x"), rrtype::kNsec, 1, {"a"})), "not zone data"},
           {with(Rrset::make(wire("a.x"), rrtype::kNxname, 1, {"a"})), "not zone data"},
           {with(Rrset::make(wire("a.x"), rrtype::kAny, 1, {"a"})), "not zone data"},
           {with(Rrset::make(wire("a.x"), 0, 1, {"a"})), "not zone data"},
           {with(Rrset::make(wire("a.x"), 65280, 1, {std::string(65536, 'a')})), "malformed"},
           {with(Rrset::make(wire("a.x"), 65280, 1,
                             {std::string(40000, 'a'), std::string(40000, 'b')})),
            "does not fit"},
       }) {
    INFO(row.message);
    auto zone = StaticZone::make(wire("X"), row.rrsets, test::kTestKey);
    REQUIRE(!zone);
    CHECK(zone.error().kind == ErrorKind::kUsage);
    CHECK(zone.error().message.find(row.message) != std::string::npos);
  }
  std::vector<Rrset> many = {soa("x")};
  for (std::uint16_t i = 0; i < kMaxNodeTypes; ++i) {
    many.push_back(Rrset::make(wire("a.x"), static_cast<std::uint16_t>(1000 + 256 * i), 1, {"a"}));
  }
  CHECK(StaticZone::make(wire("x"), many, test::kTestKey));
  many.push_back(Rrset::make(wire("a.x"), 999, 1, {"a"}));
  CHECK(!StaticZone::make(wire("x"), many, test::kTestKey));
}

TEST_CASE("rdatas are packed in canonical form") {
  std::string packed =
      pack_rdatas(rrtype::kNs, std::vector<std::string>{wire("B.x"), wire("a.x"), wire("b.X")})
          .value();
  CHECK(unpack_rdatas(packed) == std::vector<std::string_view>{wire("a.x"), wire("b.x")});
  // Octets are unsigned, and a prefix comes first (RFC 4034 6.3).
  packed = pack_rdatas(65280, std::vector<std::string>{"\xff", "a", "", "ab"}).value();
  CHECK(unpack_rdatas(packed) == std::vector<std::string_view>{"", "a", "ab", "\xff"});
  CHECK(canonical_rdata(rrtype::kTxt, "\1A").value() == "\1A");
  const auto with_name = [](std::uint16_t type, const std::string& before,
                            const std::string& after) {
    CAPTURE(type);
    CHECK(canonical_rdata(type, before + wire("A.Bc") + after) == before + wire("a.bc") + after);
    CHECK(canonical_rdata(type, before) == std::nullopt);
  };
  with_name(35, std::string("\0\1\0\2\1S\3E2U\0", 11), "");         // NAPTR
  with_name(35, std::string("\0\1\0\2\0\0\5!^A!B", 12), "");        // its regexp stays
  with_name(24, "AB" + std::string(16, 'C'), "Signature");          // SIG
  with_name(30, "", "Bitmap");                                      // NXT
  with_name(38, std::string("\x40", 1) + std::string(8, 'A'), "");  // A6
  with_name(36, "AB", "");                                          // KX
  with_name(26, "AB" + wire("a"), "");                              // PX
  with_name(14, wire("a"), "");                                     // MINFO
  for (const std::uint16_t type : {3, 4, 7, 8, 9, 12, 39}) with_name(type, "", "");
  CHECK(canonical_rdata(38, std::string(17, '\0')) == std::string(17, '\0'));  // no prefix, no name
  CHECK(canonical_rdata(38, std::string(1, '\x81')) == std::nullopt);
  CHECK(canonical_rdata(35, std::string("\0\1\0\2\x20", 5)) == std::nullopt);
  CHECK(canonical_rdata(rrtype::kMx, std::string("\0\1", 2) + wire("A")).value() ==
        std::string("\0\1", 2) + wire("a"));
  CHECK(txt_rdata("") == std::string(1, '\0'));
  CHECK(txt_rdata(std::string(256, 'a')).size() == 258);
}

TEST_CASE("soa rdata") {
  SoaFields fields = {wire("NS.x"), wire("h.x"), 1, 2, 3, 4, 5};
  std::string rdata = soa_rdata(fields);
  CHECK(test::format_rdata(rrtype::kSoa, rdata).value() == "NS.x. h.x. 1 2 3 4 5");
  CHECK(soa_serial(rdata) == 1);
  CHECK(soa_minimum(rdata) == 5);
  CHECK(!canonical_rdata(rrtype::kSoa, rdata.substr(1)));
  CHECK(!canonical_rdata(rrtype::kSoa, rdata + "x"));
}

TEST_CASE("the zone that answers") {
  auto make = [](std::string_view origin) {
    return StaticZone::make(wire(origin), {soa(origin)}, test::kTestKey).value();
  };
  auto parent = make("example.org");
  auto child = make("l.example.org");
  auto other = make("v0.l.example.org");
  ZoneSet zones;
  REQUIRE(zones.add(parent.get()));
  REQUIRE(zones.add(other.get()));
  REQUIRE(zones.add(child.get()));
  CHECK(!zones.add(child.get()));
  struct Row {
    const char* name;
    std::uint16_t type;
    const Zone* zone;
  };
  for (const Row& row :
       {Row{"example.org", 16, parent.get()}, Row{"x.example.org", 16, parent.get()},
        Row{"l.example.org", 16, child.get()}, Row{"l.example.org", rrtype::kDs, parent.get()},
        Row{"x.l.example.org", rrtype::kDs, child.get()},
        Row{"a.v0.l.example.org", 16, other.get()},
        Row{"v0.l.example.org", rrtype::kDs, child.get()},
        Row{"example.org", rrtype::kDs, parent.get()}, Row{"xl.example.org", 16, parent.get()},
        Row{"org", 16, nullptr}, Row{".", 16, nullptr}, Row{"xexample.org", 16, nullptr}}) {
    INFO(row.name);
    CHECK(zones.find(wire(row.name), row.type) == row.zone);
  }
}

}  // namespace
}  // namespace gw::dns
