#include "dns/record_list.h"

#include <catch2/catch.hpp>

#include "dns/rdata.h"
#include "dns/static_zone.h"
#include "support/dns/test_zone.h"

namespace gw::dns {
namespace {

using test::wire;

TEST_CASE("records are sorted by owner, type and place") {
  RecordList list;
  REQUIRE(list.set_file("z"));
  const std::vector<std::pair<const char*, std::uint16_t>> given = {
      {"b.x", 1}, {"x", 6}, {"z.a.x", 1}, {"a.x", 16}, {"b.x", 1}, {"a.x", 1}, {"x", 2}};
  std::uint32_t line = 0;
  for (const auto& [owner, type] : given) {
    ++line;
    REQUIRE(list.add(wire(owner), type, 5, std::to_string(line), line));
  }
  list.sort();
  std::string order;
  for (std::size_t i = 0; i < list.size(); ++i) order += list.rdata(list[i]);
  CHECK(order == "7264315");
  // One behind what is sorted already.
  REQUIRE(list.add(wire("a.x"), 2, 5, "8", 0));
  list.sort();
  order.clear();
  for (std::size_t i = 0; i < list.size(); ++i) order += list.rdata(list[i]);
  CHECK(order == "72684315");
  CHECK(list.where(list[0]) == "z:7");
  CHECK(list.where(list[3]) == "z");
  CHECK(list.owner(list[6]) == wire("b.x"));

  const auto sets = list.rrsets();
  REQUIRE(sets.size() == 7);
  CHECK(sets[0].owner == wire("b.x"));
  CHECK(sets[0].rdatas == std::vector<std::string>{"1", "5"});
  CHECK(sets[0].where == "z:1");
  CHECK(sets[6].type == 2);
}

TEST_CASE("names between others exist, whatever the order of the file") {
  RecordList list;
  const auto txt = [&](const char* owner) {
    REQUIRE(list.add(wire(owner), rrtype::kTxt, 1, std::string("\1a", 2), 0));
  };
  for (const char* owner : {"z.y.x", "c.b.a.x", "a.x", "d.b.a.x", "q.w.b.a.x"}) txt(owner);
  REQUIRE(
      list.add(wire("x"), rrtype::kSoa, 1, soa_rdata({.mname = wire("a"), .rname = wire("b")}), 0));
  list.sort();
  const auto zone = StaticZone::make(wire("x"), list, test::kTestKey);
  REQUIRE(zone);
  Node node;
  for (const char* name : {"y.x", "b.a.x", "w.b.a.x"}) {
    INFO(name);
    (*zone)->find(wire(name), node);
    CHECK(node.kind == NodeKind::kEmpty);
  }
  for (const char* name : {"w.a.x", "x.y.x", "b.x"}) {
    INFO(name);
    (*zone)->find(wire(name), node);
    CHECK(node.kind == NodeKind::kMissing);
  }
  CHECK((*zone)->rrset_count() == 6);
}

}  // namespace
}  // namespace gw::dns
