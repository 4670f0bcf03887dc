// Secrets: files that hold one, and a process that does, out of reach of the others of its user.
//
// Sources: ptrace(2) ("ptrace access mode checking"), prctl(2), core(5), mlockall(2).
#pragma once

#include <sys/types.h>

#include <string>

#include "base/result.h"

namespace gw::os {

// Who besides its owner may do what with a file that holds a secret.
enum class SecretUse {
  kOwner,  // nobody, nothing
  kGroup,  // its group may read it, as a service's user does with a file of root's
};

// By what stat(2) says of it, without opening it. kNotFound; kUsage: not a regular file, or others
// may do more with it than `use` allows; the hint is what to do about it.
Status check_secret_file(const std::string& path, SecretUse use);

// Its content, once check_secret_file() holds for what was opened: a pipe or a device is never
// waited for. The caller wipes it, and quotes nothing of it: root may have been led to another
// user's file. Errors as there; kIo when it is larger than `max_bytes` or cannot be read.
Result<std::string> read_secret_file(const std::string& path, std::size_t max_bytes, SecretUse use);

// From now on this process leaves no core, and no other process may read its memory or descriptors
// or trace it, but those with CAP_SYS_PTRACE. For the whole process, and before it has the secret.
// become() undoes part of it: call it again then. kIo: the kernel refuses.
Status keep_out_of_cores();

// keep_out_of_cores(), and none of the memory gets to the swap: for a process that is small, and
// has little but its secret.
//
// That memory cannot be locked (RLIMIT_MEMLOCK) is no error: false.
Result<bool> keep_memory_secret();

}  // namespace gw::os
