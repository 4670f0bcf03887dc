// Seccomp: the system calls that a program may make, by name.
//
// A filter is compiled here, in the parent; the child only installs it. Calls of another
// architecture (32-bit, x32) end the process, or are told of as refused. Names are those of
// libseccomp; one that it does not know is an error, never a rule that is left out.
//
// Refused calls can be told of as they are made: the kernel asks a listener of ours, which answers
// with the error (os/refused_calls.h).
//
// Sources: seccomp(2), seccomp_unotify(2), seccomp_rule_add(3).
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
    kTell,   // as kErrno, when a listener says so; without one, ENOSYS
  };
  enum class Sockets {
    kAny,
    kLocal,  // AF_UNIX
    kInet,   // AF_INET, AF_INET6
    kNone,
  };
  // Only these (and what starting and ending needs: execve, write, exit, …), or all but those. One
  // of both lists may be empty, or both are: then only the switches below count.
  std::vector<std::string> allow = {};
  std::vector<std::string> deny = {};
  // With `allow`: the program installs it itself, and needs no execve any more; nor to return from
  // a signal's handler, where it may set none and has none.
  bool runs_already = false;
  Otherwise otherwise = Otherwise::kErrno;
  int error = 1;  // EPERM

  // Any but kAny also refuses io_uring, which has sockets of its own.
  Sockets sockets = Sockets::kAny;
  bool refuse_namespaces = false;     // no new namespaces, no mounts, no chroot
  bool refuse_shared_memory = false;  // none without a file, which no count of a process has
};

// The compiled program: struct sock_filter[] as bytes. kUsage: an unknown name, or the policy
// contradicts itself; kInternal.
Result<std::vector<std::uint64_t>> compile_seccomp(const SeccompPolicy& policy);

// Installs it in every thread of this process; needs no_new_privs. kUnavailable when the kernel
// refuses.
Status install_seccomp(const std::vector<std::uint64_t>& program);

// Adds installing it; needs no_new_privs. Add it last: all later calls go through it. `unless`:
// only where one of these parts was refused.
void plan_seccomp(const std::vector<std::uint64_t>& program, Parts part, CallList& late,
                  Parts unless = 0);

// The same for a filter of kTell; the listener is sent through the socket `channel`, which is the
// child's until exec.
void plan_seccomp_telling(const std::vector<std::uint64_t>& program, int channel, Parts part,
                          CallList& late);

// "socket", of the native architecture; its number when it has no name.
std::string system_call_name(int number);

}  // namespace gw::os
