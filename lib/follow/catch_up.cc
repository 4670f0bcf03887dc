#include "follow/catch_up.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <utility>

#include "base/metrics.h"
#include "base/mutex.h"
#include "follow/bounded_queue.h"
#include "os/pages.h"
#include "os/thread.h"
#include "store/pending.h"
#include "tlog/tile.h"

namespace gw::follow {
namespace {

constexpr std::chrono::milliseconds kTick{200};
constexpr std::size_t kQueuedRuns = 4;
constexpr std::size_t kTransactions = 2;
constexpr std::uint64_t kManyRecords = 1'000'000;
// A data tile is about 50 KB and may have 2 MB: what is wanted at once follows what came before.
// Where that were more than kMostRunBytes, it is taken a few at a time.
constexpr std::size_t kQueuedBytes = std::size_t{32} << 20;
constexpr std::size_t kRunBytes = kQueuedBytes / kQueuedRuns;
constexpr std::size_t kMostRunBytes = 4 * kRunBytes;
constexpr std::size_t kFewTiles = kRunBytes / tlog::kMaxDataTileBytes;

class Pipeline {
 public:
  Pipeline(tlog::RunFetcher& log, const CatchUpChecks& checks, const CatchUpBasis& basis)
      : log_(log),
        writer_(basis.writer),
        checks_(checks),
        options_(basis.options),
        env_(basis.environment),
        stop_(basis.stop),
        first_(writer_.state().position),
        target_(log.target().size()),
        keep_(writer_.keep()),
        position_(first_),
        started_(env_.clock->mono()),
        last_watchdog_(started_) {}

  CatchUpResult run();

 private:
  using Pending = std::unique_ptr<store::PendingRecords>;

  void fetch();
  void verify();
  bool hand_over(Pending& staged);
  bool full(const store::PendingRecords& staged, MonoTime opened) const;
  Result<store::CommitReport> commit(const store::PendingRecords& pending);
  void fail(Error error);
  void commit_all(CatchUpResult& result);
  bool tick();

  tlog::RunFetcher& log_;
  store::Writer& writer_;
  const CatchUpChecks& checks_;
  const FollowOptions& options_;
  const FollowEnvironment& env_;
  const os::Stop& stop_;
  const std::uint64_t first_;
  const std::uint64_t target_;
  const store::Keep keep_;
  const std::uint64_t memory_ = os::usable_memory();

  BoundedQueue<tlog::FetchedRun> runs_{kQueuedRuns, kQueuedBytes};
  // One is filled while the other is committed; each waits here in between.
  BoundedQueue<Pending> free_{kTransactions};
  BoundedQueue<Pending> staged_{kTransactions};
  std::atomic<std::uint64_t> position_;
  std::atomic<std::chrono::milliseconds> last_commit_{};  // how long it took
  Mutex mutex_;
  std::optional<Error> failure_ GW_GUARDED_BY(mutex_);  // the first one
  MonoTime started_;
  MonoTime last_watchdog_;
};

void Pipeline::fail(Error error) {
  const MutexLock lock(mutex_);
  if (!failure_) failure_ = std::move(error);
}

void Pipeline::fetch() {
  std::size_t tiles = std::min(kFewTiles, options_.run_tiles);
  for (std::uint64_t at = first_; at < target_;) {
    const std::size_t most = std::min(tlog::kMaxDataTileBytes, kMostRunBytes / tiles);
    auto run = log_.fetch(at, tiles, most);
    if (!run && run.error().kind == ErrorKind::kUntrusted && tiles > kFewTiles) {
      tiles = kFewTiles;
      continue;
    }
    if (!run) {
      fail(std::move(run).error());
      break;
    }
    const std::size_t bytes = run->bytes();
    const std::uint64_t fetched =
        (run->end() - run->first() + tlog::kTileWidth - 1) / tlog::kTileWidth;
    tiles = std::clamp<std::size_t>(kRunBytes * fetched / std::max<std::size_t>(bytes, 1), 1,
                                    options_.run_tiles);
    at = run->end();
    if (!runs_.push(*std::move(run), bytes)) return;
  }
  runs_.finish();
}

// Ready for more afterwards, once a transaction has been committed; false when it is time to stop.
bool Pipeline::hand_over(Pending& staged) {
  if (staged->empty()) return true;
  if (!staged_.push(std::move(staged))) return false;
  auto next = free_.pop();
  if (!next) return false;
  staged = *std::move(next);
  return true;
}

bool Pipeline::full(const store::PendingRecords& staged, MonoTime opened) const {
  return staged.size() >= options_.commit_records ||
         staged.bytes() >= commit_bytes(options_, staged.first(), memory_) ||
         env_.clock->mono() - opened >=
             commit_interval(options_, last_commit_.load(std::memory_order_relaxed));
}

void Pipeline::verify() {
  auto first = free_.pop();
  if (!first) return;
  Pending staged = *std::move(first);
  MonoTime opened = env_.clock->mono();
  while (auto run = runs_.pop()) {
    auto batch = tlog::verify_run(*std::move(run), checks_.again);
    if (!batch) {
      fail(std::move(batch).error());
      break;
    }
    if (staged->empty()) opened = env_.clock->mono();
    if (auto s = staged->add(*batch); !s) {
      fail(std::move(s).error());
      break;
    }
    position_.store(batch->end(), std::memory_order_relaxed);
    if (full(*staged, opened) && !hand_over(staged)) return;
  }
  runs_.close();  // after an error: the fetcher must not wait for us
  if (staged->empty() || staged_.push(std::move(staged))) staged_.finish();
}

// Called several times a second; false when it is time to stop.
bool Pipeline::tick() {
  const MonoTime now = env_.clock->mono();
  if (env_.progress) {
    const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(now - started_);
    env_.progress({first_, position_.load(std::memory_order_relaxed), target_, elapsed});
  }
  if (env_.notifier != nullptr) {
    const auto interval = env_.notifier->watchdog_interval();
    if (interval && now - last_watchdog_ >= *interval / 2) {
      env_.notifier->watchdog();
      last_watchdog_ = now;
    }
  }
  return !stop_.requested();
}

Result<store::CommitReport> Pipeline::commit(const store::PendingRecords& pending) {
  const MonoTime begin = env_.clock->mono();
  auto report = writer_.commit(pending, checks_.repeats, [this] { return tick(); });
  const auto took = env_.clock->mono() - begin;
  last_commit_.store(std::chrono::duration_cast<std::chrono::milliseconds>(took),
                     std::memory_order_relaxed);
  return report;
}

CatchUpResult Pipeline::run() {
  CatchUpResult result;
  for (std::size_t i = 0; i < kTransactions; ++i) {
    auto pending = std::make_unique<store::PendingRecords>(keep_);
    if (target_ - first_ >= kManyRecords)
      pending->reserve(commit_bytes(options_, target_, memory_));
    free_.push(std::move(pending));
  }
  auto fetcher = os::start_thread([this] { fetch(); });
  auto verifier = os::start_thread([this] { verify(); });
  if (fetcher && verifier) {
    commit_all(result);
  } else {
    result.status = fetcher ? verifier.error() : fetcher.error();
  }
  staged_.close();
  free_.close();
  runs_.close();
  if (verifier) verifier->join();
  if (fetcher) fetcher->join();
  const MutexLock lock(mutex_);
  if (result.status && result.report.conflicts.empty() && failure_) {
    // Only now: the verifier must not touch the tree while the fetcher uses it.
    result.status = log_.tree().with_proof(*std::move(failure_));
  }
  return result;
}

// Until all is stored, or something ends it.
void Pipeline::commit_all(CatchUpResult& result) {
  while (true) {
    auto pending = staged_.pop(kTick);
    if (!tick()) {
      result.status = unavailable_error("stopped");
      break;
    }
    if (!pending) {
      if (staged_.drained()) break;
      continue;
    }
    auto report = commit(**pending);
    if (!report) {
      result.status = stop_.requested() ? unavailable_error("stopped") : std::move(report).error();
      break;
    }
    if (!report->conflicts.empty()) {  // nothing was stored
      result.report.conflicts = std::move(report->conflicts);
      break;
    }
    result.report.duplicates += report->duplicates;
    result.report.irregular += report->irregular;
    if (!result.report.first_irregular) result.report.first_irregular = report->first_irregular;
    result.report.records += report->records;
    metric_add(Metric::kFollowRecords, report->records);
    metric_add(Metric::kFollowDuplicates, report->duplicates);
    metric_set(Metric::kFollowPosition, static_cast<std::int64_t>(writer_.state().position));
    (*pending)->clear();
    free_.push(*std::move(pending));
  }
}

}  // namespace

std::chrono::milliseconds commit_interval(const FollowOptions& options,
                                          std::chrono::milliseconds last_commit) {
  return std::max<std::chrono::milliseconds>(options.commit_interval, 10 * last_commit);
}

// In proportion to what is there, since a transaction costs what it touches: so the number of
// transactions grows with the logarithm of the log, until memory bounds them. Two of them take an
// eighth of it.
std::size_t commit_bytes(const FollowOptions& options, std::uint64_t first, std::uint64_t memory) {
  constexpr std::uint64_t kBytesARecord = 16;  // of what is stored; staging takes 20 and more
  constexpr std::uint64_t kPartOfMemory = 16;
  const std::uint64_t most =
      std::min<std::uint64_t>(options.most_commit_bytes, memory / kPartOfMemory);
  return std::max<std::size_t>(options.commit_bytes, std::min(first * kBytesARecord, most));
}

CatchUpResult catch_up(tlog::RunFetcher& log, const CatchUpChecks& checks,
                       const CatchUpBasis& basis) {
  return Pipeline(log, checks, basis).run();
}

}  // namespace gw::follow
