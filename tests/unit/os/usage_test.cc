#include "os/usage.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "os/process.h"
#include "support/os/as_user.h"
#include "support/temp_dir.h"

using namespace gw;
using namespace gw::os;

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBig = std::size_t{32} << 20U;

// A child that has said "up".
Child started(const std::string& script, Fd& from) {
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  from = Fd(ends[0]);
  const Fd to(ends[1]);
  Spawn spawn;
  spawn.argv = {"/bin/sh", "-c", script};
  spawn.descriptors = {{to.get(), STDOUT_FILENO}};
  auto child = os::spawn(std::move(spawn));
  REQUIRE(child);
  char up[3];
  REQUIRE(::read(from.get(), up, 3) == 3);
  return *std::move(child);
}

}  // namespace

TEST_CASE("usage: a process, and what it started") {
  REQUIRE(check_tree_usage());
  Fd from;
  const Child child =
      started("sleep 1000 & sleep 1000 & (sleep 1000 & wait) & echo up; wait", from);
  // The inner shell may not have started its own yet.
  TreeUsage usage;
  for (int i = 0; i < 1000 && usage.threads < 5; ++i) usage = tree_usage(child.pid(), false);
  CHECK(usage.threads == 5);
  CHECK(usage.memory_bytes > 0);
  CHECK(tree_usage(1 << 30, true).threads == 0);  // no such process
}

TEST_CASE("usage: memory of its own counts, a shared one does not") {
  const std::uint64_t before = tree_usage(::getpid(), false).memory_bytes;
  void* own = ::mmap(nullptr, kBig, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(own != MAP_FAILED);
  std::memset(own, 1, kBig);
  const std::uint64_t with = tree_usage(::getpid(), false).memory_bytes;
  CHECK(with >= before + kBig / 10 * 9);
  ::munmap(own, kBig);
  CHECK(tree_usage(::getpid(), false).memory_bytes < with - kBig / 2);
}

TEST_CASE("usage: files without a name, open or mapped, count once") {
  const testing::TempDir dir;
  const std::uint64_t before = tree_usage(::getpid(), true).nameless_bytes;
  const std::string name = dir.file("x");
  Fd fd(::open(name.c_str(), O_RDWR | O_CREAT, 0600));
  const std::string text(1U << 20U, 'x');
  REQUIRE(::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  CHECK(tree_usage(::getpid(), true).nameless_bytes == before);
  REQUIRE(::unlink(name.c_str()) == 0);
  const Fd again(::dup(fd.get()));
  CHECK(tree_usage(::getpid(), true).nameless_bytes >= before + text.size());
  CHECK(tree_usage(::getpid(), true).nameless_bytes < before + 2 * text.size());
  CHECK(tree_usage(::getpid(), false).nameless_bytes == 0);
}

TEST_CASE("usage: a directory, its entries, and depth") {
  const testing::TempDir dir;
  const auto usage = [&] { return directory_usage(Dir::open(dir.path()).value()); };
  CHECK(usage().bytes == 0);
  std::ofstream(dir.file("a")) << std::string(1U << 20U, 'x');
  const std::uint64_t one = usage().bytes;
  CHECK(one >= 1U << 20U);
  for (int i = 0; i < 100; ++i) std::ofstream(dir.file("empty" + std::to_string(i))) << "";
  CHECK(usage().bytes >= one + 100 * std::uint64_t{4096});
  // Links lead nowhere.
  fs::create_directories(dir.file("sub"));
  const std::uint64_t before = usage().bytes;
  fs::create_symlink("..", dir.file("sub/up"));
  CHECK(usage().bytes < before + 10'000);
  CHECK(!usage().hidden);
  std::string deep = dir.path();
  for (int i = 0; i < 250; ++i) deep += "/d";
  fs::create_directories(deep);
  CHECK(usage().hidden);
  const auto space = free_space(Dir::open(dir.path()).value());
  REQUIRE(space);
  CHECK(space->bytes > 0);
}

TEST_CASE("usage: what is closed to us is said to be hidden") {
  os_test::in_child(
      []() -> std::string {
        const testing::TempDir dir;
        fs::create_directories(dir.file("closed/below"));
        // Neither read nor entered; only read.
        for (const int mode : {0, 0444}) {
          fs::permissions(dir.file("closed"), fs::perms(mode));
          const bool hidden = directory_usage(Dir::open(dir.path()).value()).hidden;
          fs::permissions(dir.file("closed"), fs::perms(0700));
          if (!hidden) return "it was not said of " + std::to_string(mode);
        }
        return {};
      },
      os_test::kOrdinary);
}
