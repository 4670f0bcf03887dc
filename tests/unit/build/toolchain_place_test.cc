#include "build/toolchain_place.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "build/target.h"
#include "module/goversion.h"
#include "support/build/modules.h"
#include "support/temp_dir.h"

using namespace gw;
using namespace gw::build;
using namespace gw::testing;
using Kind = mod::ProxyRequest::Kind;
using Texts = std::vector<std::string>;

namespace {

void add_go(const std::string& root, const std::string& version) {
  std::filesystem::create_directories(root + "/bin");
  std::ofstream(root + "/VERSION") << version << "\n";
  std::ofstream(root + "/bin/go") << "program";
}

std::string host() { return host_target().goos + "-" + host_target().goarch; }

}  // namespace

TEST_CASE("a directory of toolchains offers those that it has, but the ones not trusted yet") {
  const TempDir dir;
  add_go(dir.file("go1.26.8"), "go1.26.8");
  add_go(dir.file("go1.26.10." + host()), "go1.26.10");
  add_go(dir.file("go1.27.0"), "go1.27.0");
  add_go(dir.file("go1.25.3.other-platform"), "go1.25.3");
  add_go(dir.file("old"), "go1.20.1");
  Modules modules;
  const ToolchainPlace all({.place = dir.path()}, *modules.store, nullptr);
  CHECK(all.versions().value() == Texts{"go1.27.0", "go1.26.10", "go1.26.8"});
  const ToolchainPlace some({.place = dir.path(), .stop_before = "go1.27.0"}, *modules.store,
                            nullptr);
  CHECK(some.versions().value() == Texts{"go1.26.10", "go1.26.8"});
  CHECK(some.find("go1.26.10").value().go_version == "go1.26.10");
  CHECK(some.find("go1.27.0").error().message == "go1.27.0 is not before go1.27.0");
  CHECK(some.find("go1.26.latest").error().kind == ErrorKind::kUsage);
  // What a record was made with once.
  CHECK(some.find_any("go1.27.0").value().go_version == "go1.27.0");
  const ToolchainPlace none({.place = dir.path(), .stop_before = "go1.20"}, *modules.store,
                            nullptr);
  CHECK(none.versions().error().kind == ErrorKind::kNotFound);
}

TEST_CASE("one toolchain is what it is") {
  const TempDir dir;
  add_go(dir.path(), "go1.26.8");
  Modules modules;
  const ToolchainPlace one({.place = dir.path()}, *modules.store, nullptr);
  CHECK(one.versions().value() == Texts{"go1.26.8"});
  CHECK(one.find("").value().go_version == "go1.26.8");
  CHECK(one.find("go1.26.9").error().kind == ErrorKind::kUsage);
  const std::string path = dir.path() + "/bin";
  std::filesystem::permissions(path + "/go", std::filesystem::perms::owner_all);
  const ToolchainPlace local({.place = std::string(kLocalToolchain), .path = path}, *modules.store,
                             nullptr);
  CHECK(local.versions().value() == Texts{"go1.26.8"});
}

TEST_CASE("of the module proxy, releases for this machine are offered, the newest first") {
  Modules modules;
  const std::string module(mod::kToolchainModule);
  std::string list = "v0.0.1-go1.28.0.other-platform\n";
  for (const char* go : {"go1.25.9", "go1.26.8", "go1.27rc1", "go1.27.0"}) {
    const std::string version = "v0.0.1-" + std::string(go) + "." + host();
    list += version + "\n";
    modules.put({Kind::kInfo, module, version}, R"({"Version":")" + version + "\"}");
  }
  modules.put({Kind::kList, module, {}}, list);
  const TempDir dir;
  const ToolchainPlace place(
      {.place = std::string(kModuleToolchain), .stop_before = "go1.27.0", .unpacked = dir.path()},
      *modules.store, nullptr);
  CHECK(place.versions().value() == Texts{"go1.26.8", "go1.25.9"});
  CHECK(place.find("go1.27.0").error().kind == ErrorKind::kUsage);
}
