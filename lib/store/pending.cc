#include "store/pending.h"

#include <fmt/format.h>

#include <algorithm>

#include "module/dirhash.h"
#include "store/packed_version.h"
#include "tlog/go_log.h"

namespace gw::store {
namespace {

// Eight bytes at a time, multiplied and folded, as in MurmurHash3's finalizer: the table is filled
// from a log whose every record is public, and it falls back to comparing paths; a chosen collision
// costs time only.
std::uint64_t path_hash(std::string_view path) {
  std::uint64_t h = 0x9e3779b97f4a7c15U ^ path.size();
  while (path.size() >= 8) {
    std::uint64_t word = 0;
    path.copy(reinterpret_cast<char*>(&word), 8);
    h = (h ^ word) * 0xff51afd7ed558ccdU;
    h ^= h >> 32;
    path.remove_prefix(8);
  }
  std::uint64_t word = 0;
  path.copy(reinterpret_cast<char*>(&word), path.size());
  h = (h ^ word) * 0xff51afd7ed558ccdU;
  h ^= h >> 29;
  h *= 0xc4ceb9fe1a85ec53U;
  return h ^ h >> 32;
}

constexpr std::uint64_t kLow = 0xffffffff;

// How many records ahead of the one at hand each step of its look-up is begun: the slot of the
// table, what it points to, and the path behind that. Each is mostly in none of the processor's
// caches.
constexpr std::size_t kSlotAhead = 24;
constexpr std::size_t kModuleAhead = 16;
constexpr std::size_t kPathAhead = 8;

// Four characters of a sum, behind its `h1:`.
std::uint32_t sum_start(std::string_view sum) {
  std::uint32_t start = 0;
  sum.substr(std::min<std::size_t>(sum.size(), 3), sizeof(start))
      .copy(reinterpret_cast<char*>(&start), sizeof(start));
  return start;
}

}  // namespace

void PendingRecords::grow() {
  const std::size_t size = std::max<std::size_t>(1024, table_.size() * 2);
  table_.assign(size, 0);
  for (std::size_t i = 0; i < modules_.size(); ++i) {
    const std::uint64_t h = path_hash(path_of(modules_[i]));
    std::size_t slot = h & (size - 1);
    while (table_[slot] != 0) slot = (slot + 1) & (size - 1);
    table_[slot] = (h & ~kLow) | (i + 1);
  }
}

void PendingRecords::hash_paths(const tlog::VerifiedBatch& batch) {
  hashes_.clear();
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const tlog::VerifiedRecord record = batch[i];
    hashes_.push_back(record.regular() ? path_hash(record.module()) : 0);
  }
}

void PendingRecords::look_ahead(std::size_t i) const {
  const auto slot = [&](std::size_t ahead) {
    return &table_[hashes_[i + ahead] & (table_.size() - 1)];
  };
  const auto module = [&](std::size_t ahead) { return &modules_[(*slot(ahead) & kLow) - 1]; };
  if (table_.empty()) return;
  if (i + kSlotAhead < hashes_.size()) __builtin_prefetch(slot(kSlotAhead));
  if (i + kModuleAhead < hashes_.size() && *slot(kModuleAhead) != 0) {
    __builtin_prefetch(module(kModuleAhead));
  }
  if (i + kPathAhead < hashes_.size() && *slot(kPathAhead) != 0) {
    __builtin_prefetch(paths_.data() + module(kPathAhead)->path);
  }
}

std::uint32_t PendingRecords::intern(std::string_view path, std::uint64_t h) {
  if ((modules_.size() + 1) * 2 > table_.size()) grow();
  std::size_t slot = h & (table_.size() - 1);
  for (; table_[slot] != 0; slot = (slot + 1) & (table_.size() - 1)) {
    if ((table_[slot] & ~kLow) != (h & ~kLow)) continue;
    const auto i = static_cast<std::uint32_t>((table_[slot] & kLow) - 1);
    if (path_of(modules_[i]) == path) return i;
  }
  table_[slot] = (h & ~kLow) | (modules_.size() + 1);
  modules_.push_back({static_cast<std::uint32_t>(paths_.size()),
                      static_cast<std::uint32_t>(path.size()), 0, 0, 0});
  paths_.append(path);
  return static_cast<std::uint32_t>(modules_.size() - 1);
}

// A version without a go.mod has one line for the go command, `module PATH`
// (cmd/go/internal/modfetch, LegacyGoMod), and its sum in the log is that line's. The sum is made
// once a module and transaction.
bool PendingRecords::lacks_gomod(std::uint32_t module, std::string_view version,
                                 std::string_view packed, std::string_view gomod_sum) {
  if (!version.starts_with("v0.") && !version.starts_with("v1.")) return false;
  if (packed_is_pseudo(packed)) return false;
  ModuleSlot& slot = modules_[module];
  if (slot.legacy == 0) {
    legacy_.push_back(mod::hash_gomod(fmt::format("module {}\n", path_of(slot))));
    slot.legacy = static_cast<std::uint32_t>(legacy_.size());
    slot.legacy_start = sum_start(legacy_.back());
  }
  return slot.legacy_start == sum_start(gomod_sum) && legacy_[slot.legacy - 1] == gomod_sum;
}

Status PendingRecords::add(const tlog::VerifiedBatch& batch) {
  if (empty()) first_ = batch.first();
  if (batch.first() != end()) {
    return internal_error(fmt::format("records from {} on do not follow {}", batch.first(), end()));
  }
  if (&batch.format() != &format_of(keep_)) return internal_error("records of another form");
  if (keep_ != Keep::kBuilds) hash_paths(batch);
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (packed_.size() > kMaxPendingBytes || paths_.size() > kMaxPendingBytes) {
      return internal_error("too many records in one transaction");
    }
    const tlog::VerifiedRecord record = batch[i];
    const auto offset = static_cast<std::uint32_t>(packed_.size());
    if (!record.regular()) {
      entries_.push_back({kNoModule, offset, 0});
      irregular_.emplace_back(record.number(), record.text());
      continue;
    }
    if (keep_ == Keep::kBuilds) {
      entries_.push_back({kNoModule, offset, 0});
      builds_.push_back(
          {record.number(), batch.format().key_of(record.text()), std::string(record.text())});
      continue;
    }
    look_ahead(i);
    const std::uint32_t module = intern(record.module(), hashes_[i]);
    ++modules_[module].count;
    append_packed_version(packed_, record.version());
    const tlog::GoSums sums = tlog::go_sums(record);
    const bool no_gomod =
        lacks_gomod(module, record.version(), std::string_view(packed_).substr(offset), sums.gomod);
    entries_.push_back({module, offset, no_gomod ? 1U : 0U});
    if (keep_ == Keep::kRecords) {
      const auto zip = tlog::parse_sum(sums.zip);
      const auto gomod = tlog::parse_sum(sums.gomod);
      if (!zip || !gomod) return internal_error("a regular record with a malformed sum");
      sums_.append(as_bytes(*zip)).append(as_bytes(*gomod));
    }
  }
  level1_.insert(level1_.end(), batch.level1().begin(), batch.level1().end());
  tail_.assign(batch.tail().begin(), batch.tail().end());
  frontier_ = batch.frontier();
  return {};
}

std::size_t PendingRecords::bytes() const {
  std::size_t n = entries_.size() * sizeof(Entry) + packed_.size() + paths_.size() +
                  modules_.size() * sizeof(ModuleSlot) + table_.size() * sizeof(table_[0]) +
                  sums_.size() + level1_.size() * sizeof(Hash);
  // Stored as they are, so that SQLite holds them once more until the commit.
  for (const auto& [record, text] : irregular_) n += 2 * text.size() + sizeof(record);
  n += legacy_.size() * (sizeof(std::string) + tlog::kSumBytes);
  for (const Build& b : builds_) n += sizeof(b) + b.key.size() + b.text.size();
  return n;
}

void PendingRecords::reserve(std::size_t bytes) {
  // No more of each than can come together within `bytes`, roughly.
  entries_.reserve(bytes / 2 / sizeof(Entry));
  packed_.reserve(bytes / 2);
  paths_.reserve(bytes / 2);
  modules_.reserve(bytes / 4 / sizeof(ModuleSlot));
  if (keep_ == Keep::kRecords) sums_.reserve(bytes);
}

void PendingRecords::clear() {
  entries_.clear();
  packed_.clear();
  paths_.clear();
  modules_.clear();
  legacy_.clear();
  std::fill(table_.begin(), table_.end(), 0);
  hashes_.clear();
  sums_.clear();
  builds_.clear();
  irregular_.clear();
  level1_.clear();
  tail_.clear();
  frontier_.reset();
}

}  // namespace gw::store
