#include "os/file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <thread>

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
  CHECK((st.st_mode & 0777) == 0600);  // what somebody has made it
  CHECK(entries(dir.path) == 1);
}

TEST_CASE("a new file's mode is what the umask leaves") {
  TempDir dir;
  const mode_t old = ::umask(027);
  const Status written = write_file_atomic(dir.path + "/f", "x", 0644);
  ::umask(old);
  REQUIRE(written);
  struct stat st {};
  REQUIRE(::stat((dir.path + "/f").c_str(), &st) == 0);
  CHECK((st.st_mode & 0777) == 0640);
}

TEST_CASE("a link is followed to the file that is written") {
  TempDir dir;
  fs::create_directory(dir.path + "/d");
  fs::create_symlink("d/f", dir.path + "/one");
  fs::create_symlink("one", dir.path + "/two");
  CHECK(file_to_write(dir.path + "/two").value() == dir.path + "/d/f");
  REQUIRE(write_file_atomic(dir.path + "/two", "x", 0600));
  CHECK(fs::is_symlink(dir.path + "/one"));
  CHECK(fs::is_symlink(dir.path + "/two"));
  CHECK(read_file(dir.path + "/d/f", 9).value() == "x");
  fs::create_symlink("loop", dir.path + "/loop");
  CHECK(file_to_write(dir.path + "/loop").error().kind == ErrorKind::kUsage);
}

TEST_CASE("only regular files are written to") {
  TempDir dir;
  REQUIRE(::mkfifo((dir.path + "/fifo").c_str(), 0600) == 0);
  fs::create_symlink("/dev/null", dir.path + "/null");
  fs::create_symlink("fifo", dir.path + "/link");
  for (const std::string& path :
       {dir.path + "/fifo", dir.path + "/link", dir.path + "/null", dir.path, dir.path + "/f/",
        std::string("."), std::string("/dev/full"), std::string("")}) {
    CAPTURE(path);
    const auto found = file_to_write(path);
    REQUIRE_FALSE(found);
    CHECK(found.error().kind == ErrorKind::kUsage);
    CHECK_FALSE(write_file_atomic(path, "x", 0600));
  }
  CHECK(entries(dir.path) == 3);
  CHECK(fs::is_fifo(dir.path + "/fifo"));
  CHECK(fs::is_character_file("/dev/null"));
  CHECK_FALSE(is_regular_file(dir.path + "/fifo"));
}

TEST_CASE("another user's link is not followed") {
  if (::geteuid() != 0) return;
  TempDir dir;
  fs::create_symlink("target", dir.path + "/link");
  REQUIRE(::lchown((dir.path + "/link").c_str(), 4711, 4711) == 0);
  CHECK(file_to_write(dir.path + "/link").error().kind == ErrorKind::kUsage);
  CHECK_FALSE(fs::exists(dir.path + "/target"));
}

TEST_CASE("atomic write onto a directory fails and leaves nothing") {
  TempDir dir;
  fs::create_directory(dir.path + "/d");
  auto s = write_file_atomic(dir.path + "/d", "x", 0600);
  REQUIRE_FALSE(s);
  CHECK(s.error().kind == ErrorKind::kUsage);
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

TEST_CASE("whoever makes a file can use it") {
  TempDir dir;
  const mode_t old = ::umask(0777);
  const Status made = create_file(dir.path + "/f", "x", 0640);
  ::umask(old);
  REQUIRE(made);
  struct stat st {};
  REQUIRE(::stat((dir.path + "/f").c_str(), &st) == 0);
  CHECK((st.st_mode & 0777) == 0600);
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

TEST_CASE("a pipe is read to its end, and nobody waits for one who writes to none") {
  TempDir dir;
  const std::string path = dir.path + "/pipe";
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  const auto nobody = read_file(path, 10);
  REQUIRE_FALSE(nobody);
  CHECK(nobody.error().kind == ErrorKind::kIo);
  CHECK(nobody.error().message == path + ": a pipe that nobody writes to");
  {
    // What a writer has left there, as long as somebody has the pipe open.
    const Fd other(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    REQUIRE(::write(Fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC)).get(), "two", 3) == 3);
    CHECK(read_file(path, 10).value() == "two");
  }
  // As a shell gives it for <(command).
  for (const std::string text : {"two", ""}) {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    const Fd out(ends[0]);
    REQUIRE(::write(Fd(ends[1]).get(), text.data(), text.size()) >= 0);
    CHECK(read_file("/dev/fd/" + std::to_string(out.get()), 10).value() == text);
  }
}

TEST_CASE("a regular file is read, and nothing else is waited for") {
  TempDir dir;
  const std::string path = dir.path + "/f";
  REQUIRE(create_file(path, "text", 0600));
  REQUIRE(::symlink("f", (dir.path + "/link").c_str()) == 0);
  REQUIRE(::mkfifo((dir.path + "/pipe").c_str(), 0600) == 0);
  CHECK(read_regular_file(path, 4).value() == "text");
  CHECK(read_regular_file(dir.path + "/link", 4).value() == "text");
  CHECK(read_regular_file(path, 3).error().kind == ErrorKind::kIo);
  CHECK(read_regular_file(dir.path + "/none", 4).error().kind == ErrorKind::kNotFound);
  for (const std::string& other : {dir.path, dir.path + "/pipe", std::string("/dev/null")}) {
    CAPTURE(other);
    CHECK(open_regular_file(other).error().kind == ErrorKind::kUsage);
  }
  CHECK(is_directory(dir.path));
  CHECK_FALSE(is_directory(path));
}

TEST_CASE("only a lock file is taken for one, and nothing else is changed") {
  TempDir dir;
  const std::string lock = dir.path + "/f.lock";
  const std::string victim = dir.path + "/victim";
  const std::string text = "root:x:0:0:root:/root:/bin/bash\n";
  REQUIRE(create_file(victim, text, 0600));
  const auto refused = [&] {
    const auto held = LockFile::acquire(lock);
    return !held && held.error().kind == ErrorKind::kUsage;
  };
  fs::create_symlink("victim", lock);
  CHECK(refused());
  fs::remove(lock);
  fs::create_hard_link(victim, lock);
  CHECK(refused());
  fs::remove(lock);
  fs::create_symlink(dir.path + "/new", lock);  // to nothing
  CHECK(refused());
  CHECK_FALSE(fs::exists(dir.path + "/new"));
  fs::remove(lock);
  for (const char* other : {"12a\n", "a", "12\n34\n", " "}) {
    CAPTURE(other);
    REQUIRE(create_file(lock, other, 0600));
    CHECK(refused());
    CHECK(read_file(lock, 99).value() == other);
    fs::remove(lock);
  }
  REQUIRE(::mkfifo(lock.c_str(), 0600) == 0);
  CHECK(refused());
  CHECK(read_file(victim, 99).value() == text);
  // one that an earlier call left
  fs::remove(lock);
  REQUIRE(create_file(lock, "4711\n", 0644));
  CHECK(LockFile::acquire(lock));
}

TEST_CASE("root takes no lock where another user may write") {
  if (::geteuid() != 0) return;
  TempDir dir;
  const std::string lock = dir.path + "/f.lock";
  REQUIRE(::chown(dir.path.c_str(), 4711, 4711) == 0);
  const auto held = LockFile::acquire(lock);
  REQUIRE_FALSE(held);
  CHECK(held.error().kind == ErrorKind::kUsage);
  CHECK(held.error().hint.find("4711") != std::string::npos);
  CHECK(entries(dir.path) == 0);
  REQUIRE(::chown(dir.path.c_str(), 0, 0) == 0);
  REQUIRE(::chmod(dir.path.c_str(), 0777) == 0);
  CHECK_FALSE(LockFile::acquire(lock));
  REQUIRE(::chmod(dir.path.c_str(), 01777) == 0);  // as /tmp: nobody else may exchange it
  CHECK(LockFile::acquire(lock));
}

TEST_CASE("what killed writers left is taken away, what others write now is not") {
  TempDir dir;
  const std::string path = dir.path + "/f";
  const std::string old = dir.path + "/.f.tmp-0123456789ab";
  const std::string young = dir.path + "/.f.tmp-0123456789ac";
  const std::string other = dir.path + "/.fg.tmp-0123456789ab";
  for (const std::string& name : {old, young, other}) {
    REQUIRE(create_file(name, "half", 0600));
    if (name != young) {
      fs::last_write_time(name, fs::file_time_type::clock::now() - std::chrono::hours(2));
    }
  }
  REQUIRE(write_file_atomic(path, "one", 0600));
  CHECK_FALSE(file_exists(old));
  CHECK(file_exists(young));
  CHECK(file_exists(other));
}

TEST_CASE("how much room there is") {
  CHECK(free_bytes("/proc").value() == 0);
  CHECK(free_bytes("/").has_value());
  CHECK_FALSE(free_bytes("/none/at/all"));
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

TEST_CASE("a lock is waited for, and given to nobody who may only read the file") {
  TempDir dir;
  const std::string path = dir.path + "/f.lock";
  REQUIRE(create_file(path, "4711\n", 0644));
  auto lock = LockFile::acquire(path);
  REQUIRE(lock);
  CHECK((fs::status(path).permissions() & fs::perms::all) ==
        (fs::perms::owner_read | fs::perms::owner_write));
  auto second = LockFile::acquire(path);
  std::thread other([&] { second = LockFile::acquire(path, MonoTime::max()); });
  lock = unavailable_error("given back");
  other.join();
  REQUIRE(second);
  // What a stranger who could open it might do.
  second = unavailable_error("given back");
  const int reader = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  REQUIRE(::flock(reader, LOCK_EX | LOCK_NB) == 0);
  CHECK(LockFile::acquire(path));
  ::close(reader);
}
