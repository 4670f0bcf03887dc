#include "buildd/service.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/bytes.h"
#include "base/crypto.h"
#include "base/metrics.h"
#include "base/text.h"
#include "buildd/admin.h"
#include "buildd/feed.h"
#include "buildd/local_audit.h"
#include "buildd/notes.h"
#include "buildd/published_head.h"
#include "net/http.h"
#include "os/file.h"
#include "os/thread.h"

namespace gw::buildd {

namespace {

constexpr std::chrono::seconds kPatience{5};
constexpr std::chrono::minutes kTidyEvery{10};
constexpr std::chrono::minutes kLookForToolchains{10};
constexpr unsigned kPageWorkers = 16;
constexpr std::size_t kPagesWaiting = 512;

// What is done now and then, however often the service is started: when it was done last is kept.
class NowAndThen {
 public:
  NowAndThen(std::string file, std::chrono::seconds every, const Clock& clock, const Logger& logger)
      : file_(std::move(file)), every_(every), clock_(clock), logger_(logger) {
    const auto text = os::read_file(file_, kMaxText);
    const auto last = text ? parse_decimal(trim(*text)) : std::nullopt;
    const std::int64_t now = to_unix(clock_.now());
    // A time that is still to come is a clock's mistake.
    if (last && *last <= static_cast<std::uint64_t>(now)) {
      left_ =
          every_ - std::min(every_, std::chrono::seconds(now - static_cast<std::int64_t>(*last)));
    } else {
      done();
    }
  }
  std::chrono::seconds left() const { return left_; }
  void done() {
    left_ = every_;
    const std::string text = fmt::format("{}\n", to_unix(clock_.now()));
    const Status kept = os::write_file_atomic(file_, text, 0644);
    if (!kept) logger_.error("keeping " + file_, kept.error());
  }

 private:
  static constexpr std::size_t kMaxText = 100;
  const std::string file_;
  const std::chrono::seconds every_;
  const Clock& clock_;
  const Logger& logger_;
  std::chrono::seconds left_{};
};

}  // namespace

// In the order in which they are made; taken down in the opposite one.
struct Service::Impl {
  Impl(ServiceOptions o, ServiceParts p)
      : options(std::move(o)),
        parts(std::move(p)),
        head(parts.signer, options.published_file),
        claims(options.verifier_keys, parts.clock),
        notes(options.data + "/notes", options.notes),
        gate(options.data + "/toolchains",
             gate_build({parts.cache, options.maker.sandbox, options.maker.limits, parts.stop}),
             parts.clock, parts.log),
        toolchains(parts.toolchains, options.go_versions, parts.clock,
                   options.gate ? &gate : nullptr),
        catalog(parts.modules, parts.clock) {}
  Status open();
  void hide_paths();
  Status listen();
  void set_gauges() const;
  void tidy();
  void rebuild_samples();
  void try_toolchains();
  void follow_other();
  void ask_witnesses();
  void audit();

  ServiceOptions options;
  ServiceParts parts;
  std::optional<os::LockFile> lock;
  PublishedHead head;
  Claims claims;
  std::unique_ptr<Ledger> ledger;
  std::optional<BinaryStore> binaries;
  std::unique_ptr<tlog::LogWriter> log;
  std::unique_ptr<tlog::LogFiles> files;
  std::unique_ptr<SumLog> sum_log;
  std::unique_ptr<Feed> feed;
  Notes notes;
  ToolchainGate gate;
  Toolchains toolchains;
  // Builds beside those of the queue take turns: each needs a user of its own.
  Mutex beside;
  Catalog catalog;
  std::unique_ptr<Maker> maker;
  std::unique_ptr<BuildQueue> queue;
  std::optional<Vulnerabilities> vulnerabilities;
  std::unique_ptr<Site> site;
  std::unique_ptr<http::Server> server;
  std::unique_ptr<http::Server> admin;
};

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

// Whether what was built once still comes out the same, for as long as the service runs.
void Service::Impl::rebuild_samples() {
  NowAndThen when(options.data + "/rebuilt", options.rebuild_every, parts.clock, parts.log);
  for (; !parts.stop.wait_for(when.left()); when.done()) {
    const std::uint64_t size = log->head()->size;
    if (size == 0) continue;
    std::uint64_t any = 0;
    random_bytes(&any, sizeof any);
    const auto record = ledger->read_records(any % size, 1);
    if (!record) {
      parts.log.error("reading a record to build it again", record.error());
      continue;
    }
    const MutexLock lock(beside);
    maker->rebuild(record->at(0));
  }
}

// So that a new release is known to be good before somebody means it by `latest`. Not in the
// background: who asks for it meanwhile waits for this.
void Service::Impl::try_toolchains() {
  do {
    for (const std::string& version : toolchains.untried()) {
      if (parts.stop.requested()) return;
      const MutexLock lock(beside);
      const auto got = toolchains.get(version);
      if (!got && !parts.stop.requested()) parts.log.error("trying a toolchain", got.error());
    }
  } while (!parts.stop.wait_for(kLookForToolchains));
}

// Builds what another service has logged, as it comes.
void Service::Impl::follow_other() {
  auto other = OtherLog::make(options.followed, options.data + "/verified", options.builders,
                              {*queue, *ledger, parts.clock, parts.log, parts.stop});
  if (!other) return parts.log.error("following the other log", other.error());
  do {
    const Status done = (*other)->round();
    if (!done && !parts.stop.requested()) parts.log.error("following the other log", done.error());
  } while (!parts.stop.wait_for(options.follow_every));
}

// Has the newest head signed by others.
void Service::Impl::ask_witnesses() {
  net::HttpOptions http_options;
  http_options.ca_file = options.ca_file;
  http_options.stop = &parts.stop;
  auto http = net::HttpClient::create(http_options);
  if (!http) return parts.log.error("asking witnesses", http.error());
  Witnesses witnesses(options.witnesses, options.witness_quorum,
                      [&](const net::HttpRequest& request) { return http->fetch_one(request); });
  do {
    const auto round = witnesses.round(*ledger, *log);
    if (!round) {
      parts.log.error("publishing a witnessed head", round.error());
      continue;
    }
    for (const Error& error : round->errors) parts.log.error("asking a witness", error);
    if (round->size > 0) {
      metric_set(Metric::kBuildWitnessed, static_cast<std::int64_t>(round->size));
    }
  } while (!parts.stop.wait_for(options.witness_every));
}

// Whether all that was built and logged is still what it was.
void Service::Impl::audit() {
  run_in_background();
  NowAndThen when(options.data + "/audited", options.audit_every, parts.clock, parts.log);
  for (; !parts.stop.wait_for(when.left()); when.done()) {
    const auto published = head.load();
    if (!published || !*published) continue;
    const auto found = audit_local(*ledger, *binaries, **published,
                                   {true, &parts.stop, options.data + "/sum.log"});
    if (!found) {
      if (parts.stop.requested()) return;
      metric_add(Metric::kBuildAudits, AuditEnd::kFailed);
      parts.log.error("auditing what is kept", found.error());
      continue;
    }
    metric_add(Metric::kBuildAudits, found->good() ? AuditEnd::kGood : AuditEnd::kDamaged);
    for (const auto* all : {&found->damaged_log, &found->damaged_files}) {
      for (const std::string& what : *all) {
        parts.log.write(LogLevel::kError, "damaged", {{"what", what}});
      }
    }
    parts.log.info("audited", {{"records", found->records}, {"files", found->files}});
  }
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
