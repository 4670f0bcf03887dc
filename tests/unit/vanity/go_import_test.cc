#include "vanity/go_import.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

#include "vanity/repo_url.h"

using namespace gw;
using namespace gw::vanity;

namespace {

std::string match(std::vector<GoImport> records, std::string_view path) {
  auto r = match_records(records, path);
  if (!r) return "ambiguous";
  return *r ? format_import(**r) : "none";
}
std::string tag_match(const std::vector<GoImport>& tags, std::string_view path) {
  auto r = match_tags(tags, path);
  if (!r) return "ambiguous";
  return *r ? format_import(**r) : "none";
}

}  // namespace

TEST_CASE("a record has three or four fields") {
  auto r = parse_record("example.org/x git https://git.example.org/x");
  REQUIRE(r);
  CHECK(*r == GoImport{"example.org/x", "git", "https://git.example.org/x", ""});
  r = parse_record("  example.org/x  mod https://proxy.example.org\xc2\xa0sub/dir ");
  REQUIRE(r);
  CHECK(format_import(*r) == "example.org/x mod https://proxy.example.org sub/dir");
}

TEST_CASE("unusable records are refused with the reason, escaped") {
  struct Bad {
    std::string text;
    const char* why;
  };
  const Bad bad[] = {
      {"", "0 fields"},
      {"v=spf1 -all", "2 fields"},
      {"v=spf1 mx -all", "unknown version control system \"mx\""},
      {"a git https://x y z", "5 fields"},
      {"a cvs https://x", "unknown version control system"},
      {"a GIT https://x", "unknown version control system"},
      {"a git x.org/y", "no scheme"},
      {"a git //x.org/y", "no scheme"},
      {"a git git@x.org:y", "no scheme"},
      {"a git :x", "no scheme"},
      {"a git file:///etc/passwd", "is a file"},
      {"a git FILE:/etc/passwd", "is a file"},
      {"a git https://x.org/%zz", "bad escape"},
      {"a git https://x.org:port/", "bad host or port"},
      {"a git https://x.org|y/", "bad host or port"},
      {"a git https://[::1/", "bad IP address"},
      {"a git https://u^@x.org/", "bad user"},
      {std::string("a git https://x\0.org", 20), "control"},
      {"a git https://x.org\n", "control"},
      {"a\tgit https://x.org", "control"},
      {"a git https://x.org/\x1b[2J", "control"},
      {"a git https://x.org/\x7f", "control"},
      {"a git https://x.org/\xe2\x80\xae", "not printable"},
      {"a git https://x.org/\xc2\x9b", "not printable"},
      {"a git https://x.org/\xff", "not printable"},
      {"a git https://x.org/ \xe2\x80\x8b", "not printable"},
      {"a\xff git https://x.org/", "printable ASCII"},
      {"a git https://x.org/ /abs", "starts with \"/\""},
      {"a git https://x.org/ -rf", "starts with \"-\""},
  };
  for (const Bad& b : bad) {
    INFO(b.text);
    auto r = parse_record(b.text);
    REQUIRE_FALSE(r);
    CHECK(r.error().kind == ErrorKind::kNotFound);
    CHECK_THAT(r.error().message, Catch::Contains(b.why));
    for (char c : r.error().message) CHECK((c >= 0x20 && c < 0x7f));
  }
}

TEST_CASE("usable roots") {
  for (const char* root :
       {"https://x.org/y", "HTTPS://x.org", "ssh://git@x.org:22/y", "http://x",
        "https://[::1]:8443/x", "https://[fe80::1%25eth0]/x", "https://x.org/a%20b?q#f",
        "git+ssh://x/y", "https://x.org:/", "svn://x"}) {
    INFO(root);
    CHECK(parse_record("a.b git " + std::string(root)));
  }
  for (const char* entry :
       {"mod https://p.org", "mod http://p.org:80/x", "hg ssh://x/y", "svn svn+ssh://x/y",
        "bzr bzr+ssh://x/y", "fossil https://x", "git ssh://a:b:22/x", "git https://[::1%25e]/x",
        "git ssh://a-b/-x", "git https://h:65535", "git https://h:00443/x",
        "git https://[::1]:1"}) {
    INFO(entry);
    CHECK(parse_record("a.b " + std::string(entry)));
  }
  // beyond ASCII, and shown as it is
  auto beyond = parse_record("a.b git https://x.org/\xc3\xa9 sub/\xe6\x97\xa5");
  REQUIRE(beyond);
  CHECK(format_import(*beyond) == "a.b git https://x.org/\xc3\xa9 sub/\xe6\x97\xa5");
  CHECK(format_import({"a.b", "git", "https://x.org/\xc2\x9b\xff", ""}) ==
        R"(a.b git https://x.org/\xc2\x9b\xff)");
  CHECK(url_scheme("HtTps://x") == "https");
  CHECK(url_scheme("1x:y").empty());
  CHECK(is_secure_scheme("ssh"));
  CHECK_FALSE(is_secure_scheme("git"));
}

TEST_CASE("roots that no go command can use") {
  for (const char* entry : {"mod ssh://p.org/x",
                            "mod ftp://p.org/x",
                            "mod git+ssh://p.org",
                            "git ext::sh",
                            "git lp:x",
                            "bzr lp:x",
                            "git https:e.example",
                            "git host:8443/x",
                            "git https:///x",
                            "git https://:80/x",
                            "git https://u@/x",
                            "mod https:e.example/x://y",
                            "git ext://sh",
                            "hg git://x/y",
                            "svn ftp://x/y",
                            "fossil svn://x",
                            "git https://e:80:80/r",
                            "git https://a[b/r",
                            "git https://[127.0.0.1]/r",
                            "git https://[::1%25]/r",
                            "git https://[x]/r",
                            "git https://[::1/r",
                            "git http://[::1]x/r",
                            "git ssh://-oProxyCommand=x/r",
                            "git ssh://-oProxyCommand=x@h/r",
                            "hg ssh://u@-oProxyCommand=x/r",
                            "git https://-h/r",
                            "git https://h:0/r",
                            "git https://h:000/r",
                            "git https://h:65536/r",
                            "mod https://u@[::1]:99999999999999999999/r"}) {
    INFO(entry);
    auto r = parse_record("a.b " + std::string(entry));
    REQUIRE_FALSE(r);
    CHECK(r.error().kind == ErrorKind::kNotFound);
  }
}

TEST_CASE("of the records that match, the longest prefix wins, in any order") {
  GoImport x{"d/x", "git", "https://a", ""};
  GoImport foo{"d/x/foo", "git", "https://b", ""};
  GoImport foo2{"d/x/foo", "hg", "https://c", ""};
  GoImport foo_mod{"d/x/foo", "mod", "https://m", ""};
  GoImport foo_mod2{"d/x/foo", "mod", "https://n", ""};
  GoImport sub{"d/x/foo", "git", "https://b", "sub"};
  struct Case {
    std::vector<GoImport> records;
    const char* path;
    const char* want;
  };
  const std::vector<Case> cases = {
      {{}, "d/x", "none"},
      {{foo}, "d/x/foo/bar", "d/x/foo git https://b"},
      {{foo}, "d/x/fo", "none"},
      {{foo}, "d/x/foox", "none"},
      {{foo}, "d/x", "none"},
      {{x, foo}, "d/x/foo", "d/x/foo git https://b"},
      {{x, foo}, "d/x/foo/y", "d/x/foo git https://b"},
      {{x, foo}, "d/x/bar", "d/x git https://a"},
      {{foo, foo, foo}, "d/x/foo", "d/x/foo git https://b"},
      {{foo, foo2}, "d/x/foo", "ambiguous"},
      {{foo, sub}, "d/x/foo", "ambiguous"},
      {{foo, foo2, x}, "d/x/bar", "d/x git https://a"},
      {{foo, foo2, foo_mod}, "d/x/foo", "d/x/foo mod https://m"},
      {{foo_mod, foo_mod2, foo}, "d/x/foo", "ambiguous"},
      {{foo_mod, foo_mod}, "d/x/foo", "d/x/foo mod https://m"},
      {{x, x, foo2}, "d/x/foo/y", "d/x/foo hg https://c"},
  };
  for (Case c : cases) {
    std::sort(c.records.begin(), c.records.end(), [](const GoImport& a, const GoImport& b) {
      return format_import(a) < format_import(b);
    });
    do {
      CHECK(match(c.records, c.path) == c.want);
    } while (std::next_permutation(
        c.records.begin(), c.records.end(),
        [](const GoImport& a, const GoImport& b) { return format_import(a) < format_import(b); }));
  }
}

TEST_CASE("of the meta tags no more than one may match") {
  GoImport x{"d/x", "git", "https://a", ""};
  GoImport foo{"d/x/foo", "git", "https://b", ""};
  GoImport foo_mod{"d/x/foo", "mod", "https://m", ""};
  GoImport x_mod{"d/x", "mod", "https://m", ""};
  GoImport other{"d/y", "git", "https://y", ""};
  CHECK(tag_match({other, x}, "d/x/foo") == "d/x git https://a");
  CHECK(tag_match({x, foo}, "d/x/foo") == "ambiguous");
  CHECK(tag_match({x, x}, "d/x") == "ambiguous");
  CHECK(tag_match({x, foo}, "d/x/bar") == "d/x git https://a");
  CHECK(tag_match({foo, foo_mod}, "d/x/foo") == "d/x/foo mod https://m");
  CHECK(tag_match({foo_mod, foo, x}, "d/x/foo/z") == "d/x/foo mod https://m");
  CHECK(tag_match({x_mod, foo_mod}, "d/x/foo") == "ambiguous");
  CHECK(tag_match({foo_mod, x}, "d/x") == "d/x git https://a");
  CHECK(tag_match({foo, foo_mod}, "d/x") == "none");
  CHECK(tag_match({{"d/x/", "git", "https://a", ""}}, "d/x/foo") == "d/x/ git https://a");
  CHECK(tag_match({{"d/x/", "git", "https://a", ""}}, "d/x") == "none");
}
