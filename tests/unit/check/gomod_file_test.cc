#include "check/gomod_file.h"

#include <catch2/catch.hpp>

#include "check/answer.h"
#include "check/found_file.h"
#include "check/report.h"

using gw::ErrorKind;
using gw::check::file_summary;
using gw::check::FoundFiles;
using gw::check::read_gomod;

namespace {

// "PATH@KNOWN FILE:LINE", "PATH (notes) FILE:LINE" of what is not asked for.
std::vector<std::string> requests_of(const FoundFiles& found) {
  std::vector<std::string> out;
  for (const auto& r : found.modules) {
    std::string text = r.path + (r.known ? "@" + *r.known : "") + (r.problem ? "!" : "");
    for (const auto& note : r.notes) text += " (" + note + ")";
    for (const auto& place : r.places.first) text += " " + format_place(place);
    out.push_back(std::move(text));
  }
  return out;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("what a go.mod asks about") {
  constexpr std::string_view kText =
      "module a.com/me\ngo 1.21\nrequire (\n\ta.com/b v1.2\n\tc.com/d v1.0.0 // indirect\n"
      "\te.com/f v1.0.0\n\tBad v1.0.0\n)\nreplace e.com/f => g.com/h v1.1.0\n"
      "replace e.com/f v1.0.0 => ./f\n";
  FoundFiles found;
  read_gomod("x/go.mod", kText, false, found);
  CHECK(requests_of(found) == Texts{"a.com/b@v1.2.0 x/go.mod:4",
                                    "e.com/f (e.com/f v1.0.0: replaced by ./f) x/go.mod:6",
                                    "Bad! x/go.mod:7"});
  CHECK(found.modules[2].problem->message.find("x/go.mod:7: ") == 0);
  REQUIRE(found.toolchains.size() == 1);
  CHECK(found.toolchains[0].known == "go1.21");
  REQUIRE(found.files.size() == 1);
  CHECK(file_summary(found.files[0]) ==
        "x/go.mod: module a.com/me, 3 modules looked at, 1 left out, 1 replaced, go1.21");
  read_gomod("y/go.mod", kText, true, found);
  CHECK(found.modules.size() == 5);  // what has a problem has it in each file
  CHECK(requests_of(found)[0] == "a.com/b@v1.2.0 x/go.mod:4 y/go.mod:4");
  REQUIRE(found.toolchains.size() == 1);
  CHECK(found.toolchains[0].places.first.size() == 2);
}

TEST_CASE("what is no go.mod is an error of its file, and the others go on") {
  FoundFiles found;
  read_gomod("x", "module a.com/b\nwhat\n", false, found);
  read_gomod("y", std::string(17 << 20, ' '), false, found);
  REQUIRE(found.files.size() == 2);
  CHECK(found.files[0].errors[0].message.find("x:2: ") == 0);
  CHECK(found.files[1].errors[0].message.find("y: ") == 0);
  CHECK(found.modules.empty());
  found = gw::check::read_gomod_files({"/nonexistent"}, false);
  CHECK(found.files[0].errors[0].kind == ErrorKind::kNotFound);
}

TEST_CASE("toolchains as files name them") {
  const auto known = [](std::string_view version) {
    const auto r = gw::check::toolchain_request(version);
    CHECK(r.asked == r.notes.empty());
    return r.asked ? r.known : "-";
  };
  CHECK(known("1.21") == "go1.21");
  CHECK(known("1.21rc2") == "go1.21rc2");
  CHECK(known("go1.26.8") == "go1.26.8");
  CHECK(known("go1.26.8 X:boringcrypto") == "go1.26.8");
  CHECK(known("devel go1.27-abc Mon") == "-");
  CHECK(known("go1.22.1-custom") == "-");
  CHECK(known("") == "-");
}

TEST_CASE("private modules are noted and not asked for") {
  FoundFiles found;
  read_gomod("go.mod", "module a.com/b\nrequire c.com/d v1.0.0\nrequire e.com/f/g v1.0.0\n", false,
             found);
  leave_out_private(found.modules, "x.com,*.com/f");
  CHECK(found.modules[0].asked);
  CHECK_FALSE(found.modules[1].asked);
  CHECK(found.modules[1].notes == Texts{"e.com/f/g: private, not asked for"});
}

TEST_CASE("a release that several files want names them") {
  gw::check::Outcome outcome;
  outcome.known = "v1.0.0";
  for (const char* file : {"a", "b\x1b", "c", "d"}) outcome.places.add({file, 0});
  gw::check::add_release(outcome, {"a.com/b", "v1.1.0"});
  CHECK(outcome.newer);
  CHECK(gw::check::report_lines({&outcome, 1}) ==
        Texts{"a.com/b v1.1.0 (a, b\\x1b, c and 1 more)"});
  CHECK(gw::check::report_lines({&outcome, 1}, true) ==
        Texts{"a.com/b v1.0.0 -> v1.1.0 (a, b\\x1b, c and 1 more)"});
}

TEST_CASE("what a go.mod excludes is there once, however much requires it") {
  std::string text = "module a.com/me\ngo 1.21\n";
  for (int i = 0; i < 50; ++i) {
    text += "require a.com/b v1.0." + std::to_string(i % 25) + "\n";
    text += "exclude a.com/b v1.1." + std::to_string(i % 25) + "\n";
  }
  FoundFiles found;
  read_gomod("x/go.mod", text, false, found);
  REQUIRE(found.modules.size() == 25);
  for (const auto& module : found.modules) {
    REQUIRE(module.excluded.size() == 1);
    CHECK(module.excluded[0] == found.modules[0].excluded[0]);
  }
  CHECK(found.modules[0].excluded[0]->size() == 25);
  CHECK(format_place(found.modules[0].excluded[0]->at(24).place) == "x/go.mod:52");
  read_gomod("y/go.mod", text, false, found);
  CHECK(found.modules[0].excluded.size() == 2);
}
