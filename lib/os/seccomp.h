// Seccomp: the system calls that a program may make, by name.
//
// A filter is compiled here, in the parent; the child only installs it. Calls of another
// architecture (32-bit, x32) end the process. Names are those of libseccomp; one that it does not
// know is an error, never a rule that is left out.
//
// Sources: seccomp(2), seccomp_rule_add(3).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "os/child_calls.h"

namespace gw::os {

struct SeccompPolicy {
  enum class Otherwise {
    kErrno,  // the call fails with `error`
    kKill,   // SIGSYS ends the process
  };
  // Only these (and what starting and ending needs: execve, write, exit, …), or all but those. One
  // of both lists may be empty, or both are: then only the switches below count.
  std::vector<std::string> allow = {};
  std::vector<std::string> deny = {};
  Otherwise otherwise = Otherwise::kErrno;
  int error = 1;  // EPERM

  bool refuse_network =
      false;  // sockets of any family but AF_UNIX, and io_uring, which has its own
  bool refuse_namespaces = false;  // no new namespaces, no mounts, no chroot
};

// The compiled program: struct sock_filter[] as bytes. kUsage: an unknown name, or the policy
// contradicts itself; kInternal.
Result<std::vector<std::uint64_t>> compile_seccomp(const SeccompPolicy& policy);

// Adds installing it; needs no_new_privs. Add it last: all later calls go through it.
void plan_seccomp(const std::vector<std::uint64_t>& program, Parts part, CallList& late);

}  // namespace gw::os
