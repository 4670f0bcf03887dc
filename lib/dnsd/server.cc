#include "dnsd/server.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <deque>

#include "base/crypto.h"
#include "base/metrics.h"
#include "dnsd/change_watch.h"
#include "dnsd/published.h"
#include "dnsd/sockets.h"
#include "dnsd/status_socket.h"
#include "dnsd/worker.h"
#include "http/metrics_page.h"
#include "http/server.h"
#include "os/secrets.h"
#include "os/thread.h"
#include "os/user.h"

namespace gw::dnsd {

namespace {

constexpr std::uint32_t kDefaultRateLimit = 200;
constexpr Duration kCookieSecretLife = std::chrono::hours(24);

unsigned worker_count(unsigned asked) { return asked != 0 ? asked : os::processors(); }

// Half of the budget for each transport: UDP senders may be forged, so they must not use up what
// those who came back over TCP need.
SigningContext::Limits signing_limits(const ServerOptions& options) {
  const std::uint32_t half = (options.signing_limit.value_or(0) + 1) / 2;
  return {.cache_bytes = options.cache_bytes, .udp_rate = half, .tcp_rate = half};
}

// Files, sockets, the database, its readers, the metrics page: what must be there however many
// connections there are.
constexpr std::uint64_t kOtherDescriptors = 256;  // a quarter, where there are few
constexpr std::uint64_t kPerWorker = 4;

// Connections must not take the descriptors that everything else needs.
void hold_descriptors(ServerOptions& options, const Logger& log) {
  const std::uint64_t limit = os::raise_descriptor_limit();
  const std::uint64_t others =
      std::min(kOtherDescriptors, limit / 4) +
      worker_count(options.workers) * (kPerWorker + 2 * options.listen.size());
  if (limit == 0 || options.tcp.total + others <= limit) return;
  const std::uint64_t room = limit > others ? limit - others : 1;
  log.warning(
      "few_descriptors",
      {{"limit", limit}, {"needed", options.tcp.total + others}, {"tcp_connections", room}});
  options.tcp.total = static_cast<unsigned>(room);
}

dns::AnswerOptions answer_options(const ServerOptions& options) {
  dns::AnswerOptions answer;
  answer.server_id = options.id;
  answer.keepalive = static_cast<std::uint16_t>(options.tcp.idle.count() * 10);
  return answer;
}

}  // namespace

struct Server::Impl {
  Impl(ServerOptions o, const Logger& l, const Clock& c)
      : options(std::move(o)),
        log(l),
        clock(c),
        started(c.mono()),
        signing(signing_limits(options)),
        rate_limiter(options.rate_limit.value_or(kDefaultRateLimit)),
        counts(options.tcp),
        changes(c, [this] { return watched_files(); }),
        serving{.epochs = epochs,
                .zones = zones,
                .signing = signing,
                .rate_limiter = rate_limiter,
                .limit_loopback = options.rate_limit.has_value(),
                .answer = answer_options(options),
                .clock = c,
                .cookies = &cookies} {}

  Status make_zones();
  Status join_zones();
  Status start_metrics();
  std::string health() const;
  Status start_workers();
  std::vector<std::string> watched_files() const;
  bool busy() const;
  bool go_on_reloading();
  void limit_signing();
  void watch_clock();
  void make_cookie_secret();
  Status read_cookie_secrets();
  Json status() const;

  const ServerOptions options;
  const Logger& log;
  const Clock& clock;
  const MonoTime started;
  SigningContext signing;
  Epochs epochs;  // what is retired may still give back keys
  std::vector<std::unique_ptr<ServedZone>> served;
  std::vector<ServedZone*> inner_first;  // children before their parents
  ServedModules* modules = nullptr;      // one of them, if there is one
  std::vector<ServedFile*> files;        // the others
  dns::ZoneSet zones;
  RateLimiter rate_limiter;
  Published<const dns::CookieSecrets> cookies{epochs};
  MonoTime cookies_since{};  // when a secret of our own was made
  ConnectionCounts counts;
  ChangeWatch changes;
  Serving serving;
  bool clock_behind = false;
  std::deque<ServedZone*> to_reload;  // what a request has yet to come to
  bool reloading = false;             // a request is not done

  std::vector<Endpoint> endpoints;
  std::vector<std::unique_ptr<Worker>> workers;
  os::Stop workers_stop;
  std::unique_ptr<http::Server> metrics;
  std::unique_ptr<StatusSocket> status_socket;
};

Status Server::Impl::make_zones() {
  if (options.modules) {
    ModuleOptions m = *options.modules;
    m.load_threads = std::min(4U, worker_count(0));
    GW_TRY(auto made, ServedModules::make(std::move(m), epochs, signing, log));
    modules = made.get();
    served.push_back(std::move(made));
  }
  for (const FileZoneOptions& file : options.files) {
    GW_TRY(auto made, ServedFile::make(file, epochs, signing, log));
    files.push_back(made.get());
    served.push_back(std::move(made));
  }
  for (const auto& zone : served) {
    GW_CHECK(zones.add(&zone->zone()));
    inner_first.push_back(zone.get());
  }
  std::stable_sort(inner_first.begin(), inner_first.end(), [](auto* a, auto* b) {
    return a->zone().origin().size() > b->zone().origin().size();
  });
  return join_zones();
}

// Tells each zone which others it is the parent of.
Status Server::Impl::join_zones() {
  for (const auto& child : served) {
    const dns::NameView origin = child->zone().origin();
    const dns::Zone* parent = zones.find(origin, dns::rrtype::kDs);
    if (parent == &child->zone()) continue;
    if (modules != nullptr && parent == &modules->zone()) {
      return usage_error(
          fmt::format("zone {} lies inside the module zone {}, which delegates nothing",
                      dns::format_host(origin), dns::format_host(parent->origin())));
    }
    for (ServedFile* file : files) {
      if (parent == &file->zone()) file->add_child(child.get());
    }
  }
  return {};
}

std::string Server::Impl::health() const {
  if (signing.refuses(clock.now())) return std::string(kClockBehind);
  for (const auto& zone : served) {
    if (std::string what = zone->health(); !what.empty()) return what;
  }
  return "";
}

Status Server::Impl::start_metrics() {
  if (!options.metrics) return {};
  http::ServerOptions page;
  page.listen.address = *options.metrics;
  page.names = options.metrics_names;
  auto before = [this] {
    metric_set(Metric::kServeTcpOpen, counts.total());
    if (modules == nullptr) return;
    const auto stats = modules->stats();
    metric_set(Metric::kServeNames, NameKind::kAll, static_cast<std::int64_t>(stats.names));
    metric_set(Metric::kServeNames, NameKind::kAnswers, static_cast<std::int64_t>(stats.answers));
  };
  http::Router router;
  http::add_metrics_page(
      router, [this] { return health(); }, std::move(before));
  GW_TRY(metrics, http::Server::start(std::move(page), std::move(router)));
  return {};
}

std::vector<std::string> Server::Impl::watched_files() const {
  std::vector<std::string> all;
  for (const auto& zone : served) {
    const auto files = zone->watched_files();
    all.insert(all.end(), files.begin(), files.end());
  }
  return all;
}

// Zone by zone, since a parent compares its DS records with the keys that its children have by
// then. True when the last one is done.
bool Server::Impl::go_on_reloading() {
  const auto loading = [this] {
    return std::any_of(files.begin(), files.end(), [](const auto* zone) { return zone->busy(); });
  };
  if (!reloading && to_reload.empty()) return false;
  reloading = true;
  while (!to_reload.empty() && !loading()) {
    ServedZone* zone = to_reload.front();
    to_reload.pop_front();
    zone->reload();
  }
  reloading = !to_reload.empty() || loading();
  return !reloading;
}

bool Server::Impl::busy() const {
  return std::any_of(served.begin(), served.end(), [](const auto& zone) { return zone->busy(); });
}

void Server::Impl::watch_clock() {
  const bool behind = signing.refuses(clock.now());
  if (behind && !clock_behind) {
    log.error("clock_behind", {{"now", format_rfc3339(clock.now())},
                               {"newest_head", format_rfc3339(signing.not_before())},
                               {"effect", "nothing is signed"}});
  } else if (!behind && clock_behind) {
    log.info("clock_right");
  }
  clock_behind = behind;
}

// The one before is taken, too.
void Server::Impl::make_cookie_secret() {
  cookies.publish(
      std::make_unique<const dns::CookieSecrets>(dns::CookieSecrets::random(cookies.get())));
  cookies_since = clock.mono();
}

Status Server::Impl::read_cookie_secrets() {
  constexpr std::size_t kMaxSecrets = 4096;
  const std::string& file = options.cookie_secret_file;
  if (file.empty()) return {};
  GW_TRY(std::string text, os::read_secret_file(file, kMaxSecrets, os::SecretUse::kGroup));
  auto secrets = dns::CookieSecrets::parse(text);
  wipe(text);
  if (!secrets) return std::move(secrets).error().in(file);
  cookies.publish(std::make_unique<const dns::CookieSecrets>(*std::move(secrets)));
  return {};
}

// A flood that needs signatures must leave most of the machine to what needs none.
void Server::Impl::limit_signing() {
  constexpr std::uint32_t kPart = 20;
  constexpr std::uint32_t kLeast = 200;
  constexpr std::uint32_t kMost = 20'000;
  const std::uint32_t speed = signing.measured_speed();
  if (speed == 0) return;
  const std::uint32_t rate =
      std::clamp(speed / kPart * worker_count(options.workers), kLeast, kMost);
  signing.set_rates(rate / 2, rate / 2);
  log.info("signing_limit", {{"signatures_per_second", rate}});
}

Status Server::Impl::start_workers() {
  for (unsigned w = 0; w < worker_count(options.workers); ++w) {
    std::vector<WorkerSocket> sockets;
    for (const Endpoint& e : endpoints) {
      sockets.push_back({e.udp[w].get(), e.tcp[w].get(), e.address.is_wildcard()});
    }
    workers.push_back(std::make_unique<Worker>(serving, std::move(sockets), counts, workers_stop));
    GW_CHECK(workers.back()->start());
  }
  return {};
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Server::~Server() {
  impl_->status_socket.reset();
  impl_->metrics.reset();
  impl_->workers_stop.request();
  impl_->workers.clear();
}

Result<std::unique_ptr<Server>> Server::start(ServerOptions options, const Logger& log,
                                              const Clock& clock, const AfterBind& after_bind) {
  hold_descriptors(options, log);
  std::unique_ptr<Server> server(
      new Server(std::make_unique<Impl>(std::move(options), log, clock)));
  Impl& s = *server->impl_;
  GW_CHECK(s.make_zones());
  GW_TRY(s.endpoints, bind_endpoints(s.options.listen, worker_count(s.options.workers)));
  GW_CHECK(s.start_metrics());
  if (!s.options.user.empty()) {
    GW_CHECK(os::become_user(s.options.user));
    GW_CHECK(os::keep_out_of_cores());  // whoever becomes another user may be traced again
  }
  s.make_cookie_secret();
  GW_CHECK(s.read_cookie_secrets());
  if (after_bind) GW_CHECK(after_bind());
  for (const auto& zone : s.served) GW_CHECK(zone->start(s.options.user));
  // All that can refuse comes before publish(), which changes the serial's file.
  if (!s.options.status_socket.empty()) {
    GW_TRY(s.status_socket,
           StatusSocket::start(s.options.status_socket, [&s] { return s.status(); }));
  }
  for (const auto& zone : s.served) GW_CHECK(zone->publish());
  if (!s.options.signing_limit) s.limit_signing();
  GW_CHECK(s.start_workers());
  return server;
}

Status Server::check_files(ServerOptions options, const Logger& log, const Clock& clock) {
  Impl s(std::move(options), log, clock);
  GW_CHECK(s.make_zones());
  // Only root can see with another user's eyes.
  const std::string user = ::geteuid() == 0 ? s.options.user : std::string();
  if (!user.empty()) GW_CHECK(os::become_user(user));
  GW_CHECK(s.read_cookie_secrets());
  if (s.modules != nullptr) GW_CHECK(s.modules->check_access(user));
  for (ServedFile* file : s.files) GW_CHECK(file->start(user));
  return {};
}

std::vector<os::SocketAddress> Server::addresses() const {
  std::vector<os::SocketAddress> addresses;
  for (const Endpoint& e : impl_->endpoints) addresses.push_back(e.address);
  return addresses;
}

void Server::run(const os::Stop& stop, ReloadRequest& reload, const os::Notifier& notifier) {
  Impl& s = *impl_;
  for (const Endpoint& e : s.endpoints) {
    s.log.info("listening", {{"address", e.address.format()}});
  }
  if (s.metrics) s.log.info("metrics", {{"address", s.metrics->endpoint().format()}});
  std::string names;
  for (const auto& zone : s.served) {
    names.append(names.empty() ? "" : " ").append(dns::format_host(zone->zone().origin()));
  }
  if (s.modules != nullptr) {
    const auto stats = s.modules->stats();
    s.log.info("ready", {{"zones", names},
                         {"serial", s.modules->serial()},
                         {"key_tag", s.modules->key()->tag()},
                         {"complete", s.modules->content().ready ? 1 : 0},
                         {"loading", s.modules->busy() ? 1 : 0},
                         {"names", stats.names},
                         {"answers", stats.answers}});
  } else {
    s.log.info("ready", {{"zones", names}});
  }
  notifier.ready("serving " + names);
  const auto watchdog = notifier.watchdog_interval();
  MonoTime next_watchdog = s.clock.mono();
  const auto idle = [&] {
    const Duration most = s.busy() ? Duration(ChangeWatch::kQuick) : Duration::max();
    return watchdog ? std::min(most, Duration(next_watchdog - s.clock.mono())) : most;
  };
  while (!s.changes.wait(stop, reload, idle())) {
    if (reload.take()) {
      notifier.reloading();
      s.to_reload.assign(s.inner_first.begin(), s.inner_first.end());
      if (auto read = s.read_cookie_secrets(); !read) {
        s.log.error("reload_failed",
                    std::move(read).error().in("keeping the cookies' old secrets"));
      }
    }
    for (const auto& zone : s.served) zone->poll();
    if (s.go_on_reloading()) notifier.ready();
    // RFC 7873 7.1: where it is ours alone.
    if (s.options.cookie_secret_file.empty() &&
        s.clock.mono() - s.cookies_since >= kCookieSecretLife) {
      s.make_cookie_secret();
    }
    s.epochs.collect();
    s.watch_clock();
    if (watchdog && s.clock.mono() >= next_watchdog) {
      notifier.watchdog();
      next_watchdog = s.clock.mono() + *watchdog / 2;
    }
  }
  notifier.stopping();
  s.workers_stop.request();
  s.workers.clear();
  s.log.info("stopped");
}

Json Server::status() const { return impl_->status(); }

Json Server::Impl::status() const {
  Json out;
  out["pid"] = ::getpid();
  out["version"] = GW_VERSION;
  out["uptime_seconds"] =
      std::chrono::duration_cast<std::chrono::seconds>(clock.mono() - started).count();
  for (const Endpoint& e : endpoints) out["listen"].push_back(e.address.format());
  const bool behind = signing.refuses(clock.now());
  out["clock_behind"] = behind;
  for (const auto& zone : served) {
    Json one = zone->status();
    if (behind) one["ready"] = false;  // every signed answer is SERVFAIL
    out["zones"].push_back(std::move(one));
  }
  if (modules != nullptr) {
    if (Json log_status = modules->log_status(clock.now()); !log_status.is_null()) {
      out["log"] = std::move(log_status);
    }
  }
  if (options.following) out["following"] = options.following();
  const os::Confinement& c = options.confinement;
  out["confinement"] = {{"no_new_privs", c.no_new_privs},
                        {"bounding_set_empty", c.bounding_set},
                        {"landlock_abi", c.landlock},
                        {"seccomp", c.seccomp},
                        {"refused", c.refused}};

  Json counters;
  for (const Metric m :
       {Metric::kServeQueries, Metric::kServeAnswers, Metric::kServeTruncated,
        Metric::kServeSignatures, Metric::kServeLimited, Metric::kServeTcpAccepted}) {
    counters[std::string(metric_info(m).name)] = metric_total(m);
  }
  counters["tcp_connections"] = counts.total();
  out["counters"] = std::move(counters);
  return out;
}

}  // namespace gw::dnsd
