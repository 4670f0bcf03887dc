#include "os/seccomp.h"

#include <fmt/format.h>
#include <linux/filter.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <type_traits>

#include "base/bytes.h"
#include "os/file.h"

namespace gw::os {

namespace {

static_assert(sizeof(sock_filter) == sizeof(std::uint64_t));

struct FreeFilter {
  void operator()(void* f) const { ::seccomp_release(f); }
};
using Filter = std::unique_ptr<std::remove_pointer_t<scmp_filter_ctx>, FreeFilter>;

// Without these a program can neither be started nor end, nor say why.
constexpr auto kAlways = std::to_array<const char*>(
    {"execve", "write", "exit", "exit_group", "rt_sigreturn", "restart_syscall"});
constexpr auto kMounting = std::to_array<const char*>(
    {"unshare", "setns", "mount", "umount", "umount2", "pivot_root", "chroot", "move_mount",
     "open_tree", "fsopen", "fsmount", "fsconfig", "fspick", "mount_setattr"});
constexpr auto kOtherSockets = std::to_array<const char*>(
    {"io_uring_setup", "io_uring_enter", "io_uring_register", "socketcall"});
// clone(2)'s flags that make one.
constexpr std::uint64_t kNamespaceFlags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID |
                                          CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS |
                                          CLONE_NEWCGROUP;

Result<int> resolve(const std::string& name) {
  const int number = ::seccomp_syscall_resolve_name(name.c_str());
  if (number == __NR_SCMP_ERROR) {
    return usage_error(fmt::format("there is no system call {}", quoted(name)));
  }
  return number;
}

template <class List>
bool contains(const List& list, std::string_view name) {
  return std::any_of(list.begin(), list.end(), [&](std::string_view n) { return n == name; });
}

class Compiler {
 public:
  explicit Compiler(const SeccompPolicy& policy)
      : policy_(policy),
        refuse_(policy.otherwise == SeccompPolicy::Otherwise::kKill
                    ? SCMP_ACT_KILL_PROCESS
                    : SCMP_ACT_ERRNO(static_cast<std::uint16_t>(policy.error))),
        filter_(::seccomp_init(policy.allow.empty() ? SCMP_ACT_ALLOW : refuse_)) {}

  Result<std::vector<std::uint64_t>> compile() {
    if (!filter_) return internal_error("seccomp_init failed");
    if (!policy_.allow.empty() && !policy_.deny.empty()) {
      return usage_error("a list of allowed and one of denied system calls");
    }
    GW_CHECK(policy_.allow.empty() ? add_denied() : add_allowed());
    return program();
  }

 private:
  // `arg`: only when the first argument is so.
  Status add(std::uint32_t action, const std::string& name, const scmp_arg_cmp* arg = nullptr) {
    GW_TRY(const int number, resolve(name));
    const int r =
        ::seccomp_rule_add_array(filter_.get(), action, number, arg == nullptr ? 0 : 1, arg);
    // The architecture has no such call: there is nothing to refuse.
    if (r == 0 || (r == -EDOM && number < 0)) return {};
    return internal_error(fmt::format("a seccomp rule for {}: error {}", name, -r));
  }

  Status add_denied() {
    for (const std::string& name : policy_.deny) GW_CHECK(add(refuse_, name));
    const auto denied = [&](const char* name) { return contains(policy_.deny, name); };
    if (policy_.refuse_network) {
      for (const char* name : kOtherSockets) {
        if (!denied(name)) GW_CHECK(add(refuse_, name));
      }
      // The kernel looks at the lower half of the argument only, and so this refuses more than it
      // would: never less.
      const scmp_arg_cmp other = SCMP_A0_64(SCMP_CMP_NE, AF_UNIX, 0);
      for (const char* name : {"socket", "socketpair"}) {
        if (!denied(name)) GW_CHECK(add(refuse_, name, &other));
      }
    }
    if (policy_.refuse_namespaces) {
      for (const char* name : kMounting) {
        if (!denied(name)) GW_CHECK(add(refuse_, name));
      }
      for (std::uint64_t flag = 1; flag <= kNamespaceFlags && !denied("clone"); flag <<= 1) {
        if ((flag & kNamespaceFlags) == 0) continue;
        const scmp_arg_cmp has = SCMP_A0_64(SCMP_CMP_MASKED_EQ, flag, flag);
        GW_CHECK(add(refuse_, "clone", &has));
      }
      if (!denied("clone3")) GW_CHECK(refuse_clone3());
    }
    return {};
  }

  // Its flags lie in memory, which a filter cannot read. With this error callers use clone.
  Status refuse_clone3() { return add(SCMP_ACT_ERRNO(ENOSYS), "clone3"); }

  Status add_allowed() {
    for (const char* name : kAlways) GW_CHECK(add(SCMP_ACT_ALLOW, name));
    for (const std::string& name : policy_.allow) {
      if (contains(kAlways, name)) continue;
      const bool network = policy_.refuse_network && contains(kOtherSockets, name);
      const bool mounts = policy_.refuse_namespaces && contains(kMounting, name);
      if (network || mounts) return usage_error(name + " is allowed and refused");
      if (policy_.refuse_namespaces && name == "clone3") continue;
      if (policy_.refuse_namespaces && name == "clone") {
        const scmp_arg_cmp none = SCMP_A0_64(SCMP_CMP_MASKED_EQ, kNamespaceFlags, 0);
        GW_CHECK(add(SCMP_ACT_ALLOW, name, &none));
      } else if (policy_.refuse_network && (name == "socket" || name == "socketpair")) {
        const scmp_arg_cmp local = SCMP_A0_64(SCMP_CMP_EQ, AF_UNIX, 0);
        GW_CHECK(add(SCMP_ACT_ALLOW, name, &local));
      } else {
        GW_CHECK(add(SCMP_ACT_ALLOW, name));
      }
    }
    return policy_.refuse_namespaces ? refuse_clone3() : Status();
  }

  // libseccomp 2.5 gives it to a descriptor only.
  Result<std::vector<std::uint64_t>> program() {
    const Fd file(::memfd_create("seccomp", MFD_CLOEXEC));
    if (!file) return errno_error("memfd_create", errno);
    if (const int r = ::seccomp_export_bpf(filter_.get(), file.get()); r != 0) {
      return internal_error(fmt::format("seccomp_export_bpf: error {}", -r));
    }
    const off_t size = ::lseek(file.get(), 0, SEEK_END);
    constexpr off_t kMost = off_t{BPF_MAXINSNS} * 8;
    if (size <= 0 || size % 8 != 0 || size > kMost) {
      return internal_error("a seccomp program without a fit size");
    }
    std::vector<std::uint64_t> words(static_cast<std::size_t>(size) / 8);
    if (::pread(file.get(), words.data(), static_cast<std::size_t>(size), 0) != size) {
      return errno_error("reading a seccomp program", errno);
    }
    return words;
  }

  const SeccompPolicy& policy_;
  const std::uint32_t refuse_;
  Filter filter_;
};

}  // namespace

Result<std::vector<std::uint64_t>> compile_seccomp(const SeccompPolicy& policy) {
  return Compiler(policy).compile();
}

void plan_seccomp(const std::vector<std::uint64_t>& program, Parts part, CallList& late) {
  auto* filter = static_cast<sock_filter*>(late.bytes(program.data(), program.size() * 8));
  const auto* fprog =
      late.keep<sock_fprog>({.len = static_cast<unsigned short>(program.size()), .filter = filter});
  constexpr long kSetModeFilter = 1;
  late.add({.what = "installing a seccomp filter",
            .number = SYS_seccomp,
            .args = {kSetModeFilter, 0, CallList::address(fprog)},
            .part = part});
}

}  // namespace gw::os
