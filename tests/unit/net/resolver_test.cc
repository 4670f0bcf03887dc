#include "net/resolver.h"

#include <catch2/catch.hpp>
#include <filesystem>

#include "net/resolver_anchors.h"
#include "net/resolver_probe.h"
#include "os/file.h"
#include "support/check/dns_lab.h"

using namespace std::chrono_literals;
using gw::Duration;
using gw::ErrorKind;
using gw::Result;
using gw::net::DnsAnswer;
using gw::net::DnsSecurity;
using gw::net::Question;
using gw::net::Resolver;
using gw::net::ResolverOptions;
using gw::testing::DnsLab;

namespace {

constexpr const char* kMox = "mox.mjl_2d._.github.com.v0.";

Resolver make(ResolverOptions options) {
  auto resolver = Resolver::create(std::move(options));
  if (!resolver) FAIL(resolver.error().message);
  return std::move(*resolver);
}

Resolver lab_resolver() {
  const DnsLab& lab = DnsLab::get();
  return make({.resolver = lab.resolver(), .trust_anchor_file = lab.anchor()});
}

Result<DnsAnswer> ask(Resolver& resolver, const std::string& name, Duration timeout = 10s,
                      std::uint16_t type = gw::dns::rrtype::kTxt) {
  return resolver.lookup_one({name, type}, gw::system_clock().mono() + timeout);
}

std::string text(const DnsAnswer& answer) {
  if (answer.data.empty()) return "";
  auto joined = gw::net::join_txt(answer.data[0]);
  REQUIRE(joined);
  return *joined;
}

}  // namespace

TEST_CASE("every state of a zone is told apart") {
  struct Case {
    std::string zone;
    DnsSecurity security;
  };
  const Case cases[] = {
      {"signed.lab", DnsSecurity::kSecure},     {"nsec3.lab", DnsSecurity::kSecure},
      {"ed25519.lab", DnsSecurity::kSecure},    {"rsa.lab", DnsSecurity::kSecure},
      {"compact.lab", DnsSecurity::kSecure},    {"ed448.lab", DnsSecurity::kInsecure},
      {"unsigned.lab", DnsSecurity::kInsecure}, {"nods.lab", DnsSecurity::kInsecure},
      {"expired.lab", DnsSecurity::kBogus},     {"notyet.lab", DnsSecurity::kBogus},
      {"altered.lab", DnsSecurity::kBogus},     {"wrongds.lab", DnsSecurity::kBogus},
      {"dsunsigned.lab", DnsSecurity::kBogus},
  };
  Resolver resolver = lab_resolver();
  std::vector<Question> questions;
  for (const auto& c : cases) questions.push_back({kMox + c.zone});
  for (const auto& c : cases) questions.push_back({"no.such.name." + c.zone});
  const auto answers = resolver.lookup(questions, gw::system_clock().mono() + 20s);
  REQUIRE(answers.size() == 2 * std::size(cases));
  for (std::size_t i = 0; i < std::size(cases); ++i) {
    CAPTURE(cases[i].zone);
    const auto& found = answers[i];
    if (!found) FAIL(found.error().message);
    CAPTURE(found->why_bogus);
    CHECK(dns_security_name(found->security) == dns_security_name(cases[i].security));
    if (cases[i].security == DnsSecurity::kBogus) {
      CHECK(!found->why_bogus.empty());
      CHECK(found->why_bogus.find("recursion") == std::string::npos);
    } else {
      CHECK(text(*found) == "v=v0.0.15 t=6802a84d");
      CHECK(found->ttl.count() > 0);
      CHECK(found->ttl <= 300s);
      CHECK_FALSE(found->nxdomain);
    }
    const auto& missing = answers[std::size(cases) + i];
    if (!missing) FAIL(missing.error().message);
    // Nothing is changed below an altered answer; the zones that are wrong as a whole stay bogus.
    const bool altered = cases[i].zone == "altered.lab";
    CHECK(dns_security_name(missing->security) ==
          (altered ? "secure" : dns_security_name(cases[i].security)));
    CHECK(missing->data.empty());
    if (cases[i].security != DnsSecurity::kBogus) {
      CHECK(missing->nxdomain == (cases[i].zone != "compact.lab"));
    }
  }
}

TEST_CASE("what a name can hold") {
  Resolver resolver = lab_resolver();
  SECTION("an alias within the zone") {
    auto a = ask(resolver, "alias._.example.com.v0.signed.lab");
    REQUIRE(a);
    CHECK(a->security == DnsSecurity::kSecure);
    CHECK(a->canonical_name == std::string(kMox) + "signed.lab.");
    CHECK(text(*a) == "v=v0.0.15 t=6802a84d");
  }
  SECTION("a wildcard with its proof") {
    auto a = ask(resolver, "x.y.wild.signed.lab");
    REQUIRE(a);
    CHECK(a->security == DnsSecurity::kSecure);
    CHECK(text(*a) == "v=v1.0.0 t=68000000");
  }
  SECTION("an empty non-terminal") {
    auto a = ask(resolver, "v0.signed.lab");
    REQUIRE(a);
    CHECK(a->security == DnsSecurity::kSecure);
    CHECK(a->data.empty());
    CHECK_FALSE(a->nxdomain);
  }
  SECTION("several records, and one of several strings") {
    auto two = ask(resolver, "_updates.two.signed.lab");
    REQUIRE(two);
    CHECK(two->data.size() == 2);
    auto split = ask(resolver, "split._.example.com.v0.signed.lab");
    REQUIRE(split);
    CHECK(text(*split) == "v=v1.2.3 t=68000000");
    auto big = ask(resolver, "big.signed.lab");
    REQUIRE(big);
    CHECK(text(*big).size() == 440);
  }
  SECTION("mixed case and a final dot are the same question") {
    const Question same[] = {{std::string(kMox) + "signed.lab"},
                             {"MOX.mjl_2D._.GitHub.com.v0.Signed.Lab."}};
    auto answers = resolver.lookup(same, gw::system_clock().mono() + 10s);
    REQUIRE(answers.size() == 2);
    for (auto& a : answers) {
      REQUIRE(a);
      CHECK(text(*a) == "v=v0.0.15 t=6802a84d");
    }
  }
}

TEST_CASE("no questions, no answers") {
  Resolver resolver = lab_resolver();
  CHECK(resolver.lookup({}, gw::system_clock().mono() + 1s).empty());
}

TEST_CASE("more questions than libunbound takes at a time") {
  Resolver resolver = lab_resolver();
  std::vector<Question> questions;
  for (int i = 0; i < 2000; ++i)
    questions.push_back({"x" + std::to_string(i) + ".wild.signed.lab"});
  const auto answers = resolver.lookup(questions, gw::system_clock().mono() + 60s);
  REQUIRE(answers.size() == questions.size());
  std::size_t secure = 0;
  for (const auto& a : answers) secure += a && a->security == DnsSecurity::kSecure ? 1 : 0;
  CHECK(secure == questions.size());
}

TEST_CASE("bad names are refused without a packet") {
  // nobody answers there: a packet would run into the deadline
  Resolver resolver = make({.resolver = DnsLab::get().proxy("dead")});
  const std::string bad[] = {"",
                             "a..b",
                             std::string(64, 'x') + ".org",
                             "a b.org",
                             std::string("a\0b.org", 7),
                             std::string(300, 'a'),
                             "caf\xc3\xa9.org"};
  for (const auto& name : bad) {
    CAPTURE(name);
    auto a = ask(resolver, name, 5s);
    REQUIRE_FALSE(a);
    CHECK(a.error().kind == ErrorKind::kUsage);
  }
}

TEST_CASE("a dead resolver costs the deadline and no more") {
  const DnsLab& lab = DnsLab::get();
  const auto start = gw::system_clock().mono();
  {
    Resolver resolver = make({.resolver = lab.proxy("dead"), .trust_anchor_file = lab.anchor()});
    auto a = ask(resolver, "a.signed.lab", 700ms);
    REQUIRE_FALSE(a);
    CHECK(a.error().kind == ErrorKind::kUnavailable);
    CHECK(a.error().message == "a.signed.lab TXT: no answer in time");
  }
  const auto took = gw::system_clock().mono() - start;
  CHECK(took >= 700ms);
  CHECK(took < 2s);
}

TEST_CASE("answers after the deadline are not taken for those to later questions") {
  const DnsLab& lab = DnsLab::get();
  Resolver resolver = make({.resolver = lab.proxy("slow"), .trust_anchor_file = lab.anchor()});
  for (int i = 0; i < 5; ++i) {
    auto late = ask(resolver, "x" + std::to_string(i) + ".wild.signed.lab", 50ms);
    REQUIRE_FALSE(late);
  }
  auto a = ask(resolver, std::string(kMox) + "signed.lab", 30s);
  REQUIRE(a);
  CHECK(a->security == DnsSecurity::kSecure);
  CHECK(text(*a) == "v=v0.0.15 t=6802a84d");
}

TEST_CASE("a deadline that has passed") {
  Resolver resolver = lab_resolver();
  auto a = ask(resolver, "a.signed.lab", -1s);
  REQUIRE_FALSE(a);
  CHECK(a.error().kind == ErrorKind::kUnavailable);
}

TEST_CASE("a resolver that refuses is unavailable, not bogus") {
  const DnsLab& lab = DnsLab::get();
  for (const char* mode : {"servfail", "refused"}) {
    CAPTURE(mode);
    Resolver resolver = make({.resolver = lab.proxy(mode), .trust_anchor_file = lab.anchor()});
    auto a = ask(resolver, "a.signed.lab", 5s);
    REQUIRE_FALSE(a);
    CHECK(a.error().kind == ErrorKind::kUnavailable);
    CHECK(a.error().message.find("a.signed.lab TXT: ") == 0);
    if (mode == std::string("refused")) {
      CHECK(a.error().message.ends_with(" answers REFUSED"));
    }
  }
}

TEST_CASE("truncated answers come over TCP") {
  const DnsLab& lab = DnsLab::get();
  Resolver resolver = make({.resolver = lab.proxy("truncate"), .trust_anchor_file = lab.anchor()});
  auto a = ask(resolver, "big.signed.lab");
  REQUIRE(a);
  CHECK(a->security == DnsSecurity::kSecure);
  CHECK(text(*a).size() == 440);
}

TEST_CASE("a forged answer is bogus, AD bit or not") {
  const DnsLab& lab = DnsLab::get();
  Resolver resolver = make({.resolver = lab.proxy("forge"), .trust_anchor_file = lab.anchor()});
  auto a = ask(resolver, std::string(kMox) + "signed.lab");
  REQUIRE(a);
  CHECK(a->security == DnsSecurity::kBogus);
  CHECK(a->why_bogus.find("recursion") == std::string::npos);
}

TEST_CASE("a resolver that strips DNSSEC") {
  const DnsLab& lab = DnsLab::get();
  SECTION("is gone round by full recursion") {
    if (lab.root_hints().empty()) {
      WARN("port 53 of a loopback address cannot be had here: recursion is not tested");
      return;
    }
    Resolver resolver = make({.resolver = lab.proxy("strip"),
                              .trust_anchor_file = lab.anchor(),
                              .root_hints_file = lab.root_hints()});
    auto a = ask(resolver, std::string(kMox) + "signed.lab");
    REQUIRE(a);
    CAPTURE(a->why_bogus);
    CHECK(a->security == DnsSecurity::kSecure);
    CHECK(a->recursed);
    CHECK(text(*a) == "v=v0.0.15 t=6802a84d");
    auto altered = ask(resolver, std::string(kMox) + "altered.lab");
    REQUIRE(altered);
    CHECK(altered->security == DnsSecurity::kBogus);
  }
  SECTION("is out of order when recursion does not work either, and is named") {
    const auto hints =
        std::filesystem::temp_directory_path() / ("gw-hints-" + std::to_string(::getpid()));
    REQUIRE(
        gw::os::write_file_atomic(hints.string(), ". 60 NS a.\na. 60 A 127.255.255.254\n", 0600));
    for (const char* mode : {"strip", "formerr", "portal"}) {
      CAPTURE(mode);
      Resolver resolver = make({.resolver = lab.proxy(mode),
                                .trust_anchor_file = lab.anchor(),
                                .root_hints_file = hints.string()});
      auto a = ask(resolver, std::string(kMox) + "signed.lab", 2s);
      REQUIRE_FALSE(a);
      CHECK(a.error().kind == ErrorKind::kUnavailable);
      CHECK(a.error().message.find("the resolver " + lab.proxy(mode)) != std::string::npos);
      CHECK_FALSE(a.error().hint.empty());
    }
    // Where the root may not be asked, that is what is said to help.
    Resolver resolver_only =
        make({.resolver = lab.proxy("strip"), .trust_anchor_file = lab.anchor(), .recurse = false});
    auto own = ask(resolver_only, std::string(kMox) + "signed.lab", 20s);
    REQUIRE_FALSE(own);
    CHECK(own.error().kind == ErrorKind::kUnavailable);
    CHECK(own.error().message.find("without DNSSEC signatures") != std::string::npos);
    CHECK(own.error().message.find("root servers") == std::string::npos);
    CHECK(own.error().hint.find("--recurse") != std::string::npos);
    // With signatures that do not fit to the anchor it is a forgery.
    const auto anchor = hints.string() + ".ds";
    REQUIRE(gw::os::write_file_atomic(anchor, ". DS 1 13 2 " + std::string(64, '0') + "\n", 0600));
    Resolver resolver = make({.resolver = lab.resolver(),
                              .trust_anchor_file = anchor,
                              .root_hints_file = hints.string()});
    auto a = ask(resolver, std::string(kMox) + "signed.lab", 2s);
    std::filesystem::remove(hints);
    std::filesystem::remove(anchor);
    REQUIRE(a);
    CHECK(a->security == DnsSecurity::kBogus);
    CHECK(a->why_bogus.find("through the resolver " + lab.resolver()) != std::string::npos);
    CHECK(a->why_bogus.find("full recursion does not help") != std::string::npos);
  }
}

TEST_CASE("without validation nothing is claimed") {
  const DnsLab& lab = DnsLab::get();
  Resolver resolver = make({.resolver = lab.resolver(), .validate = false});
  for (const char* zone : {"signed.lab", "altered.lab", "expired.lab"}) {
    auto a = ask(resolver, std::string(kMox) + zone);
    REQUIRE(a);
    CHECK(a->security == DnsSecurity::kUnchecked);
    CHECK_FALSE(a->data.empty());
  }
}

TEST_CASE("the anchor decides") {
  const DnsLab& lab = DnsLab::get();
  SECTION("a zone's own DS is enough for that zone, others are insecure") {
    Resolver resolver =
        make({.resolver = lab.resolver(), .trust_anchor_file = lab.anchor_of("signed.lab")});
    auto own = ask(resolver, std::string(kMox) + "signed.lab");
    REQUIRE(own);
    CHECK(own->security == DnsSecurity::kSecure);
    auto other = ask(resolver, std::string(kMox) + "nsec3.lab");
    REQUIRE(other);
    CHECK(other->security == DnsSecurity::kInsecure);
  }
  SECTION("a name that no anchor covers is an error where one is needed, and is not asked for") {
    Resolver resolver = make({.resolver = lab.proxy("dead"),
                              .trust_anchor_file = lab.anchor_of("signed.lab"),
                              .need_anchor = true});
    const auto other = ask(resolver, std::string(kMox) + "nsec3.lab");
    REQUIRE_FALSE(other);
    CHECK(other.error().kind == ErrorKind::kUsage);
    CHECK(other.error().message == "no trust anchor covers " + std::string(kMox) + "nsec3.lab");
    CHECK(resolver.check_anchor("signed.lab"));
    CHECK(resolver.check_anchor("a.Signed.Lab."));
    CHECK_FALSE(resolver.check_anchor("lab"));
    CHECK_FALSE(resolver.check_anchor("unsigned.lab"));
  }
  SECTION("test. is asked like any other name") {
    Resolver resolver = lab_resolver();
    auto a = ask(resolver, "a.test");
    REQUIRE(a);
    CHECK(a->nxdomain);
    CHECK(a->security == DnsSecurity::kSecure);  // the lab's root proves it; a local zone could not
  }
}

TEST_CASE("the system's resolvers") {
  const DnsLab& lab = DnsLab::get();
  const auto conf =
      std::filesystem::temp_directory_path() / ("gw-resolv-" + std::to_string(::getpid()));
  auto security_through = [&](const std::string& text) -> std::string {
    REQUIRE(gw::os::write_file_atomic(conf.string(), text, 0600));
    Resolver resolver = make({.resolv_conf = conf.string(), .trust_anchor_file = lab.anchor()});
    auto a = ask(resolver, "a.wild.signed.lab", 2s);
    std::filesystem::remove(conf);
    return a ? std::string(dns_security_name(a->security)) : a.error().message;
  };
  CHECK(security_through("nameserver 127.255.255.254\n").find("a.wild.signed.lab TXT: ") == 0);
  if (lab.port_53().empty()) {
    WARN("port 53 of a loopback address cannot be had here: resolv.conf is not tested fully");
    return;
  }
  CHECK(security_through("search x\nnameserver " + lab.port_53() + "\noptions edns0\n") ==
        "secure");
}

TEST_CASE("resolver addresses") {
  struct Case {
    std::string address;
    bool good;
  };
  const Case cases[] = {
      {"127.0.0.1", true},    {"127.0.0.1@5353", true},   {"::1", true},
      {"::1@53", true},       {"fe80::1%lo@53", true},    {"192.0.2.1@65535", true},
      {"localhost", false},   {"127.0.0.1:53", true},     {"127.0.0.1@", false},
      {"127.0.0.1@0", false}, {"127.0.0.1@65536", false}, {"127.0.0.1@53x", false},
      {"[::1]@53", true},     {"1.2.3", false},           {"1.2.3.4%lo", false},
      {"@53", false},
  };
  for (const auto& c : cases) {
    CAPTURE(c.address);
    auto r = Resolver::create({.resolver = c.address});
    CHECK(r.has_value() == c.good);
    if (!r) CHECK(r.error().kind == ErrorKind::kUsage);
  }
}

TEST_CASE("trust anchor files") {
  const std::string ds32(64, 'a');
  const std::string key13 = std::string(86, 'A') + "==";
  struct Case {
    std::string text;
    std::string error;  // "" when it is good
    std::size_t anchors = 0;
  };
  const Case cases[] = {
      {". IN DS 20326 8 2 " + ds32, "", 1},
      {"; a comment\n\n.\t172800\tIN\tDS\t20326 8 2 " + ds32 + " ; more\n", "", 1},
      {"Example.ORG 1h DS 1 13 2 (\n " + ds32.substr(0, 30) + "\n " + ds32.substr(30) + " )\r\n",
       "", 1},
      {"a.org. IN 60 DNSKEY 257 3 13 " + key13 + "\nb.org. DS 5 13 2 " + ds32, "", 2},
      // one record that is of no use beside one that is
      {"a. DS 1 16 2 " + ds32 + "\na. DS 2 13 2 " + ds32, "", 1},
      {"", "f: no DS or DNSKEY record in it"},
      {"; nothing\n", "f: no DS or DNSKEY record in it"},
      {"\na. DS 1 16 2 " + ds32,
       "f:2: algorithm 16 cannot be validated here, so a. would have no trust anchor and count as "
       "unsigned"},
      {"a. DS 1 13 3 " + ds32, "f:1: digest type 3 cannot be"},
      {"a. DNSKEY 385 3 13 " + key13, "f:1: a revoked key cannot be"},
      {"a. DNSKEY 1 3 13 " + key13, "f:1: a key that is no zone key cannot be"},
      {"a. DS 1 13 2 abcd", "f:1: a digest of type 2 has 32 bytes, this one 2"},
      {"a. DS 1 13 2 " + ds32 + "f", "f:1: bad hexadecimal digest in a DS record"},
      {"a. DS 65536 13 2 " + ds32, "f:1: bad number in a DS record"},
      {"a. DS 1 13 2", "f:1: a DS record has key tag, algorithm, digest type, digest"},
      {"a. DNSKEY 257 3 13 " + key13.substr(4),
       "f:1: a key of algorithm 13 has 64 bytes, this one 61"},
      {"a. DNSKEY 257 3 13 A", "f:1: bad base64 key in a DNSKEY record"},
      {"a. DNSKEY 257 2 13 " + key13, "f:1: the protocol of a DNSKEY is 3"},
      {"a. A 127.0.0.1", "f:1: neither a DS nor a DNSKEY record: \"A\""},
      {"$ORIGIN a.\n@ DS 1 13 2 " + ds32, "f:1: directives are not read here: \"$ORIGIN\""},
      {"a. DS 1 13 2 " + ds32 + "\n  DS 2 13 2 " + ds32, "f:2: a record without its owner's name"},
      {"a..b DS 1 13 2 " + ds32, "f:1: bad owner name \"a..b\""},
      {std::string(64, 'a') + " DS 1 13 2 " + ds32, "f:1: bad owner name"},
      {"a. DS 1 13 2 ( " + ds32, "f:1: the parenthesis opened on line 1 is never closed"},
      {"a. DS 1 13 2 " + ds32 + " )", "f:1: a closing parenthesis without an opening one"},
      {"\"a.\" DS 1 13 2 " + ds32, "f:1: bad owner name"},
      {"a. DS 1 13 2 \"" + ds32 + "\"", "f:1: bad hexadecimal digest in a DS record"},
      {"a\\.b. DS 1 13 2 " + ds32, "f:1: bad owner name"},
      {"a. IN", "f:1: a record without a type"},
      {std::string("a.\0 DS", 6), "f:1: control character 0x00"},
      {"\x7f"
       "ELF",
       "f:1: control character 0x7f"},
      {"-----BEGIN CERTIFICATE-----", "f:1: "},
  };
  for (const auto& c : cases) {
    CAPTURE(c.text);
    auto r = gw::net::parse_trust_anchors(c.text, "f");
    if (c.error.empty()) {
      if (!r) FAIL(r.error().message);
      CHECK(r->size() == c.anchors);
    } else {
      REQUIRE_FALSE(r);
      CHECK(r.error().kind == ErrorKind::kUsage);
      CAPTURE(r.error().message);
      CHECK(r.error().message.find(c.error) == 0);
    }
  }
  auto missing = Resolver::create({.trust_anchor_file = "/nonexistent/anchor"});
  REQUIRE_FALSE(missing);
  CHECK(missing.error().kind == ErrorKind::kUsage);
  CHECK(missing.error().message == "trust anchor: /nonexistent/anchor: no such file");
}

TEST_CASE("trust anchors as BIND keeps them") {
  const auto& root = gw::net::builtin_trust_anchors();
  const std::string digest = root[0].record.substr(root[0].record.rfind(' ') + 1);
  const auto parse = [](const std::string& text) {
    auto anchors = gw::net::parse_trust_anchors(text, "bind.keys");
    std::string out;
    if (!anchors) return anchors.error().message;
    for (const auto& a : *anchors) out += a.record + "\n";
    return out;
  };
  CHECK(parse("/* the root's\n keys */\ntrust-anchors {\n  # one\n  . initial-ds 20326 8 2 \"" +
              digest + "\"; // two\n};\n") == root[0].record + "\n");
  CHECK(parse("trust-anchors { \".\" static-ds 20326 8 2 \"" + digest.substr(0, 20) + "\n " +
              digest.substr(20) + "\"; };") == root[0].record + "\n");
  const std::string key(43, 'A');
  const std::string record = "example.org. IN DNSKEY 257 3 15 " + key + "=\n";
  for (const char* form : {"trust-anchors { example.org initial-key 257 3 15 \"%\"; };",
                           "managed-keys { example.org. initial-key 257 3 15 \"%\"; };",
                           "trusted-keys { \"example.org\" 257 3 15 \"%\"; };"}) {
    std::string text = form;
    text.replace(text.find('%'), 1, key + "=");
    CAPTURE(text);
    CHECK(parse(text) == record);
    CHECK(parse(text + "\n" + text) == record + record);
  }
  struct Case {
    const char* text;
    const char* says;
  };
  const Case cases[] = {
      {"trust-anchors", "bind.keys:1: no { after"},
      {"trust-anchors {\n . initial-ds 1 8 2;\n};", "bind.keys:2: an anchor has a name"},
      {"trust-anchors {\n . initial-ds;\n};", "bind.keys:2: an anchor has a name"},
      {"trust-anchors {\n . initial-ds 1 8 2 \"ab\"", "bind.keys:2: no } at the end"},
      {"trust-anchors { }", "bind.keys:1: no ; after }"},
      {"trust-anchors { };", "no DS or DNSKEY record in it"},
      {"trust-anchors { };\noptions { };", "bind.keys:2: neither trust-anchors nor"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    CHECK(parse(c.text).find(c.says) != std::string::npos);
  }
}

TEST_CASE("the built-in anchors are well formed and both there") {
  std::string text;
  for (const auto& a : gw::net::builtin_trust_anchors()) text += a.record + "\n";
  auto parsed = gw::net::parse_trust_anchors(text, "built in");
  REQUIRE(parsed);
  REQUIRE(parsed->size() == 2);
  CHECK((*parsed)[0].record.find(" 20326 8 2 ") != std::string::npos);
  CHECK((*parsed)[1].record.find(" 38696 8 2 ") != std::string::npos);
}

TEST_CASE("the closest anchor above a name") {
  const std::vector<gw::net::TrustAnchor> anchors = {
      {"lab.", ""}, {"signed.lab.", ""}, {"org.", ""}};
  auto owner = [&](std::string_view name) {
    const auto* found = gw::net::find_anchor_owner(anchors, name);
    return found == nullptr ? std::string("none") : *found;
  };
  CHECK(owner("a.signed.lab.") == "signed.lab.");
  CHECK(owner("signed.lab.") == "signed.lab.");
  CHECK(owner("unsigned.lab.") == "lab.");
  CHECK(owner("xlab.") == "none");
  CHECK(owner("org.") == "org.");
  CHECK(owner(".") == "none");
}

TEST_CASE("character-strings of a TXT record") {
  using gw::net::join_txt;
  using namespace std::string_literals;
  CHECK(*join_txt("\3abc"s) == "abc");
  CHECK(*join_txt("\3abc\2de\0\1f"s) == "abcdef");
  CHECK(join_txt("\0"s)->empty());
  for (const auto& bad : {""s, "\4abc"s, "\3abc\1"s}) {
    auto r = join_txt(bad);
    REQUIRE_FALSE(r);
    CHECK(r.error().kind == ErrorKind::kCorrupt);
  }
}

TEST_CASE("whom a resolver asks") {
  const auto conf =
      std::filesystem::temp_directory_path() / ("gw-resolv2-" + std::to_string(::getpid()));
  const auto addresses = [&](const std::string& text) {
    REQUIRE(gw::os::write_file_atomic(conf.string(), text, 0600));
    std::string out;
    for (const auto& a : gw::net::resolver_addresses({.resolv_conf = conf.string()})) {
      out += a.format() + " ";
    }
    std::filesystem::remove(conf);
    return out;
  };
  CHECK(addresses("search x\nnameserver 192.0.2.1\n nameserver  2001:db8::1 \n") ==
        "192.0.2.1:53 [2001:db8::1]:53 ");
  CHECK(addresses("") == "127.0.0.1:53 ");
  CHECK(addresses("nameserver x\nnameserver 192.0.2.1\n") == "192.0.2.1:53 ");
  const auto one = gw::net::resolver_addresses({.resolver = "192.0.2.1@5353"});
  REQUIRE(one.size() == 1);
  CHECK(one[0].format() == "192.0.2.1:5353");
}

TEST_CASE("what a resolver says by itself") {
  const DnsLab& lab = DnsLab::get();
  const auto why = [&](const std::string& resolver) {
    return gw::net::why_no_answer(gw::net::resolver_addresses({.resolver = resolver}),
                                  {"a.signed.lab"}, gw::system_clock().mono() + 20s);
  };
  CHECK(why(lab.proxy("refused")).ends_with(" answers REFUSED"));
  CHECK(why(lab.proxy("servfail")).empty());
  CHECK(why(lab.resolver()).empty());
}
