#include "os/sandbox.h"

#include <fmt/format.h>
#include <linux/capability.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>

#include "os/sandbox_plan.h"

namespace gw::os {

std::string_view sandbox_part_name(SandboxPart part) {
  switch (part) {
    case SandboxPart::kUserNamespace:
      return "user namespace";
    case SandboxPart::kPidNamespace:
      return "pid namespace";
    case SandboxPart::kRoot:
      return "minimal root";
    case SandboxPart::kProc:
      return "own /proc";
    case SandboxPart::kNetwork:
      return "network namespace";
    case SandboxPart::kIpc:
      return "ipc namespace";
    case SandboxPart::kHostName:
      return "host name";
    case SandboxPart::kLandlock:
      return "landlock";
    case SandboxPart::kSeccomp:
      return "seccomp";
    case SandboxPart::kTelling:
      return "telling of refused calls";
    case SandboxPart::kCgroup:
      return "cgroup";
    case SandboxPart::kMemoryLimit:
      return "cgroup memory limit";
    case SandboxPart::kPidsLimit:
      return "cgroup pids limit";
  }
  return "";
}

std::string refusal_text(const Refusal& refusal) {
  const std::string_view name = sandbox_part_name(refusal.part);
  if (refusal.error == ECANCELED) return fmt::format("{}: needs a part that was refused", name);
  return fmt::format("{}: {}: {}", name, refusal.what, std::strerror(refusal.error));
}

namespace {

constexpr Parts kUser = bit(SandboxPart::kUserNamespace);

// An ordinary user's way to the others. A process maps itself, which needs no right; but the files
// belong to root where the process once changed its user, unless it may be looked into.
void plan_user_namespace(CallList& early) {
  const auto dumpable = [&](long yes) {
    early.add({.what = "setting dumpable",
               .number = SYS_prctl,
               .args = {PR_SET_DUMPABLE, yes},
               .part = kUser});
  };
  const auto itself = [](unsigned id) { return fmt::format("{0} {0} 1", id); };
  dumpable(1);
  early.write_file("writing setgroups", "/proc/self/setgroups", "deny", kUser);
  early.write_file("writing uid_map", "/proc/self/uid_map", itself(::geteuid()), kUser);
  early.write_file("writing gid_map", "/proc/self/gid_map", itself(::getegid()), kUser);
  dumpable(0);
}

void plan_unshare(long flag, SandboxPart part, Parts needs, CallList& early) {
  early.add({.what = "unshare",
             .number = SYS_unshare,
             .args = {flag},
             .part = bit(part),
             .needs = needs});
}

void plan_loopback(Parts needs, CallList& early) {
  constexpr Parts kPart = bit(SandboxPart::kNetwork);
  ifreq request{};
  std::strncpy(request.ifr_name, "lo", sizeof request.ifr_name - 1);
  request.ifr_flags = IFF_UP;
  early.add({.what = "making a socket",
             .number = SYS_socket,
             .args = {AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0},
             .part = kPart,
             .needs = needs});
  early.add({.what = "starting the loopback interface",
             .number = SYS_ioctl,
             .args = {ChildCall::kPrevious, SIOCSIFFLAGS, CallList::address(early.keep(request))},
             .part = kPart,
             .needs = needs});
}

// The namespaces that the child enters before anything else is made in them.
Status plan_namespaces(const SandboxPolicy& policy, const Spawn& spawn, ChildHook& hook) {
  const bool any =
      policy.root || policy.pids || policy.network || policy.ipc || !policy.host_name.empty();
  if (!any) return {};
  // With the right to make them no user namespace is needed; and a user of another number than ours
  // could not be in one that we make.
  const bool user = !has_capability(CAP_SYS_ADMIN) && !spawn.identity;
  const Parts needs = user ? kUser : 0;
  const unsigned long first = user ? CLONE_NEWUSER : 0;
  constexpr Parts kPid = bit(SandboxPart::kPidNamespace);
  // A pid namespace is for those that are born in it.
  if (policy.pids) hook.clones.push_back({first | CLONE_NEWPID, 0});
  if (user || policy.pids) hook.clones.push_back({first, policy.pids ? kPid : 0});
  if (user) hook.clones.push_back({0, kUser | (policy.pids ? kPid : 0)});
  if (user) plan_user_namespace(hook.early);
  if (policy.network) {
    plan_unshare(CLONE_NEWNET, SandboxPart::kNetwork, needs, hook.early);
    if (policy.loopback) plan_loopback(needs, hook.early);
  }
  if (policy.ipc) plan_unshare(CLONE_NEWIPC, SandboxPart::kIpc, needs, hook.early);
  if (!policy.host_name.empty()) {
    plan_unshare(CLONE_NEWUTS, SandboxPart::kHostName, needs, hook.early);
    hook.early.add(
        {.what = "setting the host name",
         .number = SYS_sethostname,
         .args = {hook.early.arg(policy.host_name), static_cast<long>(policy.host_name.size())},
         .part = bit(SandboxPart::kHostName),
         .needs = needs});
  }
  if (policy.root) {
    plan_unshare(CLONE_NEWNS, SandboxPart::kRoot, needs, hook.early);
    // Without the pid namespace it would show everybody's processes.
    return plan_root(*policy.root, spawn, needs, policy.pids ? kPid : 0, hook.early);
  }
  return {};
}

Status plan_cgroup(const SandboxPolicy& policy, CallList& early) {
  if (policy.cgroup == nullptr) return {};
  for (const Refusal& refusal : policy.cgroup->refusals()) {
    if ((bit(refusal.part) & policy.required) != 0) return io_error(refusal_text(refusal));
  }
  policy.cgroup->plan_entry(early, bit(SandboxPart::kCgroup));
  return {};
}

Status plan_filter(SeccompPolicy policy, int tell_to, CallList& late) {
  constexpr Parts kFilter = bit(SandboxPart::kSeccomp);
  constexpr Parts kTells = bit(SandboxPart::kTelling);
  const bool tells = policy.otherwise == SeccompPolicy::Otherwise::kTell;
  if (tells) {
    if (tell_to < 0) return usage_error("a seccomp filter that tells nobody");
    GW_TRY(const auto telling, compile_seccomp(policy));
    plan_seccomp_telling(telling, tell_to, kTells, late);
    policy.otherwise = SeccompPolicy::Otherwise::kErrno;
  }
  GW_TRY(const auto program, compile_seccomp(policy));
  plan_seccomp(program, kFilter, late, tells ? kTells : 0);
  return {};
}

}  // namespace

Status apply_sandbox(const SandboxPolicy& policy, Spawn& spawn) {
  ChildHook& hook = spawn.hook;
  hook.required = policy.required;
  spawn.no_new_privileges = true;
  spawn.drop_capabilities = true;
  // While paths and rights are still those of outside.
  GW_CHECK(plan_cgroup(policy, hook.early));
  GW_CHECK(plan_namespaces(policy, spawn, hook));
  if (policy.landlock) {
    plan_landlock(*policy.landlock, landlock_abi(), bit(SandboxPart::kLandlock), hook.early,
                  hook.late);
  }
  return policy.seccomp ? plan_filter(*policy.seccomp, policy.tell_to, hook.late) : Status();
}

Refusals sandbox_refusals(const std::vector<RefusedCall>& refused) {
  Refusals all;
  for (const RefusedCall& call : refused) {
    for (Parts left = call.part; left != 0; left &= left - 1) {
      all.push_back({static_cast<SandboxPart>(left & ~(left - 1)), call.what, call.error});
    }
  }
  return all;
}

Result<Refusals> probe_sandbox(SandboxPolicy policy, Spawn spawn) {
  policy.required = 0;
  GW_CHECK(apply_sandbox(policy, spawn));
  GW_TRY(const auto refused, rehearse(std::move(spawn)));
  return sandbox_refusals(refused);
}

}  // namespace gw::os
