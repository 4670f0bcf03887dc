#include "buildd/service.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/metrics.h"
#include "buildd/admin.h"
#include "buildd/service_impl.h"
#include "os/file.h"
#include "os/thread.h"

namespace gw::buildd {

namespace {

constexpr std::chrono::seconds kPatience{5};
constexpr std::chrono::minutes kTidyEvery{10};
constexpr unsigned kPageWorkers = 16;
constexpr std::size_t kPagesWaiting = 512;

}  // namespace

Service::Service(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Service::~Service() = default;

const http::Endpoint& Service::endpoint() const { return impl_->server->endpoint(); }

Status Service::Impl::open() {
  std::error_code failed;
  std::filesystem::create_directories(options.data, failed);
  if (failed) return io_error(fmt::format("making {}: {}", options.data, failed.message()));
  GW_TRY(lock, os::LockFile::acquire(options.data + "/lock"));
  // Nobody else writes here from now on.
  GW_TRY(binaries, BinaryStore::open(options.data + "/binaries"));
  GW_TRY(ledger, Ledger::open(options.data + "/ledger.db"));
  GW_TRY(const auto published, head.load());
  GW_TRY(log, tlog::LogWriter::open(*ledger, {&head, &parts.checkpoint_signer}, published));
  // The database is no older than what was published, and all of it is signed.
  files = std::make_unique<tlog::LogFiles>(*ledger, *log, tlog::DataTileStyle::kNumbered);
  GW_TRY(sum_log, SumLog::open(options.data + "/sum.log", *ledger));
  feed = std::make_unique<Feed>(*ledger, *log);
  hide_paths();
  options.maker.on_published = [this] { feed->published(); };
  options.maker.claims = &claims;
  options.maker.sign_hop = parts.sign_hop;
  options.rules.verify_only = options.followed != nullptr;
  maker =
      std::make_unique<Maker>(MakerParts{parts.cache, parts.modules, toolchains, *binaries, *ledger,
                                         *log, *sum_log, parts.clock, parts.log, parts.stop},
                              options.maker);
  queue = std::make_unique<BuildQueue>(
      [this](const build::Key& key, const BuildQueue::Progress& progress) {
        return maker->make(key, progress);
      },
      options.max_waiting);
  return queue->start(options.builders);
}

// Whatever part of them a message names, in either spelling.
void Service::Impl::hide_paths() {
  for (const std::string& path : {parts.cache.path(), options.data}) {
    options.rules.hidden_paths.push_back(os::real_path(path));
    if (path.starts_with('/')) options.rules.hidden_paths.push_back(path);
  }
  options.maker.hidden_paths = options.rules.hidden_paths;
}

Status Service::Impl::listen() {
  const std::string name = parts.signer.key().name();
  SiteFacts facts{name, parts.signer.key().format(), parts.checkpoint_signer.key().format(),
                  options.notes, options.base_url.empty() ? "https://" + name : options.base_url};
  if (options.vulnerabilities) {
    vulnerabilities.emplace(options.vulnerabilities, parts.clock, parts.log);
  }
  site = std::make_unique<Site>(
      SiteParts{*ledger, *log, *files, *queue, catalog, toolchains, *binaries, parts.clock, &claims,
                vulnerabilities ? &*vulnerabilities : nullptr, parts.sign_envelope, &notes},
      std::move(facts), options.rules);
  http::Router pages;
  site->add_routes(pages);
  pages.add({.pattern = "/-/feed",
             .handler = [this](const http::Request& request, const http::Reply& reply) {
               feed->follow(request, reply);
             }});
  http::ServerOptions server_options;
  server_options.listen = options.listen;
  server_options.tls = options.tls;
  server_options.limits.connections = options.connections;
  // Behind a proxy all readers have its address.
  if (!options.rules.proxies.empty()) {
    server_options.limits.connections_per_address = options.connections;
  }
  server_options.workers = kPageWorkers;
  server_options.slow_waiting = kPagesWaiting;
  server_options.log = &parts.log;
  if (options.admin) {
    http::Router router;
    add_admin_routes(router, {*ledger, *queue, options.gate ? &gate : nullptr, parts.clock,
                              [this] { set_gauges(); }, notes});
    http::ServerOptions admin_options;
    admin_options.listen = *options.admin;
    admin_options.names = options.admin_names;
    GW_TRY(admin, http::Server::start(std::move(admin_options), std::move(router)));
  }
  GW_TRY(server, http::Server::start(std::move(server_options), std::move(pages)));
  return {};
}

Result<std::unique_ptr<Service>> Service::start(ServiceOptions options, ServiceParts parts) {
  if (options.published_file.empty()) options.published_file = options.data + "/published";
  auto impl = std::make_unique<Impl>(std::move(options), std::move(parts));
  if (auto opened = impl->open(); !opened) {
    return std::move(opened).error().in(impl->options.data);
  }
  GW_CHECK(impl->listen());
  return std::unique_ptr<Service>(new Service(std::move(impl)));
}

void Service::Impl::set_gauges() const {
  metric_set(Metric::kBuildWaiting, static_cast<std::int64_t>(queue->waiting()));
  metric_set(Metric::kBuildRunning, static_cast<std::int64_t>(queue->running()));
  metric_set(Metric::kBuildLogSize, static_cast<std::int64_t>(log->head()->size));
}

void Service::Impl::tidy() {
  if (const Status s = ledger->forget_expired(parts.clock.now()); !s) {
    parts.log.error("forgetting failures", s.error());
  }
  // What was saved when a head could not be signed or kept.
  if (const Status s = log->publish(); !s) parts.log.error("signing the head", s.error());
  feed->published();
  const auto kept = binaries->evict(options.maker.max_binary_bytes, parts.clock.now());
  if (!kept) return parts.log.error("tidying binaries", kept.error());
  metric_set(Metric::kBuildBinaryBytes, static_cast<std::int64_t>(*kept));
}

void Service::run(const os::Notifier& notifier) {
  Impl& s = *impl_;
  std::vector<os::Thread> aside;
  const auto start = [&](std::string_view what, auto work) {
    auto thread = os::start_thread(work);
    if (!thread) return s.parts.log.error(what, thread.error());
    aside.push_back(*std::move(thread));
  };
  if (s.options.rebuild_every.count() > 0)
    start("building records again", [&s] { s.rebuild_samples(); });
  if (s.options.audit_every.count() > 0) start("auditing what is kept", [&s] { s.audit(); });
  if (!s.options.witnesses.empty()) start("asking witnesses", [&s] { s.ask_witnesses(); });
  if (s.options.gate) start("trying toolchains", [&s] { s.try_toolchains(); });
  if (s.options.followed) start("following the other log", [&s] { s.follow_other(); });
  s.parts.log.info("listening", {{"address", s.server->endpoint().format()}});
  if (s.admin) s.parts.log.info("admin", {{"address", s.admin->endpoint().format()}});
  s.parts.log.info("ready",
                   {{"log", s.parts.signer.key().name()}, {"records", s.log->head()->size}});
  notifier.ready("serving " + s.parts.signer.key().name());
  const auto watchdog = notifier.watchdog_interval();
  const Duration step = watchdog ? Duration(*watchdog) : Duration(kTidyEvery);
  MonoTime next_tidy = s.parts.clock.mono();
  do {
    notifier.watchdog();
    if (s.parts.clock.mono() < next_tidy) continue;
    s.tidy();
    next_tidy = s.parts.clock.mono() + kTidyEvery;
  } while (!s.parts.stop.wait_for(step));
  notifier.stopping();
  // Those who wait are told; builds see the stop and end, and their readers are answered: before
  // the server ends streams, or nothing would reach these.
  s.claims.close();
  s.queue->close();
  (void)s.queue->wait_idle(kPatience);
  s.server->stop(kPatience);
  if (s.admin) s.admin->stop(kPatience);
  for (os::Thread& thread : aside) thread.join();
  s.parts.log.info("stopped", {{"records", s.log->head()->size}});
}

}  // namespace gw::buildd
