#include "module/path.h"

#include <catch2/catch.hpp>
#include <random>

using namespace gw;
using namespace gw::mod;

TEST_CASE("valid module paths") {
  for (const char* path : {"github.com/BurntSushi/toml",
                           "github.com/A_b/c-D",
                           "gopkg.in/yaml.v3",
                           "gopkg.in/yaml.v0",
                           "gopkg.in/yaml.v2-unstable",
                           "github.com/-foo/bar",
                           "github.com/a~b/c",
                           "github.com/a/b/v2",
                           "github.com/a/b/v10",
                           "example.com",
                           "gotest.tools",
                           "gotest.tools/v3",
                           "golang.org/toolchain",
                           "a.b/c..d",
                           "a.b/c._-~",
                           "a.b/v",
                           "a.b/v2x",
                           "a.b/x2",
                           "a.b/vv2",
                           "a.b/icon",
                           "a.b/console",
                           "a.b/com0",
                           "a.b/com10",
                           "a.b/a~1b",
                           "a.b/~a",
                           "a.b/a~",
                           "127.0.0.1/x",
                           "x.y",
                           "0.a/b",
                           "a-.b/c",
                           "a.b/v2/c",
                           "a.b/v1/c",
                           "a.b/v1.2x",
                           "a.b/c.v1",
                           "a.b/dev2",
                           "a..b/c"}) {
    INFO(path);
    CHECK(check_path(path));
  }
  CHECK(check_path("a.b/" + std::string(kMaxPathBytes - 4, 'c')));
}

TEST_CASE("invalid module paths, each for its own reason") {
  struct {
    std::string path, message;
  } cases[] = {
      {"", "empty"},
      {"/a.b/c", "empty path element"},
      {"-a.b/c", "leading dash"},
      {"a.b//c", "empty path element"},
      {"github.com//x", "empty path element"},
      {"a.b/", "trailing slash"},
      {"a.b/c/", "trailing slash"},
      {"Example.com/x", "first path element"},
      {"localhost/x", "no dot"},
      {"localhost", "no dot"},
      {"a_b.c/x", "first path element"},
      {"a~b.c/x", "first path element"},
      {"github.com/a+b/c", "invalid character \"+\""},
      {"github.com/a b", "invalid character"},
      {"github.com/a@v1", "invalid character"},
      {"github.com/a!b", "invalid character"},
      {"github.com/a\\b", "invalid character"},
      {"github.com/a:b", "invalid character"},
      {"github.com/caf\xc3\xa9", "invalid character"},
      {std::string("github.com/a\0b", 14), "invalid character"},
      {"github.com/a\n", "invalid character"},
      {"github.com/a/.b", "leading dot"},
      {"github.com/.", "leading dot"},
      {"github.com/..", "leading dot"},
      {"github.com/../x", "leading dot"},
      {".github.com/a", "leading dot"},
      {"github.com/a.", "trailing dot"},
      {"github.com./a", "trailing dot"},
      {"github.com/a/con", "device name"},
      {"github.com/a/CON.txt", "device name"},
      {"github.com/Aux", "device name"},
      {"github.com/prn/x", "device name"},
      {"github.com/nul.a.b", "device name"},
      {"github.com/COM1", "device name"},
      {"github.com/lpt9.x", "device name"},
      {"aux.com/x", "device name"},
      {"github.com/foo~1", "tilde and digits"},
      {"github.com/foo~123.txt", "tilde and digits"},
      {"github.com/~1/x", "tilde and digits"},
      {"github.com/a/b/v1", "major version"},
      {"github.com/a/b/v0", "major version"},
      {"github.com/a/b/v02", "major version"},
      {"github.com/a/b/v2.0", "major version"},
      {"github.com/a/b/v2.", "trailing dot"},
      {"gopkg.in/yaml", "major version"},
      {"gopkg.in/yaml.v", "major version"},
      {"gopkg.in/yaml.v02", "major version"},
      {"gopkg.in/yaml/v2", "major version"},
      {"gopkg.in/yaml.v0-unstable", "major version"},
      {"a.b/" + std::string(kMaxPathBytes - 3, 'c'), "too long"},
  };
  for (auto& c : cases) {
    INFO(c.path);
    auto status = check_path(c.path);
    REQUIRE_FALSE(status);
    CHECK(status.error().kind == ErrorKind::kUsage);
    CHECK_THAT(status.error().message, Catch::Contains(c.message));
    CHECK_FALSE(escape_path(c.path));
  }
}

TEST_CASE("import paths") {
  for (const char* path :
       {"fmt", "github.com/a+b/c++", "Example.org/x", "a_b/~user", "a/.git", "..a/b", "x/v1",
        "gopkg.in/yaml", "a/v02", "a..b", "x/com0", "x/~a", "x/a~1b", "x/-y"}) {
    INFO(path);
    CHECK(check_import_path(path));
  }
  CHECK(check_import_path(std::string(kMaxPathBytes, 'c')));
  struct {
    std::string path, message;
  } cases[] = {
      {"", "empty"},
      {"-fmt", "leading dash"},
      {"/fmt", "empty path element"},
      {"a//b", "empty path element"},
      {"a/", "trailing slash"},
      {"a/.", "of dots"},
      {"../a", "of dots"},
      {"a/...", "of dots"},
      {"a./b", "trailing dot"},
      {"a b", "invalid character \" \""},
      {"a@v1", "invalid character \"@\""},
      {"b\xc3\xbc", "invalid character \"\\xc3\\xbc\""},
      {"a\xff", "invalid character \"\\xff\""},
      {std::string("a\0b", 3), "invalid character"},
      {"x/Con.go", "\"Con\" is a device name"},
      {"x/lpt1", "device name"},
      {"x/y~1", "tilde and digits"},
      {"x/y~12.go", "tilde and digits"},
      {std::string(kMaxPathBytes + 1, 'c'), "too long"},
  };
  for (auto& c : cases) {
    INFO(c.path);
    auto status = check_import_path(c.path);
    REQUIRE_FALSE(status);
    CHECK(status.error().kind == ErrorKind::kUsage);
    CHECK_THAT(status.error().message, Catch::Contains(c.message));
    CHECK_THAT(status.error().message, Catch::StartsWith("malformed import path \""));
  }
}

TEST_CASE("names of files in modules") {
  for (const char* path : {"go.mod", "-x", "a/-x", "a/.b", "a~1", "a/b~2.go", "a b", " ", "a/ ",
                           "!#$%&()+,-.=@[]^_{}~", "\xc3\xa9t\xc3\xa9.txt",
                           "\xe4\xb8\xad/\xe6\x96\x87", "a\xf0\x90\x8d\x88", "..a", "a..b",
                           "..."
                           "x"}) {
    INFO(path);
    CHECK(check_file_path(path));
  }
  CHECK(check_file_path(std::string(70000, 'c')));
  struct {
    std::string path, message;
  } cases[] = {
      {"", "empty"},
      {"/", "trailing slash"},
      {"/a", "empty path element"},
      {"a//b", "empty path element"},
      {"a/", "trailing slash"},
      {".", "of dots"},
      {"..", "of dots"},
      {"../a", "of dots"},
      {"a/../b", "of dots"},
      {"a/....", "of dots"},
      {"a.", "trailing dot"},
      {"a./b", "trailing dot"},
      {"NUL", "device name"},
      {"a/aux.c", "device name"},
      {"a\\b", "invalid character \"\\\\\""},
      {"c:x", "invalid character \":\""},
      {"a*", "invalid character"},
      {"a?", "invalid character"},
      {"a\"b", "invalid character"},
      {"a'b", "invalid character"},
      {"a<b", "invalid character"},
      {"a>b", "invalid character"},
      {"a|b", "invalid character"},
      {"a`b", "invalid character"},
      {"a;b", "invalid character"},
      {"a\nb", "invalid character"},
      {"a\x7f", "invalid character"},
      {std::string("a\0b", 3), "invalid character"},
      {"a\xff", "invalid character \"\\xff\""},
      {"a\xc0\xae", "invalid character \"\\xc0\""},       // an overlong dot
      {"a\xed\xa0\x80", "invalid character \"\\xed\""},   // a surrogate
      {"a\xc2\xa0", "invalid character \"\\xc2\\xa0\""},  // no-break space
      {"a\xe2\x82\xac", "invalid character"},             // the euro sign
      {"a\xcc\x81", "invalid character"},                 // a combining accent
      {"a\xd9\xa1", "invalid character"},                 // an Arabic digit
      {"a\xef\xbf\xbd", "invalid character"},             // U+FFFD itself
  };
  for (auto& c : cases) {
    INFO(c.path);
    auto status = check_file_path(c.path);
    REQUIRE_FALSE(status);
    CHECK(status.error().kind == ErrorKind::kUsage);
    CHECK_THAT(status.error().message, Catch::Contains(c.message));
    CHECK_THAT(status.error().message, Catch::StartsWith("malformed file path \""));
  }
}

TEST_CASE("escaping") {
  struct {
    std::string plain, escaped;
  } paths[] = {{"github.com/BurntSushi/toml", "github.com/!burnt!sushi/toml"},
               {"github.com/aAbB", "github.com/a!ab!b"},
               {"gopkg.in/yaml.v3", "gopkg.in/yaml.v3"}};
  for (auto& p : paths) {
    CHECK(escape_path(p.plain).value() == p.escaped);
    CHECK(unescape_path(p.escaped).value() == p.plain);
  }
  CHECK(escape_version("v1.0.0-RC1+incompatible").value() == "v1.0.0-!r!c1+incompatible");
  CHECK(unescape_version("v1.0.0-!r!c1+incompatible").value() == "v1.0.0-RC1+incompatible");
  for (const char* bad :
       {"github.com/BurntSushi", "github.com/a!", "github.com/!!a", "github.com/!A",
        "github.com/!1", "github.com/!/a", "!github.com/a", "", "nodot/a"}) {
    INFO(bad);
    CHECK_FALSE(unescape_path(bad));
  }
  for (const char* bad : {"", "v1/2", "v1!", "..", ".", "v1.", "v1 ", "v1?", "v1#", "v1%20", "con",
                          "v1\xc3\xa9", "V1!"}) {
    INFO(bad);
    CHECK_FALSE(escape_version(bad));
    CHECK_FALSE(unescape_version(bad));
  }
  CHECK_FALSE(escape_version(std::string(kMaxVersionBytes + 1, 'v')));
}

TEST_CASE("major version suffixes") {
  struct {
    std::string path, prefix, major;
  } cases[] = {{"a.b/c", "a.b/c", ""},
               {"a.b/c/v2", "a.b/c", "/v2"},
               {"a.b/c/v123", "a.b/c", "/v123"},
               {"gopkg.in/yaml.v3", "gopkg.in/yaml", ".v3"},
               {"gopkg.in/yaml.v0", "gopkg.in/yaml", ".v0"},
               {"gopkg.in/a/yaml.v1-unstable", "gopkg.in/a/yaml", ".v1-unstable"},
               {"a.b/cv2", "a.b/cv2", ""},
               {"a.b/1.2", "a.b/1.2", ""},
               {"v2", "v2", ""}};
  for (auto& c : cases) {
    auto split = split_path_version(c.path);
    REQUIRE(split);
    CHECK(split->prefix == c.prefix);
    CHECK(split->major == c.major);
  }
  for (const char* bad :
       {"a.b/v0", "a.b/v1", "a.b/v02", "a.b/v1.2", "gopkg.in/a", "gopkg.in/a/v2"}) {
    CHECK_FALSE(split_path_version(bad));
  }
  CHECK(next_major_path("a.b/c") == "a.b/c/v2");
  CHECK(next_major_path("a.b/c/v2") == "a.b/c/v3");
  CHECK(next_major_path("a.b/c/v9") == "a.b/c/v10");
  CHECK(next_major_path("a.b/c/v199") == "a.b/c/v200");
  CHECK(next_major_path("gopkg.in/yaml.v3") == "gopkg.in/yaml.v4");
  CHECK(next_major_path("gopkg.in/yaml.v9-unstable") == "gopkg.in/yaml.v10-unstable");
}

TEST_CASE("random paths: what check_path takes survives escaping, and nothing else gets through") {
  std::mt19937 random(1);
  const std::string alphabet = "aAbBz09-._~/!v2+ ";
  int good = 0;
  for (int i = 0; i < 200000; ++i) {
    std::string path = random() % 2 == 0 ? "x.y/" : "";
    for (std::size_t n = random() % 12; n > 0; --n) path += alphabet[random() % alphabet.size()];
    auto escaped = escape_path(path);
    CHECK(escaped.has_value() == check_path(path).has_value());
    auto back = unescape_path(path);
    if (back) CHECK(escape_path(*back).value() == path);
    if (!escaped) continue;
    ++good;
    if (unescape_path(*escaped).value() != path) FAIL(path);
  }
  CHECK(good > 10000);
}
