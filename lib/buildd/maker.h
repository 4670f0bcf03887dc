// From a key to a binary that is in the log.
//
// The order is what the service promises: the sum is known, others agree (a second build of our own
// in another directory, other services), both files are on the disk, and only then one transaction
// adds the record with its hashes and the result, and a head that covers it is signed.
//
// Any thread; several builds at once, never two of one key (the queue's affair).
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "build/cache.h"
#include "build/go_runner.h"
#include "build/key.h"
#include "build/module_store.h"
#include "buildd/binary_store.h"
#include "buildd/claims.h"
#include "buildd/ledger.h"
#include "buildd/queue.h"
#include "buildd/sum_log.h"
#include "buildd/toolchains.h"
#include "os/stop.h"
#include "tlog/log_writer.h"

namespace gw::buildd {

// A question to another service: whether its log has this record for the key. `marks` go along with
// it (claims.h); once `settled` is requested nobody waits for the answer any more.
struct VerifierQuestion {
  const build::Key& key;
  const std::string& record;
  const std::vector<std::string>& marks;
  const os::Stop& settled;
};
// kUnavailable: cannot be told now; kUntrusted: has another one, or is itself not to be believed.
struct Verifier {
  std::string name;  // its key's
  std::function<Status(const VerifierQuestion&)> ask;
  // May be asked about private modules, too: it has told their names itself.
  bool knows_private = false;
};

struct MakerOptions {
  build::SandboxMode sandbox = build::SandboxMode::kFull;
  build::BuildLimits limits = {};
  const build::BuildGroups* groups = nullptr;  // that builds run in; may be null
  // Without verifiers: builds everything a second time and compares.
  bool twice = true;
  std::vector<Verifier> verifiers = {};
  // Modules whose names no verifier is to hear: built twice instead. May be null.
  std::function<bool(const std::string& module)> is_private = nullptr;
  // What verifiers said already, when they asked for ours. May be null without verifiers.
  Claims* claims = nullptr;
  // Signs format_hop_text(); null: no mark is sent.
  std::function<Result<std::string>(const std::string& text)> sign_hop = nullptr;
  // A head covers one more record.
  std::function<void()> on_published = nullptr;
  // Of this machine: neither logs nor messages for readers name them.
  std::vector<std::string> hidden_paths = {};
  std::uint64_t max_cache_bytes = std::uint64_t{20} << 30U;
  std::uint64_t max_binary_bytes = std::uint64_t{20} << 30U;  // all that are kept
};

// All must outlive it.
struct MakerParts {
  const build::Cache& cache;
  build::ModuleStore& modules;
  Toolchains& toolchains;
  const BinaryStore& binaries;
  Ledger& ledger;
  tlog::LogWriter& log;
  SumLog& sum_log;
  const Clock& clock;
  const Logger& logger;
  const os::Stop& stop;
};

class Maker {
 public:
  Maker(MakerParts parts, MakerOptions options) : parts_(parts), options_(std::move(options)) {}

  // Builds what a record of old is of once more, and compares; counts and logs what comes out.
  void rebuild(const std::string& record) const;

  // BuildQueue's work. A failure that a retry cannot mend is in the ledger when it returns.
  BuildUpdate make(const build::Key& key, const BuildQueue::Progress& progress) const;

 private:
  struct Compiled;
  Result<std::optional<std::string>> find(const build::Key& key) const;
  void announce() const;
  void trim() const;
  enum class Times { kOnce, kTwice, kAgain };  // kAgain: once, with nothing of the first time
  Result<Compiled> compile(const build::Key& key, Times times,
                           const BuildQueue::Progress& progress) const;
  Result<std::string> publish(const build::Key& key, const BuildQueue::Progress& progress) const;
  BuildUpdate find_or_publish(const build::Key& key, const BuildQueue::Progress& progress) const;
  Status ask_verifiers(const build::Key& key, const std::string& record, bool secret) const;
  Status ask_verifier(const Verifier& verifier, const build::Key& key, const std::string& record,
                      const std::vector<std::string>& own) const;
  std::string public_text(std::string_view text, const std::string& goroot = {}) const;
  BuildUpdate fail(const build::Key& key, const Error& error) const;

  MakerParts parts_;
  MakerOptions options_;
  mutable std::atomic<MonoTime::rep> trim_at_{0};  // the cache, next
};

}  // namespace gw::buildd
