#include "os/pages.h"

#include <link.h>
#include <linux/magic.h>
#include <malloc.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>

#include "base/bytes.h"
#include "base/text.h"
#include "os/dir.h"
#include "os/file.h"

namespace gw::os {

void* map_pages(std::size_t size) {
  constexpr std::size_t kHuge = std::size_t{2} << 20;
  const bool huge = size >= kHuge;
  auto* p = static_cast<char*>(::mmap(nullptr, huge ? size + kHuge : size, PROT_READ | PROT_WRITE,
                                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  if (p == MAP_FAILED) {
    if (const std::new_handler handler = std::get_new_handler()) handler();
    std::abort();
  }
  if (!huge) return p;
  const std::size_t before = (kHuge - reinterpret_cast<std::uintptr_t>(p) % kHuge) % kHuge;
  if (before != 0) ::munmap(p, before);
  // What is left behind may end within a page; only whole ones can be given back.
  constexpr std::size_t kPage = 4096;
  const std::size_t end = (before + size + kPage - 1) / kPage * kPage;
  if (end < size + kHuge) ::munmap(p + end, size + kHuge - end);
  ::madvise(p + before, size, MADV_HUGEPAGE);
  return p + before;
}

void unmap_pages(void* pages, std::size_t size) { ::munmap(pages, size); }

std::optional<std::uint64_t> cgroup_memory_limit(std::string_view groups, const std::string& root) {
  constexpr std::size_t kMaxText = 64;
  std::optional<std::uint64_t> least;
  while (!groups.empty()) {
    // "0::/a/b" of version 2; "4:cpu,memory:/a/b" of version 1, where `memory` leads to the
    // directory of all of these controllers.
    const std::string_view line = take_line(groups);
    const std::size_t number = line.find(':');
    const std::size_t path = number == line.npos ? line.npos : line.find(':', number + 1);
    if (path == line.npos || !line.substr(path + 1).starts_with('/')) continue;
    const std::string_view names = line.substr(number + 1, path - number - 1);
    const auto controllers = split(names, ',');
    const bool v2 = names.empty() && line.substr(0, number) == "0";
    if (!v2 && std::find(controllers.begin(), controllers.end(), "memory") == controllers.end()) {
      continue;
    }
    const std::string top = v2 ? root : root + "/memory";
    const char* const file = v2 ? "/memory.max" : "/memory.limit_in_bytes";
    std::string group(line.substr(path + 1));
    // Each one's own, and those of all above it.
    for (;;) {
      if (group.ends_with('/')) group.pop_back();
      const auto text = read_file(top + group + file, kMaxText);
      const auto limit = text ? parse_decimal(trim(*text)) : std::nullopt;  // "max": none
      if (limit && (!least || *limit < *least)) least = limit;
      if (group.empty()) break;
      group.resize(group.rfind('/'));
    }
  }
  return least;
}

std::uint64_t usable_memory() {
  constexpr std::size_t kMaxGroups = 64 << 10;
  const long pages = ::sysconf(_SC_PHYS_PAGES);
  const long size = ::sysconf(_SC_PAGESIZE);
  if (pages <= 0 || size <= 0) return 0;
  std::uint64_t most = static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(size);
  if (const auto groups = read_file("/proc/self/cgroup", kMaxGroups)) {
    most = std::min(most, cgroup_memory_limit(*groups, "/sys/fs/cgroup").value_or(most));
  }
  rlimit space{};
  if (::getrlimit(RLIMIT_AS, &space) == 0) most = std::min<std::uint64_t>(most, space.rlim_cur);
  return most;
}

void share_one_heap() { ::mallopt(M_ARENA_MAX, 1); }

namespace {

const pthread_t kMainThread = ::pthread_self();

// Pages are counted as numbers, and named to the kernel by their address.
char* pages_at(std::uintptr_t begin) {
  return reinterpret_cast<char*>(begin);  // NOLINT(performance-no-int-to-ptr)
}

// What deeper calls once used. Only of the first thread, whose stack grows downwards into a gap of
// a megabyte that the kernel keeps free: the first piece that is not there is its end.
[[gnu::noinline]] void give_back_stack() {
  constexpr std::uintptr_t kPage = 4096;
  constexpr std::uintptr_t kPiece = 16 * kPage;
  if (::pthread_equal(::pthread_self(), kMainThread) == 0) return;
  const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  std::uintptr_t end = here / kPage * kPage - kPage;  // whatever this function has below its frame
  while (::madvise(pages_at(end - kPiece), kPiece, MADV_DONTNEED) == 0) {
    end -= kPiece;
  }
}

struct Part {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
};

// Of the program, which is the first object: what is as in its file, and what nobody writes any
// more since its addresses were filled in (PT_GNU_RELRO; the C library leaves out the same rest of
// a page).
struct ProgramParts {
  std::array<Part, 8> same = {};
  std::size_t count = 0;
  Part tables = {};
};

int find_parts(dl_phdr_info* info, std::size_t /*size*/, void* found) {
  constexpr std::uintptr_t kPage = 4096;
  auto& parts = *static_cast<ProgramParts*>(found);
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const auto& segment = info->dlpi_phdr[i];
    const std::uintptr_t at = info->dlpi_addr + segment.p_vaddr;
    const std::uintptr_t begin = at / kPage * kPage;
    if (segment.p_type == PT_GNU_RELRO) {
      parts.tables = {begin, (at + segment.p_memsz) / kPage * kPage};
    }
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0) continue;
    if (parts.count < parts.same.size()) parts.same[parts.count++] = {begin, at + segment.p_memsz};
  }
  return 1;
}

ProgramParts program_parts() {
  ProgramParts parts;
  ::dl_iterate_phdr(find_parts, &parts);
  return parts;
}

void forget(const Part& part) {
  ::madvise(pages_at(part.begin), part.end - part.begin, MADV_DONTNEED);
}

// What f_type says of file systems that lie on a disk of this machine. Of any other it cannot be
// told: FUSE may have somebody behind it who ends, an overlay may lie in memory.
constexpr std::uint32_t kZfs = 0x2fc12fc1;
constexpr std::array<std::uint32_t, 5> kOnDisk = {EXT4_SUPER_MAGIC,  // ext2 and ext3, too
                                                  XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC,
                                                  F2FS_SUPER_MAGIC, kZfs};

Status check_keeps(int fd) {
  struct statfs system {};
  struct stat info {};
  if (::fstatfs(fd, &system) != 0 || ::fstat(fd, &info) != 0) return errno_error("a file", errno);
  const auto type = static_cast<std::uint32_t>(system.f_type);
  if (std::find(kOnDisk.begin(), kOnDisk.end(), type) == kOnDisk.end()) {
    return unavailable_error("a file system that is not known to be on a disk of this machine");
  }
  if (info.st_nlink != 0) return unavailable_error("a file system without nameless files");
  return {};
}

std::atomic<bool> tables_in_file{false};

}  // namespace

Status keep_tables_in(const Dir& directory) {
  const Part tables = program_parts().tables;
  if (tables.end <= tables.begin || tables_in_file.load()) return {};
  char* const start = pages_at(tables.begin);
  const std::size_t size = tables.end - tables.begin;
  GW_TRY(const NewFile file, directory.new_file(0600));
  GW_CHECK(check_keeps(file.fd()));
  GW_CHECK(file.write({start, size}));
  // What is not on the disk by now may be lost later, where it is full, and would be read as zeros.
  if (::fdatasync(file.fd()) != 0) return errno_error("syncing", errno);
  if (::mmap(start, size, PROT_READ, MAP_PRIVATE | MAP_FIXED, file.fd(), 0) == MAP_FAILED) {
    return errno_error("mapping", errno);
  }
  tables_in_file.store(true);
  return {};
}

void give_back_memory() {
  ::malloc_trim(0);
  give_back_stack();
  const ProgramParts parts = program_parts();
  if (tables_in_file.load()) forget(parts.tables);
  for (std::size_t i = 0; i < parts.count; ++i) forget(parts.same[i]);
}

}  // namespace gw::os
