// What a supervisor runs of gwtool itself: its helper, and its page.
#include <unistd.h>

#include <array>
#include <cerrno>

#include "os/confine.h"
#include "os/pages.h"
#include "os/seccomp.h"
#include "os/secrets.h"
#include "os/signals.h"
#include "os/stop.h"
#include "supervise/helper.h"
#include "supervise/web.h"
#include "supervise_group.h"

namespace gw::cmd {
namespace {

Result<std::string> read_job() {
  constexpr std::size_t kMaxJob = std::size_t{4} << 20;
  std::string text;
  std::array<char, 65536> buffer{};
  for (;;) {
    const ssize_t n = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (n < 0) return errno_error("reading a job", errno);
    if (n == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(n));
    if (text.size() > kMaxJob) return usage_error("too long for a job");
  }
}

Command helper_command() {
  Command c("helper", "do one job for a supervisor");
  c.hidden = true;
  c.long_lived = true;
  c.run = [](Context& ctx) -> Result<int> {
    GW_CHECK(os::keep_out_of_cores());  // by the service, which may be the same user's
    os::share_one_heap();
    GW_TRY(const std::string text, read_job());
    GW_TRY(const auto job, supervise::parse_job(text));
    os::give_back_memory();  // what the start took, of which little is needed again
    // From here on strangers speak.
    if (!job.calls.empty()) {
      if (const auto installed = os::install_seccomp(job.calls); !installed) {
        GW_CHECK(supervise::tell_refused(job, STDOUT_FILENO, installed.error()));
      }
    }
    auto done = supervise::help(job, STDOUT_FILENO, ctx.clock);
    // Tried again and again: not ready yet is no news.
    if (!done && job.kind == supervise::Job::Kind::kReady) return kExitFailed;
    if (!done) return std::move(done).error();
    return kExitDone;
  };
  return c;
}

Command page_command() {
  Command c("page", "serve the page of a supervisor");
  c.hidden = true;
  c.long_lived = true;
  c.run = [](Context& ctx) -> Result<int> {
    GW_TRY(const std::string text, read_job());
    GW_TRY(const auto options, supervise::parse_web_options(text));
    GW_CHECK(os::keep_out_of_cores());  // passwords go through it
    os::share_one_heap();
    // Before the first thread. What a kernel or container refuses is no reason to have no page.
    GW_TRY(const auto confined, os::confine({}));
    if (confined.landlock == 0 || !confined.seccomp) {
      std::string why;
      for (const std::string& one : confined.refused) why += (why.empty() ? "" : "; ") + one;
      ctx.log.warning("page-less-confined", {{"why", why}});
    }
    os::Stop stop;
    GW_TRY(const auto signals, os::SignalThread::start(stop, {}));
    GW_CHECK(supervise::serve_web(options, ctx.clock, ctx.log, stop));
    return kExitDone;
  };
  return c;
}

}  // namespace

void add_supervise_processes(Command& command) {
  command.add(helper_command());
  command.add(page_command());
}

}  // namespace gw::cmd
