#include "follow/running.h"

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "os/file.h"
#include "support/temp_dir.h"

namespace gw::follow {
namespace {

// Held as a follower holds it: by the open file, whoever asks.
os::Fd lock(const std::string& path, const std::string& text) {
  os::Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  REQUIRE(::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  struct flock whole {};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  REQUIRE(::fcntl(fd.get(), F_OFD_SETLK, &whole) == 0);
  return fd;
}

TEST_CASE("who follows is known by the lock that is held, and told with what it gave up") {
  const testing::TempDir dir;
  const std::string db = dir.file("db");
  CHECK_FALSE(find_running(db));
  REQUIRE(os::create_file(db, "", 0600));
  {
    const os::Fd held = lock(db + ".lock", std::to_string(::getpid()) + "\n");
    const auto running = find_running(db);
    REQUIRE(running);
    CHECK(running->pid == ::getpid());
    const Json json = running_json(*running);
    CHECK(json["pid"] == ::getpid());
    CHECK(json["seccomp"] == running->seccomp);
    CHECK(format_running({7, true, true, false}) ==
          "follower: process 7, no_new_privs on, seccomp off, bounding set empty");
    CHECK(format_running({7, false, false, true}) ==
          "follower: process 7, no_new_privs off, seccomp on, bounding set not empty");
  }
  // The file stays, and nobody holds it.
  CHECK_FALSE(find_running(db));
}

TEST_CASE("what a lock file says that is no process is nobody") {
  const testing::TempDir dir;
  REQUIRE(os::create_file(dir.file("db"), "", 0600));
  for (const char* text : {"", "0", "-1", "x", "99999999999", "2147483647"}) {
    const os::Fd held = lock(dir.file("db.lock"), text);
    CHECK_FALSE(find_running(dir.file("db")));
  }
}

}  // namespace
}  // namespace gw::follow
