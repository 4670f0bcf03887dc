// The build service: its data directory, its log, its builders and its two listeners.
//
//   DATA/ledger.db     the log, results and failures (ledger.h)
//   DATA/published     the last signed head (published_head.h)
//   DATA/sum.log       its records as lines (sum_log.h)
//   DATA/binaries/     SUM and SUM.gz (binary_store.h)
//   DATA/lock          held by the process that serves it
//
// A start takes the lock, sweeps what a crash left, checks that the database holds the last head
// that was published, and signs what is saved. A stop tells those who wait, ends builds under way
// (they are made again when somebody asks) and sends what is being sent.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "build/cache.h"
#include "build/module_store.h"
#include "buildd/maker.h"
#include "buildd/site.h"
#include "buildd/toolchains.h"
#include "http/server.h"
#include "os/stop.h"
#include "os/systemd.h"
#include "tlog/note.h"

namespace gw::buildd {

struct ServiceOptions {
  std::string data;
  std::string published_file = {};  // empty: DATA/published
  http::Endpoint listen;
  std::optional<http::TlsOptions> tls = {};
  std::optional<http::Endpoint> admin = {};
  MakerOptions maker = {};
  SiteRules rules = {};
  std::string base_url = {};  // empty: https:// and the key's name
  std::string notes = {};
  std::string oldest_go = {};
  // A record of old is built again so often; zero: never.
  std::chrono::seconds rebuild_every = {};
  unsigned builders = 1;
  std::size_t max_waiting = 100;
  unsigned connections = 1024;
};

// What it builds with. All must outlive the service.
struct ServiceParts {
  const build::Cache& cache;
  build::ModuleStore& modules;
  Toolchains::Source toolchains;
  tlog::NoteSigner& signer;
  tlog::NoteSigner& checkpoint_signer;
  const Clock& clock;
  const Logger& log;
  // Ends builds, and the service.
  const os::Stop& stop;
};

class Service {
 public:
  // Serving when it returns. kUsage: the directory is in use, or another log's; the addresses.
  static Result<std::unique_ptr<Service>> start(ServiceOptions options, ServiceParts parts);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  // Until the stop is requested.
  void run(const os::Notifier& notifier);
  const http::Endpoint& endpoint() const;

 private:
  struct Impl;
  explicit Service(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace gw::buildd
