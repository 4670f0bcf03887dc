// Any packet, over UDP and TCP: the reader and the answer engine stay within their buffers, and
// what comes out is a response that ldns can read, within its size, to the question that was asked.
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "../support/dns/alias_zone.h"
#include "../support/dns/oracle.h"
#include "../support/dns/test_zone.h"
#include "dns/zone_file.h"
#include "fuzz/require.h"

namespace fuzz_dns_query {

namespace {

using namespace gw::dns;  // NOLINT(google-build-using-namespace)

// A signature's shape without its cost.
class HollowSigner : public RrsetSigner {
 public:
  SignResult sign(const SignRequest& request, std::span<char> out) override {
    require(out.size() == rrsig_size(request.origin));
    std::size_t prefix = write_rrsig_prefix({request.rrset.type, algorithm::kEd25519,
                                             static_cast<std::uint8_t>(rrsig_labels(request.owner)),
                                             request.rrset.ttl, 2, 1, 3, request.origin},
                                            out);
    std::memset(out.data() + prefix, 's', out.size() - prefix);
    return {SignStatus::kSigned, out.size(), Ede::kNone};
  }
};

std::unique_ptr<StaticZone> make_others() {
  const std::string origin = test::wire("x");
  auto parsed = parse_zone_file(test::kAliasZone, origin, {.name = "x", .include = {}});
  require(parsed.has_value());
  auto made = StaticZone::make(origin, parsed->records, test::kTestKey);
  require(made.has_value());
  return *std::move(made);
}

struct Server {
  test::FixedSigner keys;
  std::unique_ptr<StaticZone> zone = test::test_zone(keys);
  std::unique_ptr<StaticZone> others = make_others();
  ZoneSet zones;
  HollowSigner signer;
  AnswerOptions options;
  CookieSecrets secrets = CookieSecrets::parse("dd3bdf9344b678b185a6f5cb60fca715").value();
  const Asker asker{&secrets, std::string_view("\xc0\0\2\1", 4), 1'000'000'000};
  Answerer answerer{zones, signer, options};
  std::vector<char> out;

  Server() {
    require(zones.add(zone.get()).has_value());
    require(zones.add(others.get()).has_value());
    options.server_id = "fuzz";
  }
};

void check_query(QueryStatus status, const Query& query, std::string_view packet) {
  if (status == QueryStatus::kDrop) return;
  require(packet.size() >= kHeaderSize);
  require(query.cookie.empty() || is_cookie_size(query.cookie.size()));
  require((status == QueryStatus::kNoQuestion) <= !query.cookie.empty());
  if (query.question.empty()) {
    require(query.name().empty());
    return;
  }
  require(is_wire_name(query.name()));
  require(lower_name(query.name()) == query.name());
  require(query.labels == label_count(query.name()));
  require(query.question == packet.substr(kHeaderSize, query.name().size() + 4));
  require(query.udp_size >= kMinUdpSize);
  require(!query.compact_ok || query.dnssec_ok);
}

void check_response(const AnswerResult& result, const Query& query, std::string_view packet,
                    std::string_view response, std::size_t limit) {
  require(response.size() >= kHeaderSize && response.size() <= limit);
  require(response.substr(0, 2) == packet.substr(0, 2));
  // QR, the opcode as asked, RD as asked; RA, Z, AD and CD zero.
  require((static_cast<unsigned char>(response[2]) & 0xf8) == (0x80 | (packet[2] & 0x78)));
  require((response[2] & 1) == (packet[2] & 1));
  require((static_cast<unsigned char>(response[3]) & 0xf0) == 0);
  require(response.substr(kHeaderSize, query.question.size()) == query.question);
  test::Reply reply = test::read_reply(response);
  require(reply.parsed);
  require(reply.rcode == static_cast<int>(result.rcode));
  require(reply.edns == query.has_edns);
  if (result.truncated) require(reply.answer.empty() && reply.authority.empty());
  // Only a referral has more than its OPT record.
  require(reply.additional.empty() || result.kind == AnswerKind::kReferral ||
          !reply.authority.empty());
  require(reply.options.count(edns::kCookie) == (query.cookie.empty() ? 0U : 1U));
}

}  // namespace

FUZZ_TARGET(dns_query)(const std::uint8_t* data, std::size_t size) {
  static Server server;
  std::string_view packet(reinterpret_cast<const char*>(data), size);
  Query query;
  QueryStatus status = read_query(packet, query);
  check_query(status, query, packet);
  for (Transport transport : {Transport::kUdp, Transport::kTcp}) {
    std::size_t limit = transport == Transport::kTcp
                            ? kMaxMessage
                            : std::min<std::size_t>(query.udp_size, kDefaultUdpSize);
    if (status == QueryStatus::kDrop) limit = kMinUdpSize;
    // Exactly as large as promised, so that the sanitizer sees one byte too many.
    server.out.assign(transport == Transport::kTcp ? kMaxMessage : kDefaultUdpSize, '#');
    AnswerResult result = server.answerer.answer(packet, transport, server.out, server.asker);
    require(server.answerer.has_cookie() == !query.cookie.empty());
    require(server.answerer.has_cookie() || !server.answerer.has_good_cookie());
    require((result.size == 0) == (status == QueryStatus::kDrop));
    if (result.size == 0) continue;
    check_response(result, query, packet, {server.out.data(), result.size}, limit);
  }
  if (status == QueryStatus::kOk) {
    std::vector<char> slip(kMinUdpSize);
    std::size_t slip_size = server.answerer.answer_truncated(slip);
    require(slip_size <= packet.size() + (query.cookie.empty() ? 0 : kCookie - kClientCookie));
    if (!query.cookie.empty()) {
      const std::size_t bad = server.answerer.answer_bad_cookie(slip);
      const test::Reply reply = test::read_reply({slip.data(), bad});
      require(reply.parsed && reply.rcode == 23 && bad == slip_size);
      require(reply.options.at(edns::kCookie).size() == kCookie);
    }
  }
  return 0;
}

}  // namespace fuzz_dns_query
