// A follower in a few lines, without its rules: what a source has under a head, into a database.
#pragma once

#include <string>

#include "store/writer.h"
#include "tlog/run_fetcher.h"

namespace gw::testing {

inline Status follow_into(const std::string& db, tlog::TileSource& source,
                          const tlog::VerifierKey& key, const std::string& key_text,
                          const tlog::Checkpoint& head, WallTime accepted,
                          const tlog::Frontier& start = {}) {
  GW_TRY(auto writer, store::Writer::open(db, {.log_name = std::string(key.name()),
                                               .log_key = key_text,
                                               .keep = std::nullopt,
                                               .vfs = {}}));
  if (!writer.state().target || writer.state().target->size < head.size()) {
    GW_CHECK(writer.set_target(head, accepted, {}, start));
  }
  tlog::RunFetcher follower(source, head, writer.frontier());
  GW_TRY(auto comparison, follower.start());
  if (comparison.relation == tlog::HeadRelation::kFork) return untrusted_error("a fork");
  store::PendingRecords pending(writer.keep());
  std::uint64_t at = writer.frontier().size();
  while (at < head.size()) {
    GW_TRY(auto run, follower.fetch(at, 256));
    GW_TRY(auto batch, tlog::verify_run(std::move(run)));
    at = batch.end();
    GW_CHECK(pending.add(batch));
    if (pending.size() < 1'000'000 && at < head.size()) continue;
    GW_TRY(auto report, writer.commit(pending, [](auto repeats) {
      return Result<std::vector<bool>>(std::vector<bool>(repeats.size(), true));
    }));
    if (!report.conflicts.empty()) return untrusted_error("a conflict");
    pending.clear();
  }
  return {};
}

}  // namespace gw::testing
