#include "dns/static_zone.h"

#include <catch2/catch.hpp>

#include "dns/rdata.h"
#include "support/dns/test_zone.h"

namespace gw::dns {
namespace {

using test::wire;

Rrset name_set(std::string_view owner, std::uint16_t type, std::string_view target) {
  return Rrset::make(wire(owner), type, 300, {wire(target)});
}
Rrset address(std::string_view owner, std::uint8_t last = 1) {
  return Rrset::make(wire(owner), rrtype::kA, 300, {a_rdata({192, 0, 2, last})});
}
Rrset txt(std::string_view owner, std::string_view text = "x") {
  return Rrset::make(wire(owner), rrtype::kTxt, 300, {txt_rdata(text)});
}
Rrset soa() {
  return Rrset::make(wire("x"), rrtype::kSoa, 600,
                     {soa_rdata({.mname = wire("ns.x"), .rname = wire("h.x"), .serial = 7})});
}
Rrset ds(std::string_view owner) {
  return Rrset::make(wire(owner), rrtype::kDs, 300,
                     {std::string("\0\1\x0d\2", 4) + std::string(32, 'd')});
}

std::vector<Rrset> ordinary() {
  return {soa(), name_set("x", rrtype::kNs, "ns.x"), address("ns.x"),
          // Delegations: below itself, to a sibling's name server, elsewhere, signed.
          Rrset::make(wire("cut.x"), rrtype::kNs, 300,
                      {wire("ns.cut.x"), wire("cut.x"), wire("ns.other.x"), wire("ns.y")}),
          address("ns.cut.x", 2), address("cut.x", 3),
          name_set("other.x", rrtype::kNs, "ns.other.x"), address("ns.other.x", 4),
          name_set("a.signed.x", rrtype::kNs, "ns.y"), ds("a.signed.x"),
          // Wildcards, one of them above an empty non-terminal, one without data of its own.
          txt("*.wild.x", "any"), txt("deep.here.wild.x"), txt("b.*.hollow.x"),
          name_set("old.x", rrtype::kDname, "new.x"), txt("old.x")};
}

TEST_CASE("what a name in an ordinary zone comes to") {
  std::vector<std::string> warnings;
  auto zone = StaticZone::make(wire("x"), ordinary(), test::kTestKey, &warnings).value();
  CHECK(warnings.empty());
  struct Row {
    std::string name;
    NodeKind kind;
    std::vector<std::uint16_t> types;
    std::string at;
  };
  using namespace rrtype;
  const std::vector<Row> rows = {
      {"cut.x", NodeKind::kCut, {kNs}, "cut.x"},
      {"ns.cut.x", NodeKind::kCut, {kNs}, "cut.x"},
      {"a.b.cut.x", NodeKind::kCut, {kNs}, "cut.x"},
      {"acut.x", NodeKind::kMissing, {}, ""},
      {"signed.x", NodeKind::kEmpty, {}, ""},
      {"b.signed.x", NodeKind::kMissing, {}, ""},
      {"a.signed.x", NodeKind::kCut, {kNs, kDs}, "a.signed.x"},
      {"y.a.signed.x", NodeKind::kCut, {kNs, kDs}, "a.signed.x"},
      {"one.wild.x", NodeKind::kNode, {kTxt}, "*.wild.x"},
      {"two.one.wild.x", NodeKind::kNode, {kTxt}, "*.wild.x"},
      {"*.wild.x", NodeKind::kNode, {kTxt}, ""},
      {"wild.x", NodeKind::kEmpty, {}, ""},
      // RFC 4592 2.2.1: the wildcard stands below the closest encloser or not at all.
      {"here.wild.x", NodeKind::kEmpty, {}, ""},
      {"one.here.wild.x", NodeKind::kMissing, {}, ""},
      {"deep.here.wild.x", NodeKind::kNode, {kTxt}, ""},
      {"one.*.wild.x", NodeKind::kMissing, {}, ""},
      // RFC 4592 2.2.2: a wildcard that is an empty non-terminal makes names exist without data.
      {"one.hollow.x", NodeKind::kEmpty, {}, "*.hollow.x"},
      {"old.x", NodeKind::kNode, {kTxt, kDname}, ""},
      {"a.b.old.x", NodeKind::kDname, {kDname}, "old.x"},
      {"bold.x", NodeKind::kMissing, {}, ""},
  };
  Node node;
  for (const Row& row : rows) {
    INFO(row.name);
    zone->find(wire(row.name), node);
    CHECK(node.kind == row.kind);
    CHECK((node.at.empty() ? "" : format_host(node.at)) == row.at);
    std::vector<std::uint16_t> types;
    for (const RrsetView& set : node.rrsets) types.push_back(set.type);
    CHECK(types == row.types);
  }
}

TEST_CASE("a delegation has the addresses that nobody else can tell, its own first") {
  auto zone = StaticZone::make(wire("x"), ordinary(), test::kTestKey).value();
  Node node;
  zone->find(wire("cut.x"), node);
  std::vector<std::string> glue;
  for (const GlueView& g : node.glue) {
    glue.push_back(format_host(g.owner) + (g.in_domain ? " in" : " sibling"));
    CHECK(g.addresses.type == rrtype::kA);
  }
  CHECK(glue == std::vector<std::string>{"ns.cut.x in", "cut.x in", "ns.other.x sibling"});
  zone->find(wire("a.signed.x"), node);
  CHECK(node.glue.empty());
}

TEST_CASE("a very deep name is missing like any other") {
  auto zone = StaticZone::make(wire("x"), ordinary(), test::kTestKey).value();
  Node node;
  auto deep = [](std::string_view above) {
    std::string name = wire(above);
    while (name.size() + 2 <= kMaxName) name = std::string("\1q", 2) + name;
    return name;
  };
  zone->find(deep("x"), node);
  CHECK(node.kind == NodeKind::kMissing);
  zone->find(deep("wild.x"), node);
  CHECK(node.kind == NodeKind::kNode);
  zone->find(deep("cut.x"), node);
  CHECK(node.kind == NodeKind::kCut);
  zone->find(deep("deep.here.wild.x"), node);
  CHECK(node.kind == NodeKind::kMissing);
}

TEST_CASE("what may not stand beside or below what") {
  struct Row {
    std::vector<Rrset> more;
    const char* message;
  };
  for (const Row& row : std::vector<Row>{
           {{name_set("a.x", rrtype::kCname, "b.x"), txt("a.x")}, "cname beside other"},
           {{name_set("x", rrtype::kCname, "b.x")}, "cname beside other"},
           {{Rrset::make(
                wire("x"), rrtype::kCds, 1,
                {std::string(5, '\0'), std::string("\0\1\x0d\2", 4) + std::string(32, 'd')})},
            "the CDS that deletes stands alone"},
           {{Rrset::make(wire("x"), rrtype::kCdnskey, 1,
                         {std::string("\0\0\3\0\0", 5), std::string("\1\1\3\x0dk", 5)})},
            "the CDNSKEY that deletes stands alone"},
           {{Rrset::make(wire("a.x"), rrtype::kCname, 1, {wire("b"), wire("c")})},
            "more than one cname"},
           {{Rrset::make(wire("a.x"), rrtype::kDname, 1, {wire("b"), wire("c")})},
            "more than one dname"},
           {{name_set("a.x", rrtype::kDname, "b.x"), txt("c.a.x")}, "below the dname at a.x."},
           {{name_set("a.x", rrtype::kDname, "b.x"), name_set("a.x", rrtype::kNs, "ns.y")},
            "dname at a delegation"},
           {{name_set("*.x", rrtype::kDname, "b.x")}, "wildcard"},
           {{name_set("*.x", rrtype::kNs, "ns.y")}, "wildcard"},
           {{ds("a.x")}, "without a delegation"},
           {{ds("x")}, "belongs in its parent"},
           {{name_set("a.x", rrtype::kNs, "ns.a.x")}, "ns.a.x. needs an address"},
           {{Rrset::make(wire("a.x"), rrtype::kSoa, 1, soa().rdatas)}, "apex only"},
           {{Rrset::make(wire("a.x"), rrtype::kNsec3, 1, {"a"})}, "NSEC3 is not zone data"},
           {{Rrset::make(wire("x"), rrtype::kNsec3Param, 1, {"a"})}, "not zone data"},
           {{Rrset::make(wire("a.x"), rrtype::kDs, 1, {std::string("\0\1\x0d\2\0", 5)})},
            "malformed"},
       }) {
    INFO(row.message);
    std::vector<Rrset> rrsets = {soa()};
    for (const Rrset& rrset : row.more) rrsets.push_back(rrset);
    rrsets.back().where = "some.zone:12";
    auto zone = StaticZone::make(wire("x"), rrsets, test::kTestKey);
    REQUIRE(!zone);
    CHECK(zone.error().kind == ErrorKind::kUsage);
    CHECK(zone.error().message.find(row.message) != std::string::npos);
  }
}

TEST_CASE("what is below a delegation and no glue is left out, with a warning") {
  std::vector<Rrset> rrsets = {soa(), name_set("a.x", rrtype::kNs, "ns.y"), txt("a.x"),
                               txt("b.a.x"), name_set("c.a.x", rrtype::kCname, "d.x")};
  for (Rrset& rrset : rrsets) rrset.where = "some.zone:7";
  std::vector<std::string> warnings;
  auto zone = StaticZone::make(wire("x"), rrsets, test::kTestKey, &warnings).value();
  REQUIRE(warnings.size() == 3);
  CHECK(warnings[0] == "some.zone:7: a.x.: TXT is at or below a delegation and no glue: left out");
  CHECK(zone->rrset_count() == 2);
}

}  // namespace
}  // namespace gw::dns
