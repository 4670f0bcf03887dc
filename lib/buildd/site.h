// Which request gets which answer: the pages, the builds behind them, and the log.
//
// | page      | no build yet            | failed              | built          | under SUM/      |
// | (empty)   | 200, builds when asked  | 200 with the log    | 307 to SUM/    | 200             |
// | log       | 422                     | 200                 | 307            | 200             |
// | dl        | 422                     | 422                 | 307            | 307 to the file |
// | record    | builds, then 307        | 422                 | 307            | 200             |
// | FILE[.gz] | builds, then 307        | 422                 | 307            | 200, ranges     |
// | FILE.tlog-proof  as FILE: its proof, for those without a network                              |
// | provenance, modules  as FILE: SLSA and CycloneDX documents (provenance.h)                     |
// | events    | builds, tells of it     | 422                 | 307            | one event       |
// | retry     | POST: builds, 303       | POST: forgets, 303  | 307            | 404             |
//
// `/MOD@VER?sums` lists what was built of a version. Pages are HTML for browsers, JSON for who
// accepts that.
//
// No build is begun for a request that a rule refuses: a module that is not allowed, a reader that
// is not (403), an address that asks too much (429), a queue that is full (503). That holds for
// what is tried again and for files that made room for others, too.
//
// Any thread of the server's; nothing here waits for a build.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"
#include "buildd/binary_store.h"
#include "buildd/build_path.h"
#include "buildd/build_rate_limit.h"
#include "buildd/catalog.h"
#include "buildd/claims.h"
#include "buildd/ledger.h"
#include "buildd/notes.h"
#include "buildd/pages.h"
#include "buildd/queue.h"
#include "buildd/toolchains.h"
#include "buildd/vulnerabilities.h"
#include "http/router.h"
#include "tlog/log_files.h"
#include "tlog/log_writer.h"

namespace gw::buildd {

// All must outlive the site; all but the queue must outlive the queue, too.
struct SiteParts {
  Ledger& ledger;
  const tlog::LogWriter& log;
  const tlog::LogFiles& files;
  BuildQueue& queue;
  Catalog& catalog;
  Toolchains& toolchains;
  const BinaryStore& binaries;
  const Clock& clock;
  Claims* claims = nullptr;                    // may be null
  Vulnerabilities* vulnerabilities = nullptr;  // may be null
  // Of envelope_text(); null: there is no provenance.
  std::function<Result<std::string>(const std::string& text)> sign_envelope = nullptr;
  const Notes* notes = nullptr;  // null: those of the facts
};

struct SiteRules {
  bool limits = true;
  std::vector<Network> proxies = {};              // whose X-Forwarded-For counts
  std::vector<Network> refused_networks = {};     // may look, not build
  std::vector<std::string> refused_agents = {};   // parts of User-Agent, lower case
  std::vector<std::string> allowed_modules = {};  // by path elements; none: all
  bool verify_only = false;                       // nothing is built for readers
  std::vector<std::string> hidden_paths = {};     // of this machine: no message names them
};

class Site {
 public:
  Site(const SiteParts& parts, SiteFacts facts, SiteRules rules);
  void add_routes(http::Router& router);

 private:
  // A request on its way.
  struct Visit {
    const http::Request& request;
    const http::Reply& reply;
    bool post = false;
    bool verifier = false;  // asks for a verification of ours: is not counted
  };
  void serve(const Visit& visit);
  void serve_path(const Visit& visit, BuildPath path);
  void serve_home(const Visit& visit);
  void serve_module(const Visit& visit, const BuildPath& path);
  void serve_version(const Visit& visit, const BuildPath& path);
  void serve_sums(const Visit& visit, build::Key key);
  void serve_build(const Visit& visit, BuildPath path);
  void serve_result(const Visit& visit, const BuildPath& path);
  void serve_failed(const Visit& visit, const BuildPath& path, const Failure& failure);
  void serve_unbuilt(const Visit& visit, const BuildPath& path);
  void serve_file(const Visit& visit, const BuildPath& path, const Built& built);
  void serve_proof(const Visit& visit, const Built& built);
  void serve_provenance(const Visit& visit, const Built& built);
  void serve_modules(const Visit& visit, const BuildPath& path, const Built& built);
  void build_again(const Visit& visit, const BuildPath& path);
  void build_then_go(const Visit& visit, const BuildPath& path);
  void follow(const Visit& visit, const build::Key& key);
  void serve_lookup(const Visit& asked);
  void serve_log_file(const Visit& visit);

  Status resolve(const Visit& visit, build::Key& key);
  std::optional<os::SocketAddress> client_of(const http::Request& request) const;
  Status may_ask(const Visit& visit);
  enum class Asks { kPage, kBuild };  // to see where a build may be asked for; to have it begun
  Status check_asker(const Visit& visit, const std::string& module) const;
  Status count(const Visit& visit, const build::Key& key);
  bool was_admitted(const std::string& name, Asks asks);
  Status admit(const Visit& visit, const build::Key& key, Asks asks);
  Status admit_again(const Visit& visit, const build::Key& key);
  Status check_reader(const http::Request& request) const;
  Result<std::optional<Built>> find_built(const std::string& name) const;
  void keep_covered(std::vector<Built>& built) const;
  Around around(const build::Key& key, const Built* built = nullptr);
  void add_vulnerabilities(Around& out, const build::Key& key, const Built* built) const;
  void serve_result_page(const Visit& visit, const BuildPath& path, const Built& built);
  void send(const Visit& visit, http::Response response) const;
  Error for_readers(Error error) const;
  void send_error(const Visit& visit, const Error& found) const;

  SiteParts parts_;
  const SiteFacts facts_;
  const SiteRules rules_;
  BuildRateLimit limits_;
  BuildRateLimit questions_;  // what must be asked of the module proxy to be answered
  Mutex mutex_;
  // Keys whose pages were admitted a short while ago, so that a page and its build count once. The
  // build takes its key out: another one counts again.
  std::map<std::string, MonoTime> admitted_ GW_GUARDED_BY(mutex_);
  // Result pages as they were rendered, by their path: a new one each minute.
  struct Rendered {
    MonoTime at;
    std::shared_ptr<const Page> page;
  };
  std::map<std::string, Rendered> rendered_ GW_GUARDED_BY(mutex_);
};

// "a.b/c" allows itself and what is below. For tests.
bool is_allowed(std::string_view module, const std::vector<std::string>& allowed);

}  // namespace gw::buildd
