// gwtool supervise: a Go service that keeps itself current.
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>

#include "base/json.h"
#include "base/result.h"
#include "commands.h"
#include "net/http_url.h"
#include "supervise/json_fields.h"
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
  // No other one: who asked us to end once more meanwhile would be told of that signal.
  sigset_t its;
  ::sigemptyset(&its);
  ::sigaddset(&its, exit.signal);
  ::sigprocmask(SIG_UNBLOCK, &its, nullptr);
  ::raise(exit.signal);
  return kNotReached;
}

// Without the passwords of addresses.
std::string shown(const Json& value) {
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (value.is_number()) return format_json(value);
  if (!value.is_array()) {
    std::string out;
    const std::string text = value.is_string() ? value.get<std::string>() : "";
    std::string_view rest = text;
    while (!rest.empty()) {
      const std::string_view part = rest.substr(0, rest.find_first_of(",|"));
      out += net::redact_url(part);
      rest.remove_prefix(part.size());
      out += rest.substr(0, 1);
      rest.remove_prefix(std::min<std::size_t>(1, rest.size()));
    }
    return out;
  }
  std::string out;
  for (const Json& one : value) out += (out.empty() ? "" : "; ") + shown(one);
  return out;
}

std::vector<supervise::Setting> settings_of(const Context& ctx) {
  std::vector<supervise::Setting> out;
  const Json all = ctx.settings();
  for (const Json& one : supervise::list_member(all, "settings")) {
    if (supervise::text_member(one, "table") != "supervise") continue;
    supervise::Setting setting{supervise::text_member(one, "key"), shown(one.at("value")),
                               supervise::text_member(one, "origin") != "default"};
    if (!setting.value.empty()) out.push_back(std::move(setting));
  }
  return out;
}

Result<int> run(Context& ctx, const SuperviseValues& v) {
  GW_TRY(auto options, supervise_options(v));
  options.settings = settings_of(ctx);
  ctx.settings = nullptr;  // all of it once more
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
  c.long_lived = true;
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
             {"DIR/head-HASH", "likewise of a --verifier"},
             {"DIR/build", "the builder's: what --build local can use again"},
             {"DIR/control", "the socket for the commands below, of its user alone"},
             {"DIR/lock", "held by the one supervisor"},
             {"NAME-VERSION-GOVERSION[-stripped]", "binaries, beside the service's link"}};
  add_supervise(c, v);
  add_supervise_setup(c);
  add_supervise_asks(c);
  add_supervise_explain(c);
  add_supervise_processes(c);
  c.run = [v](Context& ctx) { return run(ctx, *v); };
  return c;
}

}  // namespace gw::cmd
