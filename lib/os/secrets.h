// A process that holds a secret, out of reach of the others of its user.
//
// Sources: ptrace(2) ("ptrace access mode checking"), prctl(2), core(5), mlockall(2).
#pragma once

#include "base/result.h"

namespace gw::os {

// From now on no other process may read this one's memory or descriptors, or trace it, but those
// with CAP_SYS_PTRACE; it leaves no core, and none of its memory gets to the swap. For the whole
// process, and before it has the secret. become() undoes the first: call it again then.
//
// kIo: the kernel refuses one of the first two. That memory cannot be locked (RLIMIT_MEMLOCK) is no
// error: false.
Result<bool> keep_memory_secret();

}  // namespace gw::os
