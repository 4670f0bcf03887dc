// go.mod files, real ones and generated ones, read here and by golang.org/x/mod.
//
// Debian's x/mod is 0.7, of Go 1.20: it knows no toolchain, godebug, tool and ignore directives, no
// Go version with a third number and no "." and ".." as replacements. Files with these are compared
// with the x/mod 0.30 of a Go 1.26 toolchain, if it lies beside the checkout, and by the golden
// files of gomod_test.cc anyway.
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <regex>

#include "base/bytes.h"
#include "module/gomod.h"
#include "module/path.h"
#include "module/semver.h"
#include "support/gomod_dump.h"
#include "support/module_peer.h"

using namespace gw;
using namespace gw::mod;
using gw::test::ask_module_peer;
using gw::test::Question;

namespace {

namespace fs = std::filesystem;

std::vector<std::string> read_files(const fs::path& directory, std::string_view name,
                                    std::string_view extension) {
  std::vector<std::string> out;
  if (!fs::is_directory(directory)) return out;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    const fs::path& path = entry.path();
    if (!entry.is_regular_file()) continue;
    if (!name.empty() && path.filename() != name) continue;
    if (!extension.empty() && path.extension() != extension) continue;
    std::ifstream in(path, std::ios::binary);
    out.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  return out;
}

// How many of the texts are good, strict and lax.
struct Good {
  int strict = 0, lax = 0;
};
Good compare(const std::vector<std::string>& texts, bool newer) {
  std::vector<Question> questions;
  for (const std::string& text : texts) {
    questions.push_back({"strict", text});
    questions.push_back({"lax", text});
  }
  const auto answers = ask_module_peer(questions, newer);
  Good good;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const bool strict = questions[i][0] == "strict";
    const std::string own =
        test::judge_gomod(questions[i][1], strict ? GoModMode::kStrict : GoModMode::kLax);
    INFO(questions[i][0] << ": " << quoted(questions[i][1], 4000));
    INFO(answers[i]);
    REQUIRE(own == test::read_gomod_answer(answers[i]));
    if (!own.starts_with("error")) ++(strict ? good.strict : good.lax);
  }
  return good;
}

class Generator {
 public:
  Generator(unsigned seed, bool newer) : random_(seed), newer_(newer) {}

  std::string file() {
    std::string out;
    const std::size_t flaws = below(3) == 0 ? 6 : 60;  // one line of so many is odd
    for (std::size_t n = below(9); n > 0; --n) {
      if (below(4) == 0) out += comments();
      if (below(4) == 0) {
        const std::string verb = pick(verbs());
        out += verb + pick({" (", " ( ", "(", " ( // x"}) + "\n";
        for (std::size_t lines = below(4); lines > 0; --lines) {
          if (below(3) == 0)
            out += pick({"\n", "// x\n", "\t// Deprecated: y\n", "  //\n", "\n\n"});
          out += "\t" + arguments(verb, flaws) + behind() + "\n";
        }
        out += pick({")", ")", ")", ") // x"}) + "\n";
      } else {
        const std::string verb = below(flaws) == 0 ? "future" : pick(verbs());
        out += verb + " " + arguments(verb, flaws) + behind() + "\n";
      }
    }
    while (!out.empty() && below(12) == 0)
      out[below(out.size())] = static_cast<char>(' ' + below(95));
    return out;
  }

 private:
  std::size_t below(std::size_t n) { return random_() % n; }
  std::string pick(const std::vector<std::string>& from) { return from[below(from.size())]; }

  std::vector<std::string> verbs() const {
    std::vector<std::string> out = {"module",  "go",      "require", "require",
                                    "exclude", "replace", "retract"};
    if (newer_) out.insert(out.end(), {"toolchain", "godebug", "tool", "ignore"});
    return out;
  }
  std::string comments() {
    return pick({"// x\n", "// x\n//\n// y\n", "// Deprecated: z\n",
                 "// a\n//\n// Deprecated: z\n//\n// b\n", "//\n", "// x\n\n", "\n",
                 "\t// \tx \r\n", "// \xc3\xbc\n"});
  }
  std::string behind() {
    return pick({"", "", "", " // indirect", "//indirect", " // indirect; x", " // indirect;",
                 " // x", "\r", " // Deprecated: q", " //", "\t"});
  }
  std::string path() {
    return pick({"a.b/c", "a.b/c", "d.e/f/v2", "gopkg.in/g.v1", "gopkg.in/h.v2-unstable",
                 "\"q.r/s\"", "\"t\\x41\\u00e9\"", "x/v1", "`raw`", "\"\"", "it's", "\"a b\"",
                 "../d", "/e", "a.b/c/v3", "z:", "\"\\q\"", "m\xc3\xa9"});
  }
  std::string version() {
    return pick({"v1.0.0", "v1.0.0", "v1.2", "v1", "v2.0.0", "v2.0.0+incompatible",
                 "v1.0.0-pre.1+m", "v0.0.0-2020-a", "\"v1.0.0\"", "1.0", "v1.0.0-01", "master",
                 "v3.1.4", "v1.0.0+", "v1.2+m"});
  }
  std::string arguments(const std::string& verb, std::size_t flaws) {
    if (below(flaws) == 0)
      return pick({"", path(), path() + " " + path(), "(", ") x", "( )", "[", "a , b", "\"",
                   "/* x */", "=> =>", "\x01", "[" + version() + "]"});
    if (verb == "module") return path();
    if (verb == "go") {
      return newer_
                 ? pick({"1.21", "1.21.0", "1.22rc1", "1.22.1rc2", "1.x", "v1.21.x", "1.0", "1.01"})
                 : pick({"1.16", "1.21", "1.x", "v1.20beta", "1.0", "1.01", "1"});
    }
    if (verb == "require" || verb == "exclude") return path() + " " + version();
    if (verb == "replace") {
      return path() + (below(2) == 0 ? " " + version() : "") + pick({" => ", " => ", "=>", " =>"}) +
             (below(2) == 0 ? pick({"./x", "../x", "/x", "\"./a b\"", ".\\x", "C:\\x", "C:x",
                                    newer_ ? ".." : "./"})
                            : path() + (below(4) == 0 ? "" : " " + version()));
    }
    if (verb == "retract") {
      return below(2) == 0 ? version()
                           : pick({"[", "[ "}) + version() + pick({",", ", ", " , "}) + version() +
                                 pick({"]", " ]", "] x"});
    }
    if (verb == "toolchain")
      return pick({"go1.21.0", "default", "go1", "go1x", "local", "go1.26.8-x+auto", "\"go1.21\""});
    if (verb == "godebug")
      return pick({"a=b", "=", "a", "a=b=c", "\"a=b\"", "default=go1.21", "a=b,c"});
    return path();
  }

  std::mt19937 random_;
  bool newer_;
};

std::vector<std::string> generated(unsigned seed, bool newer) {
  Generator generator(seed, newer);
  // What a changed byte may have made and the older one does not know.
  const std::regex newer_syntax("ignore|1\\.21\\.|=>[ \t]*\\.\\.?([ \t\r\n]|//|$)");
  std::vector<std::string> texts;
  while (texts.size() < 8000) {
    std::string text = generator.file();
    // A string over lines: whose comment a comment behind it is, differs (module/gomod.h).
    if (text.find("\\\n") != text.npos || text.find("\\\r") != text.npos) continue;
    if (!newer && std::regex_search(text, newer_syntax)) continue;
    texts.push_back(std::move(text));
  }
  return texts;
}

}  // namespace

TEST_CASE("go.mod files of Debian's Go packages are read as x/mod reads them") {
  std::vector<std::string> texts = read_files("/usr/share/gocode/src", "go.mod", "");
  const std::string testdata = "/usr/share/gocode/src/golang.org/x/mod/modfile/testdata";
  for (const char* extension : {".in", ".golden"}) {
    for (std::string& text : read_files(testdata, "", extension)) texts.push_back(std::move(text));
  }
  CHECK(texts.size() >= 10);
  compare(texts, false);
}

TEST_CASE("generated go.mod files are read as x/mod reads them") {
  const Good good = compare(generated(20, false), false);
  CHECK(good.strict > 400);
  CHECK(good.lax > good.strict);
}

TEST_CASE("go.mod files are read as the x/mod of a newer Go reads them") {
  const Good good = compare(generated(21, true), true);
  const std::vector<std::string> real = read_files("module_peer/gomod", "", "");
  if (good.lax == 0) return;  // it is not there, and said so
  CHECK(good.strict > 400);
  CHECK(good.lax > good.strict);
  CHECK(real.size() >= 10);
  CHECK(compare(real, true).strict == static_cast<int>(real.size()));
  compare(read_files(GW_TEST_DATA "/gomod", "", ".mod"), true);
}

TEST_CASE("versions and majors are x/mod's") {
  const std::vector<std::string> parts = {"v",
                                          "v1",
                                          "v2",
                                          "v0.0.0-",
                                          "1",
                                          "0",
                                          "01",
                                          ".",
                                          ".1",
                                          ".0",
                                          "-",
                                          "-pre",
                                          "-0.1",
                                          "+meta",
                                          "+incompatible",
                                          "+",
                                          "..",
                                          "_",
                                          "99999999999999999999"};
  const std::vector<std::string> majors = {"",    "/v2", "/v1",          ".v0",
                                           ".v1", ".v2", ".v1-unstable", "/v3"};
  std::mt19937 random(22);
  std::vector<Question> questions;
  for (int i = 0; i < 20000; ++i) {
    std::string version;
    for (std::size_t n = random() % 6; n > 0; --n) version += parts[random() % parts.size()];
    questions.push_back({"canonical", version});
    if (canonical_version(version) == version) {
      questions.push_back({"major", version, majors[random() % majors.size()]});
    }
  }
  const auto answers = ask_module_peer(questions);
  std::map<std::string, int> seen;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    INFO(quoted(questions[i][1]));
    if (questions[i][0] == "canonical") {
      REQUIRE(canonical_version(questions[i][1]).value_or("") == answers[i]);
    } else {
      INFO(questions[i][2]);
      REQUIRE((major_matches(questions[i][1], questions[i][2]) ? "true" : "false") == answers[i]);
    }
    if (!answers[i].empty()) ++seen[questions[i][0] == "major" ? answers[i] : "canonical"];
  }
  CHECK(seen["canonical"] > 500);
  CHECK(seen["true"] > 20);
  CHECK(seen["false"] > 20);
}
