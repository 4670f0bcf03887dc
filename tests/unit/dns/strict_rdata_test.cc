#include "dns/strict_rdata.h"

#include <catch2/catch.hpp>

#include "base/bytes.h"
#include "dns/presentation.h"
#include "dns/rdata.h"
#include "support/dns/test_zone.h"

namespace gw::dns {
namespace {

struct Taken {
  const char* type;
  const char* text;
  const char* hex;
};

// The octets are BIND's (named-checkzone of 9.18, asked for by dig +unknownformat).
TEST_CASE("locations, prefixes and digests as BIND reads them") {
  for (const Taken& row : {
           Taken{"LOC", "42 21 54 N 71 06 18 W -24m 30m", "0033161389172dd070be15f000988d20"},
           Taken{"LOC", "52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m",
                 "000016138b3cf018810cbce0009895b8"},
           Taken{"LOC", "90 N 180 E 0", "00121613934fd900a69fb20000989680"},
           Taken{"LOC", "0 0 0.001 S 0 0 0.001 W 42849672.95m 90000000m 0.09m 1.55",
                 "009990127fffffff7fffffffffffffff"},
           Taken{"LOC", "52 N 4 E 1.5 15 99 0.1", "001393118b28720080dbba0000989716"},
           Taken{"LOC", "52 59 N 4 59 59.9 E 10.25m", "001216138b5e76208112a81c00989a81"},
           Taken{"APL", "", ""},
           Taken{"APL", "1:192.168.32.0/21 !1:192.168.38.0/28", "00011503c0a82000011c83c0a826"},
           Taken{"APL", "1:0.0.0.0/0", "00010000"},
           Taken{"APL", "2:ff00::/8 !2:::1/128",
                 "00020801ff0002809000000000000000000000000000000001"},
           Taken{"APL", "1:1.2.3.4/24", "0001180401020304"},
           Taken{"TLSA", "3 1 1 AB cd", "030101abcd"},
           Taken{"SMIMEA", "0 0 0 00", "00000000"},
           Taken{"SSHFP", "1 1 abababababababababababababababababababab",
                 "0101abababababababababababababababababababab"},
           Taken{"SSHFP", "4 2 abababababababababababababababab cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
                 "0402ababababababababababababababababcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"},
           Taken{"SSHFP", "4 9 ab", "0409ab"},
           Taken{"ZONEMD", "1 1 240 abababababababababababab",
                 "0000000101f0abababababababababababab"},
           Taken{"CAA", "0 issue9 \"\"", "0006697373756539"},
           Taken{"X25", "\"3110\"", "0433313130"},
           Taken{"HINFO", "\"a b\" c", "036120620163"},
           Taken{
               "CSYNC", "66 3 A NS TYPE999",
               "000000420003000160031d0000000000000000000000000000000000000000000000000000000001"},
       }) {
    INFO(row.type << " " << row.text);
    auto rdata = parse_rdata(*parse_type(row.type), row.text, test::wire("example.org"));
    if (!rdata) INFO(rdata.error().message);
    REQUIRE(rdata);
    CHECK(encode_hex(*rdata) == row.hex);
    CHECK(is_strict_rdata(*parse_type(row.type), *rdata));
    // As generic data it is taken, too.
    const std::string generic = "\\# " + std::to_string(rdata->size()) + " " + row.hex;
    CHECK(parse_rdata(*parse_type(row.type), generic, test::wire("example.org")));
  }
}

struct Refused {
  const char* type;
  const char* text;
};

TEST_CASE("what BIND refuses of them is refused") {
  for (const Refused& row : {
           Refused{"LOC", "91 N 4 E 0"},
           Refused{"LOC", "90 0 1 N 4 E 0"},
           Refused{"LOC", "52 60 N 4 E 0"},
           Refused{"LOC", "52 22 60 N 4 E 0"},
           Refused{"LOC", "52 N 181 E 0"},
           Refused{"LOC", "52 N 4 E"},
           Refused{"LOC", "52 4 E 0"},
           Refused{"LOC", "52 22 23.1234 N 4 E 0"},
           Refused{"LOC", "52 22 23. N 4 E 0"},
           Refused{"LOC", "-1 N 4 E 0"},
           Refused{"LOC", "52 E 4 N 0"},
           Refused{"LOC", "52 N 4 E 42849672.96m"},
           Refused{"LOC", "52 N 4 E -100000.01m"},
           Refused{"LOC", "52 N 4 E 0 90000000.01m"},
           Refused{"LOC", "52 N 4 E 0 9e9m"},
           Refused{"LOC", "52 N 4 E 0 -1m"},
           Refused{"LOC", "52 N 4 E abc"},
           Refused{"LOC", "52 N 4 E 0m 1m 1m 1m 1m"},
           Refused{"LOC", "52 N 4 E 1.234"},
           Refused{"LOC", "52 NN 4 E 0"},
           Refused{"LOC", "99999999999 N 4 E 0"},
           Refused{"LOC", "\\# 1 00"},
           Refused{"LOC", "\\# 16 00aa0000800000008000000080000000"},
           Refused{"LOC", "\\# 16 00121613000000008000000080000000"},
           Refused{"LOC", "\\# 16 0012161380000000ffffffff80000000"},
           Refused{"APL", "1:0.0.0.0/33"},
           Refused{"APL", "2:::/129"},
           Refused{"APL", "3:00/1"},
           Refused{"APL", "1:1.2.3/24"},
           Refused{"APL", "1:1.2.3.4"},
           Refused{"APL", "1.2.3.4/8"},
           Refused{"APL", "1:1.2.3.4/"},
           Refused{"APL", "11:1.2.3.4/8"},
           Refused{"APL", "1:/8"},
           Refused{"APL", "1:::1/8"},
           Refused{"APL", "2:1.2.3.4/8"},
           Refused{"APL", "!!1:1.2.3.4/8"},
           Refused{"APL", "\\# 4 00012100"},
           Refused{"APL", "\\# 5 0001080100"},
           Refused{"TLSA", "3 1 1 abc"},
           Refused{"TLSA", "3 1 1 zz"},
           Refused{"TLSA", "3 1 1"},
           Refused{"TLSA", "\\# 3 030101"},
           Refused{"TLSA", "3 -1 1 ab"},
           Refused{"SMIMEA", "3 1 1 abc"},
           Refused{"SSHFP", "1 1 ababababababababababababababababababab"},
           Refused{"SSHFP", "4 2 ababababababababababababababababababababababababababababababab"},
           Refused{"SSHFP",
                   "4 2 ababababababababababababababababababababababababababababababababab"},
           Refused{"SSHFP", "1 1 abc"},
           Refused{"SSHFP", "\\# 4 01010203"},
           Refused{"ZONEMD",
                   "1 1 1 "
                   "abababababababababababababababababababababababababababababababababababababababa"
                   "bababababababab"},
           Refused{"ZONEMD", "1 1 240 ab"},
           Refused{"CDS", "0 0 0 0"},
           Refused{"CDS", "1 13 2 ababababababababababababababababababababababababababababababab"},
           Refused{"CAA", "0 is_sue a"},
           Refused{"CAA", "\\# 2 0000"},
           Refused{"CAA", "\\# 4 00056973"},
           Refused{"HINFO", "a"},
           Refused{"HINFO", "\\# 2 0161"},
           Refused{"X25", "12ab"},
           Refused{"X25", "311"},
           Refused{"MX", "-1 m"},
           Refused{"MX", "+1 m"},
           Refused{"SRV", "1 -2 3 m"},
           Refused{"CSYNC", "1 3 FOO"},
       }) {
    INFO(row.type << " " << row.text);
    auto rdata = parse_rdata(*parse_type(row.type), row.text, test::wire("example.org"));
    REQUIRE_FALSE(rdata);
    CHECK(rdata.error().kind == ErrorKind::kUsage);
  }
}

}  // namespace
}  // namespace gw::dns
