#include "follow/repeats.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "tlog/record_prover.h"

namespace gw::follow {
namespace {

constexpr std::size_t kMaxEvidenceRecords = 16;

}  // namespace

Result<std::vector<bool>> Repeats::compare(std::span<const store::RepeatedVersion> repeats) {
  tlog::RecordProver firsts(source_, head_);
  tlog::RecordProver seconds(source_, head_);
  std::vector<bool> same;
  for (const store::RepeatedVersion& r : repeats) {
    auto first = firsts.fetch(r.first);
    auto second = seconds.fetch(r.record);
    if (!first) return std::move(first).error();
    if (!second) return std::move(second).error();
    same.push_back(*first == *second);
    if (same.back()) {
      log_.warning(
          "duplicate record",
          {{"module", r.module}, {"version", r.version}, {"first", r.first}, {"record", r.record}});
    } else if (texts_.size() < 2 * kMaxEvidenceRecords) {
      texts_.insert_or_assign(r.first, *std::move(first));
      texts_.insert_or_assign(r.record, *std::move(second));
    }
  }
  return same;
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
