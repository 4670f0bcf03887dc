#include "dns/zone_file.h"

#include <catch2/catch.hpp>
#include <map>

#include "dns/presentation.h"
#include "dns/static_zone.h"
#include "support/dns/format_rdata.h"
#include "support/dns/test_zone.h"

namespace gw::dns {
namespace {

using test::wire;
using Lines = std::vector<std::string>;

Result<ZoneFileText> parse(std::string_view text,
                           const std::map<std::string, std::string>& files = {},
                           std::uint32_t max_ttl = 0x7fffffff) {
  return parse_zone_file(
      text, wire("Example.org"),
      {.name = "z",
       .max_ttl = max_ttl,
       .include = [&](const std::string& name, const std::string&) -> Result<ZoneFilePart> {
         auto it = files.find(name);
         if (it == files.end()) return not_found_error(name + ": no such file");
         return ZoneFilePart{name, it->second};
       }});
}

// Every record as "owner ttl TYPE rdata".
Lines records(const ZoneFileText& text) {
  Lines out;
  for (const Rrset& rrset : text.records.rrsets()) {
    for (const std::string& rdata : rrset.rdatas) {
      out.push_back(format_name(rrset.owner) + " " + std::to_string(rrset.ttl) + " " +
                    format_type(rrset.type) + " " + *test::format_rdata(rrset.type, rdata));
    }
  }
  return out;
}

TEST_CASE("records of a master file") {
  struct Row {
    const char* what;
    std::string text;
    Lines records;
  };
  const std::vector<Row> rows = {
      {"nothing", "", {}},
      {"comments and blank lines", " \n; c\n\t\n\n;", {}},
      {"all fields", "a.b. 5 IN A 1.2.3.4", {"a.b. 5 A 1.2.3.4"}},
      {"class before ttl", "a.b. IN 5 A 1.2.3.4", {"a.b. 5 A 1.2.3.4"}},
      {"no class", "a.b. 5 A 1.2.3.4", {"a.b. 5 A 1.2.3.4"}},
      {"lower case, CLASS1, a type by number", "a.b. 5 class1 type1 1.2.3.4", {"a.b. 5 A 1.2.3.4"}},
      {"relative names", "a 5 MX 10 mail", {"a.example.org. 5 MX 10 mail.example.org."}},
      {"names are folded", "A 5 NS B.Org.", {"a.example.org. 5 NS B.Org."}},
      {"the origin", "@ 5 NS @", {"example.org. 5 NS example.org."}},
      {"owner left out",
       "a 5 A 1.2.3.4\n 6 TXT x\n\tTXT y",
       {"a.example.org. 5 A 1.2.3.4", "a.example.org. 6 TXT \"x\"", "a.example.org. 6 TXT \"y\""}},
      {"$TTL",
       "$TTL 1h30m\na A 1.2.3.4\nb 7 A 1.2.3.4\nc A 1.2.3.4",
       {"a.example.org. 5400 A 1.2.3.4", "b.example.org. 7 A 1.2.3.4",
        "c.example.org. 5400 A 1.2.3.4"}},
      {"the last ttl when there is no $TTL",
       "a 9 A 1.2.3.4\nb A 1.2.3.4",
       {"a.example.org. 9 A 1.2.3.4", "b.example.org. 9 A 1.2.3.4"}},
      {"units of time", "a 1w2d3h4m5s A 1.2.3.4", {"a.example.org. 788645 A 1.2.3.4"}},
      {"$ORIGIN, absolute and relative",
       "$ORIGIN x.\na 1 A 1.2.3.4\n$ORIGIN sub\n@ 1 A 1.2.3.4\nb 1 CNAME c",
       {"a.x. 1 A 1.2.3.4", "sub.x. 1 A 1.2.3.4", "b.sub.x. 1 CNAME c.sub.x."}},
      {"parentheses over lines",
       "@ 5 SOA ns h ( 1 ; serial (\n\n 2\n3 4\n 5 )\nb 1 TXT (x\n\"y ; (\")",
       {"example.org. 5 SOA ns.example.org. h.example.org. 1 2 3 4 5",
        "b.example.org. 1 TXT \"x\" \"y ; (\""}},
      {"quotes",
       "a 1 TXT \"a b\" c \"d\\\"e\"f\\;g \"\"",
       {"a.example.org. 1 TXT \"a b\" \"c\" \"d\\\"e\" \"f;g\" \"\""}},
      {"escapes in names",
       "a\\.b 1 TXT x\n\\065 1 TXT x\nc\\. 1 TXT x",
       {"a\\.b.example.org. 1 TXT \"x\"", "a.example.org. 1 TXT \"x\"",
        "c\\..example.org. 1 TXT \"x\""}},
      {"a wildcard", "*.w 1 TXT x", {"*.w.example.org. 1 TXT \"x\""}},
      {"an unknown type", "a 1 TYPE65280 \\# 2 0102", {"a.example.org. 1 TYPE65280 \\# 2 0102"}},
      {"carriage returns",
       "a 1 TXT x\r\n\r\nb 1 TXT y\r\n",
       {"a.example.org. 1 TXT \"x\"", "b.example.org. 1 TXT \"y\""}},
      {"a byte order mark", "\xef\xbb\xbf$TTL 1\na TXT x", {"a.example.org. 1 TXT \"x\""}},
      {"octets beyond ascii", "a 1 TXT \"\xc3\xa9\"", {"a.example.org. 1 TXT \"\\195\\169\""}},
      {"an owner that looks like a ttl, a type or a class",
       "5 1 TXT x\nTXT 1 TXT x\nIN 1 TXT x",
       {"5.example.org. 1 TXT \"x\"", "txt.example.org. 1 TXT \"x\"",
        "in.example.org. 1 TXT \"x\""}},
      {"sets are put together",
       "a 1 TXT x\nb 1 TXT y\na 1 TXT z",
       {"a.example.org. 1 TXT \"x\"", "a.example.org. 1 TXT \"z\"", "b.example.org. 1 TXT \"y\""}},
      {"a value of CAA without quotes",
       "a 1 CAA 0 issue ca.test\na 1 CAA 0 iodef \"mailto:a@b.test\"",
       {"a.example.org. 1 CAA 0 issue \"ca.test\"",
        "a.example.org. 1 CAA 0 iodef \"mailto:a@b.test\""}},
      {"quoted parameters",
       "a 1 SVCB 1 . alpn=\"h2,h3\" port=53",
       {"a.example.org. 1 SVCB 1 . alpn=h2,h3 port=53"}},
  };
  for (const Row& row : rows) {
    INFO(row.what);
    auto parsed = parse(row.text);
    INFO((parsed ? "" : parsed.error().message));
    REQUIRE(parsed);
    CHECK(records(*parsed) == row.records);
    CHECK(parsed->warnings.empty());
  }
}

TEST_CASE("an error names file and line") {
  struct Row {
    std::string text;
    std::string message;
  };
  const std::string fine = "$TTL 1\na TXT x\n";
  for (const Row& row : std::vector<Row>{
           {fine + "b A 1.2.3", "z:3: "},
           {fine + "b TXT (\n x\n y\n", "z:6: the parenthesis opened on line 3 is never closed"},
           {fine + "b TXT ( ( x ) )", "z:3: a parenthesis within parentheses"},
           {fine + "b TXT x )", "z:3: a closing parenthesis"},
           {fine + "b SOA a b (\n1 2 3\n) 4\n 5\n", "z:3: "},  // where it begins
           {fine + "b TXT \"x\ny\"", "z:3: a quoted string does not end on its line"},
           {fine + "b TXT \"x", "z:3: a quoted string does not end"},
           {fine + "b TXT x\\", "z:3: a backslash at the end"},
           {fine + "b TXT \"x\\\n\"", "z:3: a backslash at the end"},
           {fine + "b TXT x\1", "z:3: control character 0x01"},
           {fine + std::string("b TXT \0", 7), "z:3: control character 0x00"},
           {"a TXT x", "z:1: no ttl"},
           {" 1 TXT x", "z:1: the first record has no owner"},
           {"a 1", "z:1: a record without a type"},
           {"a", "z:1: a record without a type"},
           {"a 1 IN", "z:1: a record without a type"},
           {"a 1 NOSUCH x", "z:1: record type"},
           {"a 1 CH TXT x", "z:1: class"},
           {"a 1 IN CLASS3 TXT x", "z:1: class"},
           {"a 1 A 192.0.2.256", "z:1: A record \"192.0.2.256\": "},
           {"a 1x TXT x", "z:1: \"1x\" is no ttl"},
           {"a 1h5 TXT x", "z:1: \"1h5\" is no ttl"},
           {"a 2147483648 TXT x", "z:1: \"2147483648\" is no ttl"},
           {"a 99999w TXT x", "is no ttl"},
           {"a..b 1 TXT x", "z:1: "},
           {"\"a\" 1 TXT x", "is not a name"},
           {std::string(64, 'a') + " 1 TXT x", "z:1: "},
           {std::string(60, 'a') + "." + std::string(60, 'a') + "." + std::string(60, 'a') + "." +
                std::string(59, 'a') + " 1 TXT x",
            "too long with its origin"},
           {"a 1 TYPE65552 \\# 1 00", "z:1: record type \"TYPE65552\""},
           {"a 1 TYPE1junk 192.0.2.1", "z:1: record type"},
           {"a 1 TYPE65280 \\# 2 zzzz", "z:1: "},
           {"a 1 TYPE65280 \\# 3 0001", "z:1: "},
           {"a 1 A \\# 5 c000020100", "z:1: "},
           {"a 1 MX 70000 b", "z:1: number \"70000\" is above 65535"},
           {"a 1 CAA 256 issue x", "number \"256\" is above 255"},
           {"a 1 SOA a b 4294967296 1 1 1 1", "number \"4294967296\" is above"},
           {"a 1 DS 65536 13 2 00", "above 65535"},
           {"a 1 MX -1 b", "z:1: \"-1\" is no number"},
           {"a 1 TLSA 3 1 1 abc", "z:1: TLSA record: its last field is not octets in hex"},
           {"a 1 LOC 91 N 4 E 0", "z:1: LOC record: the latitude"},
           {"a 1 APL 1:0.0.0.0/33", "z:1: APL record: \"1:0.0.0.0/33\" is no address prefix"},
           {"a 1 CSYNC 1 3 FOO", "z:1: CSYNC record: record type \"FOO\" is unknown"},
           {"a 1 SSHFP \\# 4 01010203", "z:1: SSHFP record: not the form"},
           {"a 1 A 1.2.3.4 5", "z:1: "},
           {"a 1 MX 10", "z:1: "},
           {"$TTL x", "z:1: $TTL \"x\" is no time"},
           {"$TTL", "z:1: $TTL takes one value"},
           {"$ttl x", "z:1: $TTL \"x\" is no time"},
           {"\n$include nowhere", "z:2: nowhere: no such file"},
           {"$ORIGIN a b", "z:1: $ORIGIN takes one value"},
           {"$ORIGIN a..b", "z:1: "},
           {"$GENERATE 1-2 a$ A 1.2.3.$", "z:1: unknown directive \"$GENERATE\""},
           {"$INCLUDE", "z:1: $INCLUDE takes"},
           {"\n$INCLUDE nowhere", "z:2: nowhere: no such file"},
       }) {
    INFO(row.text);
    auto parsed = parse(row.text);
    REQUIRE_FALSE(parsed);
    INFO(parsed.error().message);
    CHECK(parsed.error().message.find(row.message) != std::string::npos);
  }
}

TEST_CASE("included files") {
  const std::map<std::string, std::string> files = {
      {"one", "a TXT one\n$ORIGIN deep\nb TXT one\n"},
      {"two", "@ TXT two\n$INCLUDE one\n TXT after\n"},
      {"bad", "\n\nx TXT\n"},
      {"self", "$INCLUDE self"},
  };
  auto parsed = parse(
      "$TTL 1\no TXT z\n$INCLUDE one\n TXT same-owner\nc TXT z\n$INCLUDE \"two\" two.org.\n"
      "d TXT z",
      files);
  REQUIRE(parsed);
  CHECK(records(*parsed) ==
        Lines{"o.example.org. 1 TXT \"z\"", "o.example.org. 1 TXT \"same-owner\"",
              "a.example.org. 1 TXT \"one\"", "b.deep.example.org. 1 TXT \"one\"",
              "c.example.org. 1 TXT \"z\"", "two.org. 1 TXT \"two\"", "two.org. 1 TXT \"after\"",
              "a.two.org. 1 TXT \"one\"", "b.deep.two.org. 1 TXT \"one\"",
              "d.example.org. 1 TXT \"z\""});
  CHECK(parsed->records.rrsets()[1].where == "one:1");
  CHECK(parsed->records.rrsets()[3].where == "z:5");
  CHECK(parse("$TTL 1\n$INCLUDE bad", files).error().message.starts_with("bad:3: "));
  CHECK(parse("$INCLUDE self", files).error().message.find("more than 8 files") !=
        std::string::npos);
  auto none = parse_zone_file("$INCLUDE one", wire("x"), {.name = "z", .include = {}});
  CHECK(none.error().message == "z:1: $INCLUDE is not possible here");
}

TEST_CASE("ttls that differ, and that are too long") {
  auto parsed = parse("a 300 TXT x\na 200 TXT y\na 400 TXT z\nb 1000 TXT x", {}, 900);
  REQUIRE(parsed);
  CHECK(parsed->records.rrsets()[0].ttl == 200);
  CHECK(parsed->records.rrsets()[1].ttl == 900);
  REQUIRE(parsed->warnings.size() == 3);
  CHECK(parsed->warnings[1].find("z:2: a.example.org. TXT: records of one set") == 0);
  CHECK(parsed->warnings[0] == "z:4: ttl 1000 lowered to 900");
}

TEST_CASE("what a zone needs to be served") {
  struct Row {
    std::string text;
    std::string message;
  };
  const std::string soa = "$TTL 1\n@ SOA a b 1 1 1 1 1\n";
  for (const Row& row : std::vector<Row>{
           {soa, "zone example.org.: needs ns records at its apex"},
           {soa + "@ NS ns", "ns.example.org. needs an address"},
           {soa + "@ NS ns\nns TXT x", "ns.example.org. needs an address"},
           {soa + "@ NS ns\nns A 1.2.3.4", ""},
           {soa + "@ NS ns\n*  AAAA ::1", ""},
           {soa + "@ NS ns.sub\nsub NS ns.sub\nns.sub A 1.2.3.4", ""},
           {soa + "@ NS other.sub\nsub NS ns.sub\nns.sub A 1.2.3.4",
            "other.sub.example.org. needs an address"},
           {soa + "@ NS ns.example.net.", ""},
       }) {
    INFO(row.text);
    auto parsed = parse(row.text);
    REQUIRE(parsed);
    auto zone = StaticZone::make(wire("example.org"), parsed->records, test::kTestKey);
    REQUIRE(zone);
    Status status = check_servable(**zone);
    CHECK(bool(status) == row.message.empty());
    if (!status) CHECK(status.error().message.find(row.message) != std::string::npos);
  }
}

}  // namespace
}  // namespace gw::dns
