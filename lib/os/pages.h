// Memory of large tables, by the page.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace gw::os {

class Dir;

// Zeroed memory; from 2 MB on aligned so that the kernel can back it with huge pages, which saves
// most of a random lookup's TLB misses. When there is none it is as with operator new:
// std::new_handler is called, and must end the process; without one it aborts.
void* map_pages(std::size_t size);
void unmap_pages(void* pages, std::size_t size);

// What this process may come to use, in bytes: the machine's memory, or less where a control group
// (memory.max of version 2, and of version 1) or RLIMIT_AS says so. 0 when the machine does not
// tell.
std::uint64_t usable_memory();
// The least limit of memory among control groups. `groups`: the text of /proc/PID/cgroup; `root`:
// where they are mounted, /sys/fs/cgroup. None: no limit, or none that can be read.
std::optional<std::uint64_t> cgroup_memory_limit(std::string_view groups, const std::string& root);

// For a process whose threads ask for little memory at once: they share one heap, where each would
// have one of its own. Before the first thread.
void share_one_heap();

// The tables of addresses that the linker made (vtables, and those of the libraries) are filled in
// at a start and only read from then on: memory of each process, and of none other, whether it
// looks at them or not. This puts them into a nameless file in that directory, from where they come
// back by themselves when they are used, as the program does from its own. Nobody else can open the
// file; it is gone with the process, and is on the disk before it is relied on, which may take as
// long as the disk does. A disk that cannot be read later ends the process (SIGBUS), as it does by
// the program's own file: so only file systems count that are known to be local. For once, before
// the first thread. kUnavailable and kIo: they stay where they are.
Status keep_tables_in(const Dir& directory);

// For a process that now sleeps for hours: gives what free() kept back to the kernel, and forgets
// the pages of the program's own file, which come back by themselves when they are used. Takes less
// than a millisecond.
void give_back_memory();

}  // namespace gw::os
