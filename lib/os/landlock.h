// Landlock: the files, and since newer kernels the ports and processes, that a program may use, for
// any user and without a namespace.
//
// The three system calls are made here, without a library. What the running kernel's version (ABI)
// cannot restrict is left out, because a rule set that asks for more than the kernel knows is
// refused as a whole: Debian 12's kernel (ABI 2) cannot refuse truncation.
//
// Sources: landlock(7), Linux include/uapi/linux/landlock.h.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "os/child_calls.h"

namespace gw::os {

struct LandlockRule {
  enum class Access {
    kRead,     // files and directories
    kExecute,  // that, and run programs there
    kWrite,    // kRead, and everything but running and making devices
    kAll,      // kWrite and kExecute
  };
  std::string path = {};  // as the child sees it, and all beneath
  Access access = Access::kRead;
  bool is_file = false;  // no directory: rights of directories are left out
};

struct LandlockPolicy {
  std::vector<LandlockRule> rules = {};  // what none of them allows is refused
  bool refuse_tcp = true;                // binding and connecting (ABI 4)
  bool isolate = true;                   // abstract Unix sockets and signals to outside (ABI 6)
};

// The kernel's version; 0: it has no Landlock, it is turned off, or a filter over us would end who
// asks.
int landlock_abi();

// Restricts this thread, and what it starts from now on, for good; needs no_new_privs. kUnavailable
// when the kernel refuses.
Status restrict_by_landlock(const LandlockPolicy& policy, int abi);

// Adds the calls: the rule set and its rules to `early`, and being restricted by it to `late`,
// which needs no_new_privs. A path that is not there is a failure of `part`.
void plan_landlock(const LandlockPolicy& policy, int abi, Parts part, CallList& early,
                   CallList& late);

}  // namespace gw::os
