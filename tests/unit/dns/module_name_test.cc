#include "dns/module_name.h"

#include <array>
#include <catch2/catch.hpp>
#include <random>

#include "module/path.h"
#include "support/dns/decode_module_name.h"
#include "support/dns/test_zone.h"

namespace gw::dns {
namespace {

using test::wire;

// Labels of a name's text, without a root.
std::string labels(std::string_view text) {
  std::string name = wire(text);
  name.pop_back();
  return name;
}

std::string encode(std::string_view path, std::size_t zone_size = 1) {
  std::array<char, kMaxName> out;
  return {out.data(), encode_module_labels(path, zone_size, out)};
}

// The path that labels stand for; empty: none.
std::string path_of(std::string_view labels) {
  std::array<char, kMaxName> out;
  return {out.data(), path_of_module_labels(labels, out)};
}

std::string canonical(std::string_view text) {
  std::array<char, kMaxName> out;
  std::string in = labels(text);
  std::size_t size = canonical_module_labels(in, out);
  return {out.data(), size};
}

Result<std::string> module_name(std::string_view path, std::string_view zone) {
  GW_TRY(const auto names, ModuleNames::in_zone(zone));
  GW_TRY(const auto checked, mod::ModulePath::parse(path));
  return names.of_module(checked);
}

Result<std::string> toolchain_name(std::string_view zone) {
  GW_TRY(const auto names, ModuleNames::in_zone(zone));
  return names.of_toolchain();
}

TEST_CASE("module paths and their names") {
  struct Row {
    const char* path;
    const char* name;
  };
  for (const Row& row : {
           Row{"github.com/mjl-/mox", "mox.mjl_2d._.github.com"},
           Row{"github.com/BurntSushi/toml", "toml._42urnt_53ushi._.github.com"},
           Row{"github.com/A_b/c-D", "c-_44._41_5fb._.github.com"},
           Row{"gopkg.in/yaml.v3", "yaml_2ev3._.gopkg.in"},
           Row{"github.com/-foo/bar", "bar._2dfoo._.github.com"},
           Row{"github.com/a~b/c", "c.a_7eb._.github.com"},
           Row{"github.com/a/b/v2", "v2.b.a._.github.com"},
           Row{"github.com/-/--/---", "_2d-_2d._2d_2d._2d._.github.com"},
           Row{"example.com/_/x", "x._5f._.example.com"},
           Row{"1.2.3.4/x", "x._.1.2.3.4"},
           Row{"a-b.c/d-e", "d-e._.a-b.c"},
       }) {
    INFO(row.path);
    CHECK(encode(row.path) == labels(row.name));
    CHECK(test::decode_module_labels(labels(row.name)) == std::string(row.path));
    CHECK(module_name(row.path, "L.example.org.").value() ==
          std::string(row.name) + ".v0.l.example.org");
    CHECK(module_name(row.path, ".").value() == std::string(row.name) + ".v0");
  }
}

TEST_CASE("paths without a name say why") {
  const std::string label63(63, 'a');
  const std::string label64(64, 'a');
  struct Row {
    std::string path;
    const char* message;  // a part of it
  };
  for (const Row& row : std::vector<Row>{
           {"example.com", "without a slash"},
           {"gotest.tools", "without a slash"},
           {"Example.com/x", "module path"},
           {"localhost/x", "module path"},
           {"github.com/a/b/v1", "module path"},
           {"github.com/a+b/c", "module path"},
           {"github.com/a/.b", "module path"},
           {"github.com/a/con", "module path"},
           {"github.com//x", "module path"},
           {"", "module path"},
           {"a..b/x", "no dns name"},
           {"example.com/" + label64, "63 octets"},
           {"example.com/" + std::string(22, 'A'), "63 octets"},
           {label64 + ".com/x", "no dns name"},
           {"example.com/" + label63 + "/" + label63 + "/" + label63 + "/" + label63,
            "longer than 253"},
       }) {
    INFO(row.path);
    auto name = module_name(row.path, "l.example.org");
    REQUIRE(!name);
    CHECK(name.error().kind == ErrorKind::kUsage);
    CHECK(name.error().message.find(row.message) != std::string::npos);
    if (mod::check_path(row.path)) CHECK(encode(row.path, wire("l.example.org").size()).empty());
  }
  CHECK(!module_name("example.com/" + label63, "not..a.zone"));
  CHECK(module_name("example.com/" + label63, "l.example.org"));
  CHECK(module_name("example.com/" + std::string(21, 'A'), "l.example.org"));
}

TEST_CASE("the longest name that fits, and one more") {
  // 4 x (63 + 1) octets would be 256: three full labels, one of `n`, "_", "e.f", v0 and the zone.
  auto path = [](std::size_t n) {
    std::string full(63, 'a');
    return "e.f/" + std::string(n, 'b') + "/" + full + "/" + full + "/" + full;
  };
  const std::string zone = wire("l.example.org");
  // 3*64 + 2 + 4 + 3 + 15 octets are taken.
  std::size_t room = kMaxName - (3 * 64 + 2 + 4 + 3 + zone.size());
  REQUIRE(module_name(path(room - 1), "l.example.org"));
  CHECK(module_name(path(room - 1), "l.example.org")->size() == 253);
  CHECK(!encode(path(room - 1), zone.size()).empty());
  CHECK(!module_name(path(room), "l.example.org"));
  CHECK(encode(path(room), zone.size()).empty());
}

TEST_CASE("names that no path has") {
  for (const char* name : {
           "_.github.com",          // no path element
           "a._",                   // no host
           "a.github.com",          // no separator
           "a._.b._.github.com",    // two separators
           "_._.github.com",        //
           "a._.git_68ub.com",      // an escape in the host
           "a_2fb._.github.com",    // a slash
           "a_._.github.com",       // short escapes
           "a_2._.github.com",      //
           "a_zz._.github.com",     // bad escapes
           "a_2E._.github.com",     // upper case hex (before lower-casing)
           "a_61._.github.com",     // not canonical: needs no escape
           "a_2db._.github.com",    // nor does an inner -
           "mjl-._.github.com",     // bare: canonical_module_labels first
           "a_00._.github.com",     // outside printable ASCII
           "a_20._.github.com",     //
           "a_7f._.github.com",     //
           "a_c3_a9._.github.com",  //
           "a.con._.github.com",    // not a valid path
           "v1.a._.github.com",     //
           "_2ea._.github.com",     //
           "a._.localhost",         //
           "a._.-x.com",            //
           "a\\046b._.github.com",  // a dot within a label
           "a._.git\\046hub.com",   //
           "A._.github.com",        // not lower-cased
       }) {
    INFO(name);
    CHECK(!test::decode_module_labels(labels(name)));
  }
  CHECK(!test::decode_module_labels(""));
  CHECK(!test::decode_module_labels(std::string("\0", 1)));
  CHECK(!test::decode_module_labels("\5ab"));
  CHECK(!test::decode_module_labels("\1a\1_\5ab"));
}

TEST_CASE("names above modules have paths, too") {
  CHECK(path_of(labels("mox.mjl_2d._.github.com")) == "github.com/mjl-/mox");
  CHECK(path_of(labels("mjl_2d._.github.com")) == "github.com/mjl-");
  CHECK(path_of(labels("_.github.com")) == "github.com/");
  CHECK(path_of(labels("github.com")) == "github.com");
  CHECK(path_of(labels("com")) == "com");
  for (const char* none :
       {"a_2fb._.github.com", "a_20._.github.com", "a_c3_a9._.github.com", "a_61._.github.com",
        "a_2db._.github.com", "mjl-._.github.com", "a_._.github.com", "a_zz._.github.com",
        "a._.b._.github.com", "_", "a._", "a._.git_68ub.com"}) {
    INFO(none);
    CHECK(path_of(labels(none)).empty());
  }
  CHECK(path_of("").empty());
  CHECK(path_of("\5ab").empty());
}

TEST_CASE("a - at an end may stand bare") {
  struct Row {
    const char* bare;
    const char* canonical;  // nullptr: it is canonical in this already
  };
  for (const Row& row : {
           Row{"mox.mjl-._.github.com", "mox.mjl_2d._.github.com"},
           Row{"mjl-._.github.com", "mjl_2d._.github.com"},
           Row{"x.mox.mjl-._.github.com", "x.mox.mjl_2d._.github.com"},
           Row{"-._.github.com", "_2d._.github.com"},
           Row{"--._.github.com", "_2d_2d._.github.com"},
           Row{"-a_2d._.github.com", "_2da_2d._.github.com"},
           Row{"-.-a._.github.com", "_2d._2da._.github.com"},
           Row{"mox.mjl_2d._.github.com", nullptr},
           Row{"a-b._.github.com", nullptr},
           Row{"a._.-.com", nullptr},  // the host is as it is
           Row{"a-.github.com", nullptr},
           Row{"-", nullptr},
           Row{"com", nullptr},
       }) {
    INFO(row.bare);
    CHECK(canonical(row.bare) == (row.canonical == nullptr ? "" : labels(row.canonical)));
  }
  // A rewritten label that is too long is no name.
  CHECK(canonical(std::string(61, 'a') + "-._.x.com").empty());
  CHECK(canonical(std::string(60, 'a') + "-._.x.com").size() == 64 + 2 + 6);
}

TEST_CASE("random valid paths have names that lead back to them") {
  std::mt19937 random(7);
  const std::string alphabet = "abzAZ09-_.~";
  int valid = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string path = i % 2 == 0 ? "github.com" : "a-b.example";
    std::size_t elements = 1 + random() % 3;
    for (std::size_t e = 0; e < elements; ++e) {
      path += '/';
      for (std::size_t n = 1 + random() % 6; n > 0; --n) {
        path += alphabet[random() % alphabet.size()];
      }
    }
    if (!mod::check_path(path)) continue;
    ++valid;
    std::string name = encode(path);
    REQUIRE(!name.empty());
    CHECK(is_wire_name(name + std::string(1, '\0')));
    CHECK(lower_name(name + std::string(1, '\0')).substr(0, name.size()) == name);
    CHECK(test::decode_module_labels(name) == path);
    CHECK(path_of(name) == path);
  }
  CHECK(valid > 5000);
}

TEST_CASE("toolchain and updates names") {
  CHECK(toolchain_name("l.example.org").value() == "toolchain.v0.l.example.org");
  CHECK(updates_name("Example.org.").value() == "_updates.example.org");
  CHECK(!toolchain_name("a..b"));
  std::string longest = std::string(63, 'a') + "." + std::string(63, 'b') + "." +
                        std::string(63, 'c') + "." + std::string(61, 'd');
  REQUIRE(parse_name(longest));
  CHECK(!updates_name(longest));
}

}  // namespace
}  // namespace gw::dns
