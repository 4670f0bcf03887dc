#include "serve/server.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/metrics.h"
#include "dns/dnssec.h"
#include "net/http_server.h"
#include "serve/module_source.h"
#include "serve/sockets.h"
#include "serve/status_socket.h"
#include "serve/worker.h"
#include "serve/zone_serial.h"

namespace gw::serve {

namespace {

constexpr std::chrono::milliseconds kPoll{200};
constexpr std::uint32_t kDefaultRateLimit = 200;

unsigned worker_count(unsigned asked) {
  return asked != 0 ? asked : std::max(1U, std::thread::hardware_concurrency());
}

// Half of the budget for each transport: UDP senders may be forged, so they must not use up what
// those who came back over TCP need.
SigningContext::Limits signing_limits(const ServerOptions& options) {
  return {.cache_bytes = options.cache_bytes,
          .udp_rate = (options.signing_limit + 1) / 2,
          .tcp_rate = (options.signing_limit + 1) / 2};
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
        index(epochs),
        zone(epochs, index, options.zone),
        source({.db = options.db,
                .zone_size = options.zone.origin.size(),
                .allow_partial = options.allow_partial,
                .may_appear = options.db_may_appear,
                .threads = std::min(4U, worker_count(0))},
               index, l),
        signing(signing_limits(options)),
        rate_limiter(options.rate_limit.value_or(kDefaultRateLimit)),
        counts(options.tcp),
        serving{.epochs = epochs,
                .zones = zones,
                .signing = signing,
                .rate_limiter = rate_limiter,
                .limit_loopback = options.rate_limit.has_value(),
                .answer = answer_options(options),
                .clock = c} {}

  Status use_key(ZoneKey new_key);
  Status publish();
  void reload_key();
  void poll();
  Status start_workers();
  void watch_clock();
  Json status() const;
  Json key_status() const;

  const ServerOptions options;
  const Logger& log;
  const Clock& clock;
  const MonoTime started;
  Epochs epochs;
  ModuleIndex index;
  ModuleZone zone;
  dns::ZoneSet zones;
  ModuleSource source;
  SigningContext signing;
  RateLimiter rate_limiter;
  ConnectionCounts counts;
  Serving serving;

  mutable std::mutex mutex;  // guards key and serial: status() looks at them
  std::shared_ptr<const ZoneKey> key;
  std::optional<ZoneSerial> serial;
  std::string last_error;  // of polling, so that it is logged once
  bool clock_behind = false;

  std::vector<Endpoint> endpoints;
  std::vector<std::unique_ptr<Worker>> workers;
  Stop workers_stop;
  std::unique_ptr<net::HttpServer> metrics;
  std::unique_ptr<StatusSocket> status_socket;
};

Status Server::Impl::use_key(ZoneKey new_key) {
  auto shared = std::make_shared<const ZoneKey>(std::move(new_key));
  // Fails here rather than in every worker.
  GW_TRY([[maybe_unused]] auto signer, shared->signer());
  {
    std::lock_guard lock(mutex);
    key = shared;
  }
  signing.set_key(&zone, std::move(shared));
  return {};
}

// Makes what the source holds the zone's content, under its serial.
Status Server::Impl::publish() {
  const ModuleSource::Content& content = source.content();
  if (content.ready || !serial->known()) {
    std::lock_guard lock(mutex);
    Status kept =
        serial->update(content.ready ? content.tree_size : 0, options.zone.fingerprint(*key));
    // Served all the same: a serial that a restart may repeat is better than old answers.
    if (!kept) log.error("serial_not_kept", kept.error());
  }
  signing.set_not_before(content.newest_head);
  metric_set(Metric::kServeSerial, serial->current());
  metric_set(Metric::kServeReady, content.ready ? 1 : 0);
  metric_set(Metric::kServeRecords, static_cast<std::int64_t>(content.tree_size));
  metric_set(Metric::kServeHeadTime, to_unix(content.newest_head));
  return zone.publish(
      {.serial = serial->current(), .ready = content.ready, .toolchain = content.toolchain}, *key);
}

void Server::Impl::reload_key() {
  auto loaded = ZoneKey::load(options.zone.origin, options.key_file);
  if (!loaded) {
    log.error("reload_failed", std::move(loaded).error().in("keeping the old key"));
    return;
  }
  const std::uint16_t old_tag = key->tag();
  const bool same = loaded->identity() == key->identity();
  if (!same) {
    Status used = use_key(*std::move(loaded));
    if (used) used = publish();
    if (!used) return log.error("reload_failed", used.error());
  }
  log.info("reloaded",
           {{"key_tag", key->tag()}, {"old_key_tag", old_tag}, {"changed", same ? 0 : 1}});
}

void Server::Impl::poll() {
  auto changed = source.poll();
  if (!changed) {
    metric_add(Metric::kServeUpdateErrors);
    if (changed.error().message != last_error) log.error("update_failed", changed.error());
    last_error = changed.error().message;
    return;
  }
  last_error.clear();
  if (!*changed) return epochs.collect();
  if (Status published = publish(); !published)
    return log.error("update_failed", published.error());
  log.info("updated", {{"serial", serial->current()},
                       {"records", source.content().tree_size},
                       {"ready", source.content().ready ? 1 : 0}});
}

void Server::Impl::watch_clock() {
  const bool behind = signing.refuses(clock.now());
  if (behind && !clock_behind) {
    log.error("clock_behind", {{"now", format_rfc3339(clock.now())},
                               {"newest_head", format_rfc3339(source.content().newest_head)},
                               {"effect", "nothing is signed"}});
  } else if (!behind && clock_behind) {
    log.info("clock_right");
  }
  clock_behind = behind;
}

Status Server::Impl::start_workers() {
  for (unsigned w = 0; w < worker_count(options.workers); w++) {
    std::vector<WorkerSocket> sockets;
    for (const Endpoint& e : endpoints) {
      sockets.push_back({e.udp[w].get(), e.tcp[w].get(), e.address.is_wildcard()});
    }
    workers.push_back(
        std::make_unique<Worker>(serving, std::move(sockets), options.tcp, counts, workers_stop));
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
  GW_TRY(ZoneKey key, ZoneKey::load(options.zone.origin, options.key_file));
  GW_TRY(ZoneSerial serial, ZoneSerial::load(ZoneSerial::file_beside(options.key_file)));
  std::unique_ptr<Server> server(
      new Server(std::make_unique<Impl>(std::move(options), log, clock)));
  Impl& s = *server->impl_;
  s.serial.emplace(std::move(serial));
  GW_CHECK(s.zones.add(&s.zone));
  GW_CHECK(s.use_key(std::move(key)));
  GW_TRY(s.endpoints, bind_endpoints(s.options.listen, worker_count(s.options.workers)));
  if (s.options.metrics) {
    net::HttpServerOptions http;
    http.listen = *s.options.metrics;
    GW_TRY(s.metrics,
           net::HttpServer::start(
               std::move(http),
               net::metrics_handler(
                   [&s] { return s.zone.ready() ? "" : "no complete log yet"; },
                   [&s] {
                     metric_set(Metric::kServeTcpOpen, s.counts.total());
                     const auto stats = s.index.stats();
                     metric_set(Metric::kServeNames, static_cast<std::int64_t>(stats.names), 0);
                     metric_set(Metric::kServeNames, static_cast<std::int64_t>(stats.answers), 1);
                   })));
  }
  if (!s.options.user.empty()) GW_CHECK(become_user(s.options.user));
  if (after_bind) GW_CHECK(after_bind());
  GW_CHECK(s.source.start());
  // All that can refuse comes before publish(), which changes the serial's file.
  GW_TRY(s.status_socket, StatusSocket::start(s.options.status_socket.empty()
                                                  ? StatusSocket::default_path(s.options.db)
                                                  : s.options.status_socket,
                                              [&s] { return s.status(); }));
  GW_CHECK(s.publish());
  GW_CHECK(s.start_workers());
  return server;
}

std::vector<net::SocketAddress> Server::addresses() const {
  std::vector<net::SocketAddress> addresses;
  for (const Endpoint& e : impl_->endpoints) addresses.push_back(e.address);
  return addresses;
}

void Server::run(const Stop& stop, const Notifier& notifier) {
  const Impl& s = *impl_;
  for (const Endpoint& e : s.endpoints) {
    s.log.info("listening", {{"address", e.address.format()}});
  }
  if (s.metrics) s.log.info("metrics", {{"address", s.metrics->address().format()}});
  const auto stats = s.index.stats();
  s.log.info("ready", {{"zone", dns::format_host(s.zone.origin())},
                       {"serial", s.serial->current()},
                       {"key_tag", s.key->tag()},
                       {"complete", s.source.content().ready ? 1 : 0},
                       {"names", stats.names},
                       {"answers", stats.answers}});
  notifier.ready("serving " + dns::format_host(s.zone.origin()));
  MonoTime next_watchdog = s.clock.mono();
  while (!stop.wait_for(kPoll)) {
    if (reload_.exchange(false)) {
      notifier.reloading();
      impl_->reload_key();
      notifier.ready();
    }
    impl_->poll();
    impl_->watch_clock();
    if (auto interval = notifier.watchdog_interval(); interval && s.clock.mono() >= next_watchdog) {
      notifier.watchdog();
      next_watchdog = s.clock.mono() + *interval / 2;
    }
  }
  notifier.stopping();
  impl_->workers_stop.request();
  impl_->workers.clear();
  s.log.info("stopped");
}

Json Server::status() const { return impl_->status(); }

// The key, and the DNSKEY's present signature as a stranger would get it.
Json Server::Impl::key_status() const {
  std::shared_ptr<const ZoneKey> k;
  {
    std::lock_guard lock(mutex);
    k = key;
  }
  Json out;
  out["tag"] = k->tag();
  out["algorithm"] = k->algorithm();
  out["ds"] = k->ds_text();
  return out;
}

Json Server::Impl::status() const {
  Json out;
  out["pid"] = ::getpid();
  out["version"] = GW_VERSION;
  out["uptime_seconds"] =
      std::chrono::duration_cast<std::chrono::seconds>(clock.mono() - started).count();
  for (const Endpoint& e : endpoints) out["listen"].push_back(e.address.format());

  Json z;
  z["name"] = dns::format_name(options.zone.origin);
  {
    std::lock_guard lock(mutex);
    z["serial"] = serial->current();
  }
  z["ready"] = zone.ready();
  const ModuleIndex::Stats stats = index.stats();
  z["names"] = stats.names;
  z["answers"] = stats.answers;
  z["memory_bytes"] = stats.bytes;
  z["key"] = key_status();
  z["signature_life_seconds"] = kSignatureLife;
  z["signature_renewed_seconds_before"] = kSignatureLife / 4;
  out["zones"].push_back(std::move(z));

  if (auto log_state = source.log_state()) {
    Json l;
    l["name"] = log_state->log_name;
    l["position"] = log_state->position;
    l["first_record"] = log_state->first_record;
    l["complete"] = log_state->complete();
    if (log_state->target) {
      l["head_size"] = log_state->target->size;
      l["head_accepted"] = format_rfc3339(log_state->target->accepted);
      l["head_age_seconds"] = (clock.now() - log_state->target->accepted).count();
    }
    l["halted"] = log_state->halted();
    if (log_state->alarm) l["alarm"] = log_state->alarm->message;
    out["log"] = std::move(l);
  }

  if (options.following) out["following"] = options.following();

  Json counters;
  for (Metric m : {Metric::kServeQueries, Metric::kServeAnswers, Metric::kServeTruncated,
                   Metric::kServeSignatures, Metric::kServeLimited, Metric::kServeTcpAccepted}) {
    const MetricInfo& info = metric_table()[static_cast<std::size_t>(m)];
    std::int64_t sum = 0;
    const auto values = 1 + std::count(info.values.begin(), info.values.end(), ',');
    for (unsigned v = 0; v < values; v++) sum += metric_value(m, v);
    counters[std::string(info.name)] = sum;
  }
  counters["tcp_connections"] = counts.total();
  out["counters"] = std::move(counters);
  return out;
}

}  // namespace gw::serve
