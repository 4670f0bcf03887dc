// Memory of large tables, by the page.
#pragma once

#include <cstddef>

namespace gw::os {

// Zeroed memory; from 2 MB on aligned so that the kernel can back it with huge pages, which saves
// most of a random lookup's TLB misses. Ends the process when there is none, as operator new would.
void* map_pages(std::size_t size);
void unmap_pages(void* pages, std::size_t size);

// For a process that now sleeps for hours: gives what free() kept back to the kernel, and forgets
// the pages of the program's own file, which come back by themselves when they are used. Takes less
// than a millisecond.
void give_back_memory();

}  // namespace gw::os
