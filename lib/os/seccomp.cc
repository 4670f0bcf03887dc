#include "os/seccomp.h"

#include <fmt/format.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
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
#include <cstdlib>
#include <cstring>
#include <memory>
#include <type_traits>

#include "base/bytes.h"
#include "os/file.h"
#include "os/forbidden_calls.h"

namespace gw::os {

namespace {

static_assert(sizeof(sock_filter) == sizeof(std::uint64_t));

struct FreeFilter {
  void operator()(void* f) const { ::seccomp_release(f); }
};
using Sockets = SeccompPolicy::Sockets;
using Filter = std::unique_ptr<std::remove_pointer_t<scmp_filter_ctx>, FreeFilter>;

// Without these a program can neither be started nor end, nor say why.
constexpr auto kAlways = std::to_array<const char*>(
    {"execve", "write", "exit", "exit_group", "rt_sigreturn", "restart_syscall"});
constexpr std::string_view kStarts = "execve";
constexpr std::string_view kReturns = "rt_sigreturn";
constexpr auto kMounting = std::to_array<const char*>(
    {"unshare", "setns", "mount", "umount", "umount2", "pivot_root", "chroot", "move_mount",
     "open_tree", "fsopen", "fsmount", "fsconfig", "fspick", "mount_setattr"});
constexpr auto kOtherSockets = std::to_array<const char*>(
    {"io_uring_setup", "io_uring_enter", "io_uring_register", "socketcall"});
// Memory that no process has mapped, or that stays when it is mapped no more.
constexpr auto kSharedMemory = std::to_array<const char*>(
    {"memfd_create", "memfd_secret", "shmget", "msgget", "semget", "mq_open"});
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

std::uint32_t refuse_action(const SeccompPolicy& policy) {
  switch (policy.otherwise) {
    case SeccompPolicy::Otherwise::kKill:
      return SCMP_ACT_KILL_PROCESS;
    case SeccompPolicy::Otherwise::kTell:
      return SCMP_ACT_NOTIFY;
    case SeccompPolicy::Otherwise::kErrno:
      break;
  }
  return SCMP_ACT_ERRNO(static_cast<std::uint16_t>(policy.error));
}

// The library would ask the kernel what it knows, by a call that a filter over us may answer with
// our end. It need not: a kernel that does not know something refuses to install it.
scmp_filter_ctx new_filter(std::uint32_t otherwise) {
  constexpr unsigned kWithNotify = 5;  // the level that brings SCMP_ACT_NOTIFY
  return ::seccomp_api_set(kWithNotify) == 0 ? ::seccomp_init(otherwise) : nullptr;
}

class Compiler {
 public:
  explicit Compiler(const SeccompPolicy& policy)
      : policy_(policy),
        refuse_(refuse_action(policy)),
        filter_(new_filter(policy.allow.empty() ? SCMP_ACT_ALLOW : refuse_)) {}

  Result<std::vector<std::uint64_t>> compile() {
    if (!filter_) return internal_error("seccomp_api_set or seccomp_init failed");
    // The library's own choice would end one thread, and leave the others waiting for it.
    const std::uint32_t foreign =
        refuse_ == SCMP_ACT_NOTIFY ? SCMP_ACT_NOTIFY : SCMP_ACT_KILL_PROCESS;
    const int set = ::seccomp_attr_set(filter_.get(), SCMP_FLTATR_ACT_BADARCH, foreign);
    if (set != 0) {
      return internal_error(fmt::format("seccomp_attr_set: error {}", -set));
    }
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
    if (policy_.sockets != Sockets::kAny) {
      for (const char* name : kOtherSockets) {
        if (!denied(name)) GW_CHECK(add(refuse_, name));
      }
      for (const char* name : {"socket", "socketpair"}) {
        if (!denied(name)) GW_CHECK(refuse_families(name));
      }
    }
    if (policy_.refuse_shared_memory) {
      constexpr std::uint64_t kBoth = MAP_SHARED | MAP_ANONYMOUS;
      const scmp_arg_cmp both = SCMP_A3_64(SCMP_CMP_MASKED_EQ, kBoth, kBoth);
      GW_CHECK(add(refuse_, "mmap", &both));
      for (const char* name : kSharedMemory) {
        if (!denied(name)) GW_CHECK(add(refuse_, name));
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

  // The kernel looks at the lower half of the argument only, and so this refuses more than it
  // would: never less.
  Status refuse_families(const char* call) {
    const auto refuse = [&](scmp_arg_cmp which) { return add(refuse_, call, &which); };
    switch (policy_.sockets) {
      case Sockets::kLocal:
        return refuse(SCMP_A0_64(SCMP_CMP_NE, AF_UNIX, 0));
      case Sockets::kNone:
        return add(refuse_, call);
      case Sockets::kInet:
        GW_CHECK(refuse(SCMP_A0_64(SCMP_CMP_LT, AF_INET, 0)));
        for (std::uint64_t family = AF_INET + 1; family < AF_INET6; ++family) {
          GW_CHECK(refuse(SCMP_A0_64(SCMP_CMP_EQ, family, 0)));
        }
        return refuse(SCMP_A0_64(SCMP_CMP_GT, AF_INET6, 0));
      case Sockets::kAny:
        break;
    }
    return {};
  }

  // Its flags lie in memory, which a filter cannot read. With this error callers use clone.
  Status refuse_clone3() { return add(SCMP_ACT_ERRNO(ENOSYS), "clone3"); }

  Status add_allowed() {
    const auto always = [this](std::string_view name) {
      const bool handles = contains(policy_.allow, "rt_sigaction");
      return contains(kAlways, name) &&
             !(policy_.runs_already && (name == kStarts || (name == kReturns && !handles)));
    };
    for (const char* name : kAlways) {
      if (always(name)) GW_CHECK(add(SCMP_ACT_ALLOW, name));
    }
    for (const std::string& name : policy_.allow) {
      if (always(name)) continue;
      const bool network = policy_.sockets != Sockets::kAny && contains(kOtherSockets, name);
      const bool mounts = policy_.refuse_namespaces && contains(kMounting, name);
      if (network || mounts) return usage_error(name + " is allowed and refused");
      if (policy_.refuse_namespaces && name == "clone3") continue;
      if (policy_.refuse_namespaces && name == "clone") {
        const scmp_arg_cmp none = SCMP_A0_64(SCMP_CMP_MASKED_EQ, kNamespaceFlags, 0);
        GW_CHECK(add(SCMP_ACT_ALLOW, name, &none));
      } else if (policy_.sockets != Sockets::kAny && (name == "socket" || name == "socketpair")) {
        GW_CHECK(allow_families(name));
      } else if (policy_.refuse_shared_memory &&
                 (name == "mmap" || contains(kSharedMemory, name))) {
        return usage_error(name + " is allowed, and shared memory refused");
      } else {
        GW_CHECK(add(SCMP_ACT_ALLOW, name));
      }
    }
    return policy_.refuse_namespaces ? refuse_clone3() : Status();
  }

  Status allow_families(const std::string& call) {
    std::vector<std::uint64_t> families;
    if (policy_.sockets == Sockets::kLocal) families = {AF_UNIX};
    if (policy_.sockets == Sockets::kInet) families = {AF_INET, AF_INET6};
    for (const std::uint64_t family : families) {
      const scmp_arg_cmp is = SCMP_A0_64(SCMP_CMP_EQ, family, 0);
      GW_CHECK(add(SCMP_ACT_ALLOW, call, &is));
    }
    return {};
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

namespace {

constexpr long kSetModeFilter = 1;

const sock_fprog* keep_program(const std::vector<std::uint64_t>& program, CallList& late) {
  auto* filter = static_cast<sock_filter*>(late.bytes(program.data(), program.size() * 8));
  return late.keep<sock_fprog>(
      {.len = static_cast<unsigned short>(program.size()), .filter = filter});
}

}  // namespace

Status install_seccomp(const std::vector<std::uint64_t>& program) {
  constexpr unsigned kAllThreads = 1;
  if (call_ends_us(SYS_seccomp)) {
    return unavailable_error("installing a seccomp filter: the service manager allows none",
                             "its SystemCallFilter= lacks seccomp");
  }
  std::vector<sock_filter> filter(program.size());
  std::memcpy(filter.data(), program.data(), program.size() * sizeof(sock_filter));
  const sock_fprog fprog{.len = static_cast<unsigned short>(filter.size()),
                         .filter = filter.data()};
  // No code of others runs here: without the flag kernels before 5.16 slow each thread down against
  // speculation.
  constexpr unsigned kSpecAllow = 1U << 2U;
  if (::syscall(SYS_seccomp, kSetModeFilter, kAllThreads | kSpecAllow, &fprog) == 0) return {};
  if (errno == EINVAL && ::syscall(SYS_seccomp, kSetModeFilter, kAllThreads, &fprog) == 0)
    return {};
  Error error = errno_error("installing a seccomp filter", errno);
  error.kind = ErrorKind::kUnavailable;
  return error;
}

void plan_seccomp(const std::vector<std::uint64_t>& program, Parts part, CallList& late,
                  Parts unless) {
  // Not seccomp(2), which is the same without flags, and which fewer service managers let pass.
  late.add({.what = "installing a seccomp filter",
            .number = SYS_prctl,
            .args = {PR_SET_SECCOMP, SECCOMP_MODE_FILTER,
                     CallList::address(keep_program(program, late))},
            .part = part,
            .unless = unless});
}

void plan_seccomp_telling(const std::vector<std::uint64_t>& program, int channel, Parts part,
                          CallList& late) {
  std::int32_t* listener = nullptr;
  const msghdr* message = late.descriptor_message(&listener);
  late.add({.what = "installing a seccomp filter that tells",
            .number = SYS_seccomp,
            .args = {kSetModeFilter, SECCOMP_FILTER_FLAG_NEW_LISTENER,
                     CallList::address(keep_program(program, late))},
            .part = part,
            .store = listener});
  late.add({.what = "handing a seccomp listener over",
            .number = SYS_sendmsg,
            .args = {channel, CallList::address(message), 0},
            .part = part});
}

std::string system_call_name(int number) {
  char* name = ::seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);
  if (name == nullptr) return fmt::format("system call {}", number);
  std::string out(name);
  ::free(name);  // NOLINT(cppcoreguidelines-no-malloc): libseccomp's
  return out;
}

}  // namespace gw::os
