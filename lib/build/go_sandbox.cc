#include "build/go_sandbox.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <vector>

#include "base/bytes.h"

namespace gw::build {

namespace {

using os::SandboxPart;

constexpr std::string_view kHostName = "build";

// Nothing that a compiler needs, and each a way around the rest, or out.
const std::vector<std::string>& denied_calls() {
  static const std::vector<std::string> calls = {
      // other processes
      "kcmp", "pidfd_getfd", "perf_event_open", "process_madvise", "process_vm_readv",
      "process_vm_writev", "ptrace",
      // keys, programs in the kernel, memory that others handle
      "add_key", "bpf", "keyctl", "request_key", "userfaultfd", "io_setup",
      // files without a path
      "fanotify_init", "name_to_handle_at", "open_by_handle_at",
      // the machine
      "acct", "adjtimex", "clock_adjtime", "clock_settime", "delete_module", "finit_module",
      "init_module", "ioperm", "iopl", "kexec_file_load", "kexec_load", "modify_ldt", "personality",
      "quotactl", "reboot", "setdomainname", "sethostname", "settimeofday", "swapoff", "swapon",
      "syslog", "vhangup"};
  return calls;
}

}  // namespace

os::SandboxPolicy go_policy(const GoView& of) {
  os::SandboxPolicy out;
  out.root.emplace();
  out.root->binds.push_back({.from = of.toolchain.goroot, .to = of.goroot});
  out.root->binds.push_back(
      {.from = of.work, .to = of.seen_work, .writable = true, .programs = false});
  for (const std::string& path : of.toolchain.others) {
    out.root->binds.push_back({.from = path, .to = path});
  }
  out.loopback = of.fetches;
  out.host_name = kHostName;
  out.landlock.emplace();
  // A fetch's traffic is what its network namespace is for.
  out.landlock->refuse_tcp = !of.fetches;
  using Access = os::LandlockRule::Access;
  out.landlock->rules.push_back({of.goroot, Access::kExecute});
  for (const std::string& path : of.toolchain.others) {
    out.landlock->rules.push_back({path, Access::kExecute, !std::filesystem::is_directory(path)});
  }
  out.landlock->rules.push_back({of.seen_work, Access::kWrite});
  out.landlock->rules.push_back({"/dev/null", Access::kWrite, true});
  if (of.proc) out.landlock->rules.push_back({"/proc", Access::kRead});
  out.seccomp.emplace();
  out.seccomp->deny = denied_calls();
  using Seccomp = os::SeccompPolicy;
  // Only a fetch has somebody to speak to.
  out.seccomp->sockets = of.fetches ? Seccomp::Sockets::kInet : Seccomp::Sockets::kNone;
  out.seccomp->refuse_namespaces = true;
  out.seccomp->refuse_shared_memory = true;
  out.seccomp->otherwise = Seccomp::Otherwise::kTell;
  out.tell_to = of.tell_to;
  // A limit that a control group does not keep is looked after; but whoever is to be in one is.
  constexpr os::Parts kLimits = bit(SandboxPart::kMemoryLimit) | bit(SandboxPart::kPidsLimit);
  out.required = of.required ? os::kAllSandboxParts & ~kLimits : bit(SandboxPart::kCgroup);
  return out;
}

void plan_listener(int channel, os::Parts needs, os::CallList& early) {
  constexpr os::Parts kPart = os::bit(SandboxPart::kNetwork);
  std::int32_t* socket = nullptr;  // what socket(2) gave
  const msghdr* message = early.descriptor_message(&socket);
  const auto call = [&](const char* what, long number, std::array<long, 6> args,
                        const std::int32_t* load) {
    early.add({.what = what,
               .number = number,
               .args = args,
               .part = kPart,
               .needs = needs,
               .load = load});
  };
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(kProxyPort);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  early.add({.what = "making the proxy's socket",
             .number = SYS_socket,
             .args = {AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0},
             .part = kPart,
             .needs = needs,
             .store = socket});
  call("binding the proxy's socket", SYS_bind,
       {0, os::CallList::address(early.keep(address)), sizeof address}, socket);
  call("listening", SYS_listen, {0, SOMAXCONN}, socket);
  call("handing the proxy's socket over", SYS_sendmsg, {channel, os::CallList::address(message), 0},
       nullptr);
}

bool counts_in_namespaces() {
  struct utsname name {};
  if (::uname(&name) != 0) return false;
  const std::string_view release = name.release;
  const auto dot = std::min(release.find('.'), release.size());
  const auto major = parse_decimal(release.substr(0, dot));
  const std::string_view rest = release.substr(std::min(dot + 1, release.size()));
  const auto minor = parse_decimal(rest.substr(0, rest.find_first_not_of("0123456789")));
  return major && minor && (*major > 5 || (*major == 5 && *minor >= 14));
}

bool is_reachable(const std::string& path) {
  for (std::filesystem::path at = path; at.has_relative_path(); at = at.parent_path()) {
    struct stat info {};
    if (::stat(at.parent_path().c_str(), &info) != 0 || (info.st_mode & S_IXOTH) == 0) return false;
  }
  return true;
}

}  // namespace gw::build
