// What owners of domains use: files of entries, zone text, comparisons, and findings.
#include <catch2/catch.hpp>

#include "vanity/compare.h"
#include "vanity/lint.h"
#include "vanity/site_config.h"
#include "vanity/yaml.h"
#include "vanity/zone_text.h"

using namespace gw;
using namespace gw::vanity;
using Catch::Contains;
using Catch::StartsWith;

namespace {

std::string yaml(std::string_view text) {
  auto r = parse_yaml(text);
  if (r) return format_json(*r);
  CHECK(r.error().kind == ErrorKind::kUsage);
  return "error: " + r.error().message;
}

std::string site(std::string_view text, SiteFormat format = SiteFormat::kAuto,
                 const std::string& host = "") {
  auto r = parse_site(text, {format, host});
  if (!r) {
    CHECK(r.error().kind == ErrorKind::kUsage);
    return "error: " + r.error().message;
  }
  std::string out;
  for (const GoImport& e : *r) out += format_import(e) + "\n";
  return out;
}

std::string lint(const std::vector<GoImport>& entries) {
  std::string out;
  for (const Finding& f : lint_entries(entries)) out += format_finding(f) + "\n";
  return out;
}

}  // namespace

TEST_CASE("YAML becomes JSON with strings") {
  CHECK(yaml("") == "null");
  CHECK(yaml("# nothing\n") == "null");
  CHECK(yaml("a") == "\"a\"");
  CHECK(yaml("a: 1\nb: [x, 'y', \"z\\n\"]\nc:\n  d: ~\n  - : 1\n") ==
        "error: line 5, column 3: did not find expected key");
  CHECK(yaml("a: 1\nb: [x, 'y', \"z\\n\"]\nc: {d: true}\n") ==
        R"({"a":"1","b":["x","y","z\n"],"c":{"d":"true"}})");
  CHECK(yaml("{\"json\": [1, {\"is\": null}]}") == R"({"json":["1",{"is":null}]})");
  CHECK(yaml("a: null\nb: ~\nc:\nd: Null\ne: NULL\n") ==
        R"({"a":null,"b":null,"c":null,"d":null,"e":null})");
  CHECK(yaml("a: 'null'\nb: \"~\"\nc: ''\nd: !!str null\ne: nUll\n") ==
        R"({"a":"null","b":"~","c":"","d":"null","e":"nUll"})");
  CHECK(yaml("a: 1\na: 2\n") == "error: line 2, column 1: duplicate key \"a\" is not taken");
  CHECK(yaml("[a]: 1\n") == "error: line 1, column 1: a key that is no scalar is not taken");
  CHECK_THAT(yaml("a\n---\nb\n"), Contains("a second document"));
  CHECK_THAT(yaml("a: \"\n"), Contains("line 1, column") || Contains("line 2, column"));
  CHECK_THAT(yaml("a: \xff\n"), Contains("byte 3"));
  CHECK_THAT(yaml(std::string(40, '[') + std::string(40, ']')), Contains("32 levels"));
  CHECK(yaml(std::string(32, '[') + std::string(32, ']')).starts_with("[["));
  CHECK_THAT(yaml(std::string(100000, '[')), Contains("error: "));
}

TEST_CASE("YAML aliases and merge keys stand for what they name") {
  CHECK(yaml("a: &x 1\nb: *x\n") == R"({"a":"1","b":"1"})");
  CHECK(yaml("a: &x {p: 1, q: 2}\nb:\n  <<: *x\n  q: 3\n") ==
        R"({"a":{"p":"1","q":"2"},"b":{"q":"3","p":"1"}})");
  CHECK(yaml("- &x {p: 1}\n- &y {p: 2, q: 2}\n- {<<: [*x, *y], r: 3}\n") ==
        R"([{"p":"1"},{"p":"2","q":"2"},{"r":"3","p":"1","q":"2"}])");
  CHECK(yaml("a: {\"<<\": {b: 1}}\n") == R"({"a":{"<<":{"b":"1"}}})");  // quoted: a key
  CHECK(yaml("a: *x\n") == "error: line 1, column 4: an alias of nothing before it is not taken");
  CHECK_THAT(yaml("a: &x [*x]\n"), Contains("an alias of nothing before it"));
  CHECK_THAT(yaml("a: {<<: 1}\n"), Contains("\"<<\" of what is no mapping"));
  // A few lines that stand for any number of them, and any depth.
  std::string bomb = "a0: &a0 [" + std::string(100, 'x') + "]\n";
  std::string deep = bomb;
  for (int i = 1; i < 40; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    const std::string name = "a" + std::to_string(i);
    bomb += name + ": &" + name + " [" + last;
    for (int k = 0; k < 9; ++k) bomb += ", " + last;
    bomb += "]\n";
    deep += name + ": &" + name + " [" + last + "]\n";
  }
  CHECK_THAT(yaml(bomb), Contains("more than 16 MB by aliases"));
  CHECK_THAT(yaml(deep), Contains("32 levels"));
  CHECK(site("url: a.org\nx: &git {vcs: git}\npackages:\n  p:\n    <<: *git\n"
             "    repo: g.org/p\n") == "a.org/p git https://g.org/p\n");
}

TEST_CASE("entries come from a list") {
  CHECK(site("# c\n\n a.org/x git https://g.org/x#frag # c\r\na.org/y\thg https://h.org sub\n") ==
        "a.org/x git https://g.org/x#frag\na.org/y hg https://h.org sub\n");
  CHECK(site("a.org/x git https://g.org/x") == "a.org/x git https://g.org/x\n");
  CHECK(site("") == "");
  CHECK_THAT(site("a.org/x git https://g.org\na.org/x git\n"), Contains("line 2: 2 fields"));
}

TEST_CASE("entries come from sally's file") {
  const char* file = R"(
url: go.uber.org
packages:
  zap:
    repo: github.com/uber-go/zap
    description: "logs"
  net/metrics:
    repo: github.com/yarpc/metrics
    url: other.org/base/
    vcs: hg
  whole:
    repo: ssh://git@x.org/y
godoc:
  host: pkg.go.dev
)";
  const char* want =
      "go.uber.org/zap git https://github.com/uber-go/zap\n"
      "other.org/base/net/metrics hg https://github.com/yarpc/metrics\n"
      "go.uber.org/whole git ssh://git@x.org/y\n";
  CHECK(site(file) == want);
  CHECK(site(file, SiteFormat::kSally) == want);
  // what has a port has no scheme, and null is nothing
  CHECK(site("url: a.org\npackages:\n  x: {repo: git.example.org:8443/foo, vcs: null}\n") ==
        "a.org/x git https://git.example.org:8443/foo\n");
  CHECK_THAT(site("url: a.org\npackages:\n  x: {repo: null}\n"), Contains("\"x\": no repo"));
  CHECK(site("url: ~\npackages:\n  x: {repo: b.org, url: c.org}\n") ==
        "c.org/x git https://b.org\n");
  CHECK_THAT(site("url: a.org\npackages:\n  x: {}\n"), Contains("package \"x\": no repo"));
  CHECK_THAT(site("packages:\n  x: {repo: b}\n"), Contains("package \"x\": no url"));
  CHECK_THAT(site("packages:\n  x: {repo: [b]}\n"), Contains("repo is not a string"));
  CHECK_THAT(site("packages:\n  x: b\n"), Contains("package \"x\": not a mapping"));
  CHECK_THAT(site("packages: x\n"), Contains("packages is not a mapping"));
  CHECK_THAT(site("a b c\n", SiteFormat::kSally), Contains("no packages"));
  CHECK_THAT(site("url: a\npackages:\n x\n  y: z\n"), Contains("line 4"));
}

TEST_CASE("entries come from vangen's file") {
  const char* file = R"({"domain": "4d63.com", "docsDomain": "pkg.go.dev", "repositories": [
    {"prefix": "optional", "subs": ["template"], "url": "https://github.com/l/go-optional"},
    {"prefix": "", "type": "hg", "url": "https://hg.example/all"},
    {"prefix": "lab", "url": "https://gitlab.com/l/lab", "hidden": true,
     "subs": ["a", {"name": "b", "hidden": true}], "main": true,
     "website": {"url": "https:\/\/4d63.com\/\ud83d\ude00"},
     "source": {"home": "_", "dir": "_{/dir}", "file": "_{/dir}/{file}#L{line}"}},
    {"prefix": "x", "url": "https://git.example/x.git"}]})";
  const char* want =
      "4d63.com/optional git https://github.com/l/go-optional\n"
      "4d63.com hg https://hg.example/all\n"
      "4d63.com/lab git https://gitlab.com/l/lab\n"
      "4d63.com/x git https://git.example/x.git\n";
  CHECK(site(file) == want);
  CHECK(site(R"({"domain": "a.org", "repositories": [
               {"prefix": null, "url": "https://github.com/u/x", "type": null}]})") ==
        "a.org git https://github.com/u/x\n");
  CHECK(site(std::string("\xef\xbb\xbf") + file) == want);
  CHECK(site("domain: a.org\nrepositories:\n- url: https://github.com/u/x\n",
             SiteFormat::kVangen) == "a.org git https://github.com/u/x\n");
  CHECK(site(file, SiteFormat::kVangen) == want);
  CHECK_THAT(site("{\"domain\": \"a.org\", \"repositories\": [{\"url\": \"https://x.org\"}]}"),
             Contains("repository 1: no version control system"));
  CHECK_THAT(site("{\"repositories\": []}"), Contains("no domain"));
  CHECK_THAT(site("{\"domain\": \"a.org\", \"repositories\": {}}"), Contains("not a list"));
  CHECK_THAT(site("{\"domain\":", SiteFormat::kVangen), Contains("line 2"));
  CHECK_THAT(site("{\"domain\": \"a.org\""), Contains("line 2"));
}

TEST_CASE("entries come from govanityurls' files, old and new") {
  CHECK(site("host: a.org\npaths:\n  /x:\n    repo: https://github.com/u/x\n  /y/:\n    repo: "
             "https://b.org/y\n    vcs: bzr\n") ==
        "a.org/x git https://github.com/u/x\na.org/y bzr https://b.org/y\n");
  CHECK(site("/x:\n  repo: https://github.com/u/x\n", SiteFormat::kAuto, "b.org") ==
        "b.org/x git https://github.com/u/x\n");
  CHECK_THAT(site("/x:\n  repo: https://github.com/u/x\n"), Contains("names no host"));
  CHECK_THAT(site("host: a.org\npaths:\n  /x:\n    repo: https://b.org/x\n"),
             Contains("path \"/x\": no version control system"));
  CHECK_THAT(site("host: a.org\npaths:\n  - /x\n"), Contains("paths is not a mapping"));
  CHECK_THAT(site("other: thing\n"), Contains("neither a list nor"));
}

TEST_CASE("unusable entries are refused") {
  CHECK(check_entries({{"a.org/x", "git", "https://b.org", ""}}));
  for (const GoImport& bad : std::vector<GoImport>{{"a.org/x/", "git", "https://b.org", ""},
                                                   {"a.org/x", "cvs", "https://b.org", ""},
                                                   {"a.org/x", "git", "b.org/x", ""},
                                                   {"a.org/x", "git", "https://b.org", "/x"}}) {
    Status s = check_entries({bad});
    REQUIRE_FALSE(s);
    CHECK(s.error().kind == ErrorKind::kUsage);
  }
}

TEST_CASE("zone text: one line a record, strings of 255 bytes, grouped by domain") {
  CHECK(format_txt("a\"b\\c") == R"("a\"b\\c")");
  CHECK(format_txt("") == "\"\"");
  CHECK(format_txt(std::string(256, 'x')) == "\"" + std::string(255, 'x') + "\" \"x\"");
  CHECK(format_txt("\xc3\xa9\x7f") == R"("\195\169\127")");
  CHECK(txt_record_size(std::string(255, 'x')) == 12 + 256);
  CHECK(txt_record_size(std::string(256, 'x')) == 12 + 258);
  std::vector<GoImport> entries = {{"a.org/x", "git", "https://g.org/x", ""},
                                   {"B.org/y", "git", "https://g.org/y", "sub"},
                                   {"a.org/z", "mod", "https://p.org", ""},
                                   {"a.org/x", "git", "https://g.org/x", ""}};
  auto zone = format_zone_text(entries, {.ttl = 60});
  REQUIRE(zone);
  CHECK(zone->text ==
        "go-import.a.org. 60 IN TXT \"a.org/x git https://g.org/x\"\n"
        "go-import.a.org. 60 IN TXT \"a.org/z mod https://p.org\"\n"
        "go-import.b.org. 60 IN TXT \"B.org/y git https://g.org/y sub\"\n");
  REQUIRE(zone->warnings.size() == 1);
  CHECK_THAT(zone->warnings[0], Contains("there already"));
  auto update = format_zone_text(entries, {.format = ZoneFormat::kNsupdate, .ttl = 60});
  REQUIRE(update);
  CHECK(update->text ==
        "update delete go-import.a.org. TXT\n"
        "update add go-import.a.org. 60 TXT \"a.org/x git https://g.org/x\"\n"
        "update add go-import.a.org. 60 TXT \"a.org/z mod https://p.org\"\nsend\n"
        "update delete go-import.b.org. TXT\n"
        "update add go-import.b.org. 60 TXT \"B.org/y git https://g.org/y sub\"\nsend\n");
  // knsupdate wants to be told the zone.
  const std::vector<GoImport> one = {{"a.b.org/x", "git", "https://g.org/x", ""}};
  for (const char* name : {"b.org", "B.ORG."}) {
    update = format_zone_text(one, {.format = ZoneFormat::kNsupdate, .ttl = 60, .zone = name});
    REQUIRE(update);
    CHECK(update->text.starts_with("zone b.org.\nupdate delete go-import.a.b.org. TXT\n"));
  }
  const auto outside =
      format_zone_text(one, {.format = ZoneFormat::kNsupdate, .ttl = 60, .zone = "c.org"});
  REQUIRE_FALSE(outside);
  CHECK_THAT(outside.error().message, Contains("not in the zone \"c.org\""));

  std::vector<GoImport> many;
  for (int i = 0; i < 30; ++i) {
    many.push_back(
        {"a.org/p" + std::to_string(i), "git", "https://git.example/" + std::to_string(i), ""});
  }
  zone = format_zone_text(many, {.ttl = 60});
  REQUIRE(zone);
  REQUIRE(zone->warnings.size() == 1);
  CHECK_THAT(zone->warnings[0], Contains("need TCP"));
  many.assign(101, {"a.org/x", "git", "https://g.org/x", ""});
  for (int i = 0; i < 101; ++i) many[i].prefix += std::to_string(i);
  zone = format_zone_text(many, {.ttl = 60});
  REQUIRE(zone->warnings.size() == 2);
  CHECK_THAT(zone->warnings[1], StartsWith("go-import.a.org.: 101 records") && Contains("BIND"));
  CHECK_THAT(lint(many), Contains("warning: 101 records") && Contains("BIND"));
  many.pop_back();
  CHECK(format_zone_text(many, {.ttl = 60})->warnings.size() == 1);
  CHECK_THAT(lint(many), !Contains("BIND"));
  many.assign(100, {"a.org/x", "git", "https://g.org/" + std::string(900, 'x'), ""});
  for (int i = 0; i < 100; ++i) many[i].prefix += std::to_string(i);
  CHECK_FALSE(format_zone_text(many, {.ttl = 60}));
  // 56 KB that fit a message, but not the buffer that they are verified in with their owners
  many.assign(1500, {"a.org/x", "git", "https://g.org/x", ""});
  for (int i = 0; i < 1500; ++i) many[i].prefix += std::to_string(i);
  const auto unverifiable = format_zone_text(many, {.ttl = 60});
  REQUIRE_FALSE(unverifiable);
  CHECK_THAT(unverifiable.error().message, Contains("libunbound"));
  CHECK_THAT(lint(many), Contains("a.org: error: ") && Contains("libunbound can verify"));
  many.resize(1050);
  CHECK(format_zone_text(many, {.ttl = 60}));
  CHECK_THAT(lint(many), !Contains("libunbound"));
  zone = format_zone_text(std::vector<GoImport>{{"a.org/x", "git", "https://g.org/x", ""},
                                                {"a.org/x", "hg", "https://g.org/x", ""}},
                          {.ttl = 60});
  REQUIRE(zone);
  CHECK_THAT(zone->warnings.at(0), Contains("two different records"));
}

TEST_CASE("large files take time in proportion") {
  std::string file = "url: a.org\npackages:\n";
  for (int i = 0; i < 40000; ++i) file += "  p" + std::to_string(i) + ": {repo: g.org/x}\n";
  const auto entries = parse_site(file, {SiteFormat::kSally, ""});
  REQUIRE(entries);
  CHECK(entries->size() == 40000);
  std::vector<GoImport> domains;
  for (int i = 0; i < 40000; ++i) {
    domains.push_back({"d" + std::to_string(i) + ".org/x", "git", "https://g.org/x", ""});
  }
  CHECK(format_zone_text(domains, {.ttl = 60})->warnings.empty());
  CHECK(lint_entries(*entries).size() == 3);  // too many for one name
}

TEST_CASE("a comparison that has nothing to compare is an error") {
  Comparison c{"a.b/c", not_found_error("no records"), not_found_error("no tag"), true, false};
  CHECK(check_compared(c).error().kind == ErrorKind::kNotFound);
  CHECK(check_compared(c).error().message == format_comparison(c));
  // A side that gave no answer says why.
  c.compared = false;
  c.http = unavailable_error("no route");
  CHECK(check_compared(c).error().message == "no route");
  // One that has the path and one that has not are different, which is a result.
  c = {"a.b/c", Found{}, not_found_error("no tag"), true, false};
  CHECK(check_compared(c));
  c = {"a.b/c", Found{}, Found{}, true, true};
  CHECK(check_compared(c));
}

TEST_CASE("lint of entries") {
  CHECK(lint({{"a.org/x", "git", "https://g.org/x", ""},
              {"a.org/x", "mod", "https://p.org", ""}}) == "");
  CHECK_THAT(lint({{"a.org/x/", "git", "https://g.org/x", ""}}),
             Contains("trailing slash in the prefix"));
  CHECK_THAT(lint({{"a.org/x", "git", "https://g.org/x/", ""}}),
             Contains("trailing slash in the root"));
  CHECK_THAT(lint({{"A.org/x", "git", "https://g.org/x", ""}}),
             Contains("a.org: warning: ") && Contains("upper case"));
  CHECK_THAT(lint({{"nodot/x", "git", "https://g.org/x", ""}}),
             Contains("error: ") && Contains("no dot"));
  for (const char* root : {"http://g.org/x", "git://g.org/x", "svn://g.org/x"}) {
    CHECK_THAT(lint({{"a.org/x", "git", root, ""}}),
               Contains("warning: ") && Contains("nothing protects") && !Contains("GOINSECURE"));
  }
  CHECK_THAT(lint({{"a.org/x", "mod", "ssh://g.org/x", ""}}),
             Contains("error: ") && Contains("is no module proxy"));
  CHECK_THAT(lint({{"a.org/x", "git", "https://u:p@g.org/x", ""}}), Contains("credentials"));
  CHECK(lint({{"a.org/x", "git", "ssh://git@g.org/x", ""}}) == "");
  CHECK_THAT(lint({{"a.org/x", "git", "https://g.org/x", "a/../b"}}),
             Contains("plain relative path"));
  CHECK_THAT(lint({{"a.org/x", "cvs", "https://g.org/x", ""}}), Contains("error: "));
  // What a stranger wrote is escaped, once, wherever it stands, and each thing is said once.
  const std::string hostile = lint({{"a\x1b[2J.org/\xc2\x9bx", "git", "https://g.org/\\x", ""}});
  CHECK(
      hostile ==
      "a\\x1b[2j.org: error: \"a\\x1b[2J.org/\\xc2\\x9bx git https://g.org/\\x\": malformed import "
      "path \"a\\x1b[2J.org/\\xc2\\x9bx\": invalid character \"\\x1b\"\n");
  for (const char* prefix : {"a.org/x.git", "github.com/u/x", "github.com/u"}) {
    CHECK_THAT(lint({{prefix, "git", "https://g.org/x", ""}}), Contains("do not ask DNS"));
  }
  GoImport e{"a.org/x", "git", "https://g.org/x", ""};
  CHECK_THAT(lint({e, e, e}), Contains("twice"));
  GoImport other{"a.org/x", "hg", "https://g.org/x", ""};
  CHECK_THAT(lint({e, other}), Contains("error: two different records"));
  std::vector<GoImport> many(40, e);
  for (int i = 0; i < 40; ++i) many[i].prefix += std::to_string(i);
  CHECK_THAT(lint(many), Contains("need TCP"));
}
