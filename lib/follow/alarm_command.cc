// The operator's own command, told where the evidence is.
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>

#include "follow/follower_impl.h"
#include "os/process.h"

namespace gw::follow {

Status run_alarm_command(const std::string& command, const std::string& path) {
  constexpr std::chrono::seconds kLimit{60};
  os::Spawn spawn;
  spawn.file = "/bin/sh";
  spawn.argv = {"sh", "-c", command + " \"$1\"", "sh", path};
  // Standard output is for data, and what comes in there is meant for nobody here.
  spawn.descriptors = {{STDERR_FILENO, STDOUT_FILENO}};
  auto ran = os::run(std::move(spawn), {.timeout = kLimit});
  if (!ran) return std::move(ran).error().in("the alarm command");
  if (ran->end == os::Ran::End::kTimeout) {
    return unavailable_error(
        fmt::format("the alarm command was killed after {} s", kLimit.count()));
  }
  if (ran->exit.ok()) return {};
  return unavailable_error("the alarm command " + os::exit_text(ran->exit));
}

}  // namespace gw::follow
