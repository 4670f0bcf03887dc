#include "build/kept_packages.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "support/temp_dir.h"

using namespace gw;
using namespace gw::build;

namespace {

namespace fs = std::filesystem;

std::string name_of(char digit) { return std::string(64, digit) + "-d"; }

struct Packages {
  testing::TempDir dir;
  std::string top{made("top")};
  KeptPackages kept{top, "one"};

  std::string made(const std::string& name) const {
    fs::create_directories(dir.file(name));
    return dir.file(name);
  }
  os::Dir open(const std::string& name) const { return os::Dir::open(made(name)).value(); }
  void put(const std::string& cache, char digit, const std::string& text) const {
    const std::string at = made(cache + "/" + std::string(2, digit));
    std::ofstream(at + "/" + name_of(digit), std::ios::trunc) << text;
  }
  bool has(const std::string& cache, char digit) const {
    return fs::exists(dir.file(cache + "/" + std::string(2, digit) + "/" + name_of(digit)));
  }
};

}  // namespace

TEST_CASE("packages are kept without those that are another's, and copied back") {
  const Packages p;
  CHECK(p.kept.copy_to(p.open("to")));  // nothing yet
  CHECK(p.kept.names().value().empty());
  for (const char digit : {'a', 'b', 'c'}) p.put("from", digit, std::string(1, digit));
  REQUIRE(p.kept.add_from(p.open("from"), {name_of('b')}));
  CHECK(p.kept.names().value() == std::set<std::string>{name_of('a'), name_of('c')});
  REQUIRE(p.kept.copy_to(p.open("to")));
  CHECK((p.has("to", 'a') && p.has("to", 'c')));
  CHECK(!p.has("to", 'b'));
  // A later build adds to it.
  p.put("from", 'd', "d");
  REQUIRE(p.kept.add_from(p.open("from"), {name_of('b')}));
  CHECK(p.kept.names().value().size() == 3);
  // Another name has nothing of it.
  CHECK(KeptPackages(p.top, "two").names().value().empty());
}

TEST_CASE("a kept package that was edited is found, also when one is added or gone") {
  const Packages p;
  p.put("from", 'a', "good");
  REQUIRE(p.kept.add_from(p.open("from"), {}));
  const std::string file = p.top + "/one/aa/" + name_of('a');
  const auto kind = [&] { return p.kept.copy_to(p.open("to")).error().kind; };
  std::ofstream(file, std::ios::trunc) << "evil";
  CHECK(kind() == ErrorKind::kUntrusted);
  CHECK(!p.has("to", 'a'));
  fs::remove(file);
  CHECK(kind() == ErrorKind::kUntrusted);
  std::ofstream(file) << "good";
  CHECK(p.kept.copy_to(p.open("to")));
  // What the manifest does not name is never copied.
  p.put("top/one", 'e', "evil");
  REQUIRE(p.kept.copy_to(p.open("to")));
  CHECK(!p.has("to", 'e'));
  // What cannot be read need not have been changed.
  fs::remove(file);
  fs::create_directory(file);
  CHECK(kind() == ErrorKind::kIo);
  std::ofstream(p.top + "/one/manifest", std::ios::trunc) << "x\n";
  CHECK(kind() == ErrorKind::kUntrusted);
  fs::remove(p.top + "/one/manifest");
  fs::create_directory(p.top + "/one/manifest");
  CHECK(kind() == ErrorKind::kIo);
}

TEST_CASE("a module's packages are those of its version, target and Go") {
  const Key key{.module = "a.b/c",
                .version = "v1.0.0",
                .dir = "/",
                .target = {"linux", "amd64"},
                .go_version = "go1.26.8"};
  const std::string name = kept_module_name(key);
  CHECK(name.starts_with("go1.26.8-linux-amd64-"));
  CHECK(name.size() == 21 + 32);
  Key same = key;
  same.dir = "/cmd/x";
  same.stripped = true;
  CHECK(kept_module_name(same) == name);
  for (Key other : {key, key, key, key}) {
    static int which = 0;
    (which == 0   ? other.module
     : which == 1 ? other.version
     : which == 2 ? other.go_version
                  : other.target.goos) += "1";
    ++which;
    CHECK(kept_module_name(other) != name);
  }
}
