#include "dns/plain_rdata.h"

#include <catch2/catch.hpp>

#include "dns/presentation.h"
#include "support/dns/test_zone.h"

namespace gw::dns {
namespace {

using test::wire;

struct Text {
  const char* type;
  const char* text;
  bool plain;
};

// What is read as plain, ldns reads in the same way; it reads all that is not.
TEST_CASE("plain rdata is what ldns reads") {
  const std::string origin = wire("Example.org");
  for (const Text& row : {
           Text{"A", "192.0.2.1", true},
           Text{"A", "0.0.0.0", true},
           Text{"A", "1.2.3", false},
           Text{"A", "1.2.3.256", false},
           Text{"A", "01.2.3.4", false},
           Text{"A", "1.2.3.4 5", false},
           Text{"A", "", false},
           Text{"AAAA", "2001:DB8::1", true},
           Text{"AAAA", "::ffff:1.2.3.4", true},
           Text{"AAAA", "::g", false},
           Text{"AAAA", "fe80::1%lo", false},
           Text{"NS", "ns.Other.example.", true},
           Text{"NS", "ns", true},
           Text{"NS", "a_b.-c-", true},
           Text{"NS", ".", false},
           Text{"NS", "@", false},
           Text{"NS", "a..b", false},
           Text{"NS", "a..", false},
           Text{"NS", ".a", false},
           Text{"NS", "a\\.b", false},
           Text{"NS", "a\\065b.", false},
           Text{"NS", "a b", false},
           Text{"CNAME", "*.x", false},
           Text{"CNAME", "x.y.z.", true},
           Text{"PTR", "host.example.net.", true},
           Text{"DNAME", "d", true},
           Text{"MX", "10 mail", true},
           Text{"MX", "0 .", false},
           Text{"MX", "65535 mail.example.net.", true},
           Text{"MX", "65536 mail", false},
           Text{"MX", "010 mail", false},
           Text{"MX", "10", false},
           Text{"MX", "10 a b", false},
           Text{"TXT", "\"v=spf1 -all\"", true},
           Text{"TXT", "\"a\" \"b;c\" \"\"", true},
           Text{"TXT", "\"\"", true},
           Text{"TXT", "plain", false},
           Text{"TXT", "\"a\\\"b\"", false},
           Text{"TXT", "\"a\\065\"", false},
           Text{"TXT", "\"a\" b", false},
       }) {
    INFO(row.type << " " << row.text);
    const auto type = parse_type(row.type);
    REQUIRE(type);
    const auto plain = parse_plain_rdata(*type, row.text, origin);
    CHECK(plain.has_value() == row.plain);
    if (!plain) continue;
    const auto read = parse_record(std::string(". 0 IN ") + row.type + " " + row.text, origin, 0);
    REQUIRE(read);
    CHECK(*plain == read->rdata);
  }
  const std::string longest(63, 'a');
  const std::string far = longest + "." + longest + "." + longest;
  CHECK(parse_plain_rdata(rrtype::kNs, far, wire("b")));
  CHECK_FALSE(parse_plain_rdata(rrtype::kNs, far + "." + longest, wire("b")));
  CHECK_FALSE(parse_plain_rdata(rrtype::kNs, longest + "a", wire("b")));
  CHECK(parse_plain_rdata(rrtype::kTxt, '"' + std::string(255, 'a') + '"', wire("b")));
  CHECK_FALSE(parse_plain_rdata(rrtype::kTxt, '"' + std::string(256, 'a') + '"', wire("b")));
  CHECK_FALSE(parse_plain_rdata(rrtype::kSrv, "1 2 3 a", wire("b")));
}

}  // namespace
}  // namespace gw::dns
