#include "dns/cookie.h"

#include <arpa/inet.h>

#include <array>
#include <catch2/catch.hpp>

#include "base/bytes.h"
#include "dns/answer.h"
#include "support/dns/oracle.h"
#include "support/dns/test_zone.h"

namespace gw::dns {
namespace {

using test::header;
using test::option;
using test::question;

std::string ip_of(const std::string& text) {
  std::array<char, 16> out;
  const bool v6 = text.find(':') != std::string::npos;
  REQUIRE(::inet_pton(v6 ? AF_INET6 : AF_INET, text.c_str(), out.data()) == 1);
  return {out.data(), v6 ? 16U : 4U};
}

struct Sent {
  bool good;
  std::string cookie;  // hex
};
Sent send(const CookieSecrets& secrets, const std::string& option_hex, const std::string& address,
          std::uint32_t now) {
  std::array<char, kCookie> out;
  const bool good = secrets.answer(*decode_hex(option_hex), ip_of(address), now, out);
  return {good, encode_hex({out.data(), out.size()})};
}

const std::string kOld = "dd3bdf9344b678b185a6f5cb60fca715\n";
const std::string kNew = "445536bcd2513298075a5d379663c962\n";

TEST_CASE("cookies: the test vectors of RFC 9018", "[cookie]") {
  const auto secrets = CookieSecrets::parse("e5e973e5a6b2a43f48e7dc849e37bfcf\n").value();
  // A.1: a client without one of ours.
  const std::string first = "2464c4abcf10c957010000005cf79f111f8130c3eee29480";
  const Sent learnt = send(secrets, "2464c4abcf10c957", "198.51.100.100", 1559731985);
  CHECK_FALSE(learnt.good);
  CHECK(learnt.cookie == first);
  // A.2: forty minutes later.
  const Sent renewed = send(secrets, first, "198.51.100.100", 1559734385);
  CHECK(renewed.good);
  CHECK(renewed.cookie == "2464c4abcf10c957010000005cf7a871d4a564a1442aca77");
  // A.3: another client, with reserved octets that are not 0.
  const std::string reserved = "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5";
  CHECK(send(secrets, reserved, "203.0.113.203", 0x5cf78f71).good);
  CHECK(send(secrets, reserved, "203.0.113.203", 1559734700).cookie ==
        "fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e");
  // A.4: IPv6, and a secret that was replaced.
  const auto rolled = CookieSecrets::parse(kNew + kOld).value();
  const Sent after = send(rolled, "22681ab97d52c298010000005cf7c57926556bd0934c72f8",
                          "2001:db8:220:1:59de:d0f4:8769:82b8", 1559741961);
  CHECK(after.good);
  CHECK(after.cookie == "22681ab97d52c298010000005cf7c609a6bb79d16625507a");
}

TEST_CASE("cookies: one that is not ours, or no longer, is not good", "[cookie]") {
  const auto secrets = CookieSecrets::parse(kOld).value();
  constexpr std::uint32_t kNow = 1'000'000'000;
  const std::string ours = send(secrets, "0102030405060708", "192.0.2.1", kNow).cookie;
  const auto good = [&](const std::string& cookie, const std::string& from, std::uint32_t now) {
    const Sent sent = send(secrets, cookie, from, now);
    // Whatever it is, what is sent back is good.
    CHECK(send(secrets, sent.cookie, from, now).good);
    CHECK(sent.cookie.substr(0, 16) == cookie.substr(0, 16));
    return sent.good;
  };
  CHECK(good(ours, "192.0.2.1", kNow));
  CHECK(good(ours, "::ffff:192.0.2.1", kNow));  // on a socket of both families
  CHECK_FALSE(good(ours, "192.0.2.2", kNow));
  CHECK_FALSE(good(ours, "2001:db8::1", kNow));
  for (std::size_t i = 0; i < ours.size(); ++i) {
    std::string other = ours;
    other[i] = other[i] == '0' ? '1' : '0';
    CHECK_FALSE(good(other, "192.0.2.1", kNow));
  }
  CHECK_FALSE(good(ours.substr(0, 16), "192.0.2.1", kNow));
  CHECK_FALSE(good(ours.substr(0, 32), "192.0.2.1", kNow));
  CHECK_FALSE(good(ours + "00", "192.0.2.1", kNow));
  // The same while it is young, another one later, none after an hour; clocks differ.
  CHECK(send(secrets, ours, "192.0.2.1", kNow + 1800).cookie == ours);
  CHECK(send(secrets, ours, "192.0.2.1", kNow + 1801).cookie != ours);
  CHECK(good(ours, "192.0.2.1", kNow + 3600));
  CHECK_FALSE(good(ours, "192.0.2.1", kNow + 3601));
  CHECK(good(ours, "192.0.2.1", kNow - 300));
  CHECK_FALSE(good(ours, "192.0.2.1", kNow - 301));
  // Over the end of the numbers, in 2106.
  const std::string late = send(secrets, "0102030405060708", "192.0.2.1", 0xffffffff).cookie;
  CHECK(good(late, "192.0.2.1", 3000));
  CHECK_FALSE(good(late, "192.0.2.1", 3600));
  // Two servers, while the secret changes from one to the other: each takes the other's.
  const auto step1 = CookieSecrets::parse(kOld + kNew).value();
  const auto step2 = CookieSecrets::parse("# new\n\n" + kNew + kOld).value();
  CHECK(send(step1, send(step2, ours, "192.0.2.1", kNow).cookie, "192.0.2.1", kNow).good);
  CHECK(send(step2, send(step1, ours, "192.0.2.1", kNow).cookie, "192.0.2.1", kNow).good);
  // Of our own making: the one before is taken, the one before that is not.
  const auto one = CookieSecrets::random();
  const auto two = CookieSecrets::random(&one);
  const auto three = CookieSecrets::random(&two);
  const std::string of_one = send(one, "0102030405060708", "192.0.2.1", kNow).cookie;
  CHECK(send(two, of_one, "192.0.2.1", kNow).good);
  CHECK(send(two, of_one, "192.0.2.1", kNow).cookie != of_one);
  CHECK_FALSE(send(three, of_one, "192.0.2.1", kNow).good);
}

TEST_CASE("cookies: files of secrets", "[cookie]") {
  CHECK(CookieSecrets::parse(kOld + kNew).value() ==
        CookieSecrets::parse("#x\n" + kOld + " \n  " + kNew.substr(0, 32)).value());
  CHECK(CookieSecrets::parse(kOld).value() ==
        CookieSecrets::parse("DD3BDF9344B678B185A6F5CB60FCA715").value());
  for (const std::string& bad :
       {std::string(), std::string("\n# only this\n"), kOld.substr(0, 31), kOld + "zz\n",
        "0x" + kOld, kOld + kOld + kOld + kOld + kOld, std::string("root:$y$j9T$hash:1:0\n")}) {
    const auto parsed = CookieSecrets::parse(bad);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().kind == ErrorKind::kUsage);
    CHECK(parsed.error().message.find("$y$") == std::string::npos);
  }
}

// ---- in messages ----

struct CookieServer {
  test::FixedSigner signer;
  std::unique_ptr<StaticZone> zone = test::test_zone(signer);
  ZoneSet zones;
  AnswerOptions options;
  Answerer answerer{zones, signer, options};
  CookieSecrets secrets = CookieSecrets::parse(kOld).value();
  std::string ip = ip_of("192.0.2.1");
  std::string last = {};

  CookieServer() { REQUIRE(zones.add(zone.get())); }
  test::Reply send(const std::string& packet, Transport transport = Transport::kUdp) {
    std::vector<char> out(kMaxMessage);
    const auto result = answerer.answer(packet, transport, out, {&secrets, ip, 1'000'000'000});
    last.assign(out.data(), result.size);
    return test::read_reply(last);
  }
};

constexpr std::string_view kCookieMox = "mox.mjl_2d._.github.com.v0.l.example.org";

std::string with_cookie(const std::string& value) {
  return test::make_query({.name = kCookieMox, .options = option(edns::kCookie, value)});
}

TEST_CASE("cookies: which lengths an option may have", "[cookie]") {
  CookieServer server;
  for (std::size_t size = 0; size <= 64; ++size) {
    INFO(size);
    const std::string packet = with_cookie(std::string(size, 'c'));
    const bool good = size == 8 || (size >= 16 && size <= 40);
    Query query;
    CHECK(read_query(packet, query) == (good ? QueryStatus::kOk : QueryStatus::kFormErr));
    CHECK(query.has_edns);
    CHECK(query.cookie.size() == (good ? size : 0));
    const test::Reply reply = server.send(packet);
    CHECK(reply.rcode == (good ? 0 : 1));
    CHECK(reply.edns);  // a FORMERR without it would say "no EDNS here"
    CHECK(reply.options.count(edns::kCookie) == (good ? 1U : 0U));
  }
  // All but the first are passed over, whatever they are.
  const std::string two =
      test::make_query({.name = kCookieMox,
                        .options = option(edns::kCookie, "12345678") + option(edns::kCookie, "x")});
  Query query;
  CHECK(read_query(two, query) == QueryStatus::kOk);
  CHECK(query.cookie == "12345678");
  // Nothing of a message that is refused is kept.
  CHECK(read_query(two + "x", query) == QueryStatus::kFormErr);
  CHECK(query.cookie.empty());
  CHECK(read_query(test::make_query({.name = kCookieMox}), query) == QueryStatus::kOk);
  CHECK(query.cookie.empty());
}

TEST_CASE("cookies: ours goes with every answer to one, and says who is known", "[cookie]") {
  CookieServer server;
  for (const Transport transport : {Transport::kUdp, Transport::kTcp}) {
    test::Reply reply = server.send(with_cookie("12345678"), transport);
    CHECK(reply.rcode == 0);
    CHECK(reply.answer.size() == 1);
    const std::string cookie = reply.options.at(edns::kCookie);
    CHECK(cookie.size() == kCookie);
    CHECK(cookie.starts_with("12345678"));
    CHECK(server.answerer.has_cookie());
    CHECK_FALSE(server.answerer.has_good_cookie());
    reply = server.send(with_cookie(cookie), transport);
    CHECK(reply.options.at(edns::kCookie) == cookie);
    CHECK(server.answerer.has_good_cookie());
    // Refusals and denials, too.
    for (const char* name : {"nope.v0.l.example.org", "example.net"}) {
      reply = server.send(
          test::make_query({.name = name, .options = option(edns::kCookie, "12345678")}),
          transport);
      CHECK(reply.options.at(edns::kCookie).size() == kCookie);
      CHECK_FALSE(server.answerer.has_good_cookie());
    }
    // The next query's is its own.
    server.send(test::make_query({.name = kCookieMox}), transport);
    CHECK_FALSE(server.answerer.has_cookie());
    server.send("short", transport);
    CHECK_FALSE(server.answerer.has_cookie());
  }
  // Without secrets the option is like any that is not known.
  std::vector<char> out(kMaxMessage);
  const auto result = server.answerer.answer(with_cookie("12345678"), Transport::kUdp, out);
  CHECK(test::read_reply({out.data(), result.size}).options.empty());
}

TEST_CASE("cookies: the answer to ask again with one", "[cookie]") {
  CookieServer server;
  const std::string packet = with_cookie("12345678");
  server.send(packet);
  std::vector<char> out(512);
  const std::size_t size = server.answerer.answer_bad_cookie(out);
  const test::Reply reply = test::read_reply({out.data(), size});
  REQUIRE(reply.parsed);
  CHECK(reply.rcode == 23);
  CHECK(reply.flags == "qr rd");
  CHECK(reply.answer.empty());
  CHECK(reply.options.at(edns::kCookie).size() == kCookie);
  CHECK(size == packet.size() + 16);  // and no more
  // The truncated one has it, too.
  const std::size_t slip = server.answerer.answer_truncated(out);
  CHECK(test::read_reply({out.data(), slip}).options.at(edns::kCookie).size() == kCookie);
}

TEST_CASE("cookies: a query without a question asks for one", "[cookie]") {
  CookieServer server;
  const auto ask = [](const std::string& options) {
    return header(1, 0, 0, 0, 0, 1) + test::opt_record(1232, 0, options);
  };
  test::Reply reply = server.send(ask(option(edns::kCookie, "12345678")));
  REQUIRE(reply.parsed);
  CHECK(reply.rcode == 0);
  CHECK(reply.flags == "qr");
  CHECK(server.last.substr(4, 8) == std::string("\0\0\0\0\0\0\0\1", 8));
  const std::string cookie = reply.options.at(edns::kCookie);
  reply = server.send(ask(option(edns::kCookie, cookie)));
  CHECK(reply.rcode == 0);
  CHECK(reply.options.at(edns::kCookie) == cookie);
  std::string other = cookie;
  other[20] ^= 1;
  reply = server.send(ask(option(edns::kCookie, other)));
  CHECK(reply.rcode == 23);
  CHECK(reply.options.at(edns::kCookie) == cookie);
  // Without a cookie it is malformed, as ever.
  CHECK(server.send(ask("")).rcode == 1);
  CHECK(server.send(ask(option(edns::kNsid, ""))).rcode == 1);
  CHECK(server.send(ask(option(edns::kCookie, "1234"))).rcode == 1);
  CHECK(server.send(header(1, 0, 0, 0, 0, 0)).rcode == 1);
}

TEST_CASE("cookies: an answer leaves them room", "[cookie]") {
  CookieServer server;
  // Whatever size the client takes, the response is not larger.
  for (std::uint16_t size = 512; size < 700; ++size) {
    for (const std::uint16_t type : {rrtype::kTxt, rrtype::kDnskey, rrtype::kAny}) {
      const test::Reply reply = server.send(test::make_query(
          {.name = kCookieMox,
           .type = type,
           .dnssec_ok = true,
           .udp_size = size,
           .options = option(edns::kCookie, "12345678") + option(edns::kNsid, "")}));
      CHECK(server.last.size() <= size);
      CHECK(reply.options.count(edns::kCookie) == 1);
    }
  }
}

}  // namespace
}  // namespace gw::dns
