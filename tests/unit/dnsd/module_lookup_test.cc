#include "dnsd/module_lookup.h"

#include <catch2/catch.hpp>
#include <set>

#include "dns/module_name.h"
#include "dnsd/module_batch.h"
#include "dnsd/module_loader.h"
#include "dnsd/module_text.h"
#include "dnsd/module_zone.h"
#include "support/dnsd/follow_into.h"
#include "support/dnsd/temp_dir.h"
#include "support/tlog/test_log.h"

namespace gw::dnsd {
namespace {

const std::string kOrigin = *dns::parse_lower_name("l.example.org");

struct Followed {
  TempDir dir;
  std::string db = dir.file("db");
  testing::TestLog log;
  void follow(std::int64_t accepted) {
    REQUIRE(testing::follow_into(db, log, log.key(), log.key().format(), log.head(),
                                 from_unix(accepted)));
  }
};

// A zone whose index has what `fill` puts in.
struct Space {
  Epochs epochs;
  ModuleIndex index{epochs};
  ModuleLookup lookup{epochs};
  ModuleLoader loader{index};
  ZoneKey key = *ZoneKey::from_secret(kOrigin, 13, std::string(32, '\7'));
  ModuleZone zone;

  Space() : zone(epochs, index, lookup, settings()) {
    auto made = zone.make({.serial = 1, .dnskey = key.dnskey(), .key = 1});
    REQUIRE(made);
    zone.publish(*std::move(made));
  }
  static ZoneSettings settings() {
    ZoneSettings s;
    s.origin = kOrigin;
    s.name_servers.push_back(*NameServer::parse("ns.example.net", kOrigin));
    s.rname = *dns::parse_lower_name("hostmaster.example.org");
    return s;
  }
  // What is at these labels: "-" for no name, "" for no records, "?" for unknown, else the text.
  std::string at(std::string_view labels) {
    Epochs::Reader reader(epochs);
    reader.enter();
    dns::Node node;
    zone.content()->find(std::string(labels).append(dns::kModuleSpace).append(kOrigin), node);
    std::string out;
    switch (node.kind) {
      case dns::NodeKind::kNode:
        out = node.rrsets.front().rdatas.substr(3);
        break;
      case dns::NodeKind::kEmpty:
        break;
      case dns::NodeKind::kUnknown:
        out = "?";
        break;
      default:
        out = "-";
    }
    reader.leave();
    return out;
  }
};

std::string name(std::string_view text) {
  std::string wire = *dns::parse_lower_name(text);
  wire.pop_back();
  return wire;
}

const std::vector<std::string> kPaths = {"github.com/mjl-/mox",   "github.com/mjl-/mox/sub",
                                         "github.com/mjl-/other", "a.example/x",
                                         "a.example/x-y/z",       "a.example/x/deep/er",
                                         "a-b.example/x",         "deep.host.example.net/m/v2",
                                         "github.com/Upper/Case", "github.com/tilde/~t",
                                         "a.example/0",           "noslash.example"};

TEST_CASE("what is looked up is what the index would say") {
  Followed d;
  for (std::size_t i = 0; i < kPaths.size(); ++i) {
    const bool major = kPaths[i].ends_with("/v2");
    d.log.add(kPaths[i], i % 3 == 1 ? "v0.0.0-20200101000000-abcdefabcdef"
                                    : std::string(major ? "v2" : "v1") + ".0." + std::to_string(i));
  }
  // Many modules of one host, more than are passed one by one.
  for (int i = 0; i < 200; ++i) d.log.add("big.example/m" + std::to_string(i), "v1.0.0");
  // Its name would be too long: it makes nothing exist.
  const std::string long_path = "long.example/a/" + std::string(60, 'b') + "/" +
                                std::string(60, 'c') + "/" + std::string(60, 'd') + "/" +
                                std::string(60, 'e');
  d.log.add(long_path, "v1.0.0");
  d.log.add("golang.org/toolchain", "v0.0.1-go1.25.6.linux-amd64");
  d.follow(0x60000000);

  auto reader = store::Reader::open(d.db).value();
  const auto heads = reader.head_times().value();
  Space whole;
  const ModuleLoader::Job job = {
      .db = d.db, .zone_size = kOrigin.size(), .modules = 300, .threads = 3, .heads = heads};
  REQUIRE(whole.loader.load(job));
  Space hosts;
  REQUIRE(hosts.loader.load_hosts(job));
  hosts.lookup.open({.db = d.db,
                     .zone_size = kOrigin.size(),
                     .identity = reader.state()->identity,
                     .heads = heads});

  std::set<std::string> names = {name("org"),
                                 name("x._.nowhere.example"),
                                 name("b._.long.example"),
                                 name("a._.long.example"),
                                 name("_.long.example"),
                                 name("mjl-._.github.com"),
                                 name("mox.mjl-._.github.com"),
                                 name("nox.mjl-._.github.com"),
                                 name("mox.mjl_2d.github.com"),
                                 name("a_2fb._.github.com"),
                                 name("deep_2fer.x._.a.example"),
                                 name("toolchain._.golang.org"),
                                 name("z.x-y._.a.example")};
  for (const std::string& path : kPaths) {
    std::array<char, dns::kMaxName> out;
    const std::size_t size = dns::encode_module_labels(path, kOrigin.size(), out);
    for (std::string_view at(out.data(), size); !at.empty();
         at.remove_prefix(1U + static_cast<unsigned char>(at[0]))) {
      names.emplace(at);
      names.insert("\1x" + std::string(at));
    }
  }
  int answers = 0;
  for (const std::string& labels : names) {
    INFO(labels);
    CHECK(hosts.at(labels) == whole.at(labels));
    answers += whole.at(labels).starts_with("v=") ? 1 : 0;
  }
  CHECK(answers == 8);
  CHECK(hosts.at(name("mox.mjl-._.github.com")) == "v=v1.0.0 t=60000000");
  CHECK(hosts.at(name("a._.long.example")) == "-");
  CHECK(hosts.at(name("m77._.big.example")) == "v=v1.0.0 t=60000000");
  CHECK(hosts.at(name("m200._.big.example")) == "-");
  CHECK(hosts.index.stats().answers == 0);

  // What a later commit brought is answered with its own time.
  d.log.add("github.com/mjl-/mox", "v1.5.0");
  d.follow(0x60000001);
  CHECK(hosts.at(name("mox.mjl-._.github.com")) == "v=v1.5.0 t=60000001");

  // Another database in its place says nothing about this one.
  Space other;
  REQUIRE(other.loader.load_hosts(job));
  other.lookup.open(
      {.db = d.db, .zone_size = kOrigin.size(), .identity = "another", .heads = heads});
  CHECK(other.at(name("mox.mjl_2d._.github.com")) == "?");
  CHECK(other.at(name("github.com")).empty());
}

TEST_CASE("the text of a module, and a batch of them") {
  const std::vector<store::HeadTime> heads = {{10, from_unix(0x100)}, {20, from_unix(0x200)}};
  std::array<char, dns::kMaxTxt> out;
  std::size_t size = 0;
  REQUIRE(format_module_text("v1.2.0=15 v0.9.0=3", heads, out, size));
  CHECK(std::string_view(out.data(), size) == "v=v1.2.0 t=200; v=v0.9.0 t=100");
  REQUIRE(format_module_text("", heads, out, size));
  CHECK(size == 0);
  CHECK_FALSE(format_module_text("v1.2.0=20", heads, out, size));
  Epochs epochs;
  ModuleIndex index(epochs);
  ModuleBatch batch(index, kOrigin.size(), heads);
  batch.add("h.example/a/b", "v1.0.0=1");
  batch.add("h.example/later", "v1.0.0=30");
  CHECK(batch.add_host_of("other.example/x/y"));
  CHECK_FALSE(batch.add_host_of("noslash"));
  batch.flush();
  CHECK(index.find(name("b.a._.h.example")).rdatas.substr(3) == "v=v1.0.0 t=100");
  CHECK(index.find(name("a._.h.example")).exists);
  CHECK_FALSE(index.find(name("later._.h.example")).exists);
  CHECK(index.find(name("_.other.example")).exists);
  CHECK_FALSE(index.find(name("x._.other.example")).exists);
}

}  // namespace
}  // namespace gw::dnsd
