// What a server gives up before it listens to strangers: rights that it does not use itself would
// be somebody else's, should a stranger get into it.
//
//   no_new_privs           no program that it might start becomes another user
//   the bounding set       no capability comes back (as root, who alone may drop it)
//   Landlock               nothing is written outside of the given directories; nothing is run
//   seccomp                no programs, no namespaces and mounts, no tracing, no kernel modules,
//   keys,
//                          clocks and the like
//
// Each part is on where the kernel has it; what is refused is told and not an error, so that the
// same command works in every container. Threads inherit all of it, so it comes before the first.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace gw::os {

struct ConfinePolicy {
  // Files that are written or replaced, and may not be there yet: what is beside them may be, too.
  std::vector<std::string> written = {};
};

struct Confinement {
  bool no_new_privs = false;
  bool bounding_set = false;  // is empty
  int landlock = 0;           // the ABI in use; 0: none
  bool seccomp = false;
  std::vector<std::string> refused = {};  // what is not on, and why
};

// This thread and all that it starts from now on, for good. kInternal when the policy is no policy.
Result<Confinement> confine(const ConfinePolicy& policy);

// The soft limit of open files up to the hard one; the limit then in force.
std::uint64_t raise_descriptor_limit();

}  // namespace gw::os
