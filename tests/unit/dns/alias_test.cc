// Answers that do not end at the name asked for: aliases, wildcards, referrals.
#include <catch2/catch.hpp>

#include "dns/answer.h"
#include "dns/presentation.h"
#include "dns/static_zone.h"
#include "dns/zone_file.h"
#include "support/dns/alias_zone.h"
#include "support/dns/oracle.h"
#include "support/dns/test_zone.h"

namespace gw::dns {
namespace {

using test::Ask;
using test::Reply;
using test::wire;
using Lines = std::vector<std::string>;

struct Server {
  test::FixedSigner signer;
  std::unique_ptr<StaticZone> zone;
  ZoneSet zones;
  AnswerOptions options;
  Answerer answerer{zones, signer, options};
  std::string last;
  AnswerResult result;

  explicit Server(std::string_view text = test::kAliasZone, KeyId key = test::kTestKey) {
    auto parsed = parse_zone_file(text, wire("x"), {.name = "z", .include = {}});
    INFO((parsed ? "" : parsed.error().message));
    REQUIRE(parsed);
    REQUIRE(parsed->records.add(wire("x"), rrtype::kDnskey, 300, signer.dnskey(), 0));
    parsed->records.sort();
    auto made = StaticZone::make(wire("x"), parsed->records, key);
    INFO((made ? "" : made.error().message));
    REQUIRE(made);
    zone = *std::move(made);
    REQUIRE(zones.add(zone.get()));
  }
  Reply ask(const Ask& ask, Transport transport = Transport::kUdp) {
    const std::string packet = test::make_query(ask);
    std::vector<char> out(kMaxMessage);
    result = answerer.answer(packet, transport, out);
    last.assign(out.data(), result.size);
    Reply reply = test::read_reply(last);
    INFO(reply.error);
    REQUIRE(reply.parsed);
    return reply;
  }
};

// The records of a section without the signatures, and those alone as "owner covers".
Lines data_of(const Lines& records) {
  Lines out;
  for (const std::string& record : records) {
    if (record.find(" IN RRSIG ") == std::string::npos) out.push_back(record);
  }
  return out;
}
Lines signed_of(const Lines& records) {
  Lines out;
  for (const std::string& record : records) {
    const std::size_t at = record.find(" IN RRSIG ");
    if (at == std::string::npos) continue;
    const std::string rest = record.substr(at + 10);
    out.push_back(record.substr(0, record.find(' ')) + " " + rest.substr(0, rest.find(' ')));
  }
  return out;
}

const std::string kSoa = "x. 60 IN SOA ns.x. h.x. 9 1 1 1 60";

TEST_CASE("aliases are followed within the zone") {
  struct Row {
    std::string name;
    std::uint16_t type;
    int rcode, rcode_dnssec;
    Lines answer, authority;
    Lines answer_signed, authority_signed;
  };
  const std::string mail = "mail.x. 300 IN A 192.0.2.25";
  using namespace rrtype;
  const std::vector<Row> rows = {
      {"www.x",
       kA,
       0,
       0,
       {"www.x. 300 IN CNAME mail.x.", mail},
       {},
       {"www.x. CNAME", "mail.x. A"},
       {}},
      {"www.x", kCname, 0, 0, {"www.x. 300 IN CNAME mail.x."}, {}, {"www.x. CNAME"}, {}},
      {"www.x", kAny, 0, 0, {"www.x. 300 IN CNAME mail.x."}, {}, {"www.x. CNAME"}, {}},
      {"two.x",
       kA,
       0,
       0,
       {"two.x. 300 IN CNAME www.x.", "www.x. 300 IN CNAME mail.x.", mail},
       {},
       {"two.x. CNAME", "www.x. CNAME", "mail.x. A"},
       {}},
      {"ext.x", kA, 0, 0, {"ext.x. 300 IN CNAME www.example.com."}, {}, {"ext.x. CNAME"}, {}},
      {"gone.x",
       kA,
       3,
       0,
       {"gone.x. 300 IN CNAME nothere.x."},
       {kSoa},
       {"gone.x. CNAME"},
       {"x. SOA", "nothere.x. NSEC"}},
      {"nodata.x",
       kTxt,
       0,
       0,
       {"nodata.x. 300 IN CNAME ns.x."},
       {kSoa},
       {"nodata.x. CNAME"},
       {"x. SOA", "ns.x. NSEC"}},
      {"loop1.x",
       kA,
       0,
       0,
       {"loop1.x. 300 IN CNAME loop2.x.", "loop2.x. 300 IN CNAME loop1.x."},
       {},
       {"loop1.x. CNAME", "loop2.x. CNAME"},
       {}},
      {"self.x", kA, 0, 0, {"self.x. 300 IN CNAME self.x."}, {}, {"self.x. CNAME"}, {}},
      {"q.cw.x",
       kA,
       0,
       0,
       {"q.cw.x. 300 IN CNAME mail.x.", mail},
       {},
       {"q.cw.x. CNAME", "mail.x. A"},
       {}},
      // A CNAME that a DNAME makes is not signed: the DNAME is (RFC 6672 5.3.1).
      {"www.old.x",
       kA,
       0,
       0,
       {"old.x. 300 IN DNAME new.x.", "www.old.x. 300 IN CNAME www.new.x.",
        "www.new.x. 300 IN A 192.0.2.77"},
       {},
       {"old.x. DNAME", "www.new.x. A"},
       {}},
      {"www.old.x",
       kCname,
       0,
       0,
       {"old.x. 300 IN DNAME new.x.", "www.old.x. 300 IN CNAME www.new.x."},
       {},
       {"old.x. DNAME"},
       {}},
      {"no.old.x",
       kA,
       3,
       0,
       {"old.x. 300 IN DNAME new.x.", "no.old.x. 300 IN CNAME no.new.x."},
       {kSoa},
       {"old.x. DNAME"},
       {"x. SOA", "no.new.x. NSEC"}},
      {"old.x", kDname, 0, 0, {"old.x. 300 IN DNAME new.x."}, {}, {"old.x. DNAME"}, {}},
      {"old.x", kA, 0, 0, {}, {kSoa}, {}, {"x. SOA", "old.x. NSEC"}},
  };
  Server server;
  for (const Row& row : rows) {
    INFO(row.name << " " << row.type);
    Reply plain = server.ask({.name = row.name, .type = row.type});
    CHECK(plain.rcode == row.rcode);
    CHECK(plain.flags == "qr aa rd");
    CHECK(plain.answer == row.answer);
    CHECK(plain.authority == row.authority);
    Reply with =
        server.ask({.name = row.name, .type = row.type, .dnssec_ok = true}, Transport::kTcp);
    CHECK(with.rcode == row.rcode_dnssec);
    CHECK(data_of(with.answer) == row.answer);
    CHECK(signed_of(with.answer) == row.answer_signed);
    CHECK(signed_of(with.authority) == row.authority_signed);
    Reply truth =
        server.ask({.name = row.name, .type = row.type, .dnssec_ok = true, .compact_ok = true},
                   Transport::kTcp);
    CHECK(truth.rcode == row.rcode);
  }
}

TEST_CASE("dnames that never end, or make a name too long") {
  Server server;
  Reply round = server.ask({.name = "q.round.x", .type = rrtype::kA}, Transport::kTcp);
  CHECK(round.rcode == 0);
  // Each step a CNAME, and then enough; each DNAME once.
  CHECK(round.answer.size() == 12 + 2);
  std::string name =
      std::string(63, 'a') + "." + std::string(63, 'b') + "." + std::string(63, 'c') + ".long.x";
  Reply fits = server.ask({.name = name.substr(20), .type = rrtype::kA});
  CHECK(fits.rcode == 3);
  Reply too_long = server.ask({.name = name, .type = rrtype::kA, .dnssec_ok = true});
  CHECK(too_long.rcode == 6);  // YXDOMAIN, RFC 6672 3.1
  REQUIRE(data_of(too_long.answer).size() == 1);
  CHECK(signed_of(too_long.answer) == Lines{"long.x. DNAME"});
}

TEST_CASE("a wildcard answers as if the name were written out") {
  Server server;
  Reply reply = server.ask({.name = "q.w.x", .type = rrtype::kTxt, .dnssec_ok = true});
  CHECK(data_of(reply.answer) == Lines{"q.w.x. 300 IN TXT \"any\""});
  // Signed with the full label count: nobody needs a proof that q.w.x does not exist.
  CHECK(test::verify_section(ldns_pkt_answer(reply.packet.get()), server.signer.dnskey(), wire("x"),
                             test::kInception + 3600) == "");
  CHECK(reply.answer[1].find(" RRSIG TXT 15 3 300 ") != std::string::npos);
  CHECK(format_host(server.result.source) == "*.w.x");
  Reply none = server.ask({.name = "q.w.x", .type = rrtype::kMx, .dnssec_ok = true});
  CHECK(data_of(none.authority)[1] == "q.w.x. 60 IN NSEC \\000.q.w.x. A TXT RRSIG NSEC");
  // The wildcard itself, asked for as it is written.
  Reply itself = server.ask({.name = "*.w.x", .type = rrtype::kTxt, .dnssec_ok = true});
  CHECK(itself.answer[1].find(" RRSIG TXT 15 2 300 ") != std::string::npos);
  CHECK(server.result.source.empty());
}

TEST_CASE("referrals") {
  Server server;
  const Lines glue = {"ns.cut.x. 300 IN A 192.0.2.53", "ns.cut.x. 300 IN AAAA 2001:db8::53"};
  for (std::string_view name : {"cut.x", "a.b.cut.x", "ns.cut.x"}) {
    for (std::uint16_t type : {rrtype::kA, rrtype::kNs, rrtype::kAny, rrtype::kNsec}) {
      INFO(name << " " << type);
      Reply plain = server.ask({.name = name, .type = type});
      CHECK(plain.flags == "qr rd");  // not ours: no AA
      CHECK(plain.rcode == 0);
      CHECK(plain.answer.empty());
      CHECK(plain.authority == Lines{"cut.x. 300 IN NS ns.cut.x."});
      CHECK(plain.additional == glue);
      CHECK(server.result.kind == AnswerKind::kReferral);
      CHECK(format_host(server.result.source) == "cut.x");
      Reply with = server.ask({.name = name, .type = type, .dnssec_ok = true});
      // Next is not below the cut: that is not ours to deny.
      CHECK(data_of(with.authority) ==
            Lines{"cut.x. 300 IN NS ns.cut.x.", "cut.x. 60 IN NSEC cut\\000.x. NS RRSIG NSEC"});
      CHECK(signed_of(with.authority) == Lines{"cut.x. NSEC"});
      CHECK(with.additional == glue);
    }
  }
  Reply safe = server.ask({.name = "q.sig.x", .type = rrtype::kA, .dnssec_ok = true});
  CHECK(data_of(safe.authority).size() == 2);
  CHECK(signed_of(safe.authority) == Lines{"sig.x. DS"});
  // Behind an alias: the alias is ours, its end is not.
  Reply down = server.ask({.name = "down.x", .type = rrtype::kA});
  CHECK(down.flags == "qr aa rd");
  CHECK(down.answer == Lines{"down.x. 300 IN CNAME x.cut.x."});
  CHECK(down.authority == Lines{"cut.x. 300 IN NS ns.cut.x."});
  CHECK(down.additional == glue);
}

TEST_CASE("the ds record of a delegation is the parent's to tell") {
  Server server;
  Reply ds = server.ask({.name = "sig.x", .type = rrtype::kDs, .dnssec_ok = true});
  CHECK(ds.flags == "qr aa rd");
  CHECK(signed_of(ds.answer) == Lines{"sig.x. DS"});
  Reply none = server.ask({.name = "cut.x", .type = rrtype::kDs, .dnssec_ok = true});
  CHECK(none.flags == "qr aa rd");
  CHECK(none.answer.empty());
  CHECK(signed_of(none.authority) == Lines{"x. SOA", "cut.x. NSEC"});
  CHECK(data_of(none.authority)[1] == "cut.x. 60 IN NSEC cut\\000.x. NS RRSIG NSEC");
  CHECK(server.result.kind == AnswerKind::kNodata);
  Reply below = server.ask({.name = "a.sig.x", .type = rrtype::kDs, .dnssec_ok = true});
  CHECK(below.flags == "qr rd");
}

TEST_CASE("a referral whose own glue does not fit says so, a sibling's is left out") {
  std::string text(test::kAliasZone);
  for (int i = 0; i < 40; ++i) {
    text += "ns.cut AAAA 2001:db8::" + std::to_string(i) + "\n";
  }
  Server big(text);
  Reply reply = big.ask({.name = "q.cut.x", .type = rrtype::kA});
  CHECK(reply.flags == "qr tc rd");
  CHECK(reply.authority.empty());
  CHECK(big.ask({.name = "q.cut.x", .type = rrtype::kA}, Transport::kTcp).additional.size() == 42);
  text += "sib NS ns.cut\n";
  Server sibling(text);
  Reply fine = sibling.ask({.name = "q.sib.x", .type = rrtype::kA});
  CHECK(fine.flags == "qr rd");
  CHECK(fine.authority.size() == 1);
  CHECK(fine.additional == Lines{"ns.cut.x. 300 IN A 192.0.2.53"});
}

TEST_CASE("an unsigned zone refers without proofs and follows for every type") {
  Server server(test::kAliasZone, kUnsigned);
  Reply cut = server.ask({.name = "q.sig.x", .type = rrtype::kA, .dnssec_ok = true});
  CHECK(cut.authority.size() == 1);
  Reply alias = server.ask({.name = "www.x", .type = rrtype::kNsec, .dnssec_ok = true});
  CHECK(alias.answer == Lines{"www.x. 300 IN CNAME mail.x."});
  CHECK(alias.authority == Lines{kSoa});
}

}  // namespace
}  // namespace gw::dns
