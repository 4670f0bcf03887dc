#include "os/dir.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <thread>

#include "os/process.h"
#include "os/seccomp.h"
#include "support/os/as_user.h"

using namespace gw;
using namespace gw::os;
namespace fs = std::filesystem;

namespace {

class Scratch {
 public:
  Scratch() {
    std::string name = (fs::temp_directory_path() / "gw-dir-XXXXXX").string();
    path_ = ::mkdtemp(name.data()) == nullptr ? "" : name;
  }
  ~Scratch() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }
  Dir dir() const { return Dir::open(path_).value(); }
  void put(const std::string& name, const std::string& text) const {
    std::ofstream(path_ + "/" + name) << text;
  }
  std::string get(const std::string& name) const {
    return os::read_file(path_ + "/" + name, 1 << 20).value_or("(none)");
  }

 private:
  std::string path_;
};

std::size_t count(const Dir& dir) { return dir.list().value().size(); }

// Runs `work` in a thread for which there is no openat2.
void without_openat2(const std::function<void()>& work) {
  const SeccompPolicy policy{.deny = {"openat2"}, .error = ENOSYS};
  auto program = compile_seccomp(policy).value();
  const sock_fprog filter{static_cast<unsigned short>(program.size()),
                          reinterpret_cast<sock_filter*>(program.data())};
  bool without = false;
  std::exception_ptr thrown;  // by a REQUIRE, which nobody catches in another thread
  std::thread thread([&] {
    without = ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
              ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0 &&
              ::syscall(SYS_openat2, -1, "", nullptr, 0) == -1 && errno == ENOSYS;
    if (!without) return;
    try {
      work();
    } catch (...) {
      thrown = std::current_exception();
    }
  });
  thread.join();
  REQUIRE(without);
  if (thrown) std::rethrow_exception(thrown);
}

void nothing_outside_is_reached() {
  const Scratch scratch;
  fs::create_directories(scratch.path() + "/in/sub");
  scratch.put("secret", "secret");
  scratch.put("in/file", "file");
  scratch.put("in/sub/deep", "deep");
  fs::create_symlink("../secret", scratch.path() + "/in/link");
  fs::create_symlink(scratch.path(), scratch.path() + "/in/sub/up");
  fs::create_symlink("file", scratch.path() + "/in/inner");
  const Dir in = Dir::open(scratch.path() + "/in").value();
  CHECK(in.read_file("file", 100).value() == "file");
  CHECK(in.read_file("sub/deep", 100).value() == "deep");
  CHECK(in.read_file("sub/../file", 100).value() == "file");
  for (const std::string& path :
       {std::string("../secret"), std::string("link"), scratch.path() + "/secret",
        std::string("sub/up/secret"), std::string("inner"), std::string("sub/../../secret"),
        std::string("/proc/self/root")}) {
    CAPTURE(path);
    CHECK(in.read_file(path, 100).error().kind == ErrorKind::kUntrusted);
    CHECK(in.open_file(path, O_WRONLY | O_CREAT, 0600).error().kind == ErrorKind::kUntrusted);
    CHECK(in.open_file(path, O_PATH).error().kind == ErrorKind::kUntrusted);
  }
  CHECK(in.open_file("file", O_PATH));
  CHECK(in.open_file("link", O_PATH | O_NOFOLLOW));
  CHECK(in.open_dir("sub"));
  CHECK(in.open_dir("sub/up").error().kind == ErrorKind::kUntrusted);
  CHECK(in.read_file("none", 100).error().kind == ErrorKind::kNotFound);
  CHECK(in.read_file("file/none", 100).error().kind == ErrorKind::kNotFound);
  CHECK(in.read_file("file", 3).error().kind == ErrorKind::kIo);
  CHECK(in.read_file("sub", 100).error().kind == ErrorKind::kIo);
  REQUIRE(::mkfifo((scratch.path() + "/in/pipe").c_str(), 0600) == 0);
  CHECK(in.read_file("pipe", 100).error().kind == ErrorKind::kIo);
  CHECK(Dir::open(scratch.path() + "/in/sub/up"));
  CHECK(Dir::open_without_links(scratch.path() + "/in/sub/up").error().kind ==
        ErrorKind::kUntrusted);
  CHECK(Dir::open(scratch.path() + "/secret").error().kind == ErrorKind::kNotFound);
  // A directory that is moved away stays the same one.
  fs::rename(scratch.path() + "/in", scratch.path() + "/away");
  CHECK(in.read_file("file", 100).value() == "file");
}

}  // namespace

TEST_CASE("dir: nothing outside is reached") {
  SECTION("by openat2") { nothing_outside_is_reached(); }
  SECTION("where there is none, as under systemd's RestrictSUIDSGID=") {
    without_openat2(nothing_outside_is_reached);
  }
}

TEST_CASE("dir: paths of other forms, with and without openat2") {
  const Scratch scratch;
  fs::create_directories(scratch.path() + "/in/sub");
  scratch.put("in/file", "file");
  const auto all = [&] {
    const Dir in = Dir::open(scratch.path() + "/in").value();
    for (const char* path : {".", "./", "sub/..", "sub/./../", "sub/", "sub/."}) {
      CAPTURE(path);
      CHECK(in.open_dir(path));
    }
    CHECK(in.open_dir("..").error().kind == ErrorKind::kUntrusted);
    CHECK(in.open_dir("").error().kind == ErrorKind::kNotFound);
    CHECK(in.open_dir("file/").error().kind == ErrorKind::kNotFound);
    CHECK(in.read_file("sub//..//file", 100).value() == "file");
    const std::string direct = fs::canonical(scratch.path()).string();
    CHECK(Dir::open_without_links(direct + "/in/../in/sub/")->list()->empty());
    CHECK(Dir::open_without_links("/"));
    CHECK(in.open_file("sub/new", O_WRONLY | O_CREAT | O_EXCL, 0640));
    CHECK((fs::status(direct + "/in/sub/new").permissions() & fs::perms::others_all) ==
          fs::perms::none);
    CHECK(in.open_file("sub/new", O_WRONLY | O_CREAT | O_EXCL, 0640).error().kind ==
          ErrorKind::kUsage);
    fs::remove(direct + "/in/sub/new");
  };
  SECTION("with") { all(); }
  SECTION("without") { without_openat2(all); }
}

TEST_CASE("dir: names that are none") {
  const Scratch scratch;
  const Dir dir = scratch.dir();
  CHECK(dir.read_file(std::string(300, 'a'), 10).error().kind == ErrorKind::kNotFound);
  for (const std::string& name : {std::string(), std::string("."), std::string(".."),
                                  std::string("a/b"), std::string("/a"), std::string("a\0b", 3)}) {
    CAPTURE(name);
    CHECK(dir.find(name).error().kind == ErrorKind::kUsage);
    CHECK(dir.unlink(name).error().kind == ErrorKind::kUsage);
    CHECK(dir.remove_tree(name).error().kind == ErrorKind::kUsage);
    CHECK(dir.rename("x", name).error().kind == ErrorKind::kUsage);
    CHECK(dir.lock(name).error().kind == ErrorKind::kUsage);
    CHECK(dir.new_file(0600)->publish(name).error().kind == ErrorKind::kUsage);
  }
}

TEST_CASE("dir: new files appear whole, or not at all") {
  os_test::as_root_and_user([]() -> std::string {
    const Scratch scratch;
    const Dir dir = scratch.dir();
    {
      auto file = dir.new_file(0640);
      GW_EXPECT(file && file->write("some") && file->write(" text"));
      GW_EXPECT(bool(file->publish("name")));
      GW_EXPECT(file->fd() == -1 && !file->publish("again"));
    }
    GW_EXPECT(scratch.get("name") == "some text");
    GW_EXPECT((dir.find("name").value()->st_mode & 07777) == 0640);
    {
      auto other = dir.new_file(0600);
      GW_EXPECT(other && other->write("other"));
      GW_EXPECT(other->publish("name").error().kind == ErrorKind::kUsage);
      GW_EXPECT(scratch.get("name") == "some text");
      GW_EXPECT(bool(other->replace("name")));
      GW_EXPECT(scratch.get("name") == "other");
    }
    {
      auto forgotten = dir.new_file(0600);
      GW_EXPECT(forgotten && forgotten->write("x"));
    }
    GW_EXPECT(count(dir) == 1);
    fs::create_directory(scratch.path() + "/taken");
    GW_EXPECT(!dir.new_file(0600)->replace("taken"));
    GW_EXPECT(::mkfifoat(dir.fd(), "pipe", 0600) == 0);
    GW_EXPECT(!dir.new_file(0600)->replace("pipe"));
    GW_EXPECT(fs::is_fifo(scratch.path() + "/pipe") && fs::remove(scratch.path() + "/pipe"));
    GW_EXPECT(count(dir) == 2);
    // A program can be run at once: nobody has it open for writing.
    auto program = dir.new_file(0755);
    GW_EXPECT(program && program->write("#!/bin/sh\nexit 7\n") && program->publish("program"));
    auto ran = run({.argv = {scratch.path() + "/program"}}, {});
    GW_EXPECT(ran && ran->exit.code == 7);
    return {};
  });
}

TEST_CASE("dir: where there are no nameless files") {
  // Here neither those nor ones with names can be made, and that is said.
  const Dir proc = Dir::open("/proc").value();
  CHECK_FALSE(proc.new_file(0600));
}

TEST_CASE("dir: links and renames") {
  const Scratch scratch;
  const Dir dir = scratch.dir();
  scratch.put("a", "a");
  scratch.put("b", "b");
  CHECK(dir.rename_new("a", "b").error().kind == ErrorKind::kUsage);
  CHECK(dir.link("a", "b").error().kind == ErrorKind::kUsage);
  REQUIRE(dir.link("a", "c"));
  REQUIRE(dir.rename("a", "b"));
  CHECK(scratch.get("b") == "a");
  CHECK(dir.rename("a", "b").error().kind == ErrorKind::kNotFound);
  REQUIRE(dir.symlink("b", "current"));
  CHECK(dir.symlink("c", "current").error().kind == ErrorKind::kUsage);
  CHECK(dir.read_link("current").value() == "b");
  CHECK(dir.read_link("b").error().kind == ErrorKind::kIo);
  REQUIRE(dir.make_dir("d", 0700));
  REQUIRE(dir.make_dir("d", 0700));
  CHECK(dir.make_dir("b", 0700).error().kind == ErrorKind::kNotFound);
  CHECK(dir.make_dir("current", 0700).error().kind == ErrorKind::kUntrusted);
  const auto entries = dir.list().value();
  REQUIRE(entries.size() == 4);
  CHECK((entries[0].name == "b" && !entries[0].is_link && !entries[0].is_directory));
  CHECK((entries[2].name == "current" && entries[2].is_link));
  CHECK((entries[3].name == "d" && entries[3].is_directory));
  CHECK(dir.list(3).error().kind == ErrorKind::kIo);
  CHECK(dir.list(4));
  CHECK(dir.unlink("d").error().kind == ErrorKind::kIo);
  REQUIRE(dir.unlink("b"));
  CHECK_FALSE(dir.find("b").value());
  CHECK(dir.sync());
}

TEST_CASE("dir: trees are removed, what they link to is not") {
  os_test::as_root_and_user([]() -> std::string {
    const Scratch scratch;
    const Dir dir = scratch.dir();
    fs::create_directories(scratch.path() + "/tree/read-only/deep");
    fs::create_directories(scratch.path() + "/kept");
    scratch.put("kept/file", "kept");
    scratch.put("tree/read-only/deep/file", "x");
    fs::create_symlink("../kept", scratch.path() + "/tree/link");
    fs::create_symlink(scratch.path() + "/kept", scratch.path() + "/tree/read-only/link");
    fs::permissions(scratch.path() + "/tree/read-only/deep", fs::perms(0555));
    fs::permissions(scratch.path() + "/tree/read-only", fs::perms(0555));
    GW_EXPECT(bool(dir.remove_tree("tree")));
    GW_EXPECT(!dir.find("tree").value());
    GW_EXPECT(scratch.get("kept/file") == "kept");
    GW_EXPECT(bool(dir.remove_tree("tree")));  // not there
    fs::create_symlink("kept", scratch.path() + "/alias");
    GW_EXPECT(bool(dir.remove_tree("alias")));
    GW_EXPECT(scratch.get("kept/file") == "kept");
    GW_EXPECT(bool(dir.remove_tree("kept")));
    return {};
  });
}

// What a build left that wanted to stay.
TEST_CASE("dir: trees of any depth and width are removed, also unreadable ones") {
  os_test::as_root_and_user([]() -> std::string {
    const Scratch scratch;
    const Dir dir = scratch.dir();
    std::string deep = scratch.path() + "/d";
    for (int i = 0; i < 450; ++i) deep += "/d";
    fs::create_directories(deep);
    fs::create_directories(scratch.path() + "/d/wide");
    for (int i = 0; i < 5000; ++i) scratch.put("d/wide/" + std::to_string(i), "");
    fs::create_directories(scratch.path() + "/d/closed/in/it");
    fs::permissions(scratch.path() + "/d/closed/in", fs::perms(0));
    fs::permissions(scratch.path() + "/d/closed", fs::perms(0));
    fs::create_directories(scratch.path() + "/d/read/in/it");
    fs::permissions(scratch.path() + "/d/read/in", fs::perms(0444));
    fs::permissions(scratch.path() + "/d/read", fs::perms(0444));
    const Status removed = dir.remove_tree("d");
    if (!removed) return removed.error().message;
    GW_EXPECT(dir.list().value().empty());
    return {};
  });
}

TEST_CASE("dir: a lock is held by one") {
  const Scratch scratch;
  const Dir dir = scratch.dir();
  auto held = dir.lock("lock");
  REQUIRE(held);
  CHECK(dir.lock("lock").error().kind == ErrorKind::kUnavailable);
  os_test::in_child([&]() -> std::string {
    GW_EXPECT(dir.lock("lock").error().kind == ErrorKind::kUnavailable);
    return {};
  });
  held->reset();
  CHECK(dir.lock("lock"));
  REQUIRE(dir.symlink("lock", "link"));
  CHECK(dir.lock("link").error().kind == ErrorKind::kUntrusted);
}

// Whoever trims a cache removes a lock while others wait for it.
TEST_CASE("dir: a lock whose file was removed is none") {
  const Scratch scratch;
  const Dir dir = scratch.dir();
  auto held = dir.lock("lock");
  REQUIRE(held);
  std::optional<Fd> got;
  std::thread waiter([&] { got = dir.lock_shared("lock").value(); });
  // Until it waits, as far as the kernel tells.
  const std::string inode = ":" + std::to_string(dir.find("lock").value()->st_ino) + " ";
  for (int i = 0; i < 20'000; ++i) {
    const std::string locks = os::read_file("/proc/locks", 1U << 20U).value_or("");
    const auto at = locks.find("-> FLOCK");
    if (at != std::string::npos && locks.find(inode, at) != std::string::npos) break;
    std::this_thread::yield();
  }
  REQUIRE(dir.unlink("lock"));
  held->reset();
  waiter.join();
  REQUIRE(got);
  CHECK(dir.lock("lock").error().kind == ErrorKind::kUnavailable);
}
