// Differential tests: many generated inputs, answered here and by the functions of the installed Go
// itself (tests/support/vanity_oracle.py builds them into a program).
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <random>

#include "base/bytes.h"
#include "support/vanity/parse_meta_tags.h"
#include "vanity/import_path.h"
#include "vanity/meta_tags.h"
#include "vanity/repo_url.h"
#include "vanity/url.h"

using namespace gw;
using namespace gw::vanity;
using gw::vanity::test::parse_meta_tags;

namespace {

using Case = std::vector<std::string>;  // operation and arguments

std::vector<std::string> ask_go(const std::vector<Case>& cases) {
  const std::string dir = "vanity_oracle";
  std::string build = std::string("python3 ") + GW_TESTS_DIR + "/support/vanity_oracle.py " + dir;
  REQUIRE(std::system(build.c_str()) == 0);  // NOLINT(cert-env33-c): fixed words
  const std::string file = dir + "/" + std::to_string(::getpid());
  {
    std::ofstream in(file + ".in");
    for (const Case& c : cases) {
      in << c[0];
      for (std::size_t i = 1; i < c.size(); ++i) in << ' ' << encode_hex(c[i]);
      in << '\n';
    }
  }
  std::string run = dir + "/oracle <" + file + ".in >" + file + ".out";
  REQUIRE(std::system(run.c_str()) == 0);  // NOLINT(cert-env33-c)
  std::vector<std::string> answers;
  std::ifstream out(file + ".out");
  for (std::string line; std::getline(out, line);) answers.push_back(decode_hex(line).value());
  REQUIRE(answers.size() == cases.size());
  for (const char* end : {".in", ".out"}) std::remove((file + end).c_str());
  return answers;
}

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  std::size_t below(std::size_t n) {
    return std::uniform_int_distribution<std::size_t>(0, n - 1)(engine_);
  }
  bool one_in(std::size_t n) { return below(n) == 0; }
  template <std::size_t N>
  const char* pick(const char* const (&from)[N]) {
    return from[below(N)];
  }
  // 0 to `most` pieces, now and then a byte changed, added or lost.
  template <std::size_t N>
  std::string text(const char* const (&pieces)[N], std::size_t most, std::size_t noise) {
    std::string out;
    for (std::size_t n = below(most + 1); n > 0; --n) out += pick(pieces);
    while (!out.empty() && noise > 0 && one_in(noise)) {
      std::size_t at = below(out.size());
      switch (below(3)) {
        case 0:
          out[at] = static_cast<char>(below(256));
          break;
        case 1:
          out.insert(at, 1, static_cast<char>(below(128)));
          break;
        default:
          out.erase(at, 1);
      }
    }
    return out;
  }

 private:
  std::mt19937 engine_;
};

constexpr const char* kPage[] = {
    "<meta name=\"go-import\" content=\"a.org/x git https://b.org\">",
    "<meta name=\"go-import\" content=\"a.org/x git https://c.org\"/>",
    "<META content='a.org mod https://p.org' NAME=go-import>",
    "<meta name='go-import' content='a.org/x/y  hg\nhttps://d.org'>",
    "<meta name=\"go-import\" content=\"&#97;.org/&#x78; git https://b.org?a&amp;b&c\">",
    "<x:meta y:name=go-import content=\"a.org/x\xc2\xa0svn\xe3\x80\x80https://e\">",
    "<meta name=go-import content>",
    "<meta name=\"go-import\" name=x content=\"a b c\" content=''>",
    "<head>",
    "</head>",
    "<head/>",
    "</ head>",
    "<HEAD >",
    "</HEAD\n>",
    "<body>",
    "<body/>",
    "</body>",
    "<!-- x -->",
    "<!---->",
    "<!-->",
    "<!-- - -- >",
    "<!--",
    "-->",
    "<![CDATA[ <b> & ]]>",
    "<![CDATA[",
    "<!DOCTYPE html>",
    "<!x '>' <y> \">\">",
    "<!<!-- > -->>",
    "<!>",
    "<?xml version=\"1.0\"?>",
    "<?xml encoding='ASCII'?>",
    "<?xml encoding=\"latin1\"?>",
    "<?xml version='2'?>",
    "<?php ?>",
    "<? ?>",
    "<p a=b c = 'd' e>",
    "<p style=a;b>",
    "<p a=\"\xc3\xa9\">",
    "<p a='x\r\ny'>",
    "<\xc3\xa9\xcc\x80>",
    "<a.b-c_d:e>",
    "<1>",
    "<a/>",
    "<a / >",
    "text & more &lt; &nbsp; &#xD800; &#1114112; &#x;",
    "&#0;",
    "\xef\xbb\xbf",
    "\xff",
    "\r\n",
    " ",
    "]]",
    ">",
    "<",
    "=",
    "'",
    "\"",
    "/",
    "&",
    ";",
    "a",
};
constexpr const char* kPaths[] = {"a.org/x", "a.org/x/y", "a.org", "a.org/x/y/z", "b.org"};

std::string own_tags(const std::string& page, const std::string& path) {
  auto found = parse_meta_tags(page);
  if (!found) return "error";
  // Go before 1.25 knows no subdirectories.
  std::vector<GoImport> tags = *found;
  std::erase_if(tags, [](const GoImport& t) { return !t.subdir.empty(); });
  auto match = match_tags(tags, path);
  if (!match) return "several";
  if (!*match) return "none";
  return (*match)->prefix + " " + (*match)->vcs + " " + (*match)->root;
}

// Where Go 1.19 differs from what is followed here, Go 1.25.
bool newer_rules(const std::string& page) {
  if (page.find("]]>") != page.npos && page.find_first_of("\"'") != page.npos) return true;
  std::size_t colons = 0;
  for (char c : page) {
    bool name =
        c == ':' || c == '.' || c == '-' || c == '_' || std::isalnum(static_cast<unsigned char>(c));
    colons = !name ? 0 : colons + (c == ':');
    if (colons > 1) return true;
  }
  // An error after a tag with a subdirectory: the older one has no tag then.
  auto found = parse_meta_tags(page);
  if (!found) return false;
  for (const GoImport& t : *found) {
    if (!t.subdir.empty()) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("pages hold what the go command finds in them", "[threads]") {
  Random random(GENERATE(1U, 2U));
  std::vector<Case> cases;
  while (cases.size() < 30000) {
    std::string page = random.text(kPage, 8, 3);
    if (newer_rules(page)) continue;
    cases.push_back({"tags", page, random.pick(kPaths)});
  }
  auto go = ask_go(cases);
  std::map<std::string, int> seen;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    std::string own = own_tags(cases[i][1], cases[i][2]);
    ++seen[own.substr(0, own.find(' '))];
    if (own == go[i]) continue;
    INFO(quoted(cases[i][1], 2000) << " for " << cases[i][2]);
    REQUIRE(own == go[i]);
  }
  // The generator reaches every kind of answer.
  for (const char* kind : {"error", "none", "several", "a.org/x", "a.org"}) CHECK(seen[kind] > 100);
}

TEST_CASE("import paths are what the go command takes", "[threads]") {
  constexpr const char* kPieces[] = {"github.com",
                                     "bitbucket.org",
                                     "hub.jazz.net/git",
                                     "git.apache.org",
                                     "git.openstack.org",
                                     "chiselapp.com/user",
                                     "a.org",
                                     "x.y-z.net",
                                     "/",
                                     "/",
                                     "/",
                                     "/a",
                                     "/b_c",
                                     "/.git",
                                     ".git",
                                     ".hg",
                                     "/repository",
                                     "/~u",
                                     "~1",
                                     "~",
                                     "con",
                                     "LPT1",
                                     ".",
                                     "..",
                                     "-",
                                     "+",
                                     "A",
                                     "9",
                                     "/x.svn",
                                     "//"};
  Random random(3);
  std::vector<Case> cases;
  for (int i = 0; i < 20000; ++i) {
    std::string path = random.text(kPieces, 8, 8);
    cases.push_back({"path", path});
    cases.push_back({"static", path});
  }
  auto go = ask_go(cases);
  int known = 0;
  for (std::size_t i = 0; i < cases.size(); i += 2) {
    const std::string& path = cases[i][1];
    INFO(quoted(path));
    bool ok = check_import_path(path).has_value();
    if (go[i] == "error") REQUIRE_FALSE(ok);
    if (!ok) continue;  // also: no domain name first
    auto own = find_static(path);
    std::string shown = !own    ? "error"
                        : !*own ? "lookup"
                                : (*own)->prefix + " " + (*own)->vcs + " " + (*own)->root;
    // An unanchored match inside the path is the one known difference.
    if (own && !*own && go[i + 1] != "lookup" &&
        !path.starts_with(go[i + 1].substr(0, go[i + 1].find(' ')))) {
      continue;
    }
    REQUIRE(shown == go[i + 1]);
    known += shown != "lookup";
  }
  CHECK(known > 500);
}

TEST_CASE("roots are what the go command takes", "[threads]") {
  constexpr const char* kPieces[] = {"https",
                                     "http",
                                     "ssh",
                                     "file",
                                     "git+ssh",
                                     ":",
                                     ":",
                                     "//",
                                     "/",
                                     "/",
                                     "a.org",
                                     "u@",
                                     "u:p@",
                                     ":80",
                                     ":x",
                                     "[::1]",
                                     "[fe80::1%25e]",
                                     "%41",
                                     "%zz",
                                     "%",
                                     "?q",
                                     "#f",
                                     "1",
                                     "+",
                                     "^",
                                     "|",
                                     "x y",
                                     "lp"};
  Random random(4);
  std::vector<Case> cases;
  for (int i = 0; i < 20000; ++i) {
    std::string url = random.one_in(2) ? "https://" : "";
    cases.push_back({"url", url + random.text(kPieces, 6, 12)});
  }
  auto go = ask_go(cases);
  int good = 0;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    INFO(quoted(cases[i][1]));
    bool own = check_repo_url(cases[i][1]).has_value();
    // Go takes control characters in a fragment; nobody should.
    if (!own && check_repo_url(cases[i][1]).error().message.find("control") != std::string::npos) {
      continue;
    }
    // Go before 1.26 took any text in brackets, and colons in hosts.
    if (!own &&
        (check_repo_url(cases[i][1]).error().message.find("brackets") != std::string::npos ||
         check_repo_url(cases[i][1]).error().message.find("colon") != std::string::npos)) {
      continue;
    }
    REQUIRE((own ? "ok" : "error") == go[i]);
    good += own;
  }
  CHECK(good > 2000);
}

TEST_CASE("redirects lead where Go would go", "[threads]") {
  constexpr const char* kPieces[] = {"a", "b.c", "/",      "/",     "..",    ".", "//",
                                     "?", "q=1", "https:", "http:", "h.org", " ", "\xc3\xbc"};
  Random random(6);
  std::vector<Case> cases;
  for (int i = 0; i < 20000; ++i) {
    cases.push_back({"join", "https://a.org/b/c?d", random.text(kPieces, 7, 0)});
  }
  auto go = ask_go(cases);
  for (std::size_t i = 0; i < cases.size(); ++i) {
    // An empty segment after "..": Go 1.19 loses it, RFC 3986 does not.
    if (go[i] == "error" || cases[i][2].find("//", 1) != std::string::npos) continue;
    // Go's client does not escape a query, and would send a malformed request.
    if (cases[i][2].find_first_of(" \xc3", cases[i][2].find('?')) != std::string::npos) continue;
    std::string own = resolve_reference(cases[i][1], cases[i][2]);
    // Without a host there is nothing to ask, whatever it looks like.
    std::size_t host = own.find("://") + 3;
    if (own.find("://") == own.npos || host == own.size() || own[host] == '/' || own[host] == '?') {
      continue;
    }
    // A host that is not ASCII is refused here.
    if (own.substr(0, own.find('/', host)).find_first_of(" \xc3") != std::string::npos) continue;
    INFO(cases[i][2]);
    REQUIRE(own == go[i]);
  }
}
