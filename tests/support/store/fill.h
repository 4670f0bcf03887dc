// Puts a TestLog's records into a store as a follower would, for tests of whatever reads one.
#pragma once

#include <optional>
#include <vector>

#include "store/pending.h"
#include "store/writer.h"
#include "support/temp_dir.h"
#include "support/tlog/test_log.h"
#include "tlog/run_fetcher.h"

namespace gw::testing {

inline store::WriterOptions writer_options(const TestLog& log,
                                           std::optional<store::Keep> keep = {}) {
  store::WriterOptions o;
  o.log_name = log.key().name();
  o.log_key = log.key().format();
  o.format = &log.format();
  o.keep = keep;
  return o;
}

// The verified records [writer's position, end) under the head of `target` records; `end` is a
// multiple of 256 or the target.
inline Result<store::PendingRecords> verified(TestLog& log, const store::Writer& writer,
                                              std::uint64_t target, std::uint64_t end) {
  store::PendingRecords out(writer.keep());
  tlog::RunFetcher follower(log, log.head(target), writer.frontier());
  GW_TRY(const auto found, follower.start());
  if (found.relation == tlog::HeadRelation::kFork) return untrusted_error("fork");
  for (std::uint64_t at = writer.state().position; at < end;) {
    GW_TRY(auto run, follower.fetch(at, 1));
    GW_TRY(const auto batch, tlog::verify_run(std::move(run)));
    GW_CHECK(out.add(batch));
    at = batch.end();
  }
  return out;
}

inline Result<std::vector<bool>> all_same(std::span<const store::RepeatedVersion> repeats) {
  return std::vector<bool>(repeats.size(), true);
}

// Follows to `size`, in one transaction, accepting the head at `at`.
inline Status fill(store::Writer& writer, TestLog& log, std::uint64_t size, WallTime at,
                   const store::RepeatCheck& check = all_same) {
  if (!writer.state().target || writer.state().target->size < size) {
    GW_CHECK(writer.set_target(log.head(size), at, {}));
  }
  if (writer.state().position == size) return {};
  GW_TRY(const auto pending, verified(log, writer, size, size));
  GW_TRY(const auto report, writer.commit(pending, check));
  if (!report.conflicts.empty()) return untrusted_error("conflicts");
  return {};
}

}  // namespace gw::testing
