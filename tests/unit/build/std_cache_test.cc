#include "build/std_cache.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <functional>

#include "support/temp_dir.h"

using namespace gw;
using namespace gw::build;
using Texts = std::vector<std::string>;

namespace {

namespace fs = std::filesystem;

Target on(const std::string& goos) { return {goos, "amd64"}; }

std::string entry(char digit, char kind) { return std::string(64, digit) + "-" + kind; }

void write_at(const std::string& path, const std::string& text) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream(path, std::ios::trunc) << text;
}
std::string slurp(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

struct Caches {
  testing::TempDir dir;
  std::string std{make(dir.file("std"))};
  StdCache cache{std, "go1.26.8"};
  os::Dir from{os::Dir::open(make(dir.file("from"))).value()};
  std::string place(const std::string& name) const {
    return dir.file("std/go1.26.8-linux-amd64/") + name;
  }
  void put(char digit, char kind, const std::string& text) const {
    write_at(dir.file("from/") + std::string(2, digit) + "/" + entry(digit, kind), text);
  }
  // What a build cache has after a copy: the number of its files, or the error.
  std::string copied(const Target& target, const std::string& to = "to",
                     const std::string& toolchain = "go1.26.8") const {
    const StdCache one(std, toolchain);
    const auto s = one.copy_to(os::Dir::open(make(dir.file(to))).value(), target);
    if (!s) return std::string(error_kind_name(s.error().kind));
    std::size_t files = 0;
    for (const auto& e : fs::recursive_directory_iterator(dir.file(to)))
      files += e.is_regular_file();
    return std::to_string(files);
  }
  static std::string make(const std::string& path) {
    fs::create_directories(path);
    return path;
  }
};

}  // namespace

TEST_CASE("what was compiled from the toolchain alone is there for the next build") {
  const Caches c;
  CHECK(c.copied(on("linux")) == "0");
  c.put('a', 'a', "v1 ...");
  c.put('b', 'd', std::string("\0object", 7));
  write_at(c.dir.file("from/README"), "x");
  write_at(c.dir.file("from/aa/other"), "x");
  write_at(c.dir.file("from/bb/") + entry('a', 'd'), "in the wrong place");
  REQUIRE(c.cache.add_from(c.from, on("linux")));
  CHECK(c.copied(on("linux")) == "2");
  CHECK(slurp(c.dir.file("to/bb/") + entry('b', 'd')) == std::string("\0object", 7));
  // What is there stays; another target or Go has its own.
  write_at(c.dir.file("to/aa/") + entry('a', 'a'), "mine");
  CHECK(c.copied(on("linux")) == "2");
  CHECK(slurp(c.dir.file("to/aa/") + entry('a', 'a')) == "mine");
  CHECK(c.copied(on("windows"), "other") == "0");
  CHECK(c.copied(on("linux"), "other", "go1.26.9") == "0");
  // More is added to it; what was kept is not written again.
  c.put('a', 'a', "v1 later");
  c.put('c', 'd', "more");
  REQUIRE(c.cache.add_from(c.from, on("linux")));
  CHECK(c.copied(on("linux"), "third") == "3");
  CHECK(slurp(c.dir.file("third/aa/") + entry('a', 'a')) == "v1 ...");
}

TEST_CASE("what was edited, taken away or exchanged is found") {
  const std::vector<std::function<void(const Caches&)>> changes = {
      [](const Caches& c) { write_at(c.place("pack-0"), "v1 ...objecx"); },
      [](const Caches& c) { fs::remove(c.place("pack-0")); },
      [](const Caches& c) {
        fs::remove(c.place("pack-0"));
        fs::create_symlink("/etc/passwd", c.place("pack-0"));
      },
      [](const Caches& c) { write_at(c.place("index"), "x\n"); }};
  for (const auto& change : changes) {
    const Caches c;
    c.put('a', 'a', "v1 ...");
    c.put('b', 'd', "object");
    REQUIRE(c.cache.add_from(c.from, on("linux")));
    REQUIRE(c.copied(on("linux")) == "2");
    change(c);
    CHECK(c.copied(on("linux"), "again") == error_kind_name(ErrorKind::kUntrusted));
  }
}

TEST_CASE("what no index names, as after a crash, is not believed and not in the way") {
  const Caches c;
  write_at(c.place("pack-0"), "half an obj");
  CHECK(c.copied(on("linux")) == "0");
  c.put('d', 'd', "half an object");
  REQUIRE(c.cache.add_from(c.from, on("linux")));
  CHECK(c.copied(on("linux")) == "1");
  CHECK(slurp(c.dir.file("to/dd/") + entry('d', 'd')) == "half an object");
}

TEST_CASE("only so many are kept: those that were used last") {
  const Caches c;
  c.put('a', 'd', "object");
  for (std::size_t i = 0; i < StdCache::kMaxKept + 2; ++i) {
    REQUIRE(StdCache(c.std, "go1.26." + std::to_string(i)).add_from(c.from, on("linux")));
    REQUIRE(c.copied(on("linux"), "to", "go1.26.0") == "1");
  }
  CHECK(c.copied(on("linux"), "x", "go1.26.0") == "1");
  CHECK(c.copied(on("linux"), "y", "go1.26.1") == "0");
  CHECK(c.copied(on("linux"), "z", "go1.26.13") == "1");
}

TEST_CASE("packages of the standard library in what go would run") {
  CHECK(std_packages("go: downloading a.b/c v1.0.0\n\n#\n# internal/goarch\n#\n\n# import config\n"
                     "#\n# a.b/c/d\n#\n\n#\n# vendor/golang.org/x/net/idna\n#\n\n#\n# net/http\n#\n"
                     "#\n# -x\n#\n#\n# golang.org/x/sys\n#\n") ==
        Texts{"internal/goarch", "net/http"});
  CHECK(std_packages("").empty());
}
