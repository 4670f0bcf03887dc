#include "vanity/import_path.h"

#include <catch2/catch.hpp>

#include "vanity/go_import.h"

using namespace gw;
using namespace gw::vanity;

TEST_CASE("import paths are checked before anything is asked") {
  const char* good[] = {
      "example.org",
      "example.org/x",
      "Example.Org/X/y+z/~user/_a",
      "xn--bcher-kva.example/x",
      "a_b.example/x",
      "127.0.0.1/x",
      "example.org/.hidden",
      "example.org/conx/x~1a/com0/com10",
      "example.org/a..b",
      "example.org/v2.git",
  };
  for (const char* path : good) {
    INFO(path);
    CHECK(check_import_path(path));
  }
  struct Bad {
    std::string path;
    const char* why;
  };
  const Bad bad[] = {
      {"", "empty"},
      {"https://example.org/x", "invalid character \":\""},
      {"https:/example.org/x", "invalid character \":\""},
      {"example.org//x", "empty path element"},
      {"a//b", "empty path element"},
      {"a/b/", "trailing slash"},
      {"example.org/x/", "trailing slash"},
      {"/example.org/x", "empty path element"},
      {"-example.org/x", "leading dash"},
      {"con/x", "device name on Windows"},
      {"example.org/CON.txt", "device name on Windows"},
      {"example.org/lpt9", "device name on Windows"},
      {"example.org/foo~1", "tilde and digits"},
      {"example.org/foo~12.x", "tilde and digits"},
      {"example.org/..", "of dots"},
      {"example.org/...", "of dots"},
      {"example.org/x.", "trailing dot"},
      {"example.org/a b", "invalid character"},
      {"example.org/a@v1", "invalid character"},
      {"example.org:8080/x", "invalid character \":\""},
      {"b\xc3\xbc"
       "cher.example/x",
       "invalid character \"\\xc3\\xbc\""},
      {std::string("example.org/a\0b", 15), "invalid character \"\\x00\""},
      {"example/x", "no dot"},
      {"x", "no dot"},
      {".example.org/x", "empty label"},
      {"a..example/x", "empty label"},
      {"ex+ample.org/x", "character \"+\" in its domain"},
      {"~a.org/x", "character \"~\" in its domain"},
      {std::string(64, 'a') + ".org/x", "63 bytes"},
      {std::string(40, 'a') + "." + std::string(60, 'b') + "." + std::string(60, 'c') + "." +
           std::string(60, 'd') + "." + std::string(60, 'e') + "/x",
       "domain name too long"},
      {"example.org/" + std::string(1024, 'a'), "1024 bytes"},
      {"example.org/" + std::string(5000, 'a'), "1024 bytes"},
  };
  for (const Bad& b : bad) {
    INFO(b.path);
    Status s = check_import_path(b.path);
    REQUIRE_FALSE(s);
    CHECK(s.error().kind == ErrorKind::kUsage);
    CHECK_THAT(s.error().message, Catch::Contains(b.why));
    for (char c : s.error().message) CHECK((c >= 0x20 && c < 0x7f));
  }
}

TEST_CASE("a domain is a path of one element") {
  CHECK(check_import_domain("example.org"));
  CHECK_FALSE(check_import_domain("example.org/x"));
  CHECK_FALSE(check_import_domain("example"));
  CHECK_FALSE(check_import_domain("example.org."));
  CHECK_FALSE(check_import_domain(""));
  CHECK_FALSE(check_import_domain("-x.example.org"));
  CHECK_FALSE(check_import_domain("con.example.org"));
}

TEST_CASE("records are below go-import, in lower case") {
  CHECK(record_name("Example.ORG/X") == "go-import.example.org");
  CHECK(record_name("example.org") == "go-import.example.org");
  CHECK(path_domain("Example.org/x/y") == "Example.org");
}

TEST_CASE("prefixes match by whole segments") {
  CHECK(has_path_prefix("d/x/foo", "d/x/foo"));
  CHECK(has_path_prefix("d/x/foo/bar", "d/x/foo"));
  CHECK_FALSE(has_path_prefix("d/x/fo", "d/x/foo"));
  CHECK_FALSE(has_path_prefix("d/x/foo", "d/x/fo"));
  CHECK_FALSE(has_path_prefix("d/x/foo", "d/x/"));
  CHECK_FALSE(has_path_prefix("d/x", ""));
}

TEST_CASE("known hosts need no lookup") {
  struct Case {
    const char* path;
    const char* want;  // "error", "lookup" or the entry
  };
  const Case cases[] = {
      {"github.com/a/b", "github.com/a/b git https://github.com/a/b"},
      {"github.com/a/b/c/d.e", "github.com/a/b git https://github.com/a/b"},
      {"github.com/a/b.git", "error"},
      {"github.com/a/b.git/x", "error"},
      {"github.com/a", "error"},
      {"github.com", "error"},
      {"github.com/a/b/c+d", "error"},
      {"github.com/~a/b", "error"},
      {"github.comx.org/a/b", "lookup"},
      {"GitHub.com/a/b", "lookup"},
      {"bitbucket.org/a/b/c", "bitbucket.org/a/b git https://bitbucket.org/a/b"},
      {"bitbucket.org/a/b.hg", "error"},
      {"hub.jazz.net/git/user1/repo/x",
       "hub.jazz.net/git/user1/repo git https://hub.jazz.net/git/user1/repo"},
      {"hub.jazz.net/git/User/repo", "error"},
      {"hub.jazz.net/git/user", "error"},
      {"hub.jazz.net/other/a", "lookup"},
      {"git.apache.org/a.git/x", "git.apache.org/a.git git https://git.apache.org/a.git"},
      {"git.apache.org/a", "error"},
      {"git.apache.org/A.git", "error"},
      {"git.apache.org/.git", "error"},
      {"git.openstack.org/a/b.git/c",
       "git.openstack.org/a/b.git git https://git.openstack.org/a/b.git"},
      {"git.openstack.org/a", "error"},
      {"chiselapp.com/user/kyle/repository/fossilgg",
       "chiselapp.com/user/kyle/repository/fossilgg fossil "
       "https://chiselapp.com/user/kyle/repository/fossilgg"},
      {"chiselapp.com/user/kyle/repository/fossilgg/x", "error"},
      {"example.org/a/b.git/c", "example.org/a/b.git git https://example.org/a/b"},
      {"example.org/a.hg", "example.org/a.hg hg https://example.org/a"},
      {"example.org/~u/a.svn/b.git/c",
       "example.org/~u/a.svn/b.git git https://example.org/~u/a.svn/b"},
      {"example.org/a.bzr", "example.org/a.bzr bzr https://example.org/a"},
      {"example.org/a.fossil", "example.org/a.fossil fossil https://example.org/a"},
      {"example.org/.git", "lookup"},
      {"example.org/~.git", "lookup"},
      {"example.git", "lookup"},
      {"example.org/a.git+x", "lookup"},
      {"example.org/a+b/z.org/q.git", "lookup"},
      {"Example.org/a.git", "lookup"},
      {"example.org/a.gitx", "lookup"},
      {"example.org/x", "lookup"},
  };
  for (const Case& c : cases) {
    INFO(c.path);
    REQUIRE(check_import_path(c.path));
    auto r = find_static(c.path);
    std::string got = !r ? "error" : !*r ? "lookup" : format_import(**r);
    CHECK(got == c.want);
    if (!r) CHECK(r.error().kind == ErrorKind::kNotFound);
  }
}
