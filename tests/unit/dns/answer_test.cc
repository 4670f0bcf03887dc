#include "dns/answer.h"

#include <catch2/catch.hpp>
#include <vector>

#include "base/bytes.h"
#include "support/dns/oracle.h"
#include "support/dns/test_zone.h"

namespace gw::dns {
namespace {

using test::Ask;
using test::header;
using test::make_query;
using test::question;
using test::Reply;
using test::wire;

constexpr std::string_view kMox = "mox.mjl_2d._.github.com.v0.l.example.org";
constexpr std::string_view kMissing = "nope.v0.l.example.org";
constexpr std::string_view kEmpty = "_.github.com.v0.l.example.org";

struct ZonesServer {
  test::FixedSigner signer;
  std::unique_ptr<StaticZone> zone = test::test_zone(signer);
  ZoneSet zones;
  AnswerOptions options;
  Answerer answerer{zones, signer, options};
  std::string last;  // the response's bytes

  ZonesServer() { REQUIRE(zones.add(zone.get())); }

  AnswerResult send(std::string_view packet, Transport transport = Transport::kUdp) {
    std::vector<char> out(kMaxMessage);
    AnswerResult result = answerer.answer(packet, transport, out);
    last.assign(out.data(), result.size);
    return result;
  }
  Reply ask(const Ask& ask, Transport transport = Transport::kUdp) {
    std::string packet = make_query(ask);
    AnswerResult result = send(packet, transport);
    REQUIRE(result.size > 0);
    Reply reply = test::read_reply(last);
    INFO(reply.error);
    REQUIRE(reply.parsed);
    CHECK(reply.rcode == static_cast<int>(result.rcode));
    // What holds for every answer: the id, the question byte for byte, RD, RA 0, AD 0, CD 0.
    CHECK(last.substr(0, 2) == packet.substr(0, 2));
    std::size_t question = wire_name_size(packet.substr(12)) + 4;
    CHECK(last.substr(12, question) == packet.substr(12, question));
    CHECK(reply.edns == ask.edns);
    CHECK(reply.dnssec_ok == (ask.edns && ask.dnssec_ok));
    CHECK(reply.compact_ok == (ask.edns && ask.dnssec_ok && ask.compact_ok));
    if (transport == Transport::kUdp) {
      CHECK(
          last.size() <=
          (ask.edns ? std::max<std::size_t>(512, std::min<std::size_t>(ask.udp_size, 1232)) : 512));
    }
    return reply;
  }
  // "verified" when each RRset of answer and authority has its valid signature.
  std::string verify(const Reply& reply) const {
    std::string problem;
    for (auto* section :
         {ldns_pkt_answer(reply.packet.get()), ldns_pkt_authority(reply.packet.get())}) {
      if (problem.empty()) {
        problem = test::verify_section(section, signer.dnskey(), wire(test::kOrigin),
                                       test::kInception + 3600);
      }
    }
    return problem.empty() ? "verified" : problem;
  }
};

// The part of each record's text up to its rdata, and of an RRSIG the type it covers.
std::vector<std::string> shape(const std::vector<std::string>& records) {
  std::vector<std::string> out;
  for (const std::string& record : records) {
    std::size_t at = 0;
    for (int i = 0; i < 4; ++i) at = record.find(' ', at) + 1;
    std::string head = record.substr(0, at - 1);
    if (head.size() > 5 && head.substr(head.size() - 5) == "RRSIG") {
      head += " " + record.substr(at, record.find(' ', at) - at);
    }
    out.push_back(head);
  }
  return out;
}

using Shape = std::vector<std::string>;

// Records of a denial, without and with DNSSEC. SOA TTL 600, MINIMUM 300: everything has 300.
const Shape kSoaOnly = {"l.example.org. 300 IN SOA"};
Shape denial_at(const std::string& name) {
  return {"l.example.org. 300 IN SOA", "l.example.org. 300 IN RRSIG SOA", name + ". 300 IN NSEC",
          name + ". 300 IN RRSIG NSEC"};
}

TEST_CASE("every kind of answer over a signed zone") {
  struct Row {
    const char* what;
    std::string name;
    std::uint16_t type;
    bool dnssec_ok, compact_ok;
    int rcode;
    AnswerKind kind;
    Shape answer, authority;
  };
  const std::string mox(kMox), missing(kMissing), empty(kEmpty), apex(test::kOrigin);
  const std::string v0 = "v0.l.example.org", ns1 = "ns1.l.example.org";
  const auto kPositive = AnswerKind::kPositive;
  const auto kNodata = AnswerKind::kNodata;
  const auto kMiss = AnswerKind::kMissing;
  const std::vector<Row> rows = {
      {"module", mox, rrtype::kTxt, false, false, 0, kPositive, {mox + ". 300 IN TXT"}, {}},
      {"module, DO",
       mox,
       rrtype::kTxt,
       true,
       false,
       0,
       kPositive,
       {mox + ". 300 IN TXT", mox + ". 300 IN RRSIG TXT"},
       {}},
      {"module, DO and CO",
       mox,
       rrtype::kTxt,
       true,
       true,
       0,
       kPositive,
       {mox + ". 300 IN TXT", mox + ". 300 IN RRSIG TXT"},
       {}},
      {"module, another type", mox, rrtype::kA, false, false, 0, kNodata, {}, kSoaOnly},
      {"module, another type, DO", mox, rrtype::kA, true, false, 0, kNodata, {}, denial_at(mox)},
      {"module, another type, DO and CO",
       mox,
       rrtype::kA,
       true,
       true,
       0,
       kNodata,
       {},
       denial_at(mox)},
      {"module, an unknown type", mox, 65280, true, false, 0, kNodata, {}, denial_at(mox)},
      {"module, MAILA", mox, 254, false, false, 0, kNodata, {}, kSoaOnly},
      {"missing", missing, rrtype::kTxt, false, false, 3, kMiss, {}, kSoaOnly},
      {"missing, CO without DO", missing, rrtype::kTxt, false, true, 3, kMiss, {}, kSoaOnly},
      {"missing, DO", missing, rrtype::kTxt, true, false, 0, kMiss, {}, denial_at(missing)},
      {"missing, DO and CO", missing, rrtype::kTxt, true, true, 3, kMiss, {}, denial_at(missing)},
      {"missing, an unknown type", missing, 65280, true, false, 0, kMiss, {}, denial_at(missing)},
      {"below a module", "x." + mox, rrtype::kTxt, true, true, 3, kMiss, {}, denial_at("x." + mox)},
      {"empty non-terminal", empty, rrtype::kTxt, false, false, 0, kNodata, {}, kSoaOnly},
      {"empty non-terminal, DO",
       empty,
       rrtype::kTxt,
       true,
       false,
       0,
       kNodata,
       {},
       denial_at(empty)},
      {"empty non-terminal, DO and CO",
       empty,
       rrtype::kTxt,
       true,
       true,
       0,
       kNodata,
       {},
       denial_at(empty)},
      {"empty non-terminal v0", v0, rrtype::kNs, true, true, 0, kNodata, {}, denial_at(v0)},
      {"soa", apex, rrtype::kSoa, false, false, 0, kPositive, {apex + ". 600 IN SOA"}, {}},
      {"soa, DO",
       apex,
       rrtype::kSoa,
       true,
       false,
       0,
       kPositive,
       {apex + ". 600 IN SOA", apex + ". 600 IN RRSIG SOA"},
       {}},
      {"ns, DO",
       apex,
       rrtype::kNs,
       true,
       false,
       0,
       kPositive,
       {apex + ". 3600 IN NS", apex + ". 3600 IN NS", apex + ". 3600 IN RRSIG NS"},
       {}},
      {"dnskey without DO",
       apex,
       rrtype::kDnskey,
       false,
       false,
       0,
       kPositive,
       {apex + ". 3600 IN DNSKEY"},
       {}},
      {"dnskey, DO",
       apex,
       rrtype::kDnskey,
       true,
       false,
       0,
       kPositive,
       {apex + ". 3600 IN DNSKEY", apex + ". 3600 IN RRSIG DNSKEY"},
       {}},
      {"ds at the apex", apex, rrtype::kDs, true, false, 0, kNodata, {}, denial_at(apex)},
      {"address of a name server",
       ns1,
       rrtype::kAaaa,
       true,
       false,
       0,
       kPositive,
       {ns1 + ". 3600 IN AAAA", ns1 + ". 3600 IN RRSIG AAAA"},
       {}},
      {"any at a module",
       mox,
       rrtype::kAny,
       false,
       false,
       0,
       kPositive,
       {mox + ". 300 IN TXT"},
       {}},
      {"any at a name server, DO: one RRset",
       ns1,
       rrtype::kAny,
       true,
       false,
       0,
       kPositive,
       {ns1 + ". 3600 IN A", ns1 + ". 3600 IN RRSIG A"},
       {}},
      {"any at an empty non-terminal",
       empty,
       rrtype::kAny,
       true,
       false,
       0,
       kNodata,
       {},
       denial_at(empty)},
      {"any at a missing name", missing, rrtype::kAny, false, false, 3, kMiss, {}, kSoaOnly},
      {"any at a missing name, DO",
       missing,
       rrtype::kAny,
       true,
       false,
       0,
       kMiss,
       {},
       denial_at(missing)},
      {"nsec without DO",
       mox,
       rrtype::kNsec,
       false,
       false,
       0,
       kPositive,
       {mox + ". 300 IN NSEC"},
       {}},
      {"nsec, DO",
       mox,
       rrtype::kNsec,
       true,
       false,
       0,
       kPositive,
       {mox + ". 300 IN NSEC", mox + ". 300 IN RRSIG NSEC"},
       {}},
      {"nsec at the apex",
       apex,
       rrtype::kNsec,
       true,
       false,
       0,
       kPositive,
       {apex + ". 300 IN NSEC", apex + ". 300 IN RRSIG NSEC"},
       {}},
      {"nsec at an empty non-terminal",
       empty,
       rrtype::kNsec,
       true,
       false,
       0,
       kPositive,
       {empty + ". 300 IN NSEC", empty + ". 300 IN RRSIG NSEC"},
       {}},
      {"nsec at a missing name",
       missing,
       rrtype::kNsec,
       false,
       false,
       0,
       kMiss,
       {missing + ". 300 IN NSEC"},
       {}},
      {"nsec at a missing name, DO",
       missing,
       rrtype::kNsec,
       true,
       false,
       0,
       kMiss,
       {missing + ". 300 IN NSEC", missing + ". 300 IN RRSIG NSEC"},
       {}},
      {"nsec at a missing name, DO and CO",
       missing,
       rrtype::kNsec,
       true,
       true,
       3,
       kMiss,
       {missing + ". 300 IN NSEC", missing + ". 300 IN RRSIG NSEC"},
       {}},
      {"rrsig", mox, rrtype::kRrsig, false, false, 0, kPositive, {mox + ". 300 IN RRSIG TXT"}, {}},
      {"rrsig at the apex",
       apex,
       rrtype::kRrsig,
       true,
       false,
       0,
       kPositive,
       {apex + ". 3600 IN RRSIG NS"},
       {}},
      {"rrsig at an empty non-terminal",
       empty,
       rrtype::kRrsig,
       true,
       false,
       0,
       kPositive,
       {empty + ". 300 IN RRSIG NSEC"},
       {}},
      {"rrsig at a missing name",
       missing,
       rrtype::kRrsig,
       true,
       false,
       0,
       kMiss,
       {missing + ". 300 IN RRSIG NSEC"},
       {}},
      {"rrsig at a missing name, CO",
       missing,
       rrtype::kRrsig,
       true,
       true,
       3,
       kMiss,
       {missing + ". 300 IN RRSIG NSEC"},
       {}},
  };
  ZonesServer server;
  for (const Row& row : rows) {
    INFO(row.what);
    Reply reply = server.ask({.name = row.name,
                              .type = row.type,
                              .dnssec_ok = row.dnssec_ok,
                              .compact_ok = row.compact_ok});
    CHECK(reply.rcode == row.rcode);
    CHECK(reply.flags == "qr aa rd");
    CHECK(shape(reply.answer) == row.answer);
    CHECK(shape(reply.authority) == row.authority);
    CHECK(reply.additional.empty());
    CHECK(reply.options.empty());
    CHECK(server
              .send(make_query({.name = row.name,
                                .type = row.type,
                                .dnssec_ok = row.dnssec_ok,
                                .compact_ok = row.compact_ok}))
              .kind == row.kind);
    if (row.dnssec_ok && row.type != rrtype::kRrsig) CHECK(server.verify(reply) == "verified");
  }
}

TEST_CASE("bitmaps name exactly the types that exist") {
  struct Row {
    std::string name;
    std::uint16_t type;
    std::string rdata;  // of the NSEC
  };
  const std::string apex(test::kOrigin), mox(kMox), empty(kEmpty), missing(kMissing);
  auto next = [](const std::string& name) { return "\\000." + name + ". "; };
  ZonesServer server;
  for (const Row& row : std::vector<Row>{
           {apex, rrtype::kA, next(apex) + "NS SOA RRSIG NSEC DNSKEY"},
           {mox, rrtype::kA, next(mox) + "TXT RRSIG NSEC"},
           {"ns1." + apex, rrtype::kTxt, next("ns1." + apex) + "A AAAA RRSIG NSEC"},
           {"types.v0." + apex, rrtype::kTxt, next("types.v0." + apex) + "RRSIG NSEC CAA"},
           {empty, rrtype::kTxt, next(empty) + "RRSIG NSEC"},
           {"v0." + apex, rrtype::kTxt, next("v0." + apex) + "RRSIG NSEC"},
           {missing, rrtype::kTxt, next(missing) + "RRSIG NSEC TYPE128"},
       }) {
    INFO(row.name);
    for (std::uint16_t type : {row.type, rrtype::kNsec}) {
      Reply reply = server.ask({.name = row.name, .type = type, .dnssec_ok = true});
      const auto& records = type == rrtype::kNsec ? reply.answer : reply.authority;
      std::string nsec = records[type == rrtype::kNsec ? 0 : 2];
      CHECK(nsec == row.name + ". 300 IN NSEC " + row.rdata);
    }
  }
}

TEST_CASE("the response echoes the question's case and signs the lower case") {
  ZonesServer server;
  Reply reply = server.ask({.name = "MoX.mJl_2D._.GitHub.com.V0.L.eXample.ORG", .dnssec_ok = true});
  REQUIRE(reply.answer.size() == 2);
  CHECK(reply.answer[0].substr(0, 45) == "MoX.mJl_2D._.GitHub.com.V0.L.eXample.ORG. 300");
  CHECK(server.verify(reply) == "verified");
}

TEST_CASE("errors by class, type, zone, opcode and version") {
  struct Row {
    const char* what;
    Ask ask;
    Transport transport;
    int rcode;
    int ede;  // -1: none
  };
  ZonesServer server;
  const auto udp = Transport::kUdp;
  const auto tcp = Transport::kTcp;
  for (const Row& row : std::vector<Row>{
           {"outside our zones", {.name = "example.org"}, udp, 5, 20},
           {"the root", {.name = "."}, udp, 5, 20},
           {"a name that only ends in the same bytes", {.name = "xl.example.org"}, udp, 5, 20},
           {"class CH", {.name = kMox, .rrclass = 3}, udp, 5, 20},
           {"class ANY", {.name = kMox, .rrclass = 255}, udp, 5, 20},
           {"class NONE", {.name = kMox, .rrclass = 254}, udp, 5, 20},
           {"type 0", {.name = kMox, .type = 0}, udp, 1, 30},
           {"type OPT", {.name = kMox, .type = 41}, udp, 1, 30},
           {"type NXNAME", {.name = kMox, .type = 128}, udp, 1, 30},
           {"type NXNAME at a missing name", {.name = kMissing, .type = 128}, udp, 1, 30},
           {"type TKEY", {.name = kMox, .type = 249}, udp, 1, 30},
           {"type TSIG", {.name = kMox, .type = 250}, udp, 1, 30},
           {"AXFR over UDP", {.name = test::kOrigin, .type = 252}, udp, 1, 30},
           {"AXFR", {.name = test::kOrigin, .type = 252}, tcp, 5, 18},
           {"IXFR", {.name = test::kOrigin, .type = 251}, tcp, 5, 18},
           {"EDNS version 1", {.name = kMox, .edns_version = 1}, udp, 16, -1},
       }) {
    for (bool edns : {true, false}) {
      if (!edns && row.ask.edns_version != 0) continue;
      INFO(row.what << " edns " << edns);
      Ask ask = row.ask;
      ask.edns = edns;
      Reply reply = server.ask(ask, row.transport);
      CHECK(reply.rcode == row.rcode);
      CHECK(reply.flags == "qr rd");
      CHECK(reply.answer.empty());
      CHECK(reply.authority.empty());
      if (!edns) continue;
      if (row.ede < 0) {
        CHECK(reply.options.empty());
      } else {
        REQUIRE(reply.options.count(15) == 1);
        CHECK(reply.options[15] == std::string{'\0', static_cast<char>(row.ede)});
      }
    }
  }
}

TEST_CASE("flags of the query that mean nothing to us are not copied") {
  ZonesServer server;
  // AA, TC, RA, Z, AD, CD and an RCODE in a query.
  Reply reply = server.ask({.name = kMox, .flags = 0x06ff});
  CHECK(reply.flags == "qr aa");
  CHECK(reply.rcode == 0);
}

TEST_CASE("what gets no reply, and what gets one of a header") {
  ZonesServer server;
  CHECK(server.send("").size == 0);
  CHECK(server.send(std::string(11, '\0')).size == 0);
  CHECK(server.send(test::header(1, 0x8000, 0, 0, 0, 0)).size == 0);
  for (unsigned opcode = 1; opcode < 16; ++opcode) {
    std::string packet =
        test::header(7, static_cast<std::uint16_t>(opcode << 11 | 0x0100), 9, 9, 9, 9) + "junk";
    AnswerResult result = server.send(packet);
    CHECK(result.rcode == Rcode::kNotImp);
    CHECK(server.last ==
          test::header(7, static_cast<std::uint16_t>(0x8000 | opcode << 11 | 0x0104), 0, 0, 0, 0));
  }
  CHECK(server.send(test::header(7, 0, 0, 0, 0, 0)).rcode == Rcode::kFormErr);
  CHECK(server.last == test::header(7, 0x8001, 0, 0, 0, 0));
}

TEST_CASE("a query signed with a key we do not have") {
  ZonesServer server;
  // Algorithm, time, fudge, MAC, original id, error, other data.
  std::string rdata = wire("hmac-sha256") + std::string("\0\0\1\2\3\4\1\x2c", 8);
  std::string tail("\0\4abcd\x12\x34\0\0\0\0", 12);
  auto packet = [&](const std::string& tsig_rdata) {
    std::string out = test::header(0x1234, 0, 1, 0, 0, 2) +
                      test::question(wire(kMox), rrtype::kTxt) + test::opt_record(1232, 0, "");
    out += wire("Key.name");
    append_u16(out, rrtype::kTsig);
    append_u16(out, rrclass::kAny);
    append_u32(out, 0);
    append_u16(out, static_cast<std::uint16_t>(tsig_rdata.size()));
    return out + tsig_rdata;
  };
  AnswerResult result = server.send(packet(rdata + tail));
  CHECK(result.rcode == Rcode::kNotAuth);
  Reply reply = test::read_reply(server.last);
  REQUIRE(reply.parsed);
  CHECK(reply.edns);
  CHECK(reply.flags == "qr");
  const ldns_rr* tsig = ldns_pkt_tsig(reply.packet.get());
  REQUIRE(tsig != nullptr);
  CHECK(test::rr_text(tsig) == "Key.name. 0 ANY TSIG hmac-sha256. 16909060  300 0  4660 17 0");
  for (const std::string& bad :
       {std::string(), rdata, rdata + tail.substr(0, 11), rdata + tail + "x",
        rdata + std::string("\0Pabcd\x12\x34\0\0\0\0", 12),
        std::string("\xc0\xff", 2) + rdata.substr(13) + tail}) {
    CHECK(server.send(packet(bad)).rcode == Rcode::kFormErr);
  }
}

TEST_CASE("sizes: truncation keeps the OPT record, TCP has the whole answer") {
  const std::string big = "big.v0.l.example.org";
  ZonesServer server;
  for (bool edns : {true, false}) {
    Reply reply = server.ask({.name = big, .edns = edns, .udp_size = 4096});
    CHECK(reply.flags == "qr aa tc rd");
    CHECK(reply.answer.empty());
    CHECK(reply.rcode == 0);
  }
  Reply reply = server.ask({.name = big, .dnssec_ok = true}, Transport::kTcp);
  CHECK(reply.flags == "qr aa rd");
  CHECK(reply.answer.size() == 7);
  CHECK(server.verify(reply) == "verified");
  // A client's size is obeyed between 512 and ours, and says ours back.
  for (std::uint16_t size : {std::uint16_t{0}, std::uint16_t{511}, std::uint16_t{512}}) {
    Reply small = server.ask(
        {.name = test::kOrigin, .type = rrtype::kA, .dnssec_ok = true, .udp_size = size});
    CHECK(small.udp_size == 1232);
    CHECK(small.flags == "qr aa rd");
  }
}

TEST_CASE("the smallest size that holds an answer, and one less") {
  ZonesServer server;
  std::string longest = std::string(60, 'a') + "." + std::string(60, 'b') + "." +
                        std::string(60, 'c') + "." + std::string(40, 'd') + ".l.example.org";
  server.ask({.name = longest, .dnssec_ok = true});
  auto size = static_cast<std::uint16_t>(server.last.size());
  REQUIRE(size > 512);
  CHECK(server.ask({.name = longest, .dnssec_ok = true, .udp_size = size}).flags == "qr aa rd");
  CHECK(server
            .ask({.name = longest,
                  .dnssec_ok = true,
                  .udp_size = static_cast<std::uint16_t>(size - 1)})
            .flags == "qr aa tc rd");
}

TEST_CASE("identity, version and keepalive when asked") {
  ZonesServer server;
  server.options.server_id = "ams-1";
  std::string all = test::option(edns::kNsid, "") + test::option(edns::kZoneVersion, "") +
                    test::option(edns::kKeepalive, "") + test::option(65001, "xyz");
  Reply reply = server.ask({.name = kMox, .options = all});
  CHECK(reply.options ==
        std::map<int, std::string>{{3, "ams-1"}, {19, std::string("\3\0\0\0\x1d\x22", 6)}});
  reply = server.ask({.name = kMox, .options = all}, Transport::kTcp);
  CHECK(reply.options == std::map<int, std::string>{{3, "ams-1"},
                                                    {11, std::string("\0\x64", 2)},
                                                    {19, std::string("\3\0\0\0\x1d\x22", 6)}});
  // No zone, no version of it.
  reply = server.ask({.name = "example.net", .options = all});
  CHECK(reply.options == std::map<int, std::string>{{3, "ams-1"}, {15, std::string("\0\x14", 2)}});
  server.options.server_id = "";
  CHECK(server.ask({.name = kMox, .options = test::option(edns::kNsid, "")}).options.empty());
}

TEST_CASE("id.server") {
  ZonesServer server;
  Ask ask = {.name = "ID.server", .rrclass = rrclass::kCh};
  CHECK(server.ask(ask).rcode == 5);
  server.options.server_id = "ams-1";
  Reply reply = server.ask(ask);
  CHECK(reply.rcode == 0);
  CHECK(reply.answer == std::vector<std::string>{"ID.server. 0 CH TXT \"ams-1\""});
  CHECK(reply.flags == "qr rd");
  ask.type = rrtype::kA;
  CHECK(server.ask(ask).rcode == 5);
  CHECK(server.ask({.name = "version.server", .rrclass = rrclass::kCh}).rcode == 5);
  CHECK(server.ask({.name = "id.server"}).rcode == 5);
}

TEST_CASE("a signer that cannot") {
  ZonesServer server;
  server.signer.status = SignStatus::kFailed;
  server.signer.ede = Ede::kNotReady;
  Reply reply = server.ask({.name = kMox, .dnssec_ok = true});
  CHECK(reply.rcode == 2);
  CHECK(reply.flags == "qr rd");
  CHECK(reply.answer.empty());
  CHECK(reply.options == std::map<int, std::string>{{15, std::string("\0\x0e", 2)}});
  CHECK(server.ask({.name = kMox}).rcode == 0);  // nothing to sign

  server.signer.status = SignStatus::kLater;
  reply = server.ask({.name = kMissing, .dnssec_ok = true});
  CHECK(reply.rcode == 0);
  CHECK(reply.flags == "qr aa tc rd");
  CHECK(server.send(make_query({.name = kMissing, .dnssec_ok = true})).kind ==
        AnswerKind::kMissing);
  reply = server.ask({.name = kMissing, .dnssec_ok = true}, Transport::kTcp);
  CHECK(reply.rcode == 2);
}

TEST_CASE("an unsigned zone answers as if there were no DNSSEC") {
  ZonesServer server;
  auto plain = test::test_zone(server.signer, kUnsigned);
  ZoneSet zones;
  REQUIRE(zones.add(plain.get()));
  server.zones = zones;
  CHECK(server.ask({.name = kMissing, .dnssec_ok = true, .compact_ok = true}).rcode == 3);
  CHECK(shape(server.ask({.name = kMox, .dnssec_ok = true}).answer) ==
        Shape{std::string(kMox) + ". 300 IN TXT"});
  CHECK(shape(server.ask({.name = kMox, .type = rrtype::kNsec, .dnssec_ok = true}).authority) ==
        kSoaOnly);
  CHECK(server.signer.calls == 0);
}

TEST_CASE("a zone that is not ready") {
  struct Loading : Zone {
    std::string name = wire(test::kOrigin);
    NameView origin() const override { return name; }
    const ZoneContent* content() const override { return nullptr; }
  } loading;
  ZonesServer server;
  server.zones = {};
  REQUIRE(server.zones.add(&loading));
  Reply reply = server.ask(
      {.name = kMox, .dnssec_ok = true, .options = test::option(edns::kZoneVersion, "")});
  CHECK(reply.rcode == 2);
  CHECK(reply.flags == "qr rd");
  CHECK(reply.options == std::map<int, std::string>{{15, std::string("\0\x0e", 2)}});
}

TEST_CASE("an answer keeps nothing of the one before") {
  ZonesServer used;
  used.options.server_id = "ams-1";
  const std::string signed_query = [] {
    std::string out = header(1, 0, 1, 0, 0, 1) + question(wire(kMox), rrtype::kTxt) + wire("key");
    append_u16(out, rrtype::kTsig);
    append_u16(out, rrclass::kAny);
    append_u32(out, 0);
    const std::string rdata = wire("hmac-sha256") + std::string(8, '\1') + std::string(2, '\0') +
                              "id" + std::string(4, '\0');
    append_u16(out, static_cast<std::uint16_t>(rdata.size()));
    return out + rdata;
  }();
  const std::string options = test::option(edns::kNsid, "") + test::option(edns::kZoneVersion, "") +
                              test::option(edns::kKeepalive, "");
  const std::vector<std::string> packets = {
      make_query({.name = kMox, .edns = false}),
      make_query({.name = kMox, .dnssec_ok = true, .options = options}),
      make_query({.name = kMissing, .dnssec_ok = true, .compact_ok = true}),
      make_query({.name = kMissing, .edns = false}),
      make_query({.name = kEmpty, .dnssec_ok = true}),
      make_query({.name = "big.v0.l.example.org", .udp_size = 512}),
      make_query({.name = "example.com"}),
      make_query({.name = "id.server", .rrclass = rrclass::kCh}),
      make_query({.name = kMox, .type = rrtype::kRrsig, .dnssec_ok = true}),
      make_query({.name = kMox, .type = rrtype::kAxfr}),
      make_query({.name = kMox, .edns_version = 1}),
      make_query({.name = kMox, .flags = 0x2000}),
      header(9, 0, 0, 0, 0, 0),
      std::string(3, '\0'),
      signed_query,
  };
  for (const std::string& before : packets) {
    for (const std::string& packet : packets) {
      ZonesServer fresh;
      fresh.options.server_id = "ams-1";
      const AnswerResult expected = fresh.send(packet);
      used.send(before);
      const AnswerResult result = used.send(packet);
      CHECK(used.last == fresh.last);
      CHECK(result.kind == expected.kind);
      CHECK((result.zone == nullptr) == (expected.zone == nullptr));
      CHECK(result.source == expected.source);
      CHECK(result.truncated == expected.truncated);
    }
  }
}

TEST_CASE("the slip of rate limiting") {
  ZonesServer server;
  std::string packet = make_query({.name = kMox, .dnssec_ok = true, .compact_ok = true});
  CHECK(server.send(packet).kind == AnswerKind::kPositive);
  std::vector<char> out(512);
  std::size_t size = server.answerer.answer_truncated(out);
  Reply reply = test::read_reply({out.data(), size});
  REQUIRE(reply.parsed);
  CHECK(reply.flags == "qr tc rd");
  CHECK(reply.edns);
  CHECK(reply.compact_ok);
  CHECK(size == packet.size());
}

TEST_CASE("names of every length are denied with a valid proof") {
  ZonesServer server;
  // Up to the longest name there is, where "\000." no longer fits in front.
  for (std::size_t total = 240; total <= 255; ++total) {
    // Labels of up to 63 octets in front of l.example.org (15 octets of wire).
    std::string text;
    std::size_t left = total - 15;
    while (left > 0) {
      std::size_t label = std::min<std::size_t>(left - 1, 63);
      if (left - 1 - label == 1) --label;  // a label needs an octet besides its length
      text += std::string(label, 'z') + ".";
      left -= 1 + label;
    }
    text += test::kOrigin;
    REQUIRE(test::wire(text).size() == total);
    Reply reply = server.ask({.name = text, .dnssec_ok = true}, Transport::kTcp);
    CHECK(reply.authority.size() == 4);
    CHECK(server.verify(reply) == "verified");
    Reply nsec = server.ask({.name = text, .type = rrtype::kNsec, .dnssec_ok = true});
    CHECK(server.verify(nsec) == "verified");
  }
}

}  // namespace
}  // namespace gw::dns
