// What a build service knows, in one SQLite file: its log (records and the tree's hashes), what was
// built for each record, and what failed.
//
// It is the store behind tlog's log writer. One transaction saves a record, the hashes that it
// completes, the build's result and its log, and forgets a failure of the same key: after a crash
// all of that is there or none. Two records of one key cannot be: the database refuses them.
//
// Threads: append() as LogStore says; everything else by any thread, also meanwhile. Errors:
// kUsage: the file is no ledger; kCorrupt; kIo.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/mutex.h"
#include "base/result.h"
#include "sqlite/sqlite.h"
#include "tlog/log_store.h"

namespace gw::buildd {

// What is saved with a record.
struct BuildResult : tlog::LogPayload {
  Hash sha256{};  // of the binary
  std::uint64_t packed_size = 0;
  Hash packed_sha256{};  // of its .gz
  std::string log;       // gzip
  WallTime made_at{};
};

struct Built {
  std::uint64_t number = 0;
  std::string key;
  std::string module;
  std::string record;  // tlog/build_log.h; holds size and sum
  Hash sha256{};
  std::uint64_t packed_size = 0;
  Hash packed_sha256{};
  WallTime made_at{};
};

struct Failure {
  std::string reason;   // build/reason.h's words, or an error's
  std::string message;  // for people
  std::string hint;
  std::string log;  // gzip; may be empty
  WallTime failed_at{};
  WallTime expires_at{};
};
struct FailedKey {
  std::string key;
  Failure failure;  // without its log
};

class Ledger : public tlog::LogStore {
 public:
  // Made when it is not there. `vfs`: as sqlite::Database::open().
  static Result<std::unique_ptr<Ledger>> open(const std::string& path, const std::string& vfs = {});

  // Every entry has a BuildResult.
  Status append(const tlog::LogBatch& batch) override;
  Result<std::uint64_t> size() override;
  Result<std::vector<Hash>> read_hashes(unsigned level, std::uint64_t first,
                                        std::uint32_t count) override;
  Result<std::vector<std::string>> read_records(std::uint64_t first, std::uint32_t count) override;
  Result<std::optional<std::uint64_t>> find(std::string_view key) override;

  Result<std::optional<Built>> find_built(std::string_view key);
  Result<std::string> build_log(std::uint64_t number);  // gzip
  // By their numbers.
  Result<std::vector<Built>> built_from(std::uint64_t first, std::uint32_t count);
  // Newest first.
  Result<std::vector<Built>> recent(std::uint32_t count);
  Result<std::vector<Built>> of_version(std::string_view module, std::string_view version,
                                        std::uint32_t count);
  Result<std::vector<Built>> of_module(std::string_view module, std::uint32_t count);

  // Not what has expired.
  Result<std::optional<Failure>> find_failure(std::string_view key, WallTime now);
  Status save_failure(std::string_view key, const Failure& failure);
  // Whether there was one.
  Result<bool> forget_failure(std::string_view key);
  Result<std::vector<FailedKey>> failures(WallTime now, std::uint32_t count);
  Status forget_expired(WallTime now);

 private:
  struct Reader;
  struct Writer;
  Ledger();
  Status open_writer(const std::string& path, const std::string& vfs);
  Status open_reader(const std::string& path, const std::string& vfs);
  Result<std::vector<Built>> read_built(sqlite::Statement& statement) GW_REQUIRES(read_mutex_);

 public:
  ~Ledger() override;

 private:
  Mutex write_mutex_;
  std::unique_ptr<Writer> writer_ GW_PT_GUARDED_BY(write_mutex_);
  Mutex read_mutex_;
  std::unique_ptr<Reader> reader_ GW_PT_GUARDED_BY(read_mutex_);
};

}  // namespace gw::buildd
