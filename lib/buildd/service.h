// The build service: its data directory, its log, its builders and its two listeners.
//
//   DATA/ledger.db     the log, results and failures (ledger.h)
//   DATA/published     the last signed head (published_head.h)
//   DATA/sum.log       its records as lines (sum_log.h)
//   DATA/binaries/     SUM and SUM.gz (binary_store.h)
//   DATA/verified      how far another service's log was built again (other_log.h)
//   DATA/toolchains    which toolchains were tried out (toolchain_gate.h)
//   DATA/notes         what the operator says on the first page (notes.h)
//   DATA/lock          held by the process that serves it
//
// A start takes the lock, sweeps what a crash left, checks that the database holds the last head
// that was published, and signs what is saved. A stop tells those who wait, ends builds under way
// (they are made again when somebody asks) and sends what is being sent.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "build/cache.h"
#include "build/module_store.h"
#include "buildd/maker.h"
#include "buildd/other_log.h"
#include "buildd/site.h"
#include "buildd/toolchains.h"
#include "buildd/witnesses.h"
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
  std::vector<std::string> admin_names = {};  // by which it may be asked, besides addresses
  MakerOptions maker = {};
  SiteRules rules = {};
  std::string base_url = {};  // empty: https:// and the key's name
  std::string notes = {};
  Toolchains::Range go_versions = {};
  bool gate = true;  // each toolchain is tried out first (toolchain_gate.h)
  // A record of old is built again so often; zero: never.
  std::chrono::seconds rebuild_every = {};
  // All that is kept is looked at so often (local_audit.h); zero: never.
  std::chrono::seconds audit_every = {};
  std::vector<Witness> witnesses = {};
  std::size_t witness_quorum = 0;
  std::chrono::seconds witness_every = std::chrono::minutes(1);
  // Whose claims count (claims.h): the keys of maker.verifiers.
  std::vector<tlog::VerifierKey> verifier_keys = {};
  // Another service, all of whose log is built here; nothing is built for readers then.
  OtherLog::Open followed = nullptr;
  std::chrono::seconds follow_every = std::chrono::minutes(1);
  std::string ca_file = {};                         // for witnesses
  Vulnerabilities::Read vulnerabilities = nullptr;  // null: pages say nothing of them
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
  // Of hops and envelopes (signer.h); null: neither is signed.
  std::function<Result<std::string>(const std::string& text)> sign_hop;
  std::function<Result<std::string>(const std::string& text)> sign_envelope;
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
