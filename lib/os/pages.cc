#include "os/pages.h"

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "base/bytes.h"
#include "base/text.h"
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

void give_back_memory() {
  ::malloc_trim(0);
  // The first object is the program. What can be written is not in its file as it is in memory.
  const auto forget = [](dl_phdr_info* info, std::size_t, void*) {
    constexpr std::uintptr_t kPage = 4096;
    for (int i = 0; i < info->dlpi_phnum; ++i) {
      const auto& segment = info->dlpi_phdr[i];
      if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0) continue;
      const std::uintptr_t begin = (info->dlpi_addr + segment.p_vaddr) / kPage * kPage;
      const std::uintptr_t end = info->dlpi_addr + segment.p_vaddr + segment.p_memsz;
      // NOLINTNEXTLINE(performance-no-int-to-ptr): the linker tells addresses as numbers
      ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
    }
    return 1;
  };
  ::dl_iterate_phdr(forget, nullptr);
}

}  // namespace gw::os
