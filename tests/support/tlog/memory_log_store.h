// A log's store in memory, for tests and benchmarks, that fails on request.
//
//   MemoryLogStore store;
//   store.fail_at(7, MemoryLogStore::Fault::kCrashAfter);   // the seventh operation from now
//   ... every operation fails until store.reopen(), which finds what was durable ...
//
// Any thread, as a LogStore must allow. Plain accessors are not for use while others write.
#pragma once

#include <atomic>
#include <functional>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "tlog/log_store.h"

namespace gw::testing {

class MemoryLogStore : public tlog::LogStore {
 public:
  enum class Fault {
    kFail,        // an error, and nothing was done
    kFailAfter,   // done, and yet an error (for what only reads: as kFail)
    kCrash,       // as kFail, and so is everything until reopen()
    kCrashAfter,  // as kFailAfter, and then the same
    kTear,        // half of a batch is saved, against the contract; then as kFail
  };
  void fail_at(std::uint64_t operation, Fault fault) {
    fault_ = fault;
    countdown_ = operation;
  }
  // After a crash; without one it is a process that ended well.
  void reopen() {
    crashed_ = false;
    countdown_ = 0;
  }
  // Operations since the store was made.
  std::uint64_t operations() const { return operations_; }
  std::uint64_t commits() const { return commits_; }
  // Called by each append() before it does anything.
  std::function<void()> on_append;

  // What is saved, whatever fault is set.
  const std::vector<std::string>& records() const { return records_; }
  // Changes a saved record, as a flipped bit would.
  std::string& record(std::uint64_t n) { return records_[n]; }
  Hash& hash(unsigned level, std::uint64_t index) { return levels_[level][index]; }

  Status append(const tlog::LogBatch& batch) override;
  Result<std::uint64_t> size() override;
  Result<std::vector<Hash>> read_hashes(unsigned level, std::uint64_t first,
                                        std::uint32_t count) override;
  Result<std::vector<std::string>> read_records(std::uint64_t first, std::uint32_t count) override;
  Result<std::optional<std::uint64_t>> find(std::string_view key) override;

 private:
  // Whether this operation fails; `done` when it does after its work.
  std::optional<Fault> step();
  Status save(const tlog::LogBatch& batch, std::size_t entries);

  std::shared_mutex mutex_;  // guards the saved state
  std::vector<std::string> records_;
  struct Hasher {
    using is_transparent = void;
    std::size_t operator()(std::string_view key) const {
      return std::hash<std::string_view>()(key);
    }
  };
  std::unordered_map<std::string, std::uint64_t, Hasher, std::equal_to<>> keys_;
  std::vector<std::vector<Hash>> levels_;

  std::atomic<std::uint64_t> operations_ = 0, commits_ = 0, countdown_ = 0;
  std::atomic<Fault> fault_ = Fault::kFail;
  std::atomic<bool> crashed_ = false;
};

}  // namespace gw::testing
