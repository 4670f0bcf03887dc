// The helper of the supervisor: what is run, and what it may do.
#include <fmt/format.h>
#include <sys/resource.h>

#include "base/visible.h"
#include "os/refusal.h"
#include "os/sandbox.h"
#include "supervise/helper_calls.h"
#include "supervise/supervisor.h"

namespace gw::supervise {
namespace {

constexpr std::size_t kMaxWhy = 256;

}  // namespace

// We ourselves, by what runs and not by a name that somebody may have replaced. It may look and
// connect, and change nothing: no file, no process, no privilege.
Result<os::Spawn> Supervisor::helper_spawn(const std::optional<os::User>& user) const {
  os::Spawn spawn;
  spawn.argv = {"gwtool", "supervise", "helper"};
  spawn.file = "/proc/self/exe";
  spawn.limits = {{RLIMIT_FSIZE, 0, 0}, {RLIMIT_CORE, 0, 0}};
  if (user) spawn.identity = user->identity;
  os::SandboxPolicy policy;
  policy.pids = policy.network = policy.ipc = false;
  policy.landlock = os::LandlockPolicy{{{"/", os::LandlockRule::Access::kExecute}}, false, true};
  policy.seccomp = os::SeccompPolicy{};
  policy.seccomp->deny = {"ptrace",
                          "process_vm_readv",
                          "process_vm_writev",
                          "bpf",
                          "keyctl",
                          "add_key",
                          "request_key",
                          "perf_event_open",
                          "userfaultfd",
                          "kexec_load",
                          "init_module",
                          "finit_module",
                          "kill",
                          "tkill",
                          "pidfd_send_signal",
                          "pidfd_open"};
  policy.seccomp->refuse_namespaces = true;
  policy.required = 0;  // what the kernel has no part of is no reason to look for nothing
  GW_CHECK(os::apply_sandbox(policy, spawn));
  return spawn;
}

Result<std::unique_ptr<Task>> Supervisor::start_helper(Job job, Task::Options task,
                                                       const std::optional<os::User>& user) {
  GW_TRY(task.spawn, helper_spawn(user));
  GW_TRY(job.calls, compile_helper_calls());
  task.input = format_job(job);
  auto started = Task::start(*loop_, std::move(task));
  if (!started) return started;
  rest_soon();
  if (!helper_refused_) helper_refused_.emplace();
  for (const os::Refusal& refusal : os::sandbox_refusals((*started)->refused())) {
    note_refused(std::string(os::sandbox_part_name(refusal.part)), os::refusal_text(refusal));
  }
  return started;
}

// Once for each part: the kernel says the same each time.
void Supervisor::note_refused(const std::string& part, const std::string& why) {
  if (!helper_refused_ || !helper_refused_->emplace(part, why.substr(0, kMaxWhy)).second) return;
  log_.warning("helper-less-confined", {{"why", one_line(why.substr(0, kMaxWhy))}});
}

// What the helper is kept from, as far as one has run.
Json Supervisor::helper_json() const {
  const auto is_on = [this](const char* part) { return !helper_refused_->contains(part); };
  Json out = {{"landlock", is_on("landlock")},
              {"seccomp", is_on("seccomp")},
              {"call_list", is_on(kCallList) && is_on("seccomp") && !helper_calls().empty()},
              {"refused", Json::array()}};
  for (const auto& [part, why] : *helper_refused_) out["refused"].push_back(why);
  return out;
}

}  // namespace gw::supervise
