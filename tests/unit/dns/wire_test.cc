#include "dns/wire.h"

#include <catch2/catch.hpp>

#include "base/bytes.h"
#include "base/text.h"
#include "dns/rdata.h"
#include "support/dns/oracle.h"
#include "support/dns/test_zone.h"

namespace gw::dns {
namespace {

using test::header;
using test::opt_record;
using test::option;
using test::question;
using test::wire;

const std::string kName = wire("A.eXample");
const std::string kOpt = opt_record(1400, 0, "");

// A record with a given owner, type and class, no rdata.
std::string record(std::string_view owner, std::uint16_t type, std::uint16_t rrclass = 1,
                   std::string_view rdata = {}) {
  std::string out(owner);
  append_u16(out, type);
  append_u16(out, rrclass);
  append_u32(out, 0);
  append_u16(out, static_cast<std::uint16_t>(rdata.size()));
  out += rdata;
  return out;
}

TEST_CASE("a plain query") {
  std::string packet = header(0xabcd, 0x0110, 1, 0, 0, 0) + question(kName, 16);
  Query query;
  REQUIRE(read_query(packet, query) == QueryStatus::kOk);
  CHECK(query.id == 0xabcd);
  CHECK(query.recursion_desired);
  CHECK(query.name() == wire("a.example"));
  CHECK(query.question == question(kName, 16));
  CHECK(query.qtype == 16);
  CHECK(query.qclass == 1);
  CHECK(query.labels == 2);
  CHECK(query.label_offsets[0] == 0);
  CHECK(query.label_offsets[1] == 2);
  CHECK(!query.has_edns);
  CHECK(query.udp_size == 512);
}

TEST_CASE("what malformed queries are told") {
  const auto ok = QueryStatus::kOk;
  const auto bad = QueryStatus::kFormErr;
  const std::string q = question(kName, 16);
  const std::string soa = record(kName, 6);
  const std::string tsig = record(wire("key"), 250, 255);
  std::string long_name;
  for (int i = 0; i < 128; ++i) long_name += "\1a";
  long_name += std::string(1, '\0');
  struct Row {
    const char* what;
    std::string packet;
    QueryStatus status;
  };
  for (const Row& row : std::vector<Row>{
           {"empty", "", QueryStatus::kDrop},
           {"11 octets", header(1, 0, 1, 0, 0, 0).substr(0, 11), QueryStatus::kDrop},
           {"a response", header(1, 0x8000, 1, 0, 0, 0) + q, QueryStatus::kDrop},
           {"over 65535 octets", header(1, 0, 1, 0, 0, 0) + q + std::string(65536, 'x'),
            QueryStatus::kDrop},
           {"opcode NOTIFY, junk", header(1, 0x2000, 5, 5, 5, 5) + "x", QueryStatus::kNotImp},
           {"opcode 15", header(1, 0x7800, 1, 0, 0, 0) + q, QueryStatus::kNotImp},
           {"no question", header(1, 0, 0, 0, 0, 0), bad},
           {"no question but OPT", header(1, 0, 0, 0, 0, 1) + kOpt, bad},
           {"two questions", header(1, 0, 2, 0, 0, 0) + q + q, bad},
           {"question cut short", header(1, 0, 1, 0, 0, 0) + q.substr(0, q.size() - 1), bad},
           {"name cut short", header(1, 0, 1, 0, 0, 0) + "\5abc", bad},
           {"header only", header(1, 0, 1, 0, 0, 0), bad},
           {"pointer in the question", header(1, 0, 1, 0, 0, 0) + question("\xc0\x0c", 16), bad},
           {"label type 0x40", header(1, 0, 1, 0, 0, 0) + question("\x41x", 16), bad},
           {"trailing octet", header(1, 0, 1, 0, 0, 0) + q + "x", bad},
           {"an answer record", header(1, 0, 1, 1, 0, 0) + q + soa, bad},
           {"an authority record", header(1, 0, 1, 0, 1, 0) + q + soa, bad},
           {"IXFR with its SOA", header(1, 0, 1, 0, 1, 0) + question(kName, 251) + soa, ok},
           {"IXFR with two", header(1, 0, 1, 0, 2, 0) + question(kName, 251) + soa + soa, bad},
           {"ARCOUNT without a record", header(1, 0, 1, 0, 0, 1) + q, bad},
           {"a record ARCOUNT does not have", header(1, 0, 1, 0, 0, 0) + q + kOpt, bad},
           {"OPT", header(1, 0, 1, 0, 0, 1) + q + kOpt, ok},
           {"trailing octet after OPT", header(1, 0, 1, 0, 0, 1) + q + kOpt + "x", bad},
           {"two OPTs", header(1, 0, 1, 0, 0, 2) + q + kOpt + kOpt, bad},
           {"OPT not at the root", header(1, 0, 1, 0, 0, 1) + q + opt_record(1400, 0, "", kName),
            bad},
           {"OPT whose owner is a pointer",
            header(1, 0, 1, 0, 0, 1) + q + opt_record(1400, 0, "", "\xc0\x0c"), bad},
           {"OPT in the authority section", header(1, 0, 1, 0, 1, 0) + question(kName, 251) + kOpt,
            bad},
           {"OPT cut short", header(1, 0, 1, 0, 0, 1) + q + kOpt.substr(0, kOpt.size() - 1), bad},
           {"OPT whose rdata overruns",
            header(1, 0, 1, 0, 0, 1) + q + kOpt.substr(0, kOpt.size() - 1) + "\1", bad},
           {"an option that overruns",
            header(1, 0, 1, 0, 0, 1) + q + opt_record(1400, 0, std::string("\0\3\0\1", 4)), bad},
           {"half an option",
            header(1, 0, 1, 0, 0, 1) + q + opt_record(1400, 0, std::string("\0\3\0", 3)), bad},
           {"unknown options",
            header(1, 0, 1, 0, 0, 1) + q +
                opt_record(1400, 0, option(65001, "abc") + option(8, "x") + option(12, "")),
            ok},
           {"zone version with data",
            header(1, 0, 1, 0, 0, 1) + q + opt_record(1400, 0, option(19, "x")), bad},
           {"version 1", header(1, 0, 1, 0, 0, 1) + q + opt_record(1400, 0x00010000, ""),
            QueryStatus::kBadVers},
           {"version 1, other options",
            header(1, 0, 1, 0, 0, 1) + q + opt_record(1400, 0x00010000, "x"),
            QueryStatus::kBadVers},
           {"version 1, trailing octet",
            header(1, 0, 1, 0, 0, 1) + q + opt_record(1400, 0x00010000, "") + "x", bad},
           {"TSIG last", header(1, 0, 1, 0, 0, 2) + q + kOpt + tsig, ok},
           {"TSIG first", header(1, 0, 1, 0, 0, 2) + q + tsig + kOpt, bad},
           {"TSIG of class IN", header(1, 0, 1, 0, 0, 1) + q + record(wire("key"), 250), bad},
           {"other additional records",
            header(1, 0, 1, 0, 0, 2) + q + record("\xc0\x0c", 1, 1, "\1\2\3\4") + kOpt, ok},
           {"an additional name that is cut short",
            header(1, 0, 1, 0, 0, 1) + q + std::string("\5ab"), bad},
           {"an additional name of 256 octets", header(1, 0, 1, 0, 0, 1) + q + record(long_name, 1),
            bad},
       }) {
    INFO(row.what);
    Query query;
    CHECK(read_query(row.packet, query) == row.status);
    if (row.status == bad) {
      // Only what was read of it is owed an answer in kind.
      const std::string_view what = row.what;
      CHECK(query.has_edns == (what == "zone version with data" || what == "no question but OPT" ||
                               what == "trailing octet after OPT" ||
                               what == "version 1, trailing octet"));
      CHECK(!query.dnssec_ok);
    }
  }
}

TEST_CASE("EDNS fields") {
  struct Row {
    std::uint16_t size;
    std::uint32_t ttl;
    std::uint16_t udp_size;
    bool dnssec_ok, compact_ok;
  };
  for (const Row& row :
       {Row{1232, 0, 1232, false, false}, Row{0, 0, 512, false, false},
        Row{511, 0x8000, 512, true, false}, Row{65535, 0xc000, 65535, true, true},
        Row{4096, 0x4000, 4096, false, false}, Row{4096, 0x3fff, 4096, false, false}}) {
    std::string packet =
        header(1, 0, 1, 0, 0, 1) + question(kName, 16) +
        opt_record(row.size, row.ttl, option(3, "") + option(10, "12345678") + option(11, "ab"));
    Query query;
    REQUIRE(read_query(packet, query) == QueryStatus::kOk);
    CHECK(query.udp_size == row.udp_size);
    CHECK(query.dnssec_ok == row.dnssec_ok);
    CHECK(query.compact_ok == row.compact_ok);
    CHECK(query.wants_nsid);
    CHECK(query.wants_keepalive);
    CHECK(!query.wants_zone_version);
  }
}

TEST_CASE("a reused query keeps nothing of the one before") {
  Query query;
  std::string first = header(1, 0x0100, 1, 0, 0, 2) + question(kName, 16) +
                      opt_record(1400, 0xc000, option(3, "") + option(10, "12345678")) +
                      record(wire("key"), 250, 255);
  REQUIRE(read_query(first, query) == QueryStatus::kOk);
  CHECK(query.tsig_offset != 0);
  CHECK(query.cookie == "12345678");
  std::string second = header(2, 0, 0, 0, 0, 0);
  CHECK(read_query(second, query) == QueryStatus::kFormErr);
  CHECK(query.question.empty());
  CHECK(query.name().empty());
  CHECK(!query.has_edns);
  CHECK(!query.wants_nsid);
  CHECK(query.tsig_offset == 0);
  CHECK(query.cookie.empty());
  CHECK(!query.recursion_desired);
}

TEST_CASE("every octet is lower-cased as ASCII has it") {
  for (int octet = 0; octet < 256; ++octet) {
    for (std::size_t length : {1U, 7U, 8U, 9U, 63U}) {
      std::string name(1, static_cast<char>(length));
      name += std::string(length, static_cast<char>(octet)) + std::string(1, '\0');
      std::string packet = header(1, 0, 1, 0, 0, 0) + question(name, 1);
      Query query;
      REQUIRE(read_query(packet, query) == QueryStatus::kOk);
      CHECK(query.name() == lower_name(name));
    }
  }
}

TEST_CASE("names of 255 octets are read, longer ones are not") {
  for (std::size_t last : {1U, 2U}) {
    std::string name;
    for (int i = 0; i < 126; ++i) name += "\1a";
    name += std::string(1, static_cast<char>(last)) + std::string(last, 'b') + std::string(1, '\0');
    std::string packet = header(1, 0, 1, 0, 0, 0) + question(name, 1);
    Query query;
    CHECK(read_query(packet, query) == (last == 1 ? QueryStatus::kOk : QueryStatus::kFormErr));
    if (last == 1) CHECK(query.labels == 127);
  }
}

TEST_CASE("owner names point into the question where they end in it") {
  Query query;
  std::string packet = header(1, 0, 1, 0, 0, 0) + question(wire("X.a.Example"), 16);
  REQUIRE(read_query(packet, query) == QueryStatus::kOk);
  struct Row {
    const char* owner;
    std::size_t size;  // of the owner in the response
  };
  for (const Row& row : {Row{"x.a.example", 2}, Row{"a.example", 2}, Row{"example", 2},
                         Row{"ns.a.example", 5}, Row{"b.example", 4}, Row{"ns.b.example", 7},
                         Row{".", 1}, Row{"org", 5}, Row{"aexample", 10}}) {
    INFO(row.owner);
    std::vector<char> out(512);
    ResponseWriter writer(out, 512, query);
    std::string rdatas("\0\4\xc0\0\2\1", 6);
    RrsetView set = {rrtype::kA, 1, 60, rdatas};
    REQUIRE(writer.add_rrset(Section::kAnswer, wire(row.owner), set, 60));
    std::size_t size = writer.finish();
    CHECK(size == packet.size() + row.size + 10 + 4);
    test::Reply reply = test::read_reply({out.data(), size});
    REQUIRE(reply.parsed);
    // Pointed-at names come in the question's case.
    CHECK(to_lower(reply.answer.at(0)) == std::string(row.owner) +
                                              (row.owner == std::string(".") ? "" : ".") +
                                              " 60 in a 192.0.2.1");
  }
  // The tail of a label is not a label.
  std::string odd = header(1, 0, 1, 0, 0, 0) + question(std::string("\3x\1b\0", 5), 16);
  REQUIRE(read_query(odd, query) == QueryStatus::kOk);
  std::vector<char> out(512);
  ResponseWriter writer(out, 512, query);
  RrsetView set = {rrtype::kA, 1, 60, std::string_view("\0\4\1\1\1\1", 6)};
  REQUIRE(writer.add_rrset(Section::kAnswer, wire("b"), set, 60));
  CHECK(writer.finish() == odd.size() + 3 + 10 + 4);
}

TEST_CASE("nothing is written beyond the limit") {
  Query query;
  std::string packet = header(1, 0, 1, 0, 0, 0) + question(wire("a.example"), 16);
  REQUIRE(read_query(packet, query) == QueryStatus::kOk);
  std::string rdata = txt_rdata(std::string(100, 'x'));
  std::string rdatas;
  append_u16(rdatas, static_cast<std::uint16_t>(rdata.size()));
  rdatas += rdata;
  RrsetView set = {rrtype::kTxt, 1, 60, rdatas};
  std::size_t exact = packet.size() + 2 + 8 + rdatas.size();
  for (std::size_t reserve : {0U, 11U}) {
    std::vector<char> out(512 + 16, '#');
    std::size_t limit = exact + 3 * (10 + rdatas.size()) + reserve;
    ResponseWriter writer(out, limit, query);
    writer.reserve(reserve);
    for (int i = 0; i < 4; ++i) {
      CHECK(writer.add_rrset(Section::kAnswer, query.name(), set, 60));
    }
    CHECK(!writer.add_rrset(Section::kAnswer, query.name(), set, 60));
    CHECK(writer.begin_record(Section::kAnswer, query.name(), 1, 1, 60).empty());
    CHECK(writer.count(Section::kAnswer) == 4);
    if (reserve != 0) {
      writer.add_opt({});
      CHECK(!writer.add_option(edns::kNsid, ""));
    }
    CHECK(writer.finish() == limit);
    CHECK(out[limit] == '#');
  }
}

}  // namespace
}  // namespace gw::dns
