// The supervisor's page: a process beside it, started again when it ends; and the metrics that it
// shows.
#include <fmt/format.h>

#include "base/bytes.h"
#include "base/metrics.h"
#include "os/file.h"
#include "supervise/setup.h"
#include "supervise/supervisor.h"

namespace gw::supervise {
namespace {

constexpr std::chrono::seconds kPause{10};  // before a page that ended is started again
constexpr std::size_t kMaxPassword = 4096;
constexpr std::string_view kUnix = "unix:";
constexpr std::string_view kOurs = "gwtool_supervise_";

}  // namespace

// Made once, so that the page never stands open.
Status Supervisor::make_password() {
  if (options_.web.admin.empty() || options_.web.password_file != "") return {};
  GW_TRY(const auto found, directory_.find("password"));
  if (found) return {};
  GW_TRY(os::NewFile file, directory_.new_file(0600));
  GW_CHECK(file.write(make_password_text() + "\n"));
  GW_CHECK(file.publish("password"));
  log_.info("made-password", {{"file", options_.directory + "/password"}});
  return {};
}

// The page's word for it is not enough. Read each time: a changed password counts at once.
Status Supervisor::check_password(std::string_view base64) {
  if (options_.web.admin.empty()) return usage_error("there is no page");
  if (!passwords_.allows("")) return unavailable_error("too many wrong passwords");
  const std::string& path = options_.web.password_file;
  GW_TRY(const std::string text,
         os::read_file(path.empty() ? options_.directory + "/password" : path, kMaxPassword));
  const auto given = decode_base64(base64);
  const std::string_view password = trim(text);
  if (given && !password.empty() && equal_secrets(*given, password)) return {};
  passwords_.wrong("");
  return untrusted_error("wrong password");
}

// Or, when it cannot be, again in a while: the service does not wait for its page.
void Supervisor::open_page() {
  if (auto started = start_page(); !started) {
    log_.error("page", started.error());
    (void)page_timer_.after(kPause);
  }
}

Status Supervisor::start_page() {
  GW_CHECK(make_password());
  WebOptions web = options_.web;
  web.directory = options_.directory;
  web.password_file.clear();
  for (std::string* path :
       {&web.directory, &web.token_file, &web.certificate, &web.certificate_key}) {
    if (!path->empty()) *path = os::real_path(*path);
  }
  for (std::string* address : {&web.admin, &web.metrics}) {
    if (address->starts_with(kUnix)) {
      *address = std::string(kUnix) + os::real_path(address->substr(kUnix.size()));
    }
  }
  if (page_user_) web.user = page_user_->identity;
  Task::Options task;
  task.spawn.file = "/proc/self/exe";
  task.spawn.no_new_privileges = true;
  task.spawn.argv = {"gwtool", "supervise", "page"};
  task.input = format_web_options(web);
  task.timeout = {};
  task.done = [this](const os::Exit& exit) {
    page_.reset();
    log_.error("page-ended", {{"how", os::exit_text(exit)}});
    (void)page_timer_.after(kPause);
  };
  GW_TRY(page_, Task::start(*loop_, std::move(task)));
  return {};
}

std::string Supervisor::metrics_text() {
  metric_set(Metric::kSuperviseAvailable, plan().target ? 1 : 0);
  metric_set(Metric::kSupervisePaused, state_.paused ? 1 : 0);
  if (state_.last_update) metric_set(Metric::kSuperviseUpdated, to_unix(*state_.last_update));
  if (state_.checked) metric_set(Metric::kSuperviseChecked, to_unix(*state_.checked));
  // Only ours: the other roles of gwtool do nothing here.
  std::string out;
  const std::string all = format_metrics();
  std::string_view rest = all;
  while (!rest.empty()) {
    const std::string_view line = take_line(rest);
    if (line.find(kOurs) != line.npos) out += fmt::format("{}\n", line);
  }
  return out;
}

}  // namespace gw::supervise
