#include "dns/name.h"

#include <catch2/catch.hpp>
#include <random>

#include "support/dns/oracle.h"
#include "support/dns/test_zone.h"

namespace gw::dns {
namespace {

using test::wire;

std::string bytes(std::initializer_list<int> values) {
  std::string out;
  for (int v : values) out.push_back(static_cast<char>(v));
  return out;
}

TEST_CASE("names as text and on the wire") {
  struct Row {
    std::string text, wire, again;
  };
  for (const Row& row : std::vector<Row>{
           {".", bytes({0}), "."},
           {"a", "\1a" + bytes({0}), "a."},
           {"a.", "\1a" + bytes({0}), "a."},
           {"Www.Example.", "\3Www\7Example" + bytes({0}), "Www.Example."},
           {"a\\.b.c", bytes({3, 'a', '.', 'b', 1, 'c', 0}), "a\\.b.c."},
           {"\\000.x", bytes({1, 0, 1, 'x', 0}), "\\000.x."},
           {"\\255\\032.x", bytes({2, 255, 32, 1, 'x', 0}), "\\255\\032.x."},
           {"\\097", "\1a" + bytes({0}), "a."},
           {"\\a\\\\", "\2a\\" + bytes({0}), "a\\\\."},
           {"*._x.y-", "\1*\2_x\2y-" + bytes({0}), "*._x.y-."},
       }) {
    INFO(row.text);
    CHECK(parse_name(row.text).value() == row.wire);
    CHECK(format_name(row.wire) == row.again);
    CHECK(parse_name(row.again).value() == row.wire);
    CHECK(is_wire_name(row.wire));
  }
  CHECK(format_host(wire("a.b.")) == "a.b");
  CHECK(format_host(kRootName) == ".");
  CHECK(parse_lower_name("A.b\\065").value() == wire("a.ba"));
}

TEST_CASE("text that is no name") {
  std::string label63(63, 'a');
  std::string longest = label63 + "." + label63 + "." + label63 + "." + std::string(61, 'a');
  CHECK(parse_name(longest).value().size() == kMaxName);
  for (const std::string& text :
       {std::string(), std::string(".."), std::string("a..b"), std::string(".a"), std::string("\\"),
        std::string("\\1"), std::string("\\12"), std::string("\\256"), std::string("\\1a2"),
        "a" + label63, longest + "a", "a." + longest}) {
    INFO(text);
    auto name = parse_name(text);
    REQUIRE(!name);
    CHECK(name.error().kind == ErrorKind::kUsage);
  }
}

TEST_CASE("names that people mean") {
  for (const char* good :
       {"example.org", "a-b.c_d.Example.org.", "xn--nxasmq6b.org", "_dmarc.a.b"}) {
    CAPTURE(good);
    CHECK(check_name_text(good, NameUse::kDomain));
    CHECK(check_host_text(good));
  }
  CHECK(check_name_text("0/25.2.0.192.in-addr.arpa", NameUse::kZone));
  CHECK_FALSE(check_name_text("0/25.2.0.192.in-addr.arpa", NameUse::kDomain));
  for (const char* bad : {"", "https://a.org", "*.a.org", "a b.org", "a,b.org", "\xc3\xa4.org",
                          "a.org:53", "a..org", "a.org\\.x", "a=b.org"}) {
    CAPTURE(bad);
    for (const NameUse use : {NameUse::kDomain, NameUse::kZone}) {
      const auto checked = check_name_text(bad, use);
      REQUIRE_FALSE(checked);
      CHECK(checked.error().kind == ErrorKind::kUsage);
    }
    CHECK_FALSE(check_host_text(bad));
  }
  for (const char* no_host : {"ns1", "ns1.", "192.0.2.1", "192.0.2.1.", "."}) {
    CAPTURE(no_host);
    CHECK_FALSE(check_host_text(no_host));
  }
}

TEST_CASE("wire names are bounded") {
  CHECK(wire_name_size("") == 0);
  CHECK(wire_name_size("\1") == 0);
  CHECK(wire_name_size("\1a") == 0);
  CHECK(wire_name_size(bytes({1, 'a', 0, 7})) == 3);
  CHECK(!is_wire_name(bytes({1, 'a', 0, 7})));
  CHECK(wire_name_size(bytes({0xc0, 0})) == 0);
  CHECK(wire_name_size(bytes({0x40, 0})) == 0);
  CHECK(wire_name_size(std::string(1, 64) + std::string(64, 'a') + bytes({0})) == 0);
  std::string name;
  for (int i = 0; i < 127; ++i) name += "\1a";
  CHECK(wire_name_size(name + bytes({0})) == 255);
  CHECK(wire_name_size(name + "\1a" + bytes({0})) == 0);
}

TEST_CASE("compressed names in a message") {
  //                    0  1   2  3  4   5  6  7     8   9  10  11 12    13
  std::string m = bytes({1, 'a', 0, 1, 'b', 0xc0, 0, 1, 'c', 0xc0, 3, 0xc0, 11, 0xc0});
  struct Row {
    std::size_t at, after;
    const char* name;
  };
  for (const Row& row :
       {Row{0, 3, "a."}, Row{3, 7, "b.a."}, Row{7, 11, "c.b.a."}, Row{11, 0, ""},  // to itself
        Row{13, 0, ""},                                                            // half a pointer
        Row{14, 0, ""}}) {                                                         // past the end
    Name name;
    std::size_t after = read_name(m, row.at, name);
    CHECK(after == row.after);
    if (after != 0) CHECK(format_name(name) == row.name);
  }
  // A pointer forward, and a loop of two.
  Name name;
  CHECK(read_name(bytes({0xc0, 2, 0}), 0, name) == 0);
  CHECK(read_name(bytes({1, 'a', 0xc0, 0}), 0, name) == 0);
  CHECK(read_name(bytes({0xc0, 2, 0xc0, 0}), 2, name) == 0);
  // Names that grow too long through pointers.
  std::string grow = std::string(1, 63) + std::string(63, 'a') + bytes({0});
  std::size_t last = 0;
  for (int i = 0; i < 3; ++i) {
    std::size_t at = grow.size();
    grow += std::string(1, 62) + std::string(62, 'b') + bytes({0xc0, static_cast<int>(last)});
    last = at;
    CHECK((read_name(grow, at, name) != 0) == (64 + 63 * (i + 1) + 1 <= 255));
  }
  std::size_t at = grow.size();
  grow += bytes({1, 'c', 0xc0, static_cast<int>(last)});
  CHECK(read_name(grow, at, name) == 0);
}

TEST_CASE("labels, parents, subdomains") {
  CHECK(label_count(kRootName) == 0);
  CHECK(label_count(wire("a.b.c")) == 3);
  CHECK(rrsig_labels(wire("*.a.b")) == 2);
  CHECK(rrsig_labels(wire("*a.b")) == 2);
  CHECK(rrsig_labels(wire("a.*.b")) == 3);
  std::string name = wire("a.b");
  CHECK(parent_name(name) == wire("b"));
  CHECK(first_label(name) == "a");
  CHECK(first_label(kRootName).empty());
  struct Row {
    std::string name, ancestor;
    bool below;
  };
  for (const Row& row : std::vector<Row>{{"a.b", "b", true},
                                         {"a.b", "a.b", true},
                                         {"a.b", ".", true},
                                         {".", ".", true},
                                         {"b", "a.b", false},
                                         {"xb", "b", false},
                                         {"a.c", "b", false}}) {
    CHECK(is_subdomain(wire(row.name), wire(row.ancestor)) == row.below);
  }
  // The tail of a label that looks like a name.
  CHECK(!is_subdomain(bytes({3, 'x', 1, 'b', 0}), bytes({1, 'b', 0})));
}

TEST_CASE("canonical order") {
  // RFC 4034 6.1.
  const std::vector<std::string> order = {"example",         "a.example",      "yljkjljk.a.example",
                                          "Z.a.example",     "zABC.a.EXAMPLE", "z.example",
                                          "\\001.z.example", "*.z.example",    "\\200.z.example"};
  for (std::size_t i = 0; i < order.size(); ++i) {
    for (std::size_t j = 0; j < order.size(); ++j) {
      int cmp = compare_names(wire(order[i]), wire(order[j]));
      CHECK((cmp < 0) == (i < j));
      CHECK((cmp > 0) == (i > j));
    }
  }
}

std::string random_name(std::mt19937& random) {
  std::string name;
  std::size_t labels = random() % 5;
  for (std::size_t i = 0; i < labels; ++i) {
    std::size_t length = 1 + random() % (random() % 8 == 0 ? 63 : 4);
    name.push_back(static_cast<char>(length));
    for (std::size_t k = 0; k < length; ++k) name.push_back(static_cast<char>(random() % 256));
  }
  name.push_back(0);
  return name.size() <= kMaxName ? name : std::string(kRootName);
}

TEST_CASE("random names: text round trip, and the order ldns has") {
  std::mt19937 random(3);
  for (int i = 0; i < 5000; ++i) {
    std::string a = random_name(random);
    std::string b = random_name(random);
    REQUIRE(is_wire_name(a));
    REQUIRE(parse_name(format_name(a)).value() == a);
    ldns_rdf* la = ldns_dname_new_frm_data(static_cast<std::uint16_t>(a.size()), a.data());
    ldns_rdf* lb = ldns_dname_new_frm_data(static_cast<std::uint16_t>(b.size()), b.data());
    int expected = ldns_dname_compare(la, lb);
    ldns_rdf_deep_free(la);
    ldns_rdf_deep_free(lb);
    int cmp = compare_names(a, b);
    CHECK((cmp < 0) == (expected < 0));
    CHECK((cmp > 0) == (expected > 0));
    CHECK(compare_names(lower_name(a), a) == 0);
  }
}

}  // namespace
}  // namespace gw::dns
