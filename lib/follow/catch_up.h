// All records between the database's position and a head: fetched, verified and stored at once.
//
//   fetcher ──runs──► verifier ──transactions──► the calling thread, which commits
//
// Verifying and staging a record costs a third of storing it, so two threads keep two cores busy; a
// third one waits for the network. What was verified before an error is stored before the error is
// returned.
//
// A transaction rewrites nearly every page of the database once it has enough records, so its size
// decides what a record costs: it is as large as memory allows (FollowOptions::commit_bytes),
// larger in a large database where there is more of it (commit_bytes() below), and stays open for
// ten times as long as the last one took, so that slow sources do not rewrite a large database
// every half minute. What was not committed is fetched again after a crash.
//
// Memory is bounded whatever the log: two transactions, one filled while the other is stored, an
// eighth of the memory at most or 96 MB each, about 60 bytes a module of a transaction to sort it,
// SQLite's cache, 32 MB of runs that wait, and one of at most as much that is being fetched.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.h"
#include "follow/options.h"
#include "os/stop.h"
#include "store/writer.h"
#include "tlog/run_fetcher.h"

namespace gw::follow {

struct CatchUpReport {
  std::uint64_t records = 0;
  std::uint64_t duplicates = 0;
  std::uint64_t irregular = 0;
  std::optional<std::uint64_t> first_irregular;  // its record number
  // The log has these versions twice with different sums; the transaction was not stored.
  std::vector<store::RepeatedVersion> conflicts;
};

// `again`: see tlog::verify_run(); called by another thread. `log`: start() has proven the writer's
// frontier a prefix of its target, which is the writer's. `log` is used by another thread until
// this returns; `repeats` is called on this one. The error is in `status`: kUnavailable when
// stopped; with tlog::BadTiles when a tile did not hash right.
struct CatchUpResult {
  CatchUpReport report;
  Status status;
};
// How long a transaction stays open when the last one took `last_commit` to store.
std::chrono::milliseconds commit_interval(const FollowOptions& options,
                                          std::chrono::milliseconds last_commit);

// How much a transaction stages that begins at record `first`, on a machine of this memory (bytes).
std::size_t commit_bytes(const FollowOptions& options, std::uint64_t first, std::uint64_t memory);

struct CatchUpChecks {
  store::RepeatCheck repeats;
  tlog::AskAgain again;
};

// What all of a follower's work is done with.
struct CatchUpBasis {
  store::Writer& writer;
  const FollowOptions& options;
  const FollowEnvironment& environment;
  const os::Stop& stop;
};

CatchUpResult catch_up(tlog::RunFetcher& log, const CatchUpChecks& checks,
                       const CatchUpBasis& basis);

}  // namespace gw::follow
