#include "buildd/local_audit.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <map>

#include "module/gzip.h"
#include "tlog/build_log.h"
#include "tlog/hash.h"
#include "tlog/log_tree.h"

namespace gw::buildd {

namespace {

constexpr std::uint32_t kRecordsAtOnce = 1024;
constexpr std::size_t kMaxTold = 100;
constexpr std::size_t kMaxUnpackedLog = std::size_t{32} << 20U;

class LocalAuditor {
 public:
  LocalAuditor(Ledger& ledger, const BinaryStore& binaries, const tlog::Checkpoint& published,
               const LocalAuditOptions& options)
      : ledger_(ledger),
        binaries_(binaries),
        published_(published),
        options_(options),
        sum_log_(options.sum_log) {}

  Result<LocalAudit> run() {
    GW_TRY(const std::uint64_t size, ledger_.size());
    if (published_.size() > size) {
      tell(out_.damaged_log, fmt::format("a head of {} records was published; there are {}",
                                         published_.size(), size));
    }
    check_root();
    for (std::uint64_t first = 0; first < size; first += kRecordsAtOnce) {
      const auto count =
          static_cast<std::uint32_t>(std::min<std::uint64_t>(kRecordsAtOnce, size - first));
      GW_TRY(const auto built, ledger_.built_from(first, count));
      for (const Built& b : built) GW_CHECK(check_record(b));
      // Their hashes are those of the log that these records make.
      GW_CHECK(compare_hashes());
    }
    return out_;
  }

 private:
  static void tell(std::vector<std::string>& where, std::string what) {
    if (where.size() < kMaxTold) where.push_back(std::move(what));
  }

  // At the published size the records give its root.
  void check_root() {
    if (tree_.size() != published_.size() || tree_.root() == published_.root()) return;
    tell(out_.damaged_log,
         fmt::format("the first {} records are not those of the published head", tree_.size()));
  }

  Status check_record(const Built& b) {
    if (options_.stop != nullptr && options_.stop->requested()) {
      return unavailable_error("stopped");
    }
    const auto record = tlog::parse_build_record(b.record);
    if (b.number != out_.records) {
      tell(out_.damaged_log, fmt::format("record {} is missing", out_.records));
    }
    tree_.append(tlog::leaf_hash(b.record), made_);
    check_root();
    ++out_.records;
    check_sum_log(b);
    if (!record || tlog::format_build_key(record->target) != b.key ||
        record->target.module != b.module || build::format_binary_sum(b.sha256) != record->sum) {
      tell(out_.damaged_log, fmt::format("record {}: its columns are not the record's", b.number));
      return {};
    }
    if (const auto log = ledger_.build_log(b.number); !log || !mod::gunzip(*log, kMaxUnpackedLog)) {
      tell(out_.damaged_log, fmt::format("record {}: what its build printed is lost", b.number));
    }
    GW_CHECK(check_file(b, std::string(record->sum), {record->size, b.sha256}));
    return check_file(b, fmt::format("{}.gz", record->sum), {b.packed_size, b.packed_sha256});
  }

  // It may be behind: a running service appends to it after the database.
  void check_sum_log(const Built& b) {
    if (b.number < sum_lines_) return;  // a damaged number
    std::string line;
    while (sum_lines_ <= b.number) {  // one that is missing in the database has its line
      if (!std::getline(sum_log_, line) || sum_log_.eof()) return;
      ++sum_lines_;
    }
    if (line + "\n" == b.record) return;
    tell(out_.damaged_log,
         fmt::format("{}: line {} is not record {}", options_.sum_log, b.number + 1, b.number));
    sum_log_.setstate(std::ios::failbit);  // once is enough
  }

  Status check_file(const Built& b, const std::string& name, const build::Saved& wanted) {
    const auto looked = binaries_.look(name);
    if (!looked) {
      tell(out_.damaged_files,
           fmt::format("record {}: {}: {}", b.number, name, looked.error().message));
      return {};
    }
    const auto& found = *looked;
    if (!found) {
      ++out_.missing;
      return {};
    }
    if (found->size == wanted.size && found->sha256 == wanted.sha256) {
      ++out_.files;
      return {};
    }
    tell(out_.damaged_files,
         fmt::format("record {}: {} is not what was built any more", b.number, name));
    return options_.remove_damaged ? binaries_.remove(name) : Status();
  }

  Status compare_hashes() {
    std::map<unsigned, std::vector<tlog::StoredHash>> by_level;
    for (const tlog::StoredHash& h : made_) by_level[h.id.level].push_back(h);
    made_.clear();
    for (const auto& [level, hashes] : by_level) {
      const std::uint64_t first = hashes.front().id.index;
      const auto stored =
          ledger_.read_hashes(level, first, static_cast<std::uint32_t>(hashes.size()));
      if (!stored && stored.error().kind != ErrorKind::kCorrupt) return stored.error();
      for (std::size_t i = 0; i < hashes.size(); ++i) {
        if (stored && (*stored)[i] == hashes[i].hash) {
          ++out_.hashes;
          continue;
        }
        tell(out_.damaged_log,
             fmt::format("hash {} of level {} is not what the records give", first + i, level));
      }
    }
    return {};
  }

  Ledger& ledger_;
  const BinaryStore& binaries_;
  const tlog::Checkpoint& published_;
  const LocalAuditOptions& options_;
  std::ifstream sum_log_;
  std::uint64_t sum_lines_ = 0;  // of it, that were read
  LocalAudit out_;
  tlog::LogTree tree_;
  std::vector<tlog::StoredHash> made_;
};

}  // namespace

Result<LocalAudit> audit_local(Ledger& ledger, const BinaryStore& binaries,
                               const tlog::Checkpoint& published,
                               const LocalAuditOptions& options) {
  return LocalAuditor(ledger, binaries, published, options).run();
}

void run_in_background() {
  constexpr int kWhoProcess = 1;
  constexpr int kIdle = 3 << 13;  // IOPRIO_CLASS_IDLE: glibc has no name for it
  const auto self = static_cast<id_t>(::syscall(SYS_gettid));
  // Both are courtesy: what is refused is no error.
  (void)::setpriority(PRIO_PROCESS, self, 19);
  (void)::syscall(SYS_ioprio_set, kWhoProcess, static_cast<int>(self), kIdle);
}

}  // namespace gw::buildd
