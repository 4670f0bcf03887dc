// The page's process: its servers, as whom, and for how long.
#include "supervise/web.h"

#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <utility>

#include "base/text.h"
#include "http/server.h"
#include "os/file.h"
#include "os/pages.h"
#include "os/process.h"
#include "os/user.h"
#include "supervise/web_site.h"

namespace gw::supervise {
namespace {

constexpr std::size_t kMaxSecret = 4096;

Result<std::string> read_secret(const std::string& path) {
  GW_TRY(const std::string text, os::read_file(path, kMaxSecret));
  std::string secret(trim(text));
  if (secret.empty()) return usage_error(path + ": empty");
  return secret;
}

using Servers = std::vector<std::unique_ptr<http::Server>>;

Result<Servers> start_servers(const WebOptions& options, Web& web, const Logger& log) {
  GW_TRY(const auto endpoints, web_endpoints(options));
  Servers servers;
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    http::ServerOptions server;
    server.listen = endpoints[i];
    if (i < options.listening.size()) server.listening = options.listening[i];
    if (!options.certificate.empty()) {
      server.tls = http::TlsOptions{options.certificate, options.certificate_key};
    }
    if (!server.tls) {
      server.names = options.names;
      for (const std::string& origin : options.origins) {
        GW_TRY(std::string host, host_of_origin(origin));
        server.names->push_back(std::move(host));
      }
    }
    server.paused = true;
    server.log = &log;
    http::Router router;
    const bool admin = i == 0 && !options.admin.empty();
    if (admin) web.add_admin(router);
    if (!admin || options.metrics == options.admin) web.add_open(router);
    GW_TRY(auto started, http::Server::start(std::move(server), std::move(router)));
    servers.push_back(std::move(started));
  }
  return servers;
}

// All of them, or none: what comes to one that has paused is served by the next page only.
bool pause_all(const Servers& servers) {
  for (std::size_t i = 0; i < servers.size(); ++i) {
    if (servers[i]->pause()) continue;
    for (std::size_t paused = 0; paused < i; ++paused) servers[paused]->resume();
    return false;
  }
  return true;
}

void serve_until_idle(const Servers& servers, std::chrono::milliseconds idle,
                      const os::Stop& stop) {
  std::uint64_t before = 0;
  // What the start took is not kept, nor what a visit did.
  for (os::give_back_memory(); !stop.wait_for(idle); os::give_back_memory()) {
    std::uint64_t taken = 0;
    for (const auto& server : servers) taken += server->taken();
    const bool quiet = taken == std::exchange(before, taken);
    if (quiet && pause_all(servers)) return;
  }
}

}  // namespace

Status serve_web(const WebOptions& options, const Clock& clock, const Logger& log,
                 const os::Stop& stop) {
  GW_CHECK(check_web_options(options));
  std::string token;
  if (!options.token_file.empty()) {
    GW_TRY(token, read_secret(options.token_file));
  }
  WebOptions own = options;
  if (own.user) {
    // It may go to the supervisor's socket, and not through what is above that.
    if (::chdir(own.directory.c_str()) != 0) return errno_error(own.directory, errno);
    own.directory = ".";
  }
  Web web(own, clock, std::move(token));
  GW_TRY(const Servers servers, start_servers(options, web, log));
  // All that only root may open is open; and nobody is served by root.
  if (options.user) {
    const pid_t parent = ::getppid();
    GW_CHECK(os::become(*options.user));
    GW_CHECK(os::end_with_parent(SIGKILL, parent));
  }
  for (const auto& server : servers) server->resume();
  serve_until_idle(servers, options.idle, stop);
  return {};
}

}  // namespace gw::supervise
