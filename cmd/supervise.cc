// gwtool supervise: a Go service that keeps itself current.
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "commands.h"
#include "supervise/supervisor.h"
#include "supervise_group.h"

namespace gw::cmd {
namespace {

constexpr int kSignalled = 128;
constexpr int kNotReached = 255;

// Ends as the service did, so that whoever started us sees what it would have seen of it.
int end_like(const os::Exit& exit) {
  if (exit.signal == 0) return exit.code;
  // The first process of a machine or container is not ended by its own signals.
  if (::getpid() == 1) return kSignalled + exit.signal;
  const rlimit none{0, 0};  // the service's memory is worth a file, not ours
  (void)::setrlimit(RLIMIT_CORE, &none);
  (void)std::signal(exit.signal, SIG_DFL);
  sigset_t all;
  ::sigfillset(&all);
  ::sigprocmask(SIG_UNBLOCK, &all, nullptr);
  ::raise(exit.signal);
  return kNotReached;
}

Result<int> run(Context& ctx, const SuperviseValues& v) {
  GW_TRY(auto options, supervise_options(v));
  GW_TRY(auto handover, supervise::take_handover());
  if (std::getenv(supervise::kHandoverCheck) != nullptr) {
    if (!handover) return usage_error("there is no supervisor to take the place of");
    GW_CHECK(supervise::check_handover(*handover, options));
    GW_CHECK(supervise::Supervisor::check(options));
    ctx.out.line(supervise::kHandoverAnswer);
    return kExitDone;
  }
  os::Exit exit;
  {
    GW_TRY(const auto supervisor, supervise::Supervisor::make(std::move(options), ctx.clock,
                                                              ctx.log, std::move(handover)));
    GW_TRY(exit, supervisor->run());
  }
  return end_like(exit);
}

}  // namespace

Command supervise_command() {
  auto v = std::make_shared<SuperviseValues>();
  Command c("supervise", "run a Go service and keep it current");
  c.runs_program = true;
  c.metric_areas = {"supervise"};
  c.doc =
      "Runs a service in the place of its command in a systemd unit or a script, unchanged: with "
      "its arguments, its streams, its signals, and it ends as the service does. The module, its "
      "version and the Go toolchain are read from the binary. New versions are learned from DNS, "
      "validated, and from module proxies; what the policies permit is fetched from a build "
      "service in a slot of the schedule, proven by the service's log, put beside the old binary, "
      "and started in its place.\n\n"
      "A new version that ends within its trial, does not become ready, or ends three times "
      "within ten minutes, is rolled back, and nothing is installed by itself until somebody says "
      "resume. The command's last link of symbolic links is what an update replaces, by one "
      "rename: whenever the machine stops, it leads to a whole binary.";
  c.exits = {{kExitFailed, "the service cannot be started"},
             {kExitUsage, "the command line is wrong"},
             {kExitTemporary, "another supervisor has the directory"},
             {kExitDone, "otherwise as the service: its exit code, or the signal that ended it"}};
  c.files = {{"DIR/supervise.toml", "a configuration, made by init and import, for --config"},
             {"DIR/password", "the page's password"},
             {"DIR/state.json", "what is known and what happened, for the next start"},
             {"DIR/head", "the build service's log as it was seen last"},
             {"DIR/control", "the socket for the commands below, of its user alone"},
             {"DIR/lock", "held by the one supervisor"},
             {"NAME-VERSION-GOVERSION[-stripped]", "binaries, beside the service's link"}};
  add_supervise(c, v);
  add_supervise_setup(c);
  add_supervise_asks(c);
  c.run = [v](Context& ctx) { return run(ctx, *v); };
  return c;
}

}  // namespace gw::cmd
