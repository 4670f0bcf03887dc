#include "build/cache.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "support/temp_dir.h"

using namespace gw;
using namespace gw::build;

namespace {

namespace fs = std::filesystem;

std::size_t entries(const std::string& dir) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(dir), {}));
}

}  // namespace

TEST_CASE("a cache is made with its parents, and opened again") {
  const testing::TempDir dir;
  const auto cache = Cache::open(dir.file("a/b"));
  REQUIRE(cache);
  CHECK(cache->path() == fs::canonical(dir.file("a/b")).string());
  CHECK(fs::is_directory(cache->download()));
  CHECK(fs::is_directory(cache->toolchains()));
  CHECK(Cache::open(dir.file("a/b")));
  CHECK(cache->sums("sum.golang.org").value() == cache->path() + "/sumdb/sum.golang.org");
  CHECK(fs::is_directory(cache->path() + "/sumdb/sum.golang.org"));
  CHECK(cache->sums("example.org/log"));
  CHECK(!cache->sums(".."));
  std::ofstream(dir.file("file")) << "x";
  CHECK(Cache::open(dir.file("file")).error().kind == ErrorKind::kIo);
}

TEST_CASE("work directories go with their call; what killed calls left goes with the next") {
  const testing::TempDir dir;
  const auto cache = Cache::open(dir.path());
  REQUIRE(cache);
  const std::string work = cache->path() + "/work";
  std::string path;
  {
    auto one = cache->make_work();
    REQUIRE(one);
    path = one->path();
    CHECK(fs::is_empty(path));
    fs::create_directories(path + "/mod/a");
    std::ofstream(path + "/mod/a/b") << "x";
    fs::permissions(path + "/mod/a", fs::perms::owner_read | fs::perms::owner_exec);
    // One that is in use is left alone.
    const auto two = cache->make_work();
    REQUIRE(two);
    CHECK(fs::exists(path + "/mod/a/b"));
    CHECK(entries(work) == 4);
  }
  CHECK(entries(work) == 0);
  fs::create_directories(work + "/left/mod");
  std::ofstream(work + "/left.lock") << "";
  const auto three = cache->make_work();
  REQUIRE(three);
  CHECK(!fs::exists(work + "/left"));
  CHECK(!fs::exists(work + "/left.lock"));
}

TEST_CASE("who works at the same time has another number, even the first time, odd to compare") {
  const testing::TempDir dir;
  const auto cache = Cache::open(dir.path());
  REQUIRE(cache);
  {
    const auto one = cache->make_work();
    const auto two = cache->make_work();
    const auto again = cache->make_work(true);
    REQUIRE((one && two && again));
    CHECK(one->number() == 0);
    CHECK(two->number() == 2);
    CHECK(again->number() == 1);
    // Another process with the same cache.
    CHECK(Cache::open(dir.path())->make_work()->number() == 4);
  }
  CHECK(cache->make_work()->number() == 0);
  std::vector<WorkDirectory> all;
  for (unsigned i = 0; i < Cache::kNumbers; ++i) all.push_back(cache->make_work().value());
  CHECK(all.back().number() == 0);  // more than there are numbers
}

TEST_CASE("a build's log has its key's name") {
  const testing::TempDir dir;
  const auto cache = Cache::open(dir.path());
  REQUIRE(cache);
  Key key{.module = "a.b/c",
          .version = "v1.0.0",
          .dir = "/cmd/x",
          .target = {"linux", "amd64"},
          .go_version = "go1.26.8"};
  for (const char* text : {"first", "second"}) {
    const auto path = cache->keep_log(key, text);
    REQUIRE(path);
    CHECK(*path == cache->path() + "/logs/a.b/c@v1.0.0/cmd/x/linux-amd64-go1.26.8.log");
    std::ifstream in(*path);
    CHECK(std::string(std::istreambuf_iterator<char>(in), {}) == text);
  }
}
