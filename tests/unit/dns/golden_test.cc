// Whole messages, byte for byte: golden/dns/answers.txt holds, for each question, the query and the
// response in hex and as ldns reads the response. GW_UPDATE_GOLDEN=1 writes the file anew; the
// difference is then to be read, since every change of it is a change on the wire.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "base/bytes.h"
#include "dns/answer.h"
#include "support/dns/oracle.h"
#include "support/dns/test_zone.h"

namespace gw::dns {
namespace {

using test::Ask;

struct Case {
  const char* what;
  Ask ask;
  Transport transport = Transport::kUdp;
};

std::string hex_lines(std::string_view bytes) {
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 32) {
    out += "  " + encode_hex(bytes.substr(i, 32)) + "\n";
  }
  return out;
}

std::string run(const Case& row, const ZoneSet& zones) {
  test::FixedSigner signer;
  AnswerOptions options;
  options.server_id = "ams-1";
  std::string packet = make_query(row.ask);
  std::vector<char> out(kMaxMessage);
  AnswerResult result = Answerer(zones, signer, options).answer(packet, row.transport, out);
  std::string_view bytes(out.data(), result.size);
  std::string text = "== " + std::string(row.what) + "\nquery\n" + hex_lines(packet) +
                     "response\n" + hex_lines(bytes);
  test::Reply reply = test::read_reply(bytes);
  text += "rcode " + std::to_string(reply.rcode) + ", flags " + reply.flags;
  if (reply.edns) text += ", edns " + std::to_string(reply.udp_size);
  if (reply.dnssec_ok) text += " do";
  if (reply.compact_ok) text += " co";
  text += "\n";
  for (const auto& [code, data] : reply.options) {
    text += "option " + std::to_string(code) + ": " + encode_hex(data) + "\n";
  }
  for (const auto& [name, records] :
       {std::pair("answer", &reply.answer), std::pair("authority", &reply.authority),
        std::pair("additional", &reply.additional)}) {
    for (const std::string& record : *records) text += std::string(name) + " " + record + "\n";
  }
  return text + "\n";
}

TEST_CASE("golden answers") {
  constexpr std::string_view kMox = "mox.mjl_2d._.github.com.v0.l.example.org";
  constexpr std::string_view kMissing = "nope._.github.com.v0.l.example.org";
  constexpr std::string_view kEmpty = "_.github.com.v0.l.example.org";
  const std::string asks = test::option(edns::kNsid, "") + test::option(edns::kZoneVersion, "") +
                           test::option(edns::kKeepalive, "");
  const std::vector<Case> cases = {
      {"module, no EDNS", {.name = kMox, .edns = false}},
      {"module, DO, mixed case",
       {.name = "MOX.mjl_2D._.gitHub.com.v0.L.Example.org", .dnssec_ok = true}},
      {"module, DO and CO", {.name = kMox, .dnssec_ok = true, .compact_ok = true}},
      {"toolchain", {.name = "toolchain.v0.l.example.org", .dnssec_ok = true}},
      {"module, type A, DO", {.name = kMox, .type = rrtype::kA, .dnssec_ok = true}},
      {"module, unknown type, DO", {.name = kMox, .type = 65280, .dnssec_ok = true}},
      {"missing, no DO", {.name = kMissing}},
      {"missing, DO", {.name = kMissing, .dnssec_ok = true}},
      {"missing, DO and CO", {.name = kMissing, .dnssec_ok = true, .compact_ok = true}},
      {"empty non-terminal, DO", {.name = kEmpty, .dnssec_ok = true}},
      {"soa, DO", {.name = test::kOrigin, .type = rrtype::kSoa, .dnssec_ok = true}},
      {"ns, DO", {.name = test::kOrigin, .type = rrtype::kNs, .dnssec_ok = true}},
      {"dnskey, DO", {.name = test::kOrigin, .type = rrtype::kDnskey, .dnssec_ok = true}},
      {"ds at the apex, DO", {.name = test::kOrigin, .type = rrtype::kDs, .dnssec_ok = true}},
      {"address", {.name = "ns1.l.example.org", .type = rrtype::kA, .dnssec_ok = true}},
      {"any", {.name = "ns1.l.example.org", .type = rrtype::kAny, .dnssec_ok = true}},
      {"nsec, no DO", {.name = kMox, .type = rrtype::kNsec}},
      {"nsec at a missing name, DO", {.name = kMissing, .type = rrtype::kNsec, .dnssec_ok = true}},
      {"rrsig", {.name = kMox, .type = rrtype::kRrsig}},
      {"rrsig at a missing name, DO",
       {.name = kMissing, .type = rrtype::kRrsig, .dnssec_ok = true}},
      {"nxname", {.name = kMox, .type = rrtype::kNxname}},
      {"outside the zones", {.name = "example.com"}},
      {"class CH, id.server", {.name = "id.server", .rrclass = rrclass::kCh}},
      {"EDNS version 1", {.name = kMox, .edns_version = 1}},
      {"options over UDP", {.name = kMox, .options = asks}},
      {"options over TCP", {.name = kMox, .options = asks}, Transport::kTcp},
      {"axfr", {.name = test::kOrigin, .type = rrtype::kAxfr}, Transport::kTcp},
      {"truncated", {.name = "big.v0.l.example.org", .dnssec_ok = true}},
      {"over TCP what is truncated over UDP",
       {.name = "big.v0.l.example.org", .dnssec_ok = true},
       Transport::kTcp},
  };
  test::FixedSigner signer;
  auto zone = test::test_zone(signer);
  ZoneSet zones;
  REQUIRE(zones.add(zone.get()));
  std::string text;
  for (const Case& row : cases) text += run(row, zones);
  const std::string path = std::string(GW_TESTS_DIR) + "/golden/dns/answers.txt";
  if (std::getenv("GW_UPDATE_GOLDEN") != nullptr) std::ofstream(path) << text;
  std::ifstream file(path);
  std::stringstream expected;
  expected << file.rdbuf();
  CHECK(text == expected.str());
}

}  // namespace
}  // namespace gw::dns
