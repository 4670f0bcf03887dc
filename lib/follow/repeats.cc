#include "follow/repeats.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "tlog/record_prover.h"

namespace gw::follow {
namespace {

constexpr std::size_t kMaxEvidenceRecords = 16;
// Repeats whose records are fetched at once: two data tiles each, of 50 KB and of 2 MB at most.
constexpr std::size_t kTogether = 32;

}  // namespace

Result<std::vector<bool>> Repeats::compare(std::span<const store::RepeatedVersion> repeats) {
  tlog::RecordProver prover(source_, head_);
  std::vector<bool> same;
  while (same.size() < repeats.size()) {
    const auto rest = repeats.subspan(same.size());
    const auto some = rest.first(std::min(rest.size(), kTogether));
    std::vector<std::uint64_t> numbers;
    for (const store::RepeatedVersion& r : some) {
      numbers.push_back(r.first);
      numbers.push_back(r.record);
    }
    prover.load(numbers);
    for (const store::RepeatedVersion& r : some) {
      GW_TRY(std::string first, prover.fetch(r.first));
      GW_TRY(std::string second, prover.fetch(r.record));
      same.push_back(first == second);
      if (same.back() || texts_.size() >= 2 * kMaxEvidenceRecords) continue;
      texts_.insert_or_assign(r.first, std::move(first));
      texts_.insert_or_assign(r.record, std::move(second));
    }
  }
  warn(repeats, same);
  return same;
}

// One line, however many there are.
void Repeats::warn(std::span<const store::RepeatedVersion> repeats,
                   const std::vector<bool>& same) const {
  const auto count = static_cast<std::uint64_t>(std::count(same.begin(), same.end(), true));
  if (count == 0) return;
  const auto at = std::find(same.begin(), same.end(), true) - same.begin();
  const store::RepeatedVersion& r = repeats[static_cast<std::size_t>(at)];
  log_.warning(count == 1 ? "duplicate record" : "duplicate records, the first of which is",
               {{"count", count},
                {"module", r.module},
                {"version", r.version},
                {"first", r.first},
                {"record", r.record}});
}

Error Repeats::conflicts(std::vector<store::RepeatedVersion> versions) {
  tlog::Evidence e;
  e.kind = "duplicate";
  const store::RepeatedVersion& one = versions.front();
  e.message = fmt::format("{}@{} is in the log twice with different sums: records {} and {}",
                          one.module, one.version, one.first, one.record);
  if (versions.size() > 1) {
    e.message += fmt::format(", and {} more such versions", versions.size() - 1);
  }
  e.notes = {{"head", head_.note()}};
  tlog::RecordProver prover(source_, head_);
  // The texts were authenticated; that a proof is not to be had now must not hide what they say.
  const auto prove = [&](std::uint64_t number) {
    const auto known = texts_.find(number);
    if (known == texts_.end()) return prover.prove(number);
    return prover.prove(number, known->second);
  };
  const std::span<const store::RepeatedVersion> all(versions);
  for (const auto& r : all.first(std::min(all.size(), kMaxEvidenceRecords))) {
    tlog::ProvenRecord first = prove(r.first);
    e.records.emplace_back(std::move(first), prove(r.record));
  }
  Error error = untrusted_error(e.message);
  error.detail = std::make_shared<Conflicts>(std::move(e), std::move(versions));
  return error;
}

}  // namespace gw::follow
