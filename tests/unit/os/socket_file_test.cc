#include "os/socket_file.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

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

TEST_CASE("a path is listened on by one at a time") {
  const testing::TempDir dir;
  const std::string path = dir.file("s");
  const auto listen = [&](const std::string& at, std::optional<mode_t> mode = {}) {
    return listen_on_path(at, {.mode = mode, .flag = "--at"});
  };
  const mode_t mask = ::umask(0077);
  auto first = listen(path, 0666);
  ::umask(mask);
  REQUIRE(first);
  struct stat info {};
  REQUIRE(::lstat(path.c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0666);
  const auto refused = listen(path);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == ErrorKind::kUsage);
  CHECK(refused.error().message == path + ": another server answers there");
  CHECK(refused.error().hint == "stop it, or name another --at for this one");
  // Who comes after one that answers no more keeps the file, whatever that one does yet.
  REQUIRE(::shutdown(first->fd.get(), SHUT_RDWR) == 0);
  const auto second = listen(path);
  REQUIRE(second);
  first->file.remove();
  CHECK(fs::exists(fs::symlink_status(path)));
  second->file.remove();
  CHECK_FALSE(fs::exists(fs::symlink_status(path)));

  std::ofstream(path) << "text";
  CHECK(listen(path).error().message == path + " exists and is no socket");
  CHECK(fs::file_size(path) == 4);
  CHECK(listen(dir.file(std::string(200, 'x'))).error().kind == ErrorKind::kUsage);
  CHECK(listen(path + std::string(1, '\0') + "x").error().kind == ErrorKind::kUsage);
  CHECK(listen(dir.file("nothing/s")).error().kind == ErrorKind::kIo);
}

TEST_CASE("a socket's file in the working directory") {
  const testing::TempDir dir;
  const fs::path before = fs::current_path();
  fs::current_path(dir.path());
  const auto listener = listen_on_path("s", {});
  fs::current_path(before);
  REQUIRE(listener);
  CHECK(fs::exists(fs::symlink_status(dir.file("s"))));
  listener->file.remove();
  CHECK_FALSE(fs::exists(fs::symlink_status(dir.file("s"))));
}
