#include "os/file.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

using namespace gw;
using namespace gw::os;
namespace fs = std::filesystem;

namespace {

struct TempDir {
  std::string path = "/tmp/gwtool-test-XXXXXX";
  TempDir() { REQUIRE(::mkdtemp(path.data()) != nullptr); }
  ~TempDir() { fs::remove_all(path); }
};

std::size_t entries(const std::string& dir) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(dir), {}));
}

}  // namespace

TEST_CASE("atomic write replaces the whole file and leaves nothing beside it") {
  TempDir dir;
  std::string path = dir.path + "/f";
  REQUIRE(write_file_atomic(path, "one", 0600));
  REQUIRE(write_file_atomic(path, "two", 0640));
  CHECK(read_file(path, 10).value() == "two");
  struct stat st {};
  REQUIRE(::stat(path.c_str(), &st) == 0);
  CHECK((st.st_mode & 0777) == 0640);
  CHECK(entries(dir.path) == 1);
}

TEST_CASE("atomic write onto a directory fails and leaves nothing") {
  TempDir dir;
  fs::create_directory(dir.path + "/d");
  auto s = write_file_atomic(dir.path + "/d", "x", 0600);
  REQUIRE_FALSE(s);
  CHECK(s.error().kind == ErrorKind::kIo);
  CHECK(entries(dir.path) == 1);
}

TEST_CASE("create never overwrites") {
  TempDir dir;
  std::string path = dir.path + "/f";
  REQUIRE(create_file(path, "one", 0600));
  auto s = create_file(path, "two", 0600);
  REQUIRE_FALSE(s);
  CHECK(s.error().kind == ErrorKind::kUsage);
  CHECK(read_file(path, 10).value() == "one");
}

TEST_CASE("reading is bounded and names the path") {
  TempDir dir;
  std::string path = dir.path + "/f";
  REQUIRE(create_file(path, std::string(9000, 'x'), 0600));
  CHECK(read_file(path, 9000).value().size() == 9000);
  CHECK(read_file(path, 8999).error().kind == ErrorKind::kIo);
  CHECK(read_file(path, 0).error().kind == ErrorKind::kIo);
  auto missing = read_file(dir.path + "/none", 1);
  CHECK(missing.error().kind == ErrorKind::kNotFound);
  CHECK(missing.error().message.find(dir.path + "/none") != std::string::npos);
  CHECK(read_file(dir.path, 1).error().kind == ErrorKind::kIo);
}

TEST_CASE("a lock is held once and names its holder") {
  TempDir dir;
  std::string path = dir.path + "/f.lock";
  {
    auto lock = LockFile::acquire(path);
    REQUIRE(lock);
    auto second = LockFile::acquire(path);
    REQUIRE_FALSE(second);
    CHECK(second.error().kind == ErrorKind::kUnavailable);
    CHECK(second.error().message.find(std::to_string(::getpid())) != std::string::npos);
  }
  CHECK(LockFile::acquire(path));
}
