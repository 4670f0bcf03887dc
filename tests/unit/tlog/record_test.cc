#include "tlog/record.h"

#include <catch2/catch.hpp>

#include "tlog/data_tile.h"
#include "tlog/go_log.h"
#include "tlog/lookup.h"

using namespace gw;
using namespace gw::tlog;

namespace {

const std::string kZip = "h1:fxVm/GzAzEWqLHuvctI91KS9hhNmmWOoWu0XTYJS7CA=";
const std::string kMod = "h1:K4uyk7z7BCEPqu6E+C64Yfv1cQ7kz7rIZviUmN+EgEM=";
const std::string kYaml =
    "gopkg.in/yaml.v3 v3.0.1 " + kZip + "\ngopkg.in/yaml.v3 v3.0.1/go.mod " + kMod + "\n";

std::string two_lines(const std::string& m1, const std::string& v1, const std::string& m2,
                      const std::string& v2) {
  return m1 + " " + v1 + " " + kZip + "\n" + m2 + " " + v2 + "/go.mod " + kMod + "\n";
}

}  // namespace

TEST_CASE("a regular record") {
  auto r = parse_go_record(kYaml);
  REQUIRE(r);
  CHECK(r->module == "gopkg.in/yaml.v3");
  CHECK(r->version == "v3.0.1");
  CHECK(r->zip_sum == kZip);
  CHECK(r->gomod_sum == kMod);
  CHECK(format_go_record(*r) == kYaml);
  CHECK(format_sum(*parse_sum(r->zip_sum)) == kZip);
  CHECK(parse_go_record(two_lines("x", "v", "x", "v")));
}

TEST_CASE("what is not exactly two regular lines is irregular") {
  std::string zip_line = kYaml.substr(0, kYaml.find('\n') + 1);
  std::string mod_line = kYaml.substr(zip_line.size());
  struct {
    std::string what, text;
  } cases[] = {
      {"empty", ""},
      {"a line feed", "\n"},
      {"one line", zip_line},
      {"the other line", mod_line},
      {"lines swapped", mod_line + zip_line},
      {"the zip line twice", zip_line + zip_line},
      {"a third line", kYaml + "more\n"},
      {"a repeated record", kYaml + kYaml},
      {"a blank line", zip_line + "\n" + mod_line},
      {"no last line feed", kYaml.substr(0, kYaml.size() - 1)},
      {"a trailing blank line", kYaml + "\n"},
      {"another module", two_lines("a/b", "v1", "a/c", "v1")},
      {"another version", two_lines("a/b", "v1", "a/b", "v2")},
      {"a longer module", two_lines("a/b", "v1", "a/bc", "v1")},
      {"no module", two_lines("", "v1", "", "v1")},
      {"no version", two_lines("a/b", "", "a/b", "")},
      {"a version without v", two_lines("a/b", "1.0.0", "a/b", "1.0.0")},
      {"a space in the version", two_lines("a/b", "v1 x", "a/b", "v1 x")},
      {"a slash in the version", two_lines("a/b", "v1/go.mod", "a/b", "v1/go.mod")},
      {"a tab", two_lines("a\tb", "v1", "a\tb", "v1")},
      {"not UTF-8", two_lines("a\xff", "v1", "a\xff", "v1")},
      {"a long module", two_lines(std::string(4097, 'a'), "v1", std::string(4097, 'a'), "v1")},
      {"two spaces", "gopkg.in/yaml.v3  v3.0.1 " + kZip + "\n" + mod_line},
      {"h2", "a v1 h2:" + kZip.substr(3) + "\na v1/go.mod " + kMod + "\n"},
      {"a sum with unused bits", "a v1 " + kZip.substr(0, 45) + "B=\na v1/go.mod " + kMod + "\n"},
      {"a sum without padding", "a v1 " + kZip.substr(0, 46) + "A\na v1/go.mod " + kMod + "\n"},
      {"a short sum", "a v1 h1:AA==\na v1/go.mod h1:AA==\n"},
      {"a bad digit", "a v1 h1:?" + kZip.substr(4) + "\na v1/go.mod " + kMod + "\n"},
      {"a carriage return", zip_line.substr(0, zip_line.size() - 1) + "\r\n" + mod_line},
      {"go.mod only by name", "a v1 " + kZip + "\na v1/go.sum " + kMod + "\n"},
  };
  for (auto& c : cases) {
    INFO(c.what);
    CHECK_FALSE(parse_go_record(c.text));
  }
  for (std::size_t i = 3; i < kZip.size(); ++i) {
    for (char c : {'!', '-', '_', '=', ' ', '@', '[', '`', '{', ':', '.', '\x7f', '\xe1'}) {
      if (kZip[i] == c) continue;
      std::string zip = kZip;
      zip[i] = c;
      INFO(i << " " << c);
      CHECK_FALSE(parse_go_record("a v1 " + zip + "\na v1/go.mod " + kMod + "\n"));
      CHECK_FALSE(parse_go_record("a v1 " + kMod + "\na v1/go.mod " + zip + "\n"));
    }
  }
  CHECK(parse_go_record(
      two_lines("caf\xc3\xa9.example/x", "v1.0.0", "caf\xc3\xa9.example/x", "v1.0.0")));
}

TEST_CASE("record texts") {
  CHECK(is_record_text("a\n"));
  CHECK(is_record_text("a\nb\n"));
  CHECK(is_record_text("\x7f\xc3\xa9\n"));
  for (const char* bad :
       {"", "a", "\n", "\na\n", "a\n\n", "a\n\nb\n", "a\tb\n", "a\xff\n", "a\r\n"}) {
    CHECK_FALSE(is_record_text(bad));
  }
  CHECK_FALSE(is_record_text(std::string_view("a\0b\n", 4)));
}

TEST_CASE("data tiles in the three framings") {
  std::vector<std::string> records = {"one\n1\n", "two\n", "three\nx\ny\n"};
  struct {
    DataTileStyle style;
    std::string bytes;
    Framing framing;
  } cases[] = {
      {DataTileStyle::kSeparated, "one\n1\n\ntwo\n\nthree\nx\ny\n", Framing::kBlankLines},
      {DataTileStyle::kTerminated, "one\n1\n\ntwo\n\nthree\nx\ny\n\n", Framing::kBlankLines},
      {DataTileStyle::kNumbered, "98\none\n1\n\n99\ntwo\n\n100\nthree\nx\ny\n\n",
       Framing::kNumbered},
  };
  for (auto& c : cases) {
    CHECK(format_data_tile(records, 98, c.style) == c.bytes);
    CHECK(guess_framing(c.bytes, 98) == c.framing);
    RecordTexts out;
    REQUIRE(split_data_tile(c.bytes, 98, 3, c.framing, out));
    for (std::size_t i = 0; i < 3; ++i) CHECK(out[i] == records[i]);
    // Another number of records, and cut anywhere.
    CHECK_FALSE(split_data_tile(c.bytes, 98, 2, c.framing, out));
    CHECK_FALSE(split_data_tile(c.bytes, 98, 4, c.framing, out));
    CHECK_FALSE(split_data_tile(c.bytes + "\n\n", 98, 3, c.framing, out));
    CHECK_FALSE(split_data_tile("\n" + c.bytes, 98, 3, c.framing, out));
    for (std::size_t n = 0; n < c.bytes.size(); ++n) {
      std::string_view cut = std::string_view(c.bytes).substr(0, n);
      if (split_data_tile(cut, 98, 3, c.framing, out)) CHECK(out[2] != "three\nx\ny");
    }
  }
  RecordTexts out;
  CHECK_FALSE(split_data_tile("97\none\n", 98, 1, Framing::kNumbered, out));
  CHECK_FALSE(split_data_tile("098\none\n", 98, 1, Framing::kNumbered, out));
  CHECK_FALSE(split_data_tile("98\n", 98, 1, Framing::kNumbered, out));
  CHECK_FALSE(split_data_tile("", 0, 0, Framing::kBlankLines, out));
  CHECK_FALSE(split_data_tile("a\n", 0, 257, Framing::kBlankLines, out));
}

TEST_CASE("lookup replies") {
  std::string note = "go.sum database tree\n...";
  std::string text = format_lookup(17, kYaml, note);
  auto reply = parse_lookup(text);
  REQUIRE(reply);
  CHECK(reply->number == 17);
  CHECK(reply->record == kYaml);
  CHECK(reply->note == note);
  // x/mod takes some of these.
  for (const std::string& bad :
       {std::string(), std::string("17"), std::string("17\n"), "+5\n" + kYaml + "\n" + note,
        "007\n" + kYaml + "\n" + note, "-5\n" + kYaml + "\n" + note, " 5\n" + kYaml + "\n" + note,
        "\n" + kYaml + "\n" + note, "5\n" + kYaml + note, "5\n\n" + kYaml + "\n" + note,
        "5\n\n\n" + note, "5\na\tb\n\n" + note, "5\n\xff\n\n" + note,
        "18446744073709551616\n" + kYaml + "\n" + note}) {
    INFO(bad);
    auto refused = parse_lookup(bad);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == ErrorKind::kUntrusted);
  }
}

TEST_CASE("a record must have one line of each kind for the module asked for") {
  auto find = [](const std::string& text) { return find_sums(text, "gopkg.in/yaml.v3", "v3.0.1"); };
  std::string zip_line = kYaml.substr(0, kYaml.find('\n') + 1);
  std::string mod_line = kYaml.substr(zip_line.size());
  REQUIRE(find(kYaml));
  CHECK(find(kYaml)->zip == kZip);
  CHECK(find(kYaml)->gomod == kMod);
  CHECK(find("other lines\n" + mod_line + zip_line));
  for (const std::string& bad :
       {zip_line, mod_line, zip_line + zip_line + mod_line, kYaml + mod_line, std::string("x\n"),
        two_lines("gopkg.in/yaml.v3", "v3.0.2", "gopkg.in/yaml.v3", "v3.0.2"),
        two_lines("gopkg.in/yaml.v2", "v3.0.1", "gopkg.in/yaml.v2", "v3.0.1"),
        two_lines("gopkg.in/Yaml.v3", "v3.0.1", "gopkg.in/Yaml.v3", "v3.0.1"),
        "gopkg.in/yaml.v3 v3.0.1 h1:AAAA\n" + mod_line,
        zip_line.substr(0, zip_line.size() - 1) + " more\n" + mod_line,
        kYaml.substr(0, kYaml.size() - 1)}) {
    INFO(bad);
    auto refused = find(bad);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == ErrorKind::kUntrusted);
  }
}

TEST_CASE("lookup paths are escaped") {
  CHECK(kGoLog.lookup_path("github.com/BurntSushi/toml@v1.5.0").value() ==
        "lookup/github.com/!burnt!sushi/toml@v1.5.0");
  CHECK(kGoLog.lookup_path("a.b/c@v1.0.0-RC1+incompatible").value() ==
        "lookup/a.b/c@v1.0.0-!r!c1+incompatible");
  CHECK(kGoLog.lookup_path("a.b/../c@v1.0.0").error().kind == ErrorKind::kUsage);
  CHECK(kGoLog.lookup_path("a.b/c@v1.0.0/../../x").error().kind == ErrorKind::kUsage);
  CHECK(kGoLog.lookup_path("a.b/c@v1.0.0!").error().kind == ErrorKind::kUsage);
}
