#include "dns/presentation.h"

#include <catch2/catch.hpp>

#include "base/bytes.h"
#include "base/crypto.h"
#include "dns/dnssec.h"
#include "dns/rdata.h"
#include "support/dns/format_rdata.h"
#include "support/dns/oracle.h"
#include "support/dns/test_zone.h"

namespace gw::dns {
namespace {

using test::wire;

TEST_CASE("types by name") {
  CHECK(format_type(rrtype::kTxt) == "TXT");
  CHECK(format_type(65280) == "TYPE65280");
  CHECK(parse_type("TXT").value() == rrtype::kTxt);
  CHECK(parse_type("TYPE65280").value() == 65280);
  CHECK(!parse_type("NOSUCH"));
  CHECK(!parse_type(""));
}

TEST_CASE("records as text and back") {
  struct Row {
    const char* text;
    const char* again;
  };
  for (const Row& row : {
           Row{"www 300 IN A 192.0.2.1", "www.example.org.\t300\tIN\tA\t192.0.2.1"},
           Row{"www.example.com. IN TXT \"a\" \"b c\"",
               "www.example.com.\t60\tIN\tTXT\t\"a\" \"b c\""},
           Row{"@ IN MX 10 mail", "example.org.\t60\tIN\tMX\t10 mail.example.org."},
           Row{"x TYPE65280 \\# 3 010203", "x.example.org.\t60\tIN\tTYPE65280\t\\# 3 010203"},
       }) {
    INFO(row.text);
    auto record = parse_record(row.text, wire("example.org"), 60);
    REQUIRE(record);
    auto text = format_record(*record);
    REQUIRE(text);
    CHECK(*text == row.again);
    auto again = parse_record(*text, kRootName, 1);
    REQUIRE(again);
    CHECK(again->owner == record->owner);
    CHECK(again->rdata == record->rdata);
    CHECK(again->ttl == record->ttl);
  }
  for (const char* bad : {"", "www", "www 300 IN A 1.2.3", "www 300 IN A", "a..b IN A 1.2.3.4",
                          "www IN NOSUCH x", "www IN A 1.2.3.4\nwww IN A 1.2.3.4"}) {
    INFO(bad);
    auto record = parse_record(bad, wire("example.org"), 60);
    REQUIRE(!record);
    CHECK(record.error().kind == ErrorKind::kUsage);
  }
}

TEST_CASE("rdata as text and back") {
  CHECK(parse_rdata(rrtype::kA, "192.0.2.1", kRootName).value() == a_rdata({192, 0, 2, 1}));
  CHECK(test::format_rdata(rrtype::kTxt, txt_rdata("v=v0.0.15 t=6802a84d")).value() ==
        "\"v=v0.0.15 t=6802a84d\"");
  CHECK(parse_rdata(rrtype::kTxt, "\"v=v0.0.15 t=6802a84d\"", kRootName).value() ==
        txt_rdata("v=v0.0.15 t=6802a84d"));
  for (const char* bad : {"TYPE65552", "TYPE65536", "TYPE1junk", "TYPE", "TYPE0", "TYPE-1",
                          "type 1", "TYPE99999999999999999999"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_type(bad));
  }
  CHECK(parse_type("type65280").value() == 65280);
  CHECK(parse_rdata(65280, "\\# 3 0aFF 1b", kRootName).value() == "\x0a\xff\x1b");
  CHECK(parse_rdata(65280, "\\# 0", kRootName).value().empty());
  CHECK(parse_rdata(rrtype::kA, "\\# 4 c0000201", kRootName).value() == a_rdata({192, 0, 2, 1}));
  for (const char* bad : {"\\# 2 zzzz", "\\# 2 000", "\\# 2 0000 00", "\\# 2", "\\#", "\\# x 00",
                          "\\# 65536", "\\# -1 00", "\\#2 0000"}) {
    CAPTURE(bad);
    const auto rdata = parse_rdata(65280, bad, kRootName);
    REQUIRE_FALSE(rdata);
    CHECK(rdata.error().kind == ErrorKind::kUsage);
  }
  CHECK(!test::format_rdata(rrtype::kA, "abc"));
  CHECK(!test::format_rdata(rrtype::kNs, "\5ab"));
  // A compression pointer is no rdata of ours, though ldns would follow it.
  CHECK(!test::format_rdata(rrtype::kNs, std::string("\1a\xc0\x00", 4)));
}

TEST_CASE("private keys, which ldns reads, too") {
  for (std::uint8_t algorithm : {algorithm::kEcdsaP256, algorithm::kEd25519}) {
    std::string secret(32, static_cast<char>(0x11 * algorithm));
    std::string text = format_private_key({algorithm, secret}, from_unix(1764000000));
    auto key = parse_private_key(text);
    REQUIRE(key);
    CHECK(key->algorithm == algorithm);
    CHECK(key->secret == secret);
    // ldns takes the key from the file's text; both then have the same public key.
    FILE* file = fmemopen(text.data(), text.size(), "r");
    ldns_key* theirs = nullptr;
    REQUIRE(ldns_key_new_frm_fp(&theirs, file) == LDNS_STATUS_OK);
    (void)fclose(file);
    ldns_key_set_pubkey_owner(theirs, ldns_dname_new_frm_str("example.org."));
    ldns_key_set_flags(theirs, kDnskeyFlagsCsk);
    ldns_rr* rr = ldns_key2rr(theirs);
    std::string line = test::rr_text(rr);
    ldns_rr_free(rr);
    ldns_key_deep_free(theirs);
    std::string public_key = algorithm == algorithm::kEcdsaP256
                                 ? P256Signer::from_scalar(secret).value().public_key()
                                 : ed25519_public_key(secret);
    std::string dnskey = dnskey_rdata(kDnskeyFlagsCsk, algorithm, public_key);
    CHECK(parse_record(line, kRootName, 0).value().rdata == dnskey);
    // The .key file.
    PublicKeyText half = {wire("example.org"), dnskey};
    auto again = parse_public_key(format_public_key(half, 3600));
    REQUIRE(again);
    CHECK(again->owner == half.owner);
    CHECK(again->dnskey == half.dnskey);
  }
}

TEST_CASE("a key file of dnssec-keygen") {
  auto key = parse_private_key(
      "Private-key-format: v1.3\r\nAlgorithm: 13 (ECDSAP256SHA256)\r\n"
      "PrivateKey: GU6SnQ/Ou+xC5RumuIUIuJZteXT2z0O/ok1s38Et6mQ=\r\nCreated: "
      "20100101000000\r\n\r\n");
  REQUIRE(key);  // RFC 6605 6.1
  CHECK(key->algorithm == 13);
  std::string dnskey =
      dnskey_rdata(257, 13, P256Signer::from_scalar(key->secret).value().public_key());
  CHECK(key_tag(dnskey) == 55648);
  CHECK(test::format_rdata(rrtype::kDnskey, dnskey).value().substr(0, 87) ==
        "257 3 13 GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMW");
  CHECK(test::format_rdata(rrtype::kDs, ds_rdata(wire("example.net"), dnskey)).value() ==
        "55648 13 2 b4c8c1fe2e7477127b27115656ad6256f424625bf5c1e2770ce6d6e37df61d17");
}

// dnssec-keygen writes an ECDSA key as a number: one of 256 has fewer than 32 octets.
TEST_CASE("a key whose first octets are zero") {
  const std::string scalar = std::string(2, '\0') + std::string(30, '\x5a');
  const auto key = parse_private_key(format_private_key({13, scalar.substr(2)}, from_unix(0)));
  REQUIRE(key);
  CHECK(key->secret == scalar);
  CHECK(P256Signer::from_scalar(key->secret));
}

TEST_CASE("files that are no keys") {
  const std::string good = format_private_key({13, std::string(32, 'a')}, from_unix(0));
  auto without = [&](std::string_view start) {
    std::string out = good;
    std::size_t at = out.find(start);
    return out.erase(at, out.find('\n', at) - at + 1);
  };
  for (const std::string& text : {
           std::string(),
           std::string("hello\n"),
           without("Private-key-format"),
           without("Algorithm"),
           without("PrivateKey:"),
           good + "PrivateKey: " + encode_base64(std::string(32, 'b')) + "\n",
           "Private-key-format: v2.0\n" + without("Private-key-format"),
           without("Algorithm") + "Algorithm: 8 (RSASHA256)\n",
           without("PrivateKey:") + "PrivateKey: " + encode_base64(std::string(33, 'b')) + "\n",
           without("PrivateKey:") + "PrivateKey: " + encode_base64(std::string(20, 'b')) + "\n",
           format_private_key({15, std::string(31, 'b')}, from_unix(0)),
           without("PrivateKey:") + "PrivateKey: !!!\n",
       }) {
    INFO(text);
    auto key = parse_private_key(text);
    REQUIRE(!key);
    CHECK(key.error().kind == ErrorKind::kUsage);
    CHECK(key.error().message.find(encode_base64(std::string(32, 'a'))) == std::string::npos);
  }
  for (const char* text : {"", "; nothing\n", "example.org. IN A 192.0.2.1\n",
                           "example.org. IN DNSKEY 257 3 8 AwEAAcR7\n",
                           "example.org. IN DNSKEY 257 3 13 AwEAAcR7\n"}) {
    INFO(text);
    CHECK(!parse_public_key(text));
  }
}

}  // namespace
}  // namespace gw::dns
