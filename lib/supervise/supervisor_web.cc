// The supervisor's page: a process beside it, there while somebody is; and the metrics that it
// shows.
#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/metrics.h"
#include "base/text.h"
#include "http/endpoint.h"
#include "os/file.h"
#include "supervise/setup.h"
#include "supervise/supervisor.h"

namespace gw::supervise {
namespace {

constexpr std::chrono::seconds kPause{10};  // before a page that ended is started again
constexpr std::size_t kMaxPasswordFile = 4096;
constexpr std::string_view kUnix = "unix:";
constexpr std::string_view kOurs = "gwtool_supervise_";

// With the port that the kernel chose.
std::string listening_address(int fd, const http::Endpoint& endpoint) {
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  if (endpoint.is_unix() || ::getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size) != 0) {
    return endpoint.format();
  }
  const auto address =
      os::SocketAddress::from_sockaddr(reinterpret_cast<const sockaddr*>(&bound), size);
  return address ? address->format() : endpoint.format();
}

// A Unix socket's, which stays when its descriptor is closed.
std::optional<os::SocketFile> page_socket_file(int fd, const std::string& address) {
  if (!address.starts_with(kUnix)) return {};
  return os::SocketFile::of(fd, address.substr(kUnix.size()));
}

}  // namespace

// Made once, so that the page never stands open. One that lets nobody in is told of, once; what
// needs no password is there all the same.
void Supervisor::look_after_password() {
  if (options_.web.admin.empty()) return;
  const Status made = make_password_file();
  if (!made) (void)page_timer_.after(kPause);
  const auto password = made ? page_password() : Result<std::string>(made.error());
  const std::string fault = password ? "" : password.error().message;
  if (!fault.empty() && fault != password_fault_) log_.error("page", password.error());
  password_fault_ = fault;
}

Status Supervisor::make_password_file() {
  if (!options_.web.password_file.empty()) return {};
  GW_TRY(const auto found, directory_.find("password"));
  if (found) return {};
  GW_TRY(os::NewFile file, directory_.new_file(0600));
  GW_CHECK(file.write(make_password_text() + "\n"));
  GW_CHECK(file.publish("password"));
  log_.info("made-password", {{"file", options_.directory + "/password"}});
  return {};
}

// Read each time: a changed one counts at once. kUsage: nobody gets in with it.
Result<std::string> Supervisor::page_password() const {
  const std::string& given = options_.web.password_file;
  const std::string path = given.empty() ? options_.directory + "/password" : given;
  GW_TRY(const std::string text, os::read_file(path, kMaxPasswordFile));
  const std::string password(trim(text));
  const std::string_view why = password_fault(password);
  if (!why.empty()) return usage_error(fmt::format("{}: the password {}", path, why));
  return password;
}

// The page's word for it is not enough.
Status Supervisor::check_password(std::string_view base64) {
  if (options_.web.admin.empty()) return usage_error("there is no page");
  if (!passwords_.allows("")) return unavailable_error("too many wrong passwords");
  const auto password = page_password();
  if (!password) {
    // Nobody's guess was wrong: only the lines are counted.
    if (password_lines_.allows("")) log_.error("page", password.error());
    password_lines_.wrong("");
    return usage_error("the password cannot be looked at: the log says why");
  }
  const auto given = decode_base64(base64);
  if (given && equal_secrets(*given, *password)) return {};
  passwords_.wrong("");
  return untrusted_error("wrong password");
}

// Or, when it cannot be, again in a while: the service does not wait for its page.
void Supervisor::open_page() {
  look_after_password();
  auto opened = listen_for_page();
  if (opened && page_form_token_.empty()) {
    page_form_token_ = make_form_token();
    // What its files have is to be told now, not to whoever comes first.
    const bool has_files = !options_.web.certificate.empty() || !options_.web.token_file.empty();
    if (has_files) opened = start_page();
  }
  if (!opened) {
    log_.error("page", opened.error());
    (void)page_timer_.after(kPause);
    return;
  }
  if (!page_) wait_for_visitors();
}

// Where the page is, by addresses that do not depend on a working directory.
WebOptions Supervisor::page_options() const {
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
  web.form_token = page_form_token_;
  return web;
}

// The sockets stay ours: who comes while no page runs waits for the one that is started for it.
Status Supervisor::listen_for_page() {
  GW_TRY(auto endpoints, web_endpoints(page_options()));
  // All of them or none: one that listens with nobody behind it would let people wait.
  std::vector<PageSocket> opened;
  for (std::size_t i = page_sockets_.size(); i < endpoints.size(); ++i) {
    PageSocket socket{endpoints[i].format(), {}, {}, {}};
    const auto left = std::find_if(pages_left_.begin(), pages_left_.end(),
                                   [&](const auto& one) { return one.name == socket.address; });
    if (left != pages_left_.end()) {
      socket.fd = std::move(left->fd);
      pages_left_.erase(left);
      socket.file = page_socket_file(socket.fd.get(), socket.address);
    } else {
      GW_TRY(http::Listener listener, http::listen_on(endpoints[i]));
      socket.fd = std::move(listener.fd);
      socket.file = std::move(listener.file);
    }
    GW_TRY(socket.watch, loop_->watch(socket.fd.get(), 0, [this](std::uint32_t) { visit(); }));
    opened.push_back(std::move(socket));
  }
  for (PageSocket& socket : opened) {
    const auto& endpoint = endpoints[page_sockets_.size()];
    log_.info("page", {{"address", listening_address(socket.fd.get(), endpoint)}});
    page_sockets_.push_back(std::move(socket));
  }
  close_pages_left();
  return {};
}

// Where the page was before a reload, and is no more: nobody would wait there for an answer.
void Supervisor::close_pages_left() {
  for (const os::HandedSocket& left : pages_left_) {
    if (const auto file = page_socket_file(left.fd.get(), left.name)) file->remove();
  }
  pages_left_.clear();
}

Supervisor::~Supervisor() {
  for (const PageSocket& socket : page_sockets_) {
    if (socket.file) socket.file->remove();
  }
}

void Supervisor::wait_for_visitors() {
  for (const PageSocket& socket : page_sockets_) (void)socket.watch.change(EPOLLIN);
}

// Somebody is there.
void Supervisor::visit() {
  for (const PageSocket& socket : page_sockets_) (void)socket.watch.change(0);
  if (page_) return;
  if (auto started = start_page(); !started) {
    log_.error("page", started.error());
    (void)page_timer_.after(kPause);
  }
}

Status Supervisor::start_page() {
  constexpr int kFirst = 3;
  WebOptions web = page_options();
  Task::Options task;
  for (const PageSocket& socket : page_sockets_) {
    web.listening.push_back(kFirst + static_cast<int>(web.listening.size()));
    task.spawn.descriptors.push_back({socket.fd.get(), web.listening.back()});
  }
  task.spawn.file = "/proc/self/exe";
  task.spawn.no_new_privileges = true;
  task.spawn.argv = {"gwtool", "supervise", "page"};
  task.input = format_web_options(web);
  task.timeout = {};
  task.done = [this](const os::Exit& exit) {
    page_.reset();
    if (exit.ok()) {  // nobody has been there for a while
      wait_for_visitors();
      return;
    }
    log_.error("page-ended", {{"how", os::exit_text(exit)}});
    page_form_token_ = make_form_token();
    (void)page_timer_.after(kPause);
  };
  GW_TRY(page_, Task::start(*loop_, std::move(task)));
  return {};
}

std::string Supervisor::metrics_text() {
  metric_set(Metric::kSuperviseAvailable, plan().target ? 1 : 0);
  metric_set(Metric::kSuperviseVulnerabilities,
             static_cast<std::int64_t>(vulnerabilities_of(state_).size()));
  metric_set(Metric::kSuperviseExits, exits_since_update(state_));
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
