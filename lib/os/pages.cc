#include "os/pages.h"

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

}  // namespace gw::os
