#include "build/cache_trim.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>

#include "build/cache.h"
#include "os/dir.h"
#include "support/os/as_user.h"
#include "support/temp_dir.h"

using namespace gw;
using namespace gw::build;

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kPiece = std::uint64_t{1} << 20U;  // of each thing that is kept

struct TrimLab {
  testing::TempDir dir;
  Cache cache{Cache::open(dir.file("cache")).value()};

  std::string at(const std::string& name) const { return cache.path() + "/" + name; }
  void put(const std::string& name, std::size_t size, int hours_ago) const {
    fs::create_directories(fs::path(at(name)).parent_path());
    std::ofstream(at(name), std::ios::binary) << std::string(size, 'x');
    fs::last_write_time(at(name), fs::file_time_type::clock::now() - std::chrono::hours(hours_ago));
  }
  // From the one that was used last to the one that was used first.
  void fill() const {
    put("download/a.b/c/@v/v1.0.0.zip", kPiece, 1);
    put("packages/p/aa/x", kPiece, 100);
    put("packages/p/index", 1, 2);
    put("std/s/aa/x", kPiece, 100);
    put("std/s/index", 1, 3);
    put("toolchains/t/bin/go", kPiece, 100);
    put("toolchains/t.lock", 0, 4);
    put("logs/a.b/c@v1.0.0/x.log", kPiece, 5);
  }
  std::string left() const {
    std::string out;
    for (const char* name : {"download/a.b/c/@v/v1.0.0.zip", "packages/p", "std/s", "toolchains/t",
                             "logs/a.b/c@v1.0.0/x.log"}) {
      out += fs::exists(at(name)) ? name[0] : '-';
    }
    return out;
  }
};

}  // namespace

TEST_CASE("a cache is trimmed to its size, from what was used longest ago") {
  // Each has its piece and at most a few blocks more.
  struct Case {
    std::uint64_t pieces;
    const char* left;
  };
  for (const Case& c : std::vector<Case>{
           {6, "dpstl"}, {4, "dpst-"}, {3, "dps--"}, {2, "dp---"}, {1, "d----"}, {0, "-----"}}) {
    const TrimLab lab;
    lab.fill();
    const auto left =
        trim_cache(lab.cache.path(), {.max_bytes = c.pieces * (kPiece + (64U << 10U))});
    REQUIRE(left);
    CAPTURE(c.pieces);
    CHECK(lab.left() == c.left);
    CHECK(*left <= c.pieces * (kPiece + (64U << 10U)));
  }
}

TEST_CASE("modules may be kept whatever their size, and what is in use always is") {
  const TrimLab lab;
  lab.fill();
  const os::Dir toolchains = os::Dir::open(lab.at("toolchains")).value();
  {
    const auto used = toolchains.lock_shared("t.lock");
    REQUIRE(used);
    const auto left = trim_cache(lab.cache.path(), {.max_bytes = 0, .keep_modules = true});
    REQUIRE(left);
    CHECK(lab.left() == "d--t-");
    CHECK(*left >= kPiece);  // the toolchain
  }
  CHECK(trim_cache(lab.cache.path(), {.max_bytes = 0, .keep_modules = true}));
  CHECK(lab.left() == "d----");
  // Proofs and places to work are none of its business.
  lab.put("sumdb/x/proof", kPiece, 100);
  lab.put("work/left/x", kPiece, 100);
  CHECK(trim_cache(lab.cache.path(), {}).value() == 0);
  CHECK((fs::exists(lab.at("sumdb/x/proof")) && fs::exists(lab.at("work/left/x"))));
}

TEST_CASE("what a killed call left of a file goes once it is old, modules stay or not") {
  for (const bool keep : {false, true}) {
    const TrimLab lab;
    lab.put("download/a.b/c/@v/.new-0123456789abcdef", kPiece * 2, 2);
    lab.put("download/a.b/c/@v/.new-fedcba9876543210", 10, 0);
    lab.put("sumdb/x/.new-0123456789abcdef", 10, 2);
    lab.fill();
    // There is room enough for the others once that is gone.
    REQUIRE(trim_cache(lab.cache.path(), {.max_bytes = kPiece * 6, .keep_modules = keep}));
    CHECK(!fs::exists(lab.at("download/a.b/c/@v/.new-0123456789abcdef")));
    CHECK(fs::exists(lab.at("download/a.b/c/@v/.new-fedcba9876543210")));
    CHECK(!fs::exists(lab.at("sumdb/x/.new-0123456789abcdef")));
    CHECK(lab.left() == "dpstl");
  }
}

TEST_CASE("what cannot be removed does not keep what can") {
  os_test::in_child(
      []() -> std::string {
        const TrimLab lab;
        lab.fill();
        // The first that would go.
        fs::permissions(lab.at("logs/a.b/c@v1.0.0"), fs::perms(0555));
        const auto left = trim_cache(lab.cache.path(), {.max_bytes = 0});
        fs::permissions(lab.at("logs/a.b/c@v1.0.0"), fs::perms(0755));
        GW_EXPECT(!left);
        GW_EXPECT(left.error().kind == ErrorKind::kIo);
        GW_EXPECT(lab.left() == "----l");
        return {};
      },
      os_test::kOrdinary);
}

TEST_CASE("a use makes a file new") {
  const TrimLab lab;
  lab.put("download/x", 1, 10);
  const auto before = fs::last_write_time(lab.at("download/x"));
  const os::Fd fd(::open(lab.at("download/x").c_str(), O_RDONLY));
  touch_used(fd.get());
  CHECK(fs::last_write_time(lab.at("download/x")) > before + std::chrono::hours(9));
}
