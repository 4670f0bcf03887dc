// A log of our own: appends records and signs heads, for committed sizes only.
//
//   GW_TRY(auto log, LogWriter::open(store, {&latest_signer, &checkpoint_signer}));
//   GW_TRY(auto done, log->append({key, record, payload}));   // any thread; waits for the disk
//   files.read("tile/8/0/000");                               // log_files.h: what is served
//
// Guarantees, in the order in which a commit gives them:
//   1. One record a key: what the log has already is found, not added a second time.
//   2. Records and hashes are saved by one transaction of the store (log_store.h).
//   3. Only what the store holds is signed; a signer's note is verified before anybody sees it.
//   4. Readers see a size only with its signed head, and never a smaller one afterwards.
//   5. A caller is answered when a signed head that covers its record is what readers see.
// Commits are grouped: while one is under way callers queue, and the next one takes them all: one
// transaction and one pair of signatures for as many as came. There is no thread of its own: the
// first in the queue does the work. A record costs two hashes, amortised, whatever the log's size.
//
// When something fails, the callers of that commit get its error. Nothing was saved, or (the store
// failed while it committed, or the signer failed) the records are in the log and the next head
// covers them: appending again by the same key finds out, and signs. A store whose state cannot be
// read after a failed commit is looked at again by the next one; one that holds neither what it
// held before nor what it was given makes every later append fail (kCorrupt). What readers see is
// not touched by any failure.
//
// One writer a store: a second one is noticed by the records that it appends, and then neither goes
// on (kCorrupt) before it is opened anew. All methods may be called by any thread.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "tlog/checkpoint.h"
#include "tlog/log_signer.h"
#include "tlog/log_store.h"
#include "tlog/log_tree.h"
#include "tlog/tile.h"

namespace gw::tlog {

// 256 of them with their framing fit a data tile that followers take, one fits a bundle's entry.
inline constexpr std::size_t kMaxRecordBytes = kMaxDataTileBytes / kTileWidth - 32;

// A head as it is served. Immutable.
struct LogHead {
  std::uint64_t size = 0;
  Hash root{};
  std::string latest;      // the sumdb dialect's signed note
  std::string checkpoint;  // that of tlog-tiles, without cosignatures; empty when it is not served
};

struct LogSigners {
  NoteSigner* latest = nullptr;  // never null
  // Null: only the sumdb dialect is served. Its key's name is the origin line: `HOST/tlog`.
  NoteSigner* checkpoint = nullptr;
};

struct Appended {
  std::uint64_t number = 0;
  std::shared_ptr<const LogHead> head;  // covers the record
};

class LogWriter {
 public:
  // Checks that the last records hash to the stored tree, and signs its head. `published`: a head
  // that is known to have been published, kept outside the store; a store that does not hold it
  // (one restored from an older copy) is refused, as it would fork the log: kCorrupt. Store and
  // signers must outlive the writer.
  static Result<std::unique_ptr<LogWriter>> open(LogStore& store, LogSigners signers,
                                                 const std::optional<Checkpoint>& published = {});
  ~LogWriter();

  // Waits until the record is durable and covered by a published head. kUsage: not a record text,
  // too long, or the log has another record under this key.
  Result<Appended> append(LogEntry entry);
  // The same for many in one commit; each has its own result, in their order.
  std::vector<Result<Appended>> append_all(std::vector<LogEntry> entries);
  // Signs what is saved but not covered by a head yet, after a signer failed.
  Status publish();

  // What readers may see. Never null.
  std::shared_ptr<const LogHead> head() const;

  // `checkpoint`: the newest head's, until a witnessed one was given, and from then on that one.
  std::string checkpoint() const;
  // A checkpoint of head(), or an older one, with cosignatures (cosignature.h; the caller has
  // verified those). kUntrusted when it is not this log's; kUsage when a larger one was given
  // before, or the log has no checkpoints.
  Status publish_witnessed(std::string_view note);

  // Calls of append that wait or are being committed, for metrics and tests.
  std::size_t waiting() const;

 private:
  struct Waiter;
  struct Plan;
  LogWriter(LogStore& store, LogSigners signers) : store_(&store), signers_(signers) {}
  void enqueue(Waiter& waiter);
  std::vector<Waiter*> group() const GW_REQUIRES(mutex_);
  void commit(std::span<Waiter* const> group);
  Plan make_plan(std::span<Waiter* const> group);
  Result<Appended> place(const LogEntry& entry, Plan& plan);
  Result<std::optional<std::uint64_t>> find_record(const LogEntry& entry, const Plan& plan);
  Status save(const Plan& plan);
  Status settle();
  Status sign_head();
  Result<LogTree> load_tree();
  Status check_tail();
  Status check_published(const Checkpoint& published);

  LogStore* store_;
  LogSigners signers_;

  // Of the thread that commits (the first in the queue), and of open() before.
  LogTree tree_;                      // what the store holds
  std::optional<LogTree> unsettled_;  // what it may hold instead, after a failed commit
  std::optional<Error> broken_;

  mutable Mutex mutex_;  // never held while the store or a signer works
  std::deque<Waiter*> queue_ GW_GUARDED_BY(mutex_);
  std::shared_ptr<const LogHead> head_ GW_GUARDED_BY(mutex_);
  std::uint64_t witnessed_size_ GW_GUARDED_BY(mutex_) = 0;
  std::string witnessed_ GW_GUARDED_BY(mutex_);
};

}  // namespace gw::tlog
