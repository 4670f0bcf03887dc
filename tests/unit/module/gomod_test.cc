#include "module/gomod.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "module/gomod_directives.h"
#include "module/gomod_lexer.h"
#include "support/gomod_dump.h"

using namespace gw;
using namespace gw::mod;

namespace {

GoMod parse(std::string_view text, GoModMode mode = GoModMode::kStrict) {
  auto m = parse_gomod(text, mode);
  INFO(text);
  if (!m) FAIL(m.error().message);
  return *std::move(m);
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TEST_CASE("a go.mod with everything in it") {
  const GoMod m = parse(R"(// A comment of the file.

// Deprecated: use example.org/new
// instead.
module example.org/old/v2 // really

go 1.24.0

toolchain go1.26.8

godebug default=go1.21
godebug (
	panicnil=1
	asynctimerchan=0
)

require "example.org/quoted" v1.2.3-pre+meta
require (
	a.b/c v1 // indirect
	a.b/d v0.0.0-20240101000000-abcdefabcdef // indirect; for the tests
	a.b/e v4.0.0+incompatible // not indirect

	gopkg.in/yaml.v3 v3.0.1 //indirect
)

exclude a.b/c v1.0.1

replace a.b/c => ../c
replace (
	a.b/d v0.1.0 => f.g/d/v3 v3.0.0
	a.b/e => "/with blanks/\u00e9"
)

// A reason
// of two lines.
retract v2.0.0 // and more

// For all of them.
retract (
	v2.0.1
	// Its own.
	[v2.1.0, v2.1.9]
)

tool a.b/c/cmd/x
tool (
	a.b/d/cmd/y
)

ignore ./node_modules
ignore (
	static
)
)");
  CHECK(m.module == GoModModule{"example.org/old/v2", "use example.org/new\ninstead.\nreally", 5});
  CHECK(m.go == GoModVersion{"1.24.0", 7});
  CHECK(m.toolchain == GoModVersion{"go1.26.8", 9});
  CHECK(m.godebug == std::vector<GoModDebug>{{"default", "go1.21", 11},
                                             {"panicnil", "1", 13},
                                             {"asynctimerchan", "0", 14}});
  CHECK(m.require == std::vector<GoModRequire>{
                         {"example.org/quoted", "v1.2.3-pre", false, 17},
                         {"a.b/c", "v1.0.0", true, 19},
                         {"a.b/d", "v0.0.0-20240101000000-abcdefabcdef", true, 20},
                         {"a.b/e", "v4.0.0+incompatible", false, 21},
                         {"gopkg.in/yaml.v3", "v3.0.1", true, 23},
                     });
  CHECK(m.exclude == std::vector<GoModExclude>{{"a.b/c", "v1.0.1", 26}});
  CHECK(m.replace == std::vector<GoModReplace>{
                         {"a.b/c", "", "../c", "", 28},
                         {"a.b/d", "v0.1.0", "f.g/d/v3", "v3.0.0", 30},
                         {"a.b/e", "", "/with blanks/\xc3\xa9", "", 31},
                     });
  CHECK(m.retract == std::vector<GoModRetract>{
                         {"v2.0.0", "v2.0.0", "A reason\nof two lines.\nand more", 36},
                         {"v2.0.1", "v2.0.1", "For all of them.", 40},
                         {"v2.1.0", "v2.1.9", "Its own.", 42},
                     });
  CHECK(m.tool == std::vector<GoModPath>{{"a.b/c/cmd/x", 45}, {"a.b/d/cmd/y", 47}});
  CHECK(m.ignore == std::vector<GoModPath>{{"./node_modules", 50}, {"static", 52}});
}

TEST_CASE("an empty go.mod says nothing") {
  for (const char* text : {"", "\n", "// x", " \t\r\n", "\n\n// x\n\n"}) {
    CHECK(parse(text) == GoMod{});
    CHECK(parse(text, GoModMode::kLax) == GoMod{});
  }
}

TEST_CASE("a dependency's go.mod is taken more lightly") {
  const GoMod m = parse(
      "module a.b/c\n"
      "go v1.18.x\n"
      "toolchain nonsense\n"
      "future directive `x` [ { ) (\n"
      "future (\n  a b c\n)\n"
      "two words (\n  a b c\n)\n"
      "require ( x y ) z (\n a\n)\n"
      "exclude x\n"
      "replace x\n"
      "replace (\n y\n)\n"
      "godebug x\n"
      "tool a b c\n"
      "retract v1.0.0 and more\n"
      "retract [v1.1.0\n"
      "retract nonsense\n"
      "ignore ./x\n"
      "require d.e/f v1.2.3\n",
      GoModMode::kLax);
  GoMod want;
  want.module = GoModModule{"a.b/c", "", 1};
  want.go = GoModVersion{"1.18", 2};
  want.retract = {{"v1.0.0", "v1.0.0", "", 21}, {"nonsense", "nonsense", "", 23}};
  want.ignore = {{"./x", 24}};
  want.require = {{"d.e/f", "v1.2.3", false, 25}};
  CHECK(test::dump_gomod(m) == test::dump_gomod(want));
}

TEST_CASE("what is wrong in a go.mod is told with its line") {
  struct {
    std::string text, message;
    bool lax;  // an error there, too
  } cases[] = {
      {"module a.b/c\nmodule d.e/f\n", "go.mod:2: repeated module statement", true},
      {"module\n", "go.mod:1: usage: module module/path", true},
      {"module a b\n", "go.mod:1: usage: module module/path", true},
      {"module `a.b/c`\n", "go.mod:1: invalid quoted string: \"`a.b/c`\"", true},
      {"module 'a.b/c'\n", "go.mod:1: invalid quoted string", true},
      {"module \"a\\qb\"\n", "go.mod:1: invalid quoted string", true},
      {"module \"a", "go.mod:1: unexpected end of file in string", true},
      {"module \"a\n\"", "go.mod:1: unexpected newline in string", true},
      {"\n\nmodule \"a\\", "go.mod:3: unexpected end of file in string", true},
      {"module a.b/c\ngo 1.20\ngo 1.21\n", "go.mod:3: repeated go statement", true},
      {"go\n", "go.mod:1: go directive expects exactly one argument", true},
      {"go 1\n", "go.mod:1: invalid go version \"1\"", true},
      {"go 1.021\n", "go.mod:1: invalid go version", true},
      {"go v1.21\n", "go.mod:1: invalid go version", true},
      {"go 1.21.x\n", "go.mod:1: invalid go version", false},
      {"go 1.21.0.0\n", "go.mod:1: invalid go version", false},
      {"go 1.21rc\n", "go.mod:1: invalid go version", false},
      {"go \"1.21\"\n", "go.mod:1: invalid go version", true},
      {"go (\n1.21\n)\n", "go.mod:1: unknown block type: \"go\"", false},
      {"toolchain go1.21.0\ntoolchain default\n", "go.mod:2: repeated toolchain", false},
      {"toolchain 1.21.0\n", "go.mod:1: invalid toolchain version", false},
      {"toolchain go1\ntoolchain\n", "go.mod:2: repeated toolchain", false},
      {"toolchain go2.0\n", "go.mod:1: invalid toolchain version", false},
      {"toolchain a b\n", "go.mod:1: toolchain directive expects", false},
      {"godebug a\n", "go.mod:1: usage: godebug key=value", false},
      {"godebug a=b c\n", "go.mod:1: usage: godebug key=value", false},
      {"godebug a=b'c\n", "go.mod:1: usage: godebug key=value", false},
      {"require a.b/c\n", "go.mod:1: usage: require module/path v1.2.3", true},
      {"require a.b/c v1.2.3 v1.2.4\n", "go.mod:1: usage: require", true},
      {"require a.b/c 1.2.3\n", "go.mod:1: version \"1.2.3\" invalid: must be of the form", true},
      {"require a.b/c latest\n", "go.mod:1: version \"latest\" invalid", true},
      {"require a.b/c v2.0.0\n", "should be v0 or v1", true},
      {"require a.b/c/v2 v1.0.0\n", "should be v2", true},
      {"require a.b/c/v1 v1.0.0\n", "go.mod:1: \"a.b/c/v1\": invalid module path", true},
      {"require gopkg.in/x.v2 v1.0.0\n", "should be v2", true},
      {"require (\n\n// x\na v1.0.0\nb\n)\n", "go.mod:5: usage: require", true},
      {"exclude a.b/c v2.0.0\n", "should be v0 or v1", false},
      {"exclude a.b/c\n", "go.mod:1: usage: exclude", false},
      {"replace a.b/c\n", "go.mod:1: usage: replace", false},
      {"replace a.b/c v1.0.0 v1.0.0 => ./x\n", "go.mod:1: usage: replace", false},
      {"replace a.b/c => d.e/f\n", "must be a directory", false},
      {"replace a.b/c => d.e/f@v1.0.0\n", "must be a directory", false},
      {"replace a.b/c => ./x v1.0.0\n", "cannot have a version", false},
      {"replace a.b/c => .\\x\n", "as Windows writes it", false},
      {"replace a.b/c v2.0.0 => ./x\n", "should be v0 or v1", false},
      {"replace a.b/c/v1 => ./x\n", "invalid module path", false},
      {"replace a.b/c => d.e/f x\n", "must be of the form", false},
      {"retract\n", "go.mod:1: expected '[' or version", false},
      {"retract [\n", "go.mod:1: expected version after '['", false},
      {"retract [v1.0.0 v1.0.1]\n", "go.mod:1: expected ',' after version", false},
      {"retract [v1.0.0,\n", "go.mod:1: expected version after ','", false},
      {"retract [v1.0.0, v1.0.1\n", "go.mod:1: expected ']' after version", false},
      {"retract [v1.0.0, v1.0.1] x\n", "go.mod:1: unexpected token after version: \"x\"", false},
      {"tool\n", "go.mod:1: tool directive expects exactly one argument", false},
      {"ignore a b\n", "go.mod:1: ignore directive expects exactly one argument", true},
      {"future x\n", "go.mod:1: unknown directive: \"future\"", false},
      {"future (\n)\n", "go.mod:1: unknown block type: \"future\"", false},
      {"future ()\n", "go.mod:1: unknown block type: \"future\"", false},
      {"require x (\n)\n", "go.mod:1: unknown block type: \"require\"", false},
      {"require (\na v1.0.0\n", "go.mod:3: syntax error (unterminated block started at go.mod:1)",
       true},
      {"require (\na v1.0.0\n) x\n",
       "go.mod:3: syntax error (expected newline after closing paren)", true},
      {"/* x */\n", "go.mod:1: mod files must use // comments", true},
      {"module a/*x*/\n", "go.mod:1: mod files must use // comments", true},
      {std::string("module a\0\n", 10), "go.mod:1: unexpected input character \"\\x00\"", true},
      {"module a\n\xef\xbb\xbf\n", "go.mod:2: unexpected input character", true},
      // The syntax comes first, the first directive then.
      {"future x\nother y\n", "go.mod:1: unknown directive", false},
      {"future x\nmodule \"\n", "go.mod:2: unexpected newline", true},
  };
  for (const auto& c : cases) {
    INFO(c.text);
    const auto strict = parse_gomod(c.text, GoModMode::kStrict);
    REQUIRE_FALSE(strict);
    CHECK(strict.error().kind == ErrorKind::kUsage);
    CHECK_THAT(strict.error().message, Catch::Contains(c.message));
    CHECK_THAT(strict.error().message, Catch::StartsWith("go.mod:"));
    CHECK(parse_gomod(c.text, GoModMode::kLax).has_value() == !c.lax);
  }
}

TEST_CASE("strings are Go's") {
  struct {
    const char* token;
    const char* value;  // nullptr: malformed
  } cases[] = {
      {"a.b/c", "a.b/c"},
      {"", ""},
      {"\"\"", ""},
      {"\"a b\"", "a b"},
      {R"("\a\b\f\n\r\t\v\\\"")", "\a\b\f\n\r\t\v\\\""},
      {R"("\x41\101\u00e9\U0001F600")", "AA\xc3\xa9\xf0\x9f\x98\x80"},
      {R"("\xff\377")", "\xff\xff"},
      {"\"\xff\"", "\xef\xbf\xbd"},
      {R"("\'")", nullptr},
      {R"("\q")", nullptr},
      {R"("\x4")", nullptr},
      {R"("\x4g")", nullptr},
      {R"("\400")", nullptr},
      {R"("\18")", nullptr},
      {R"("\ud800")", nullptr},
      {R"("\U00110000")", nullptr},
      {R"("\UFFFFFFFF")", nullptr},
      {"\"\\\n\"", nullptr},
      {"\"", nullptr},
      {"a\"b", nullptr},
      {"a'b", nullptr},
      {"`a`", nullptr},
  };
  for (const auto& c : cases) {
    INFO(c.token);
    const auto value = parse_gomod_string(c.token);
    REQUIRE(value.has_value() == (c.value != nullptr));
    if (value) CHECK(*value == c.value);
  }
}

TEST_CASE("comments belong to what is below or left of them") {
  const auto rationale = [](std::string_view text) {
    const GoMod m = parse(text);
    REQUIRE(m.retract.size() == 1);
    return m.retract[0].rationale;
  };
  CHECK(rationale("// a\nretract v1\n") == "a");
  CHECK(rationale("// a\n\nretract v1\n").empty());
  CHECK(rationale("// a\r\n//\tb \r\nretract v1 // c\r\n") == "a\nb\nc");
  CHECK(rationale("//\n// a\n//\nretract v1\n") == "\na\n");
  CHECK(rationale("retract ( // a\nv1\n)\n").empty());
  CHECK(rationale("// a\nretract (\nv1\n)\n") == "a");
  CHECK(rationale("// a\nretract (\n\nv1\n)\n") == "a");  // a blank line at the start is none
  CHECK(rationale("// a\nretract (\nv1 // b\n)\n") == "b");
  CHECK(rationale("// a\nretract (\n// b\n\n  // c\nv1\n) // d\n") == "b\nc");
  const GoMod m = parse("// a\nretract (\nv1\n\nv2\n)\n");
  CHECK(m.retract[0].rationale == "a");
  CHECK(m.retract[1].rationale.empty());  // a blank line before it is a comment of its own
  CHECK(parse("// x\n//\n// Deprecated:  y\n// z\n//\n// w\nmodule a\n").module->deprecated ==
        "y\nz");
  CHECK(parse("// x\n// Deprecated: y\nmodule a\n").module->deprecated.empty());
  CHECK(parse("// deprecated: y\nmodule a\n").module->deprecated.empty());
  CHECK(parse("module a // Deprecated: y\n").module->deprecated == "y");
  CHECK(parse("// Deprecated: y\nmodule (\na\n)\n").module->deprecated == "y");
}

TEST_CASE("a go.mod is bounded") {
  std::string comment = "//" + std::string(kMaxGoModBytes - 2, 'x');
  CHECK(parse_gomod(comment, GoModMode::kStrict));
  comment += "x";
  CHECK_FALSE(parse_gomod(comment, GoModMode::kStrict));

  std::string many = "exclude (\n";
  for (std::size_t i = 0; i < kMaxGoModDirectives; ++i) many += "a v1\n";
  CHECK(parse_gomod(many + ")\n", GoModMode::kStrict));
  CHECK_FALSE(parse_gomod(many + "a v1\n)\n", GoModMode::kStrict));
  CHECK(parse_gomod(many + "a v1\n)\n", GoModMode::kLax));  // none of them is kept

  // One comment for many retractions would be kept many times.
  const std::string reason = "// " + std::string(1 << 20, 'x') + "\nretract (\n";
  std::string lines;
  for (int i = 0; i < 16; ++i) lines += "v1\n";
  CHECK(parse_gomod(reason + lines + ")\n", GoModMode::kLax));
  CHECK_FALSE(parse_gomod(reason + lines + "v1\n)\n", GoModMode::kLax));
}

// The files are made for this test. What is expected of each (NAME.golden: strict, then lax) was
// written by golang.org/x/mod 0.30 itself; gomod_peer_test.cc compares it again where it can.
TEST_CASE("go.mod files are what x/mod says that they are") {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(GW_TEST_DATA "/gomod")) {
    if (entry.path().extension() != ".mod") continue;
    ++files;
    INFO(entry.path().filename());
    const std::string text = read_file(entry.path());
    const std::string golden =
        read_file(std::filesystem::path(entry.path()).replace_extension("golden"));
    const std::size_t lax = golden.find("== lax\n");
    REQUIRE(golden.starts_with("== strict\n"));
    REQUIRE(lax != golden.npos);
    const auto expected = [](std::string part) { return test::read_gomod_answer(part); };
    CHECK(test::judge_gomod(text, GoModMode::kStrict) == expected(golden.substr(10, lax - 10)));
    CHECK(test::judge_gomod(text, GoModMode::kLax) == expected(golden.substr(lax + 7)));
  }
  CHECK(files >= 20);
}
