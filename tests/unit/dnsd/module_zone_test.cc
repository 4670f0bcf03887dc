#include "dnsd/module_zone.h"

#include <catch2/catch.hpp>

#include "base/crypto.h"
#include "dns/answer.h"
#include "dns/dnssec.h"
#include "dns/rdata.h"
#include "dnsd/online_signer.h"
#include "support/dnsd/reader_section.h"

namespace gw::dnsd {
namespace {

const std::string kModuleOrigin = *dns::parse_lower_name("l.example.org");

std::string wire(std::string_view text) { return *dns::parse_lower_name(text); }

// The labels of a name before v0.l.example.org.
std::string labels(std::string_view text) {
  std::string name = wire(text);
  name.pop_back();
  return name;
}

struct Zone {
  Epochs epochs;
  ModuleIndex index{epochs};
  ModuleLookup lookup{epochs};
  ZoneKey key = *ZoneKey::from_secret(kModuleOrigin, 13, std::string(32, '\7'));
  ModuleZone zone;

  explicit Zone(std::vector<std::string_view> ns = {"ns1.l.example.org=192.0.2.1,2001:db8::1",
                                                    "ns.a.b.l.example.org=192.0.2.2",
                                                    "ns.example.net"},
                ModuleZone::State state = {.serial = 77},
                std::string_view rname = "hostmaster.example.org")
      : zone(epochs, index, lookup, settings(ns, rname)) {
    add("mox.mjl_2d._.github.com", "v=v0.0.15 t=6802a84d");
    add("deep.h2non._.gopkg.in", "v=v1.0.0 t=1");
    add("norelease.o._.github.com", "");
    add("x._.toolchain", "v=v1.0.0 t=1");
    publish(state);
  }
  void publish(ModuleZone::State state) {
    state.dnskey = key.dnskey();
    state.key = 1;
    auto made = zone.make(state);
    REQUIRE(made);
    zone.publish(*std::move(made));
  }
  static ZoneSettings settings(const std::vector<std::string_view>& ns,
                               std::string_view rname = "hostmaster.example.org") {
    ZoneSettings s;
    s.origin = kModuleOrigin;
    for (auto text : ns) {
      s.name_servers.push_back(*NameServer::parse(text, kModuleOrigin));
    }
    s.rname = rname == "." ? std::string(1, '\0') : wire(rname);
    s.negative_ttl = 60;
    return s;
  }
  void add(std::string_view name, std::string_view txt) {
    const std::string l = labels(name);
    const ModuleIndex::Item item{l, txt};
    index.set({&item, 1});
  }
};

TEST_CASE("what exists in the module zone") {
  Zone z;
  using Kind = dns::NodeKind;
  struct Case {
    std::string_view name;
    Kind kind;
    std::vector<std::uint16_t> types;
  };
  using namespace dns::rrtype;
  const std::vector<Case> cases = {
      {"l.example.org", Kind::kNode, {kNs, kSoa, kMx, kDnskey}},
      {"ns1.l.example.org", Kind::kNode, {kA, kAaaa}},
      {"ns.a.b.l.example.org", Kind::kNode, {kA}},
      {"a.b.l.example.org", Kind::kEmpty, {}},
      {"b.l.example.org", Kind::kEmpty, {}},
      {"c.b.l.example.org", Kind::kMissing, {}},
      {"v0.l.example.org", Kind::kEmpty, {}},
      {"v1.l.example.org", Kind::kMissing, {}},
      {"v2.l.example.org", Kind::kMissing, {}},
      {"xv0.l.example.org", Kind::kMissing, {}},
      {"toolchain.v0.l.example.org", Kind::kEmpty, {}},
      {"x._.toolchain.v0.l.example.org", Kind::kNode, {kTxt}},
      {"mox.mjl_2d._.github.com.v0.l.example.org", Kind::kNode, {kTxt}},
      {"mox.mjl-._.github.com.v0.l.example.org", Kind::kNode, {kTxt}},
      {"mjl_2d._.github.com.v0.l.example.org", Kind::kEmpty, {}},
      {"mjl-._.github.com.v0.l.example.org", Kind::kEmpty, {}},
      {"x.mox.mjl-._.github.com.v0.l.example.org", Kind::kMissing, {}},
      {"-mox.mjl-._.github.com.v0.l.example.org", Kind::kMissing, {}},
      {"_.github.com.v0.l.example.org", Kind::kEmpty, {}},
      {"github.com.v0.l.example.org", Kind::kEmpty, {}},
      {"com.v0.l.example.org", Kind::kEmpty, {}},
      {"h2non._.gopkg.in.v0.l.example.org", Kind::kEmpty, {}},
      {"norelease.o._.github.com.v0.l.example.org", Kind::kEmpty, {}},
      {"mox.mjl_2d.github.com.v0.l.example.org", Kind::kMissing, {}},
      {"mox.mjl_2d._.github.com.l.example.org", Kind::kMissing, {}},
      {"mox.mjl_2d._.github.com.v0.v0.l.example.org", Kind::kMissing, {}},
      {"v0.mox.mjl_2d._.github.com.v0.l.example.org", Kind::kMissing, {}},
      {"v0.x.l.example.org", Kind::kMissing, {}},
  };
  Epochs::Reader reader(z.epochs);
  ReaderSection section(reader);
  for (const Case& c : cases) {
    INFO(c.name);
    dns::Node node;
    z.zone.content()->find(wire(c.name), node);
    CHECK(node.kind == c.kind);
    std::vector<std::uint16_t> types;
    for (const auto& set : node.rrsets) types.push_back(set.type);
    CHECK(types == c.types);
  }
  CHECK(dns::soa_serial(z.zone.content()->soa().rdatas.substr(2)) == 77);
  CHECK(dns::soa_minimum(z.zone.content()->soa().rdatas.substr(2)) == 60);
  CHECK(z.zone.content()->soa().ttl == 300);
}

TEST_CASE("no mail is taken where nobody is said to read it") {
  for (const auto& [rname, null_mx] :
       std::vector<std::pair<std::string_view, bool>>{{"hostmaster.example.org", true},
                                                      {"x.hostmaster.l.example.org", true},
                                                      {"l.example.org", true},
                                                      {".", true},
                                                      {"hostmaster.l.example.org", false}}) {
    INFO(rname);
    Zone z({"ns.example.net"}, {.serial = 77}, rname);
    Epochs::Reader reader(z.epochs);
    ReaderSection section(reader);
    dns::Node node;
    z.zone.content()->find(kModuleOrigin, node);
    CHECK((node.find(dns::rrtype::kMx) != nullptr) == null_mx);
    CHECK(node.find(dns::rrtype::kSoa) != nullptr);
  }
}

TEST_CASE("the toolchain, and a new serial") {
  Zone z;
  z.publish({.serial = 78, .toolchain = "v=go1.25.6 k=cur t=69693421"});
  dns::Node node;
  z.zone.content()->find(wire("toolchain.v0.l.example.org"), node);
  REQUIRE(node.kind == dns::NodeKind::kNode);
  REQUIRE(node.find(dns::rrtype::kTxt) != nullptr);
  CHECK(node.find(dns::rrtype::kTxt)->rdatas.substr(3) == "v=go1.25.6 k=cur t=69693421");
  CHECK(dns::soa_serial(z.zone.content()->soa().rdatas.substr(2)) == 78);
  CHECK(z.zone.ready());
  z.zone.publish(nullptr);
  CHECK_FALSE(z.zone.ready());
  CHECK(z.zone.content() == nullptr);
}

TEST_CASE("texts of --ns") {
  for (std::string_view good : {"ns1.l.example.org=192.0.2.1", "l.example.org=192.0.2.1",
                                "ns.example.net", "NS.Example.NET.", "vv0.l.example.org=::1"}) {
    INFO(good);
    CHECK(NameServer::parse(good, kModuleOrigin));
  }
  for (std::string_view bad :
       {"", ".", "=192.0.2.1", "ns1.l.example.org",
        "ns1.l.example.org=", "ns.example.net=192.0.2.1", "ns1.l.example.org=192.0.2",
        "ns1.l.example.org=192.0.2.1:54", "ns1..l.example.org=192.0.2.1",
        "v0.l.example.org=192.0.2.1", "ns.v0.l.example.org=192.0.2.1",
        "ns.x.v1.l.example.org=192.0.2.1", "ns1.l.example.org=192.0.2.1;192.0.2.2"}) {
    INFO(bad);
    auto server = NameServer::parse(bad, kModuleOrigin);
    REQUIRE_FALSE(server);
    CHECK(server.error().kind == ErrorKind::kUsage);
  }
}

TEST_CASE("the fingerprint tells every setting that answers depend on") {
  const ZoneKey key = *ZoneKey::from_secret(kModuleOrigin, 13, std::string(32, '\7'));
  const auto base = Zone::settings({"ns1.l.example.org=192.0.2.1"});
  const std::string print = base.fingerprint(key);
  CHECK(base.fingerprint(key) == print);
  auto other = base;
  other.ttl = 301;
  CHECK(other.fingerprint(key) != print);
  other = base;
  other.negative_ttl = 61;
  CHECK(other.fingerprint(key) != print);
  other = base;
  other.rname = wire("x.example.org");
  CHECK(other.fingerprint(key) != print);
  CHECK(Zone::settings({"ns1.l.example.org=192.0.2.2"}).fingerprint(key) != print);
  CHECK(Zone::settings({"ns2.l.example.org=192.0.2.1"}).fingerprint(key) != print);
  CHECK(base.fingerprint(*ZoneKey::from_secret(kModuleOrigin, 15, std::string(32, '\7'))) != print);
}

// ---- signing ----

struct Signing {
  std::shared_ptr<const ZoneKey> key;
  SigningContext context;
  OnlineSigner signer;
  dns::KeyId key_id;
  WallTime now = from_unix(1'800'000'000);

  explicit Signing(SigningContext::Limits limits = {.cache_bytes = 1 << 20},
                   std::uint8_t algorithm = 13)
      : key(std::make_shared<const ZoneKey>(
            *ZoneKey::from_secret(kModuleOrigin, algorithm, std::string(32, '\7')))),
        context(limits),
        signer(context),
        key_id(*context.add_key(key)) {}
  struct Made {
    dns::SignStatus status;
    std::string rdata;
    dns::ParsedRrsig rrsig;
  };
  Made sign(std::string_view owner, std::string_view txt, std::uint32_t ttl = 300,
            dns::Transport transport = dns::Transport::kUdp) {
    signer.begin(now, static_cast<std::uint64_t>(to_unix(now)) * 1'000'000);
    signer.next_query(transport);
    const std::array<std::string, 1> rdata = {dns::txt_rdata(txt)};
    const std::string packed = *dns::pack_rdatas(dns::rrtype::kTxt, rdata);
    const dns::RrsetView rrset{dns::rrtype::kTxt, 1, ttl, packed};
    const std::string name = wire(owner);
    Made made;
    made.rdata.resize(dns::kMaxRrsig);
    const auto result = signer.sign({kModuleOrigin, key_id, name, rrset}, made.rdata);
    made.status = result.status;
    made.rdata.resize(result.size);
    if (result.status != dns::SignStatus::kSigned) return made;
    auto parsed = dns::parse_rrsig(made.rdata);
    REQUIRE(parsed);
    made.rrsig = *parsed;
    std::string data;
    dns::append_signed_data(data, parsed->prefix, name, rrset);
    const std::string public_key = key->dnskey().substr(4);
    CHECK((key->algorithm() == 13 ? p256_verify(public_key, data, parsed->signature)
                                  : ed25519_verify(public_key, data, parsed->signature)));
    return made;
  }
};

TEST_CASE("signatures verify, are kept, and depend on everything signed") {
  for (std::uint8_t algorithm : {13, 15}) {
    Signing s({.cache_bytes = 1 << 20}, algorithm);
    const auto first = s.sign("a.l.example.org", "1");
    CHECK(first.rrsig.fields.algorithm == algorithm);
    CHECK(first.rrsig.fields.key_tag == s.key->tag());
    CHECK(first.rrsig.fields.labels == 4);
    CHECK(first.rrsig.fields.original_ttl == 300);
    CHECK(first.rrsig.fields.signer == kModuleOrigin);
    const auto now = static_cast<std::uint32_t>(to_unix(s.now));
    CHECK(first.rrsig.fields.inception <= now - 3600);
    CHECK(first.rrsig.fields.inception > now - 2 * 3600);
    CHECK(first.rrsig.fields.inception % 3600 == 0);
    CHECK(first.rrsig.fields.expiration == first.rrsig.fields.inception + 14 * 86400);
    if (algorithm == 13) {  // random signatures: the same one means that it was kept
      CHECK(s.sign("a.l.example.org", "1").rdata == first.rdata);
      CHECK(s.sign("a.l.example.org", "1", 301).rdata != first.rdata);
      CHECK(s.sign("a.l.example.org", "2").rdata != first.rdata);
      CHECK(s.sign("b.l.example.org", "1").rdata != first.rdata);
      CHECK(s.sign("*.l.example.org", "1").rrsig.fields.labels == 3);
      CHECK(s.sign("a.l.example.org", "1").rdata == first.rdata);
    }
  }
}

TEST_CASE("signatures are renewed with a quarter to a half of their life left, spread") {
  Signing s;
  constexpr std::uint32_t kLife = 14 * 86400;
  const WallTime start = s.now;
  std::vector<std::uint32_t> lives;
  for (int i = 0; i < 50; ++i) {
    const std::string name = "n" + std::to_string(i) + ".l.example.org";
    s.now = start;
    const auto first = s.sign(name, "x");
    std::uint32_t age = 0;
    for (; age < kLife; age += 3600) {
      s.now = start + std::chrono::seconds(age);
      if (s.sign(name, "x").rdata != first.rdata) break;
    }
    CHECK(age >= kLife / 2 - 2 * 3600);
    CHECK(age <= kLife * 3 / 4);
    lives.push_back(age);
  }
  std::sort(lives.begin(), lives.end());
  CHECK(lives.back() - lives.front() > kLife / 8);
}

TEST_CASE("a kept signature is not used too near its end, nor before its beginning") {
  // No budget for a new one: the old one serves as long as it may.
  Signing s({.cache_bytes = 1 << 20, .udp_rate = 1, .tcp_rate = 1});
  const WallTime start = s.now;
  const auto first = s.sign("a.l.example.org", "1", 7200);
  const auto left = [&](std::uint32_t seconds) {
    s.now = from_unix(first.rrsig.fields.expiration - seconds);
  };
  left(7200 + 3600 + 1);
  (void)s.sign("b.l.example.org", "use up the budget");
  CHECK(s.sign("a.l.example.org", "1", 7200).rdata == first.rdata);
  CHECK_FALSE(s.signer.over_budget());
  s.now += std::chrono::seconds(1);
  (void)s.sign("c.l.example.org", "use up the budget");
  CHECK(s.sign("a.l.example.org", "1", 7200).status == dns::SignStatus::kLater);
  CHECK(s.signer.over_budget());
  // The clock went back behind the inception: made anew.
  s.now = start - std::chrono::hours(48);
  const auto earlier = s.sign("a.l.example.org", "1", 7200, dns::Transport::kTcp);
  CHECK(earlier.rrsig.fields.inception <= static_cast<std::uint32_t>(to_unix(s.now)));
}

TEST_CASE("each transport has its budget") {
  Signing s({.cache_bytes = 1 << 20, .udp_rate = 10, .tcp_rate = 10});
  CHECK(s.sign("a.l.example.org", "1").status == dns::SignStatus::kSigned);
  CHECK(s.sign("b.l.example.org", "1").status == dns::SignStatus::kLater);
  CHECK(s.sign("a.l.example.org", "1").status == dns::SignStatus::kSigned);
  CHECK(s.sign("b.l.example.org", "1", 300, dns::Transport::kTcp).status ==
        dns::SignStatus::kSigned);
  CHECK(s.sign("b.l.example.org", "1").status == dns::SignStatus::kSigned);
}

TEST_CASE("nothing is signed while the clock is behind the newest head") {
  Signing s;
  REQUIRE(s.sign("a.l.example.org", "1").status == dns::SignStatus::kSigned);
  s.context.set_not_before(s.now + std::chrono::seconds(61));
  const auto refused = s.sign("a.l.example.org", "1");
  CHECK(refused.status == dns::SignStatus::kFailed);
  s.context.set_not_before(s.now + std::chrono::seconds(59));
  CHECK(s.sign("a.l.example.org", "1").status == dns::SignStatus::kSigned);
}

TEST_CASE("a new key is used at once, and never another key's signature") {
  Signing s;
  const auto old = s.sign("a.l.example.org", "1");
  const auto old_key = s.key;
  const dns::KeyId old_id = s.key_id;
  s.key = std::make_shared<const ZoneKey>(
      *ZoneKey::from_secret(kModuleOrigin, 13, std::string(32, '\6')));
  s.key_id = *s.context.add_key(s.key);
  const auto fresh = s.sign("a.l.example.org", "1");
  CHECK(fresh.rrsig.fields.key_tag == s.key->tag());
  CHECK(fresh.rdata != old.rdata);
  // A content that is older than the key is signed as it announces.
  s.key_id = old_id;
  s.key = old_key;
  CHECK(s.sign("a.l.example.org", "1").rdata == old.rdata);
  s.context.remove_key(s.key_id);
  CHECK(s.sign("a.l.example.org", "1").status == dns::SignStatus::kFailed);
}

TEST_CASE("a key that comes while a batch is answered is found") {
  Signing s;
  const std::string packed("\0\2\1x", 4);
  const dns::RrsetView rrset{dns::rrtype::kTxt, 1, 300, packed};
  std::string out(dns::kMaxRrsig, '\0');
  s.signer.begin(s.now, 0);
  CHECK(s.signer.sign({kModuleOrigin, 99, kModuleOrigin, rrset}, out).status ==
        dns::SignStatus::kFailed);
  const dns::KeyId id = *s.context.add_key(s.key);
  CHECK(s.signer.sign({kModuleOrigin, id, kModuleOrigin, rrset}, out).status ==
        dns::SignStatus::kSigned);
}

}  // namespace
}  // namespace gw::dnsd
