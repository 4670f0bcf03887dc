// Memory of large tables, by the page.
#pragma once

#include <cstddef>

namespace gw::os {

// Zeroed memory; from 2 MB on aligned so that the kernel can back it with huge pages, which saves
// most of a random lookup's TLB misses. Ends the process when there is none, as operator new would.
void* map_pages(std::size_t size);
void unmap_pages(void* pages, std::size_t size);

}  // namespace gw::os
