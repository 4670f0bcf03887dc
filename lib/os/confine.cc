#include "os/confine.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "os/file.h"
#include "os/landlock.h"
#include "os/seccomp.h"
#include "os/user.h"

namespace gw::os {

namespace {

// What neither serving nor following does. Not ptrace: a sanitizer's leak check is that.
const std::vector<std::string>& not_for_servers() {
  static const std::vector<std::string> calls = {"execve",
                                                 "execveat",
                                                 "process_vm_readv",
                                                 "process_vm_writev",
                                                 "kcmp",
                                                 "pidfd_getfd",
                                                 "bpf",
                                                 "perf_event_open",
                                                 "userfaultfd",
                                                 "init_module",
                                                 "finit_module",
                                                 "delete_module",
                                                 "kexec_load",
                                                 "kexec_file_load",
                                                 "reboot",
                                                 "swapon",
                                                 "swapoff",
                                                 "acct",
                                                 "quotactl",
                                                 "add_key",
                                                 "request_key",
                                                 "keyctl",
                                                 "settimeofday",
                                                 "clock_settime",
                                                 "clock_adjtime",
                                                 "adjtimex",
                                                 "iopl",
                                                 "ioperm",
                                                 "personality",
                                                 "syslog",
                                                 "vhangup",
                                                 "sethostname",
                                                 "setdomainname",
                                                 "open_by_handle_at",
                                                 "name_to_handle_at",
                                                 "mknod",
                                                 "mknodat",
                                                 "io_uring_setup",
                                                 "io_uring_enter",
                                                 "io_uring_register"};
  return calls;
}

bool drop_bounding_set() {
  bool dropped = true;
  for (int capability = 0; capability <= last_capability(); ++capability) {
    if (::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) != 1) continue;
    dropped = ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0 && dropped;
  }
  return dropped;
}

Status landlock_writes(const ConfinePolicy& policy, int abi) {
  LandlockPolicy rules;
  rules.refuse_tcp = false;
  rules.isolate = false;
  rules.rules.push_back({"/", LandlockRule::Access::kRead});
  rules.rules.push_back({"/dev/null", LandlockRule::Access::kWrite, true});
  std::vector<std::string> directories;
  for (const std::string& file : policy.written) {
    if (file.empty()) continue;
    // What is written beside it may be beside the name as it was given, or beside what that leads
    // to.
    directories.push_back(directory_of(file));
    directories.push_back(directory_of(real_path(file)));
  }
  std::sort(directories.begin(), directories.end());
  directories.erase(std::unique(directories.begin(), directories.end()), directories.end());
  for (const std::string& directory : directories) {
    // One that is not there is an error of whoever wants to write in it.
    if (is_directory(directory)) rules.rules.push_back({directory, LandlockRule::Access::kWrite});
  }
  return restrict_by_landlock(rules, abi);
}

}  // namespace

Result<Confinement> confine(const ConfinePolicy& policy) {
  SeccompPolicy calls;
  calls.deny = not_for_servers();
  calls.refuse_namespaces = true;
  GW_TRY(const auto program, compile_seccomp(calls));
  Confinement out;
  // Before no_new_privs, which changes nothing about it; it is root's to drop.
  out.bounding_set = drop_bounding_set();
  if (!out.bounding_set) out.refused.emplace_back("emptying the capability bounding set: not root");
  out.no_new_privs = ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
  if (!out.no_new_privs) {
    out.refused.push_back(errno_error("no_new_privs", errno).message);
    return out;  // the others need it
  }
  const int abi = landlock_abi();
  if (abi == 0) {
    out.refused.emplace_back("Landlock: the kernel has none, or the service manager allows none");
  } else if (auto s = landlock_writes(policy, abi); s) {
    out.landlock = abi;
  } else {
    out.refused.push_back(s.error().message);
  }
  if (auto s = install_seccomp(program); s) {
    out.seccomp = true;
  } else {
    out.refused.push_back(s.error().message);
  }
  return out;
}

std::uint64_t raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  if (limit.rlim_cur < limit.rlim_max) {
    const rlimit raised{limit.rlim_max, limit.rlim_max};
    if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) return raised.rlim_cur;
  }
  return limit.rlim_cur;
}

}  // namespace gw::os
