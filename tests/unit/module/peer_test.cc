// Differential tests: many generated inputs, judged here and by golang.org/x/mod.
#include <catch2/catch.hpp>
#include <map>
#include <random>

#include "base/bytes.h"
#include "module/path.h"
#include "module/private_patterns.h"
#include "module/unicode.h"
#include "support/module_peer.h"

using namespace gw;
using namespace gw::mod;
using gw::test::ask_module_peer;
using gw::test::Question;

namespace {

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  std::size_t below(std::size_t n) { return engine_() % n; }
  // 0 to `most` pieces; one byte in `noise` texts is another one.
  std::string text(const std::vector<const char*>& pieces, std::size_t most, std::size_t noise) {
    std::string out;
    for (std::size_t n = below(most + 1); n > 0; --n) out += pieces[below(pieces.size())];
    if (!out.empty() && noise > 0 && below(noise) == 0) {
      out[below(out.size())] = static_cast<char>(below(256));
    }
    return out;
  }

 private:
  std::mt19937 engine_;
};

}  // namespace

TEST_CASE("characters are what Go takes them for") {
  std::vector<Question> questions;
  const unsigned step = 0x1000;
  for (unsigned first = 0; first < 0x110000; first += step) {
    questions.push_back({"unicode", std::to_string(first), std::to_string(first + step - 1)});
  }
  const auto answers = ask_module_peer(questions);
  std::size_t unassigned = 0;  // in the older Unicode of Debian's Go
  for (std::size_t i = 0; i < answers.size(); ++i) {
    for (unsigned j = 0; j < step; ++j) {
      const char32_t c = static_cast<char32_t>(i * step + j);
      const char go = answers[i].at(j);
      if (go == 'u') {
        ++unassigned;
        if (is_space(c)) FAIL("white space that Go does not know: " << static_cast<unsigned>(c));
        continue;
      }
      const int own =
          '0' + (is_letter(c) ? 1 : 0) + (is_printable(c) ? 2 : 0) + (is_space(c) ? 4 : 0);
      if (own != go) FAIL(static_cast<unsigned>(c) << ": " << own - '0' << ", Go has " << go - '0');
    }
  }
  CHECK(unassigned < 0x110000 - 140000);
}

TEST_CASE("white space ends where Go ends it") {
  const std::vector<const char*> pieces = {
      " ",    "\t",       "\n",           "\xc2\xa0", "\xc2\x85", "\xe3\x80\x80", "a",
      "\xa0", "\xe3\x80", "\xe2\x80\x8b", "\x80",     "\xff",     "\xc2"};
  Random random(10);
  std::vector<Question> questions;
  for (int i = 0; i < 5000; ++i) questions.push_back({"trim", random.text(pieces, 7, 0)});
  const auto answers = ask_module_peer(questions);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    INFO(quoted(questions[i][1]));
    REQUIRE(trim_space(questions[i][1]) == answers[i]);
  }
}

TEST_CASE("paths are what x/mod takes") {
  const std::vector<const char*> pieces = {"github.com",
                                           "gopkg.in/",
                                           "a.b",
                                           "x",
                                           "/",
                                           "/",
                                           "/",
                                           ".",
                                           "..",
                                           "~1",
                                           "~",
                                           "con",
                                           "LPT1",
                                           "com0",
                                           "NuL.",
                                           "-",
                                           "+",
                                           "_",
                                           "A",
                                           "9",
                                           "/v2",
                                           "/v1",
                                           ".v3",
                                           "-unstable",
                                           " ",
                                           "@",
                                           "!",
                                           "\xc3\xa9",
                                           "//",
                                           "\\",
                                           "\xe4\xb8\xad",
                                           ":",
                                           "\xff",
                                           "aux",
                                           "~12.go",
                                           "=",
                                           "[]",
                                           "\xe2\x82\xac"};
  Random random(11);
  std::vector<Question> questions;
  for (int i = 0; i < 40000; ++i) {
    const std::string path = random.text(pieces, 7, 8);
    for (const char* kind : {"module", "import", "file"}) questions.push_back({kind, path});
  }
  const auto answers = ask_module_peer(questions);
  std::map<std::string, int> good;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const std::string& path = questions[i][1];
    INFO(questions[i][0] << " " << quoted(path));
    const Status own = questions[i][0] == "module"   ? check_path(path)
                       : questions[i][0] == "import" ? check_import_path(path)
                                                     : check_file_path(path);
    REQUIRE((own ? "ok" : "error") == answers[i]);
    if (own) ++good[questions[i][0]];
  }
  CHECK(good["module"] > 300);
  CHECK(good["import"] > good["module"]);
  CHECK(good["file"] > good["import"]);
}

TEST_CASE("patterns are read as x/mod reads them") {
  const std::vector<const char*> globs = {"a",
                                          "b",
                                          "*",
                                          "?",
                                          "[a-b]",
                                          "[^a]",
                                          "[",
                                          "]",
                                          "\\",
                                          "\\a",
                                          "/",
                                          ",",
                                          ".",
                                          "-",
                                          "^",
                                          "*",
                                          "[^b]*",
                                          "\xc3\xa9",
                                          "[\xc3\xa0-\xc3\xaf]",
                                          "\xff"};
  const std::vector<const char*> paths = {"a", "b", "/", ".", "-", "ab", "\xc3\xa9", "\xc3", "a/b"};
  Random random(12);
  std::vector<Question> questions;
  for (int i = 0; i < 60000; ++i) {
    questions.push_back({"glob", random.text(globs, 7, 20), random.text(paths, 7, 20)});
    questions.push_back({"wellformed", random.text(globs, 5, 20)});
  }
  const auto answers = ask_module_peer(questions);
  int matched = 0;
  for (std::size_t i = 0; i < answers.size(); i += 2) {
    INFO(quoted(questions[i][1]) << " " << quoted(questions[i][2]));
    const bool own = match_prefix_patterns(questions[i][1], questions[i][2]);
    REQUIRE((own ? "true" : "false") == answers[i]);
    if (own) ++matched;
  }
  CHECK(matched > 2000);
  for (std::size_t i = 1; i < answers.size(); i += 2) {
    const std::string& glob = questions[i][1];
    // Of a list, these are no part of a pattern.
    if (glob.find(',') != glob.npos || glob.ends_with('/')) continue;
    INFO(quoted(glob));
    REQUIRE((check_prefix_patterns(glob) ? "true" : "false") == answers[i]);
  }
}
