// One run of the go command, from its start to the end of all that it started, within its limits.
//
// One thread. What it may see and do is decided before (go_runner.h).
#pragma once

#include <cstddef>
#include <optional>

#include "base/clock.h"
#include "base/result.h"
#include "build/build_guard.h"
#include "build/compile_progress.h"
#include "os/cgroup.h"
#include "os/dir.h"
#include "os/process.h"
#include "os/refused_calls.h"
#include "os/stop.h"

namespace gw::build {

inline constexpr std::size_t kMaxBuildLog = std::size_t{16} << 20U;

// How a go command ended.
struct GoRan : os::Ran {
  std::optional<FoundReason> found = {};  // a limit, or what it tried: whatever its exit code
  bool disk_full = false;
};

struct GuardedRun {
  os::Spawn go;
  const BuildLimits& limits;
  Duration timeout;
  os::Dir work;                           // the build's directory
  std::optional<os::RefusedCalls> calls;  // where the sandbox tells of refused ones
  std::optional<os::Cgroup> group;        // that it enters
  CompileProgress* progress;              // may be null
};

// Output and errors come in one, in their order. kUnavailable: stopped.
Result<GoRan> run_guarded(GuardedRun run, const os::Stop& stop);

}  // namespace gw::build
