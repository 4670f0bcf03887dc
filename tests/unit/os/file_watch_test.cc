#include "os/file_watch.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace gw;

namespace fs = std::filesystem;

namespace {

struct WatchedDir {
  fs::path path;
  WatchedDir() {
    std::string name = (fs::canonical(fs::temp_directory_path()) / "gwtool-watch-XXXXXX").string();
    path = ::mkdtemp(name.data());
  }
  ~WatchedDir() { fs::remove_all(path); }
  WatchedDir(const WatchedDir&) = delete;
  WatchedDir& operator=(const WatchedDir&) = delete;
  std::string file(const std::string& name) const { return (path / name).string(); }
  void write(const std::string& name) const { std::ofstream(path / name, std::ios::app) << "x"; }
};

os::FileWatch make() {
  auto made = os::FileWatch::make();
  REQUIRE(made);
  return *std::move(made);
}

}  // namespace

TEST_CASE("a watched file's changes are told, those of its neighbours are not") {
  const WatchedDir dir;
  dir.write("db");
  os::FileWatch watch = make();
  REQUIRE(watch.add(dir.file("db")));
  REQUIRE(watch.add(dir.file("db-wal")));
  CHECK_FALSE(watch.drain());

  dir.write("other");
  CHECK_FALSE(watch.drain());
  dir.write("db-wal");  // comes into being
  CHECK(watch.drain());
  CHECK_FALSE(watch.drain());
  dir.write("db-wal");
  dir.write("other");
  CHECK(watch.drain());
  fs::rename(dir.path / "other", dir.path / "db");
  CHECK(watch.drain());
  fs::remove(dir.path / "db-wal");
  CHECK(watch.drain());
  CHECK(watch.add(dir.file("db")));  // again
  CHECK_FALSE(watch.drain());
}

TEST_CASE("a watched directory that is replaced is told, and found again") {
  const WatchedDir dir;
  fs::create_directory(dir.path / "zones");
  dir.write("zones/a");
  os::FileWatch watch = make();
  const std::string file = dir.file("zones/a");
  REQUIRE(watch.add(file));
  fs::remove_all(dir.path / "zones");
  CHECK(watch.drain());
  CHECK_FALSE(watch.add(file));
  fs::create_directory(dir.path / "zones");
  REQUIRE(watch.add(file));
  dir.write("zones/a");
  CHECK(watch.drain());
}

TEST_CASE("what would not be told is refused") {
  const WatchedDir dir;
  fs::create_directory(dir.path / "real");
  dir.write("real/a");
  fs::create_symlink("real", dir.path / "link");
  fs::create_symlink("real/a", dir.path / "b");
  os::FileWatch watch = make();
  CHECK_FALSE(watch.add(dir.file("link/a")));
  CHECK_FALSE(watch.add(dir.file("b")));
  CHECK_FALSE(watch.add(dir.file("nowhere/a")));
  CHECK(watch.add(dir.file("real/a")));
  CHECK(watch.add(dir.file("real/../real/a")));
}
