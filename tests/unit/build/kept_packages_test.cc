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

TEST_CASE("entries move from one build cache to another, where what is there stays") {
  const Packages p;
  for (const char digit : {'a', 'b', 'c'}) p.put("from", digit, std::string(1, digit));
  p.put("to", 'b', "its own");
  std::ofstream(p.made("from/aa") + "/README") << "no entry";
  REQUIRE(move_entries(p.open("from"), p.open("to")));
  CHECK((p.has("to", 'a') && p.has("to", 'b') && p.has("to", 'c')));
  CHECK((!p.has("from", 'a') && p.has("from", 'b') && !p.has("from", 'c')));
  CHECK(fs::file_size(p.dir.file("to/bb/" + name_of('b'))) == 7);
  CHECK(fs::exists(p.dir.file("from/aa/README")));
}

TEST_CASE("a kept package that was edited is found, however") {
  const Packages p;
  p.put("from", 'a', "good");
  REQUIRE(p.kept.add_from(p.open("from"), {}));
  const std::string file = p.top + "/one/pack-0";
  const auto kind = [&] {
    fs::remove_all(p.dir.file("to"));
    const auto copied = p.kept.copy_to(p.open("to"));
    return copied ? std::string("copied") : std::string(error_kind_name(copied.error().kind));
  };
  CHECK(kind() == "copied");
  for (const std::string bad : {"evil", "goo", ""}) {
    std::ofstream(file, std::ios::trunc) << bad;
    CHECK(kind() == error_kind_name(ErrorKind::kUntrusted));
    CHECK(!p.has("to", 'a'));
  }
  fs::remove(file);
  CHECK(kind() == error_kind_name(ErrorKind::kUntrusted));
  std::ofstream(file) << "good, and more that nothing names";
  CHECK(kind() == "copied");
  CHECK(fs::file_size(p.dir.file("to/aa/" + name_of('a'))) == 4);
  // What cannot be read need not have been changed.
  fs::remove(file);
  fs::create_directory(file);
  CHECK(kind() == error_kind_name(ErrorKind::kIo));
  const std::string index = p.top + "/one/index";
  const std::string hash(64, '0');
  for (const std::string& bad :
       {std::string("x"), hash + " " + name_of('a'), hash + " " + name_of('a') + " 0 0 -1",
        hash + " " + name_of('a') + " 0 0 99999999999", hash + " ../x 0 0 1"}) {
    std::ofstream(index, std::ios::trunc) << bad << "\n";
    CHECK(kind() == error_kind_name(ErrorKind::kUntrusted));
  }
  fs::remove(index);
  fs::create_directory(index);
  CHECK(kind() == error_kind_name(ErrorKind::kIo));
}

TEST_CASE("each build that adds some has a pack, and one that nothing names is replaced") {
  const Packages p;
  p.put("from", 'a', "first");
  REQUIRE(p.kept.add_from(p.open("from"), {}));
  // As a crash between the two leaves it.
  std::ofstream(p.top + "/one/pack-1") << "half of someth";
  p.put("from", 'b', "second");
  p.put("from", 'c', "third");
  REQUIRE(p.kept.add_from(p.open("from"), {}));
  REQUIRE(p.kept.add_from(p.open("from"), {}));  // nothing new
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& e : fs::directory_iterator(p.top + "/one")) ++files;
  CHECK(files == 3);
  CHECK(fs::file_size(p.top + "/one/pack-1") == 11);
  REQUIRE(p.kept.copy_to(p.open("to")));
  for (const auto& [digit, text] : {std::pair('a', "first"), {'b', "second"}, {'c', "third"}}) {
    std::ifstream in(p.dir.file("to/" + std::string(2, digit) + "/" + name_of(digit)));
    CHECK(std::string(std::istreambuf_iterator<char>(in), {}) == text);
  }
}

TEST_CASE("a module's packages are those of its version, target and Go") {
  const Key key{.module = "a.b/c",
                .version = "v1.0.0",
                .dir = "/",
                .target = {"linux", "amd64"},
                .go_version = "go1.26.8"};
  const std::string go = "go1.26.8";
  const std::string name = kept_module_name(key, go);
  CHECK(name.starts_with("go1.26.8-linux-amd64-"));
  CHECK(name.size() == 21 + 32);
  Key same = key;
  same.dir = "/cmd/x";
  same.stripped = true;
  CHECK(kept_module_name(same, go) == name);
  CHECK(kept_module_name(key, go + "-0123456789abcdef") != name);
  for (Key other : {key, key, key}) {
    static int which = 0;
    (which == 0 ? other.module : which == 1 ? other.version : other.target.goos) += "1";
    ++which;
    CHECK(kept_module_name(other, go) != name);
  }
}
