#include "check/program_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "os/file.h"
#include "support/temp_dir.h"

using gw::ErrorKind;
using gw::check::FoundFiles;
using gw::mod::BuildInfo;

namespace {

BuildInfo program() {
  BuildInfo info;
  info.go_version = "go1.26.8 X:boringcrypto";
  info.main = BuildInfo::Used{{"a.com/b", "v1.0.0+dirty", ""}, std::nullopt};
  info.deps.push_back({{"c.com/d", "v1.0.0", "h1:x="}, std::nullopt});
  info.deps.push_back({{"e.com/f", "v1.0.0", ""}, BuildInfo::Module{"g.com/h", "v1.1.0", "h1:x="}});
  info.deps.push_back({{"mine", "v1.0.0", ""}, std::nullopt});
  info.deps.push_back({{"i.com/j", "v1.2", ""}, std::nullopt});
  return info;
}

}  // namespace

TEST_CASE("what a program asks about") {
  FoundFiles found;
  REQUIRE(add_program("x", program(), false, found));
  REQUIRE(found.modules.size() == 1);
  CHECK(found.modules[0].known == "v1.0.0");
  CHECK(found.toolchains[0].known == "go1.26.8");
  CHECK(file_summary(found.files[0]) ==
        "x: module a.com/b v1.0.0+dirty, 1 module looked at, 4 left out, go1.26.8");
  REQUIRE(add_program("y", program(), true, found));
  CHECK(found.modules[0].places.first.size() == 2);
  REQUIRE(found.modules.size() == 6);
  for (const auto& request : found.modules) CHECK_FALSE(request.problem);
  CHECK_FALSE(found.modules[2].asked);
  CHECK(found.modules[3].path == "g.com/h");
  // no fault of whoever asks
  CHECK(found.modules[4].notes[0].find("mine: nothing is compared: ") == 0);
  CHECK(found.modules[5].notes[0].find("i.com/j: nothing is compared: ") == 0);
  CHECK(found.files[1].replaced == 1);
}

TEST_CASE("more modules than a call takes are refused") {
  FoundFiles found;
  BuildInfo info;
  info.go_version = "go1.26.8";
  for (std::size_t i = 0; i <= gw::check::kMostModules; ++i) {
    info.deps.push_back({{"a.com/b" + std::to_string(i), "v1.0.0", ""}, std::nullopt});
  }
  CHECK(add_program("x", info, true, found).error().kind == ErrorKind::kUsage);
  CHECK(found.modules.size() == gw::check::kMostModules);
}

TEST_CASE("processes and directories that can be looked at or not") {
  const gw::testing::TempDir dir;
  REQUIRE(gw::os::create_file(dir.file("script"), "#!/bin/sh\n", 0700));
  for (const char* pid : {"12", "13", "14", "self"}) {
    REQUIRE(::mkdir(dir.file(pid).c_str(), 0700) == 0);
  }
  REQUIRE(::symlink("../script", dir.file("12/exe").c_str()) == 0);
  REQUIRE(::symlink("../script", dir.file("self/exe").c_str()) == 0);
  REQUIRE(::symlink("missing", dir.file("13/exe").c_str()) == 0);
  FoundFiles found;
  gw::check::add_running(dir.path(), true, found);
  REQUIRE(found.files.size() == 1);
  CHECK(file_summary(found.files[0]) == dir.path() + ": 0 programs of Go among 1 files");
  found = gw::check::read_programs({dir.path(), dir.file("script"), dir.file("none")}, true);
  REQUIRE(found.files.size() == 3);
  CHECK(found.files[0].errors.empty());
  CHECK(found.files[1].errors[0].kind == ErrorKind::kNotFound);  // a named one must be one
  CHECK(found.files[2].errors[0].kind == ErrorKind::kNotFound);
  found = {};
  gw::check::add_running(dir.file("none"), true, found);
  CHECK_FALSE(found.files[0].errors.empty());
}
