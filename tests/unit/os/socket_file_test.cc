#include "os/socket_file.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <catch2/catch.hpp>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "support/temp_dir.h"

using namespace gw;
using namespace gw::os;
namespace fs = std::filesystem;

namespace {

// By all of sun_path where the path is that long.
Fd bound_to(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  REQUIRE(path.size() <= sizeof address.sun_path);
  std::memcpy(address.sun_path, path.data(), path.size());
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  REQUIRE(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
  return fd;
}

}  // namespace

TEST_CASE("a socket's file of any length of path is noted and removed") {
  const testing::TempDir dir;
  for (std::size_t size :
       {std::size_t{0}, sizeof(sockaddr_un::sun_path) - 1, sizeof(sockaddr_un::sun_path)}) {
    std::string path = dir.file("s");
    if (path.size() < size) path.resize(size, 'x');
    const Fd fd = bound_to(path);
    const auto file = SocketFile::of(fd.get(), path);
    REQUIRE(file);
    CHECK(fs::exists(path));
    file->remove();
    CHECK_FALSE(fs::exists(fs::symlink_status(path)));
    file->remove();
    CHECK_FALSE(SocketFile::of(fd.get(), path));
  }
}

TEST_CASE("a socket's file is of that socket") {
  const testing::TempDir dir;
  const Fd one = bound_to(dir.file("one"));
  const Fd other = bound_to(dir.file("other"));
  CHECK_FALSE(SocketFile::of(one.get(), dir.file("other")));
  CHECK_FALSE(SocketFile::of(one.get(), dir.file("on")));
  CHECK_FALSE(SocketFile::of(one.get(), dir.file("one2")));
  CHECK_FALSE(SocketFile::of(one.get(), "one"));
  CHECK_FALSE(SocketFile::of(-1, dir.file("one")));
  const auto file = SocketFile::of(one.get(), dir.file("one"));
  REQUIRE(file);
  fs::remove(dir.file("one"));
  std::ofstream(dir.file("one")) << "text";
  file->remove();
  CHECK(fs::exists(dir.file("one")));
}

// As somebody can whose directory is on the path.
TEST_CASE("a socket's file is removed where it was, and not where the path leads by now") {
  const testing::TempDir dir;
  fs::create_directory(dir.file("d"));
  const Fd fd = bound_to(dir.file("d/s"));
  const auto file = SocketFile::of(fd.get(), dir.file("d/s"));
  REQUIRE(file);
  fs::rename(dir.file("d"), dir.file("moved"));
  fs::create_directory(dir.file("d"));
  fs::create_hard_link(dir.file("moved/s"), dir.file("d/s"));
  file->remove();
  CHECK(fs::exists(fs::symlink_status(dir.file("d/s"))));
  CHECK_FALSE(fs::exists(fs::symlink_status(dir.file("moved/s"))));
}
