// A sandbox for a program, of parts that the kernel may grant or refuse, each by itself.
//
// What is asked for and does not work is never passed over: a part that is required keeps the
// program from starting, any other is in the list of refusals, with the call that failed and why.
// The same policy works as root, which needs no user namespace and should give the program another
// user, and as an ordinary user, for whom the user namespace comes first and everything else
// depends on it.
//
// With the pid namespace the program is number 1 there: its end is the end of all that it started,
// and it sees only signals that it handles, besides SIGKILL.
//
// Any thread. Sources: namespaces(7), user_namespaces(7), pivot_root(2), mount_setattr(2).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "os/cgroup.h"
#include "os/landlock.h"
#include "os/process.h"
#include "os/refusal.h"
#include "os/seccomp.h"

namespace gw::os {

struct SandboxRoot {
  struct Bind {
    std::string from = {};  // ours: a file or directory that is there; links are followed
    std::string to = {};    // absolute, in the sandbox
    bool writable = false;
    bool programs = true;  // may be run from there
    bool device = false;   // a device node such as /dev/null
  };
  struct Tmpfs {
    std::string path = {};
    std::uint64_t bytes = 0;  // its most, which counts as memory
  };
  std::vector<Bind> binds = {};
  std::vector<Tmpfs> tmpfs = {};  // writable, owned by the program's user; no programs, no devices
  bool null = true;               // /dev/null
  bool proc = true;               // /proc, of this pid namespace's processes and nothing else
};

struct SandboxPolicy {
  // Nothing of the file system but this, read-only unless said otherwise.
  std::optional<SandboxRoot> root = {};
  bool pids = true;            // see and signal only its own
  bool network = true;         // no interface but a loopback one
  bool loopback = false;       // and that one is up
  bool ipc = true;             // no System V IPC or message queues of others
  std::string host_name = {};  // a constant one; empty: ours is seen
  std::optional<LandlockPolicy> landlock = {};
  std::optional<SeccompPolicy> seccomp = {};
  // With SeccompPolicy::kTell: the child's end of a HandOver to RefusedCalls. Where the kernel
  // grants no listener, the filter refuses with its error and nothing is told.
  int tell_to = -1;
  const Cgroup* cgroup = nullptr;  // to run in; borrowed until the program has started
  Parts required = kAllSandboxParts;
};

// Adds the sandbox to what will be spawned: no_new_privs and no capabilities in any case. kUsage,
// kNotFound: the policy cannot be; kIo: a required limit of the cgroup was refused.
Status apply_sandbox(const SandboxPolicy& policy, Spawn& spawn);

// What was refused to the child; the limits of its cgroup are the cgroup's to tell.
Refusals sandbox_refusals(const std::vector<RefusedCall>& refused);

// Tries all of the policy in a child that runs no program, with nothing required. `spawn` says as
// whom: its argv is not used.
Result<Refusals> probe_sandbox(SandboxPolicy policy, Spawn spawn);

}  // namespace gw::os
