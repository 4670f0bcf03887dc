// Keeps a running build within its limits, and hears of what it tries that no build does.
//
// Where a limit of the kernel's ends a program, nobody learns which limit it was; and there is none
// for what several processes use together, or for a directory. So what a build uses is looked at
// ten times a second (0.1 ms for a handful of compilers): processes by /proc, the directory when
// the disk has lost enough space to matter. Limits of the kernel's (of each process, of the user)
// stand behind, a bit above: they stop what grows between two looks.
//
// In a control group (build/build_group.h) the kernel counts memory and processes, and tells; what
// is looked at then is what it told.
//
// One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>

#include "base/clock.h"
#include "build/reason.h"
#include "os/cgroup.h"
#include "os/dir.h"
#include "os/process.h"
#include "os/refused_calls.h"
#include "os/usage.h"

namespace gw::build {

// Far above what any known build takes.
struct BuildLimits {
  std::uint64_t memory_bytes = 8'000'000'000;  // of all its processes together
  std::uint64_t disk_bytes = 20'000'000'000;   // of its directory
  std::uint64_t processes = 1024;              // threads count, too
  std::chrono::seconds time = std::chrono::hours(1);
};

// What a build leaves to others on the disk, whatever its limit.
inline constexpr std::uint64_t kReserveBytes = 128'000'000;

// "the build used more than 8000 MB of memory".
FoundReason limit_reason(Reason reason, const BuildLimits& limits);

class BuildGuard : public os::RunGuard {
 public:
  // `work`: the build's directory. `calls`: where the sandbox tells of refused ones.
  BuildGuard(const BuildLimits& limits, os::Dir work, std::optional<os::RefusedCalls> calls);

  // What it limits is not counted here. Borrowed until finish().
  void watch(const os::Cgroup& group) { group_ = &group; }
  // Called about as often as it looks.
  void call(std::function<void()> tick) { tick_ = std::move(tick); }

  int fd() const override { return calls_ ? calls_->fd() : -1; }
  Duration every() const override { return std::chrono::milliseconds(100); }
  bool look(pid_t child) override;

  // Once it has ended: why it cannot count, if so. What a limit says comes first.
  std::optional<FoundReason> finish();
  // Not the build's own fault: there is hardly any space left on the disk.
  bool disk_full() const { return disk_full_; }

 private:
  void hear();
  bool breach(Reason reason);
  bool look_at_processes(pid_t child);
  bool look_at_disk(pid_t child, bool always);

  const BuildLimits limits_;
  const os::Dir work_;
  std::optional<os::RefusedCalls> calls_;
  const os::Cgroup* group_ = nullptr;
  std::function<void()> tick_;
  std::set<std::string> refused_;  // names of calls
  std::uint64_t refusals_ = 0;
  std::optional<FoundReason> found_;
  bool disk_full_ = false;
  MonoTime next_;
  MonoTime next_walk_;
  os::FreeSpace last_;  // at the last walk
};

}  // namespace gw::build
