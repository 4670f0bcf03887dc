#include "os/pages.h"

#include <link.h>
#include <linux/magic.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "os/dir.h"
#include "os/file.h"
#include "support/temp_dir.h"

namespace gw::os {
namespace {

TEST_CASE("pages are zeroed, aligned, and whole to their last byte") {
  for (std::size_t size : {1UL, 4096UL, 100'000UL, 2UL << 20, (2UL << 20) + 1, (5UL << 20) + 640}) {
    auto* p = static_cast<char*>(map_pages(size));
    if (size >= (2UL << 20)) CHECK(reinterpret_cast<std::uintptr_t>(p) % (2UL << 20) == 0);
    CHECK(p[0] == 0);
    CHECK(p[size - 1] == 0);
    p[0] = p[size - 1] = 1;
    unmap_pages(p, size);
  }
}

long resident_pages() {
  long size = 0;
  long resident = 0;
  std::ifstream("/proc/self/statm") >> size >> resident;
  return resident;
}

// Of the mapping that has the address.
long kb_of(const std::string& what, std::uintptr_t address) {
  std::ifstream in("/proc/self/smaps");
  std::string line;
  bool inside = false;
  while (std::getline(in, line)) {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx ", &begin, &end) == 2) {
      inside = begin <= address && address < end;
    } else if (inside && line.starts_with(what)) {
      return std::stol(line.substr(what.size()));
    }
  }
  return -1;
}

TEST_CASE("memory that is given back is gone, and what is used comes back") {
  {
    std::vector<std::string> much(2000);
    for (std::string& one : much) one.assign(5000, 'x');
  }
  const long before = resident_pages();
  give_back_memory();
  CHECK(resident_pages() < before);
  // of the program's file, and what was made at its start
  CHECK(std::string("constant") + std::to_string(7) == "constant7");
  give_back_memory();
}

[[gnu::noinline]] char use_stack(std::size_t depth) {
  std::array<volatile char, std::size_t{64} << 10U> room;
  for (std::size_t i = 0; i < room.size(); i += 1024) room[i] = static_cast<char>(i);
  return static_cast<char>((depth == 0 ? 0 : use_stack(depth - 1)) + room[1024]);
}

TEST_CASE("the stack that deeper calls used is given back, and what is above stays") {
  constexpr long kUsed = 6 * 64;  // of 8: a rest of a piece is kept
  std::array<char, 10'000> mine{};
  mine.fill('m');
  CHECK(use_stack(7) == 0);
  const std::uintptr_t here = reinterpret_cast<std::uintptr_t>(mine.data());
  const long before = kb_of("Rss:", here);
  give_back_memory();
  CHECK(kb_of("Rss:", here) < before - kUsed);
  CHECK(std::count(mine.begin(), mine.end(), 'm') == 10'000);
  CHECK(use_stack(7) == 0);
  // Another thread's is not its own to find the end of.
  std::thread([] {
    CHECK(use_stack(7) == 0);
    give_back_memory();
  }).join();
}

std::uintptr_t begin_of_tables() {
  std::uintptr_t begin = 0;
  const auto find = [](dl_phdr_info* info, std::size_t, void* found) {
    for (int i = 0; i < info->dlpi_phnum; ++i) {
      if (info->dlpi_phdr[i].p_type != PT_GNU_RELRO) continue;
      *static_cast<std::uintptr_t*>(found) = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
    }
    return 1;
  };
  ::dl_iterate_phdr(find, &begin);
  return begin;
}

TEST_CASE("tables of addresses stay where a directory is in memory, or may be") {
  const testing::TempDir dir;
  struct statfs system {};
  REQUIRE(::statfs(dir.path().c_str(), &system) == 0);
  if (system.f_type != TMPFS_MAGIC) {
    WARN("not tried: no directory in memory");
    return;
  }
  CHECK(keep_tables_in(Dir::open(dir.path()).value()).error().kind == ErrorKind::kUnavailable);
  for (const char* name : {"upper", "work", "lower", "at"}) {
    std::filesystem::create_directory(dir.file(name));
  }
  constexpr int kNoOverlay = 77;
  const pid_t child = ::fork();
  if (child == 0) {
    const std::string options = "lowerdir=" + dir.file("lower") + ",upperdir=" + dir.file("upper") +
                                ",workdir=" + dir.file("work");
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("overlay", dir.file("at").c_str(), "overlay", 0, options.c_str()) != 0) {
      ::_exit(kNoOverlay);
    }
    const auto kept = keep_tables_in(Dir::open(dir.file("at")).value());
    ::_exit(!kept && kept.error().kind == ErrorKind::kUnavailable ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  if (WEXITSTATUS(status) == kNoOverlay) {
    WARN("not tried: no overlay can be mounted");
  } else {
    CHECK(WEXITSTATUS(status) == 0);
  }
}

TEST_CASE("tables of addresses are read from a file, and are gone while nobody reads them") {
  // Beside the program, which is on a disk where temporary files may not be.
  const auto where = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  const auto directory = Dir::open(where.string()).value();
  const std::uintptr_t tables = begin_of_tables();
  REQUIRE(tables != 0);
  CHECK(kb_of("Private_Dirty:", tables) > 0);
  const auto kept = keep_tables_in(directory);
  if (!kept && kept.error().kind == ErrorKind::kUnavailable) {
    WARN("not tried: the build directory is not on a disk that is known to be one");
    return;
  }
  REQUIRE(kept);
  for (int i = 0; i < 2; ++i) {
    give_back_memory();
    CHECK(kb_of("Private_Dirty:", tables) == 0);
    // By vtables, and by what finds handlers.
    std::ostringstream out;
    out << 1.5 << ' ' << std::filesystem::path("a/b").filename().string();
    CHECK(out.str() == "1.5 b");
    CHECK_THROWS_AS(std::string("x").at(7), std::out_of_range);
  }
  CHECK(keep_tables_in(directory));  // done once
}

TEST_CASE("the least limit of memory of a process's control groups is found") {
  const testing::TempDir dir;
  const auto put = [&](const std::string& name, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(dir.file(name)).parent_path());
    REQUIRE(write_file_atomic(dir.file(name), text, 0644));
  };
  const auto limit = [&](const char* groups) { return cgroup_memory_limit(groups, dir.path()); };
  CHECK_FALSE(limit(""));
  CHECK_FALSE(limit("0::/a.slice/b.service\n"));
  put("a.slice/b.service/memory.max", "max\n");
  CHECK_FALSE(limit("0::/a.slice/b.service\n"));
  put("a.slice/memory.max", "2000000\n");
  CHECK(limit("0::/a.slice/b.service\n") == 2'000'000U);
  put("a.slice/b.service/memory.max", "3000000\n");
  CHECK(limit("0::/a.slice/b.service\n") == 2'000'000U);
  put("memory.max", "1000000\n");
  CHECK(limit("0::/a.slice/b.service\n") == 1'000'000U);
  CHECK(limit("0::/\n") == 1'000'000U);
  put("memory/c/memory.limit_in_bytes", "500000\n");
  CHECK(limit("9:name=systemd:/\n4:memory:/c/d\n0::/\n") == 500'000U);
  CHECK(limit("4:cpu,memory:/c\n") == 500'000U);  // mounted with others
  CHECK(limit("4:memory,cpu:/c/d:e\n") == 500'000U);
  for (const char* other : {"4:name=memory:/c\n", "4:cpu:/x:memory:/c\n", "4:memory\n", "4\n"}) {
    CHECK_FALSE(limit(other));
  }
}

TEST_CASE("usable memory is no more than the machine has") {
  const std::uint64_t before = usable_memory();
  CHECK(before > 0);
  CHECK(before <= static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                      static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)));
}

}  // namespace
}  // namespace gw::os
