// Verified records on their way into one transaction.
//
// Catching up, a transaction takes millions of records: the B-tree pages that they touch are then
// touched once for many records. A log of ten million (tests/support/synthetic_log.h)
// in transactions of one million writes 7 times the pages that one transaction for all would, in
// transactions of four million 3 times. What the database needs of a record is taken out as soon as
// it is verified (module, packed version, with Keep::kRecords the sums), about 20 bytes in place of
// 240 of text, and grouped by module while SQLite's thread is busy with the transaction before.
// Staging costs about 0.1 us a record.
//
// One thread at a time, which need not be the Writer's. Owns everything it holds.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "store/types.h"
#include "tlog/run_fetcher.h"

namespace gw::store {

inline constexpr std::size_t kMaxPendingBytes = 0x7fffffff;  // offsets are 32 bits

class PendingRecords {
 public:
  explicit PendingRecords(Keep keep) : keep_(keep) {}

  // Takes over what is needed of the batch. kInternal when it does not follow the one before
  // without a gap, is of another form of log, or when this object would hold more than
  // kMaxPendingBytes.
  Status add(const tlog::VerifiedBatch& batch);

  bool empty() const { return entries_.empty(); }
  std::uint64_t first() const { return first_; }
  std::uint64_t end() const { return first_ + entries_.size(); }
  std::uint64_t size() const { return entries_.size(); }
  // Memory in use, for a caller that bounds it: hostile records may be large.
  std::size_t bytes() const;
  // Address space for about `bytes`, which becomes memory only as it is filled. Growing step by
  // step instead copies everything again and again, and leaves holes of its size in the allocator.
  void reserve(std::size_t bytes);
  // Keeps its memory for the next records.
  void clear();

  // What is staged, for who writes it. Modules and records are numbered from 0 in the order in
  // which they came; the views are good until the next add() or clear().
  static constexpr std::uint32_t kNoModule = std::numeric_limits<std::uint32_t>::max();
  std::size_t modules() const { return modules_.size(); }
  std::string_view path(std::size_t module) const { return path_of(modules_[module]); }
  std::uint32_t records_of(std::size_t module) const { return modules_[module].count; }
  // The record's module; kNoModule for an irregular one, and for those of build logs.
  std::uint32_t module_of(std::size_t record) const { return entries_[record].module; }
  // The record's version; empty when it is irregular.
  std::string_view packed(std::size_t record) const {
    const std::size_t begin = entries_[record].packed;
    const std::size_t end =
        record + 1 < entries_.size() ? entries_[record + 1].packed : packed_.size();
    return std::string_view(packed_).substr(begin, end - begin);
  }
  // Whether its version has no go.mod; said only of releases and prereleases of v0 and v1, where it
  // matters (module/releases.h).
  bool no_gomod(std::size_t record) const { return entries_[record].no_gomod; }
  // Begins to load what the calls above will need, into the processor's caches: a module's entry,
  // then (it is there by now) its path; a record's entry, then its version.
  void prefetch_module(std::size_t module) const { __builtin_prefetch(&modules_[module]); }
  void prefetch_path(std::size_t module) const {
    __builtin_prefetch(paths_.data() + modules_[module].path);
  }
  void prefetch_record(std::size_t record) const { __builtin_prefetch(&entries_[record]); }
  void prefetch_packed(std::size_t record) const {
    __builtin_prefetch(packed_.data() + entries_[record].packed);
  }
  // 64 bytes a regular record, with Keep::kRecords.
  std::string_view sums() const { return sums_; }
  // With Keep::kBuilds: the regular records, which have no module.
  struct Build {
    std::uint64_t record;
    std::string key;
    std::string text;
  };
  std::span<const Build> builds() const { return builds_; }
  // Number in the log, and text.
  std::span<const std::pair<std::uint64_t, std::string>> irregular() const { return irregular_; }
  // Of the tree: the entries of level 1 that are new, the last incomplete one's hashes, and the
  // right edge after the last record. Precondition of frontier(): not empty().
  std::span<const Hash> level1() const { return level1_; }
  std::span<const Hash> tail() const { return tail_; }
  const tlog::Frontier& frontier() const { return *frontier_; }

 private:
  struct Entry {
    std::uint32_t module;  // index into modules_, or kNoModule
    // Offset into packed_ (kMaxPendingBytes has 31 bits); it ends where the next entry's begins.
    std::uint32_t packed : 31;
    std::uint32_t no_gomod : 1;
  };
  struct ModuleSlot {
    std::uint32_t path;
    std::uint32_t path_size;
    std::uint32_t count;         // of its records
    std::uint32_t legacy;        // index into legacy_ + 1; 0: not computed yet
    std::uint32_t legacy_start;  // the beginning of that one, which nearly always differs
  };

  // Of a batch's paths, into hashes_.
  void hash_paths(const tlog::VerifiedBatch& batch);
  // Begins to load what the records after the batch's i-th will need.
  void look_ahead(std::size_t i) const;
  std::uint32_t intern(std::string_view path, std::uint64_t hash);
  bool lacks_gomod(std::uint32_t module, std::string_view version, std::string_view packed,
                   std::string_view gomod_sum);
  void grow();
  std::string_view path_of(const ModuleSlot& m) const {
    return std::string_view(paths_).substr(m.path, m.path_size);
  }

  Keep keep_;
  std::uint64_t first_ = 0;
  std::vector<Entry> entries_;  // one for each record, in order
  std::string packed_;
  std::string paths_;
  std::vector<ModuleSlot> modules_;
  std::vector<std::string> legacy_;    // sums of go.mod files that the go command makes up
  std::vector<std::uint64_t> table_;   // open addressing: hash's high half, module index + 1
  std::vector<std::uint64_t> hashes_;  // of the paths of the batch at hand
  std::string sums_;
  std::vector<Build> builds_;
  std::vector<std::pair<std::uint64_t, std::string>> irregular_;
  std::vector<Hash> level1_;
  std::vector<Hash> tail_;
  std::optional<tlog::Frontier> frontier_;
};

}  // namespace gw::store
