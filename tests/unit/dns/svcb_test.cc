#include "dns/svcb.h"

#include <catch2/catch.hpp>

#include "base/bytes.h"
#include "dns/presentation.h"
#include "dns/rdata.h"
#include "support/dns/test_zone.h"

namespace gw::dns {
namespace {

using test::wire;

// The rdata in hex; "" when it is refused.
std::string svcb_hex(const std::string& text, std::uint16_t type = rrtype::kSvcb) {
  const auto rdata = parse_rdata(type, text, wire("example.com"));
  if (!rdata) return "";
  CHECK(is_svcb(*rdata));
  CHECK(canonical_rdata(type, *rdata) == *rdata);
  return encode_hex(*rdata);
}

const std::string kFooCom = "03666f6f076578616d706c6503636f6d00";
const std::string kFooOrg = "03666f6f076578616d706c65036f726700";

TEST_CASE("RFC 9460 appendix D: records that are right") {
  CHECK(svcb_hex("0 foo.example.com.", rrtype::kHttps) == "0000" + kFooCom);
  CHECK(svcb_hex("1 .") == "000100");
  CHECK(svcb_hex("16 foo.example.com. port=53") == "0010" + kFooCom + "000300020035");
  CHECK(svcb_hex("1 foo.example.com. key667=hello") == "0001" + kFooCom + "029b000568656c6c6f");
  CHECK(svcb_hex(R"(1 foo.example.com. key667="hello\210qoo")") ==
        "0001" + kFooCom + "029b000968656c6c6fd2716f6f");
  CHECK(svcb_hex(R"(1 foo.example.com. ipv6hint="2001:db8::1,2001:db8::53:1")") ==
        "0001" + kFooCom +
            "0006002020010db800000000000000000000000120010db8000000000000000000530001");
  CHECK(svcb_hex(R"(1 example.com. ipv6hint="2001:db8:122:344::192.0.2.33")") ==
        "0001076578616d706c6503636f6d000006001020010db80122034400000000c0000221");
  CHECK(svcb_hex("16 foo.example.org. alpn=h2,h3-19 mandatory=ipv4hint,alpn ipv4hint=192.0.2.1") ==
        "0010" + kFooOrg + "000000040001000400010009026832" + "0568332d3139" + "00040004c0000201");
  const std::string escaped = "0010" + kFooOrg + "0001000c08665c6f6f2c626172026832";
  CHECK(svcb_hex(R"(16 foo.example.org. alpn="f\\\\oo\\,bar,h2")") == escaped);
  CHECK(svcb_hex(R"(16 foo.example.org. alpn=f\\\092oo\092,bar,h2)") == escaped);
}

TEST_CASE("RFC 9460 appendix D.3 and what BIND refuses beside it: records that are wrong") {
  for (const char* text : {
           "1 foo.example.com. no-default-alpn",
           "1 foo.example.com. no-default-alpn port=53",
           "1 foo.example.com. key123=abc key123=def",
           "1 foo.example.com. mandatory",
           "1 foo.example.com. alpn",
           "1 foo.example.com. port",
           "1 foo.example.com. ipv4hint",
           "1 foo.example.com. ipv6hint",
           "1 foo.example.com. no-default-alpn=abc",
           "1 foo.example.com. mandatory=key123",
           "1 foo.example.com. mandatory=mandatory",
           "1 foo.example.com. mandatory=key123,key123 key123=abc",
       }) {
    INFO(text);
    CHECK(svcb_hex(text).empty());
    CHECK(svcb_hex(text, rrtype::kHttps).empty());
  }
}

TEST_CASE("further SVCB records") {
  struct Row {
    const char* text;
    const char* params;  // svcb_hex; nullptr: refused
  };
  for (const Row& row : {
           Row{"1 . alpn=\"h2,h3\" port=53",
               "0001000602683202683300030002"
               "0035"},
           Row{"1 . port=53 alpn=h2",
               "0001000302683200030002"
               "0035"},
           Row{"1 . key1=\\002h2", "00010003026832"},  // by number: the wire's form
           Row{"1 . key1=h2", nullptr},
           Row{"1 . key3=5", nullptr},
           Row{"1 . no-default-alpn alpn=h2", "0001000302683200020000"},
           Row{"1 . ech=AAEC", "00050003000102"},
           Row{"1 . ech=A*", nullptr},
           Row{"1 . dohpath=/q{?dns}", "000700082f717b3f646e737d"},
           Row{"1 . ohttp", "00080000"},
           Row{"1 . key9", "00090000"},
           Row{"1 . key65534=x", "fffe000178"},
           Row{"1 . key65535=x", nullptr},
           Row{"1 . key01=x", nullptr},
           Row{"1 . key=x", nullptr},
           Row{"1 . unknown=x", nullptr},
           Row{"1 . ALPN=h2", nullptr},
           Row{"1 . alpn=", nullptr},
           Row{"1 . alpn=h2,,h3", nullptr},
           Row{"1 . alpn=,", nullptr},
           Row{"1 . alpn=\"h2\\,h3\"",
               "000100060268320268"
               "33"},  // escaped once: a comma
           Row{"1 . alpn=\"h2\\\\,h3\"", "000100060568322c6833"},
           Row{"1 . alpn=\"h2\\\\x\"", nullptr},
           Row{"1 . alpn=\"h2", nullptr},
           Row{"1 . alpn=h\"2", nullptr},
           Row{"1 . port=65536", nullptr},
           Row{"1 . port=-1", nullptr},
           Row{"1 . port=1x", nullptr},
           Row{"1 . ipv4hint=1.2.3", nullptr},
           Row{"1 . ipv4hint=1.2.3.4,5.6.7.8", "000400080102030405060708"},
           Row{"1 . ipv4hint=::1", nullptr},
           Row{"1 . mandatory=port,alpn alpn=h2 port=1",
               "0000000400010003000100030268320003000200"
               "01"},
           Row{"65536 .", nullptr},
           Row{"x .", nullptr},
           Row{"1", nullptr},
           Row{"", nullptr},
           Row{"1 \"a\"", nullptr},
       }) {
    INFO(row.text);
    const std::string out = svcb_hex(row.text);
    CHECK(out == (row.params == nullptr ? "" : std::string("000100") + row.params));
  }
  CHECK(svcb_hex("1 svc") == "000103737663076578616d706c6503636f6d00");
  CHECK(svcb_hex("1 @") == "0001076578616d706c6503636f6d00");
}

TEST_CASE("wire SVCB rdata") {
  const auto good = [](std::string_view svcb_hex) { return is_svcb(*decode_hex(svcb_hex)); };
  CHECK(good("000100"));
  CHECK(
      good("00010000030002"
           "0035"));
  CHECK_FALSE(good("0001"));
  CHECK_FALSE(good("00010000"));
  CHECK_FALSE(good("0001000003000200"));  // cut
  CHECK_FALSE(
      good("000100000300020035000100"
           "03026832"));  // out of order
  CHECK_FALSE(
      good("00010000030002003500030002"
           "0036"));                      // twice
  CHECK_FALSE(good("0001000003000100"));  // a port of one octet
  CHECK_FALSE(
      good("00010000010003036832"
           "00"));                          // alpn ends beyond its value
  CHECK_FALSE(good("000100000100020000"));  // an empty id
  CHECK_FALSE(
      good("00010000000002000"
           "3"));  // mandatory, and not there
  // The same by RFC 3597's form in a zone file.
  CHECK(parse_rdata(rrtype::kSvcb, "\\# 3 000100", kRootName));
  CHECK_FALSE(parse_rdata(rrtype::kSvcb, "\\# 8 0001000003000100", kRootName));
}

}  // namespace
}  // namespace gw::dns
