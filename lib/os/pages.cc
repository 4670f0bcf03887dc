#include "os/pages.h"

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>

namespace gw::os {

void* map_pages(std::size_t size) {
  constexpr std::size_t kHuge = std::size_t{2} << 20;
  const bool huge = size >= kHuge;
  auto* p = static_cast<char*>(::mmap(nullptr, huge ? size + kHuge : size, PROT_READ | PROT_WRITE,
                                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  if (p == MAP_FAILED) std::abort();
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
      ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
    }
    return 1;
  };
  ::dl_iterate_phdr(forget, nullptr);
}

}  // namespace gw::os
