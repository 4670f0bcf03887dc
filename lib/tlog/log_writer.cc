#include "tlog/log_writer.h"

#include <fmt/format.h>

#include <map>

#include "base/bytes.h"
#include "tlog/c2sp_tiles.h"
#include "tlog/hash.h"
#include "tlog/record.h"

namespace gw::tlog {

static_assert(kMaxRecordBytes <= kMaxEntryBytes);

namespace {

// More callers than this wait for the next commit.
constexpr std::size_t kMaxCommitEntries = 4096;

Status check_entry(const LogEntry& entry) {
  if (entry.record.size() > kMaxRecordBytes) {
    return usage_error(
        fmt::format("record of {} bytes; at most {}", entry.record.size(), kMaxRecordBytes));
  }
  if (!is_record_text(entry.record)) return usage_error("not a record: " + quoted(entry.record));
  return {};
}

// The note that `signer` makes for a head, verified.
Result<std::string> signed_head(NoteSigner& signer, std::string_view origin, const LogTree& tree) {
  const std::string text = format_tree_text(origin, tree.size(), tree.root());
  auto note = signer.sign(text);
  if (!note) return std::move(note).error().in(fmt::format("signing the head at {}", tree.size()));
  GW_TRY(const std::string_view opened, open_note(*note, signer.key()));
  if (opened != text) return untrusted_error("the signer signed another text than it was given");
  return note;
}

}  // namespace

// A call that waits for its commit. Lives on the caller's stack.
struct LogWriter::Waiter {
  std::vector<LogEntry> entries;
  std::vector<Result<Appended>> results;
  Status status;
  bool done = false;
  Condition turn;
};

// What a commit will save.
struct LogWriter::Plan {
  std::vector<const LogEntry*> entries;  // the new ones
  std::vector<StoredHash> hashes;
  LogTree tree;                                               // with them
  std::map<std::string_view, std::size_t, std::less<>> keys;  // of `entries`
};

LogWriter::~LogWriter() = default;

// ---- opening ----

Result<LogTree> LogWriter::load_tree() {
  GW_TRY(const std::uint64_t size, store_->size());
  StoreNodes nodes(*store_);
  GW_TRY(const Frontier frontier, frontier_at(size, nodes));
  return LogTree(frontier);
}

// The records of the last tile give the stored tree. (That older ones do is for an audit to show.)
Status LogWriter::check_tail() {
  const std::uint64_t size = tree_.size();
  if (size == 0) return {};
  const std::uint64_t first = (size - 1) / kTileWidth * kTileWidth;
  const auto count = static_cast<std::uint32_t>(size - first);
  StoreNodes nodes(*store_);
  GW_TRY(const Frontier before, frontier_at(first, nodes));
  GW_TRY(const std::vector<std::string> records, store_->read_records(first, count));
  GW_TRY(const std::vector<Hash> leaves, store_->read_hashes(0, first, count));
  LogTree tree(before);
  std::vector<Hash> hashed;
  std::vector<StoredHash> made;
  for (const std::string& record : records) {
    hashed.push_back(leaf_hash(record));
    tree.append(hashed.back(), made);
  }
  if (tree != tree_ || hashed != leaves) {
    return corrupt_error(fmt::format("the log's last records do not hash to its tree of {}", size));
  }
  return {};
}

Status LogWriter::check_published(const Checkpoint& published) {
  const std::string what = fmt::format(
      "the log's store does not hold the head at {} that was published", published.size());
  const std::string hint = "it may be an older copy; going on with it would fork the log";
  if (published.size() > tree_.size()) {
    return corrupt_error(fmt::format("{}: it has {} records", what, tree_.size()), hint);
  }
  StoreNodes nodes(*store_);
  GW_TRY(const Frontier then, frontier_at(published.size(), nodes));
  if (then.root() != published.root()) return corrupt_error(what + ": another root hash", hint);
  return {};
}

Result<std::unique_ptr<LogWriter>> LogWriter::open(LogStore& store, LogSigners signers,
                                                   const std::optional<Checkpoint>& published) {
  std::unique_ptr<LogWriter> log(new LogWriter(store, signers));
  GW_TRY(log->tree_, log->load_tree());
  GW_CHECK(log->check_tail());
  if (published) GW_CHECK(log->check_published(*published));
  GW_CHECK(log->sign_head());
  return log;
}

// ---- the queue ----

std::vector<LogWriter::Waiter*> LogWriter::group() const {
  std::vector<Waiter*> out;
  std::size_t entries = 0;
  for (Waiter* waiter : queue_) {
    entries += waiter->entries.size();
    if (!out.empty() && entries > kMaxCommitEntries) break;
    out.push_back(waiter);
  }
  return out;
}

// Returns when the waiter's results are there: either this thread commits, or the one before did.
void LogWriter::enqueue(Waiter& waiter) {
  std::vector<Waiter*> taken;
  {
    const MutexLock lock(mutex_);
    queue_.push_back(&waiter);
    while (!waiter.done && queue_.front() != &waiter) waiter.turn.wait(mutex_);
    if (waiter.done) return;
    taken = group();
  }
  // First in the queue, and so until its group is taken out of it: nobody else commits meanwhile.
  commit(taken);
  const MutexLock lock(mutex_);
  for (Waiter* other : taken) {
    queue_.pop_front();
    other->done = true;
    // Under the lock: without it `other` could be gone already.
    if (other != &waiter) other->turn.notify_one();
  }
  if (!queue_.empty()) queue_.front()->turn.notify_one();
}

Result<Appended> LogWriter::append(LogEntry entry) {
  std::vector<LogEntry> one;
  one.push_back(std::move(entry));
  return std::move(append_all(std::move(one))[0]);
}

std::vector<Result<Appended>> LogWriter::append_all(std::vector<LogEntry> entries) {
  Waiter waiter;
  waiter.entries = std::move(entries);
  if (!waiter.entries.empty()) enqueue(waiter);
  return std::move(waiter.results);
}

Status LogWriter::publish() {
  Waiter waiter;
  enqueue(waiter);
  return std::move(waiter.status);
}

std::size_t LogWriter::waiting() const {
  const MutexLock lock(mutex_);
  return queue_.size();
}

// ---- a commit ----

void LogWriter::commit(std::span<Waiter* const> group) {
  // tree_ is what the store holds, whatever happened before.
  Status outcome = settle();
  if (outcome) {
    const Plan plan = make_plan(group);
    outcome = save(plan);
  }
  // What the plan added is durable, with its hashes; or nothing of it is there.
  if (outcome) outcome = sign_head();
  // What is durable is published.
  const std::shared_ptr<const LogHead> seen = head();
  for (Waiter* waiter : group) {
    waiter->status = outcome;
    waiter->results.resize(waiter->entries.size(),
                           outcome ? internal_error("no result") : outcome.error());
    for (Result<Appended>& result : waiter->results) {
      if (!result) continue;
      if (result->number < seen->size) {
        result->head = seen;
      } else {
        result = outcome.error();
      }
    }
  }
}

LogWriter::Plan LogWriter::make_plan(std::span<Waiter* const> group) {
  Plan plan;
  plan.tree = tree_;
  for (Waiter* waiter : group) {
    waiter->results.reserve(waiter->entries.size());
    for (const LogEntry& entry : waiter->entries) waiter->results.push_back(place(entry, plan));
  }
  return plan;
}

// The number that the entry has, or will have when the plan is saved.
Result<Appended> LogWriter::place(const LogEntry& entry, Plan& plan) {
  GW_CHECK(check_entry(entry));
  GW_TRY(const std::optional<std::uint64_t> there, find_record(entry, plan));
  if (there) return Appended{*there, nullptr};
  const std::uint64_t number = plan.tree.size();
  if (number >= kMaxTreeSize) return usage_error("the log is full");
  if (!entry.key.empty()) plan.keys.emplace(entry.key, plan.entries.size());
  plan.entries.push_back(&entry);
  plan.tree.append(leaf_hash(entry.record), plan.hashes);
  return Appended{number, nullptr};
}

// Under the entry's key, in the store or in the plan. kUsage when it is another record.
Result<std::optional<std::uint64_t>> LogWriter::find_record(const LogEntry& entry,
                                                            const Plan& plan) {
  if (entry.key.empty()) return std::optional<std::uint64_t>();
  std::optional<std::uint64_t> number;
  bool same = false;
  if (const auto planned = plan.keys.find(entry.key); planned != plan.keys.end()) {
    number = tree_.size() + planned->second;
    same = plan.entries[planned->second]->record == entry.record;
  } else {
    GW_TRY(number, store_->find(entry.key));
    if (!number) return number;
    if (*number >= tree_.size()) {
      return corrupt_error("the log's store has records that another writer appended");
    }
    GW_TRY(const std::vector<std::string> records, store_->read_records(*number, 1));
    same = records.size() == 1 && records[0] == entry.record;
  }
  if (!same) {
    return usage_error(
        fmt::format("the log has another record for {}: number {}", quoted(entry.key), *number));
  }
  return number;
}

Status LogWriter::save(const Plan& plan) {
  if (plan.entries.empty()) return {};
  auto saved = store_->append({tree_.size(), plan.entries, plan.hashes});
  if (saved) {
    tree_ = plan.tree;
    return {};
  }
  const Error error = std::move(saved).error().in("saving records of the log");
  unsettled_ = plan.tree;
  // All is well when the store has them in spite of its error.
  if (const Status settled = settle(); !settled || tree_ != plan.tree) return error;
  return {};
}

// After a failed commit: which of the two trees does the store hold?
Status LogWriter::settle() {
  if (broken_) return *broken_;
  if (!unsettled_) return {};
  auto stored = load_tree();
  if (!stored) return std::move(stored).error().in("reading the log after a failed commit");
  if (*stored != tree_ && *stored != *unsettled_) {
    broken_ = corrupt_error("the log's store holds neither the old nor the new records",
                            "the log must be opened anew, after an audit");
    return *broken_;
  }
  tree_ = *std::move(stored);
  unsettled_.reset();
  return {};
}

// Signs the head of what the store holds, and shows it to readers.
Status LogWriter::sign_head() {
  if (const auto now = head(); now && now->size == tree_.size()) return {};
  auto next = std::make_shared<LogHead>();
  next->size = tree_.size();
  next->root = tree_.root();
  GW_TRY(next->latest, signed_head(*signers_.latest, kSumdbOrigin, tree_));
  if (signers_.checkpoint != nullptr) {
    const std::string& origin = signers_.checkpoint->key().name();
    GW_TRY(next->checkpoint, signed_head(*signers_.checkpoint, origin, tree_));
  }
  const MutexLock lock(mutex_);
  head_ = std::move(next);
  return {};
}

// ---- what readers see ----

std::shared_ptr<const LogHead> LogWriter::head() const {
  const MutexLock lock(mutex_);
  return head_;
}

std::string LogWriter::checkpoint() const {
  const MutexLock lock(mutex_);
  return witnessed_.empty() ? head_->checkpoint : witnessed_;
}

Status LogWriter::publish_witnessed(std::string_view note) {
  if (signers_.checkpoint == nullptr) return usage_error("the log has no checkpoints");
  const VerifierKey& key = signers_.checkpoint->key();
  GW_TRY(const std::string_view text, open_note(note, key));
  const std::size_t line = text.find('\n') + 1;
  const auto size = parse_decimal(text.substr(line, text.find('\n', line) - line));
  if (!size || *size > head()->size) return untrusted_error("not a checkpoint of this log");
  StoreNodes nodes(*store_);
  GW_TRY(const Frontier then, frontier_at(*size, nodes));
  if (text != format_tree_text(key.name(), *size, then.root())) {
    return untrusted_error(fmt::format("not this log's checkpoint at {}", *size));
  }
  const MutexLock lock(mutex_);
  if (*size < witnessed_size_) {
    return usage_error(fmt::format("a checkpoint at {} was published before", witnessed_size_));
  }
  witnessed_size_ = *size;
  witnessed_ = note;
  return {};
}

}  // namespace gw::tlog
