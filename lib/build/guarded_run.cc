#include "build/guarded_run.h"

#include <string_view>
#include <utility>

namespace gw::build {

Result<GoRan> run_guarded(GuardedRun run, const os::Stop& stop) {
  BuildGuard guard(run.limits, std::move(run.work), std::move(run.calls));
  if (run.group) guard.watch(*run.group);
  os::RunOptions options;
  options.timeout = run.timeout;
  options.capture_output = true;
  options.errors_to_output = true;
  options.max_output = kMaxBuildLog;
  options.stop_fd = stop.fd();
  options.guard = &guard;
  if (run.progress != nullptr) {
    options.on_output = [&run](std::string_view output) { run.progress->take(output); };
    guard.call([&run] { run.progress->tell(); });
  }
  GW_TRY(os::Ran ran, os::run(std::move(run.go), options));
  // Also what left its process group.
  if (run.group) GW_CHECK(run.group->kill());
  if (ran.end == os::Ran::End::kStopped) return unavailable_error("stopped");
  GoRan out{std::move(ran)};
  out.found = guard.finish();
  if (!out.found && out.end == os::Ran::End::kTimeout) {
    out.found = limit_reason(Reason::kTimeLimit, run.limits);
  }
  out.disk_full = guard.disk_full();
  return out;
}

}  // namespace gw::build
