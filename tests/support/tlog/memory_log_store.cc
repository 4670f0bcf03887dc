#include "support/tlog/memory_log_store.h"

#include <mutex>

namespace gw::testing {

using namespace gw::tlog;

namespace {

Error injected() { return io_error("injected fault"); }

}  // namespace

std::optional<MemoryLogStore::Fault> MemoryLogStore::step() {
  ++operations_;
  if (crashed_) return Fault::kCrash;
  if (countdown_ == 0 || --countdown_ != 0) return std::nullopt;
  const Fault fault = fault_;
  if (fault == Fault::kCrash || fault == Fault::kCrashAfter) crashed_ = true;
  return fault;
}

Status MemoryLogStore::append(const LogBatch& batch) {
  if (on_append) on_append();
  const auto fault = step();
  if (fault == Fault::kFail || fault == Fault::kCrash) return injected();
  const std::unique_lock lock(mutex_);
  const std::size_t half = batch.entries.size() / 2;
  GW_CHECK(save(batch, fault == Fault::kTear ? half : batch.entries.size()));
  ++commits_;
  if (fault) return injected();
  return {};
}

Status MemoryLogStore::save(const LogBatch& batch, std::size_t entries) {
  if (batch.first != records_.size()) return corrupt_error("a batch that does not fit");
  for (const LogEntry* entry : batch.entries.first(entries)) {
    if (!entry->key.empty() && !keys_.emplace(entry->key, records_.size()).second) {
      return corrupt_error("a key twice");
    }
    records_.push_back(entry->record);
  }
  for (const StoredHash& h : batch.hashes) {
    if ((h.id.index + 1) << h.id.level > records_.size()) continue;  // only when torn
    if (h.id.level >= levels_.size()) levels_.resize(h.id.level + 1);
    if (h.id.index != levels_[h.id.level].size()) return corrupt_error("a hash out of order");
    levels_[h.id.level].push_back(h.hash);
  }
  return {};
}

Result<std::uint64_t> MemoryLogStore::size() {
  if (step()) return injected();
  const std::shared_lock lock(mutex_);
  return std::uint64_t{records_.size()};
}

Result<std::vector<Hash>> MemoryLogStore::read_hashes(unsigned level, std::uint64_t first,
                                                      std::uint32_t count) {
  if (step()) return injected();
  const std::shared_lock lock(mutex_);
  if (level >= levels_.size() || first + count > levels_[level].size()) {
    return corrupt_error("no such hash");
  }
  const auto begin = levels_[level].begin() + static_cast<std::ptrdiff_t>(first);
  return std::vector<Hash>(begin, begin + count);
}

Result<std::vector<std::string>> MemoryLogStore::read_records(std::uint64_t first,
                                                              std::uint32_t count) {
  if (step()) return injected();
  const std::shared_lock lock(mutex_);
  if (first + count > records_.size()) return corrupt_error("no such record");
  const auto begin = records_.begin() + static_cast<std::ptrdiff_t>(first);
  return std::vector<std::string>(begin, begin + count);
}

Result<std::optional<std::uint64_t>> MemoryLogStore::find(std::string_view key) {
  if (step()) return injected();
  const std::shared_lock lock(mutex_);
  const auto found = keys_.find(key);
  if (found == keys_.end()) return std::optional<std::uint64_t>();
  return std::optional<std::uint64_t>(found->second);
}

}  // namespace gw::testing
