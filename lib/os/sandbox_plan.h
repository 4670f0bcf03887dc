// Inside of the sandbox: its parts as calls for the child.
#pragma once

#include "os/sandbox.h"

namespace gw::os {

// The minimal root: a tmpfs, what is bound into it, and pivot_root, in a mount namespace that is
// made already. The identity of `spawn` owns its writable places. `proc_needs`: for /proc besides
// `needs`. kNotFound, kUsage: a path.
Status plan_root(const SandboxRoot& root, const Spawn& spawn, Parts needs, Parts proc_needs,
                 CallList& early);

}  // namespace gw::os
