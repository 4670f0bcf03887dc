#include "dnsd/module_source.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <utility>

#include "dns/answer_text.h"
#include "dns/module_name.h"
#include "module/goversion.h"
#include "module/releases.h"
#include "os/file.h"
#include "os/thread.h"

namespace gw::dnsd {

namespace {

// Modules on their way into the index: their names and texts packed in one place, so that a batch
// costs no allocation a module.
class ItemBatch {
 public:
  static constexpr std::size_t kItems = 512;

  ItemBatch(ModuleIndex& index, std::size_t zone_size, const std::vector<store::HeadTime>& heads)
      : index_(index), zone_size_(zone_size), heads_(heads) {
    bytes_.resize(kItems * kItemBytes);
    items_.reserve(kItems);
  }

  void add(std::string_view path, std::string_view latest) {
    char* at = bytes_.data() + items_.size() * kItemBytes;
    const std::size_t labels = dns::encode_module_labels(
        path, zone_size_, std::span<char, dns::kMaxName>(at, dns::kMaxName));
    // Without a slash, or too long: such a module has no name in the DNS.
    if (labels == 0) return;
    char* txt = at + dns::kMaxName;
    std::size_t size = 0;
    // Newer than the heads we know: it stays as it is, until the commit that brought it is applied.
    if (path != mod::kToolchainModule &&
        !format(latest, std::span<char, dns::kMaxTxt>(txt, dns::kMaxTxt), size)) {
      return;
    }
    items_.push_back({{at, labels}, {txt, size}});
    if (items_.size() == kItems) flush();
  }
  void flush() {
    index_.set(items_);
    items_.clear();
  }

 private:
  static constexpr std::size_t kItemBytes = dns::kMaxName + dns::kMaxTxt;

  // False when a release has no head among those we know.
  bool format(std::string_view latest, std::span<char, dns::kMaxTxt> out, std::size_t& size) const {
    std::array<dns::ModuleVersionView, mod::kMaxMajors * 2> entries;
    std::size_t n = 0;
    mod::ServedReleases it(latest);
    while (n < entries.size()) {
      auto entry = it.next();
      if (!entry) break;
      auto found = store::accepted_at(heads_, entry->record);
      if (!found) return false;
      entries[n++] = {entry->version, *found};
    }
    size = dns::format_module_answer({entries.data(), n}, out);
    return true;
  }

  ModuleIndex& index_;
  std::size_t zone_size_;
  const std::vector<store::HeadTime>& heads_;
  std::string bytes_;
  std::vector<ModuleIndex::Item> items_;
};

}  // namespace

ModuleSource::Files ModuleSource::look(const std::string& db) {
  Files files;
  struct stat info {};
  const auto id = [&](const std::string& path) {
    if (::stat(path.c_str(), &info) != 0) return std::optional<FileId>();
    return std::optional(FileId{info.st_dev, info.st_ino});
  };
  const std::string real = os::real_path(db);  // SQLite's other files are beside that
  files.wal = id(real + "-wal");
  files.shm = id(real + "-shm");
  files.db = id(real);
  if (files.db) {
    constexpr std::int64_t kNanoseconds = 1'000'000'000;
    files.changed_ns = info.st_mtim.tv_sec * kNanoseconds + info.st_mtim.tv_nsec;
    files.size = static_cast<std::uint64_t>(info.st_size);
  }
  return files;
}

// Whether the open connection still sees what others see by these names. The log of changes and its
// index may come into being later; while we have them open nobody who keeps to SQLite's rules
// removes them.
bool ModuleSource::still_there(const Files& now) {
  const auto same = [](std::optional<FileId>& before, const std::optional<FileId>& after) {
    if (!before) before = after;
    return before == after;
  };
  return same(files_.db, now.db) && same(files_.wal, now.wal) && same(files_.shm, now.shm) &&
         files_.changed_ns == now.changed_ns && files_.size == now.size;
}

// True when another database is there now: the index is empty and nothing is ready.
Result<bool> ModuleSource::reopen_if_replaced() {
  const Files now = look(options_.db);
  if (!now.db) {
    return not_found_error(options_.db + ": the database is gone; what it held is still served",
                           "put it back, or stop this server");
  }
  if (still_there(now)) return false;
  // It may have been written to, as a checkpoint does, or be another one: a fresh look tells.
  GW_TRY(store::Reader fresh, store::Reader::open(options_.db));
  GW_TRY(const store::LogState state, fresh.state());
  const bool same = state.identity == identity_ && state.position >= content_.tree_size &&
                    (!commit_ || state.commit >= *commit_);
  if (!same) GW_CHECK(may_serve(state));
  reader_.emplace(std::move(fresh));
  seen_version_.reset();
  files_ = now;
  if (same) return false;
  log_.warning(
      "database_replaced",
      {{"db", options_.db}, {"records", state.position}, {"records_before", content_.tree_size}});
  identity_ = state.identity;
  commit_.reset();
  heads_.clear();
  content_ = {};
  return true;
}

Status ModuleSource::open() {
  if (reader_) return {};
  auto reader = store::Reader::open(options_.db);
  if (!reader) {
    Error error = std::move(reader).error();
    if (error.kind == ErrorKind::kNotFound) {
      if (os::file_exists(os::directory_of(options_.db))) return {};
      error.hint = "there is no directory for it either; gwtool follow-tlog makes both";
    }
    return error;
  }
  GW_TRY(const store::LogState state, reader->state());
  GW_CHECK(may_serve(state));
  reader_.emplace(*std::move(reader));
  files_ = look(options_.db);
  identity_ = state.identity;
  return {};
}

Status ModuleSource::start() {
  GW_CHECK(open());
  if (!reader_) {
    log_.warning("waiting_for_database", {{"db", options_.db}});
    return {};
  }
  auto changed = refresh();
  if (!changed) return std::move(changed).error();
  return {};
}

Result<bool> ModuleSource::poll() {
  GW_CHECK(open());
  if (!reader_) return false;
  GW_TRY(const bool replaced, reopen_if_replaced());
  if (replaced) {
    forget_ = true;
    return true;
  }
  // Nobody is answered from it any more, now that the caller knows.
  if (std::exchange(forget_, false)) index_.clear();
  GW_TRY(const std::uint64_t version, reader_->data_version());
  if (seen_version_ == version) return false;
  GW_TRY(const bool changed, refresh());
  seen_version_ = version;
  return changed;
}

std::optional<store::LogState> ModuleSource::log_state() const {
  const MutexLock lock(mutex_);
  return log_state_;
}

Result<bool> ModuleSource::refresh() {
  const Content before = content_;
  store::LogState state;
  for (bool loaded = false, done = false; !done; loaded = true) {
    // Heads and modules of one commit: a newer module's answer would lack its head's time.
    GW_TRY(std::optional<store::Reader::Snapshot> snapshot, reader_->snapshot());
    GW_TRY(state, reader_->state());
    GW_CHECK(may_serve(state));
    GW_CHECK(refresh_heads());
    if (!state.complete()) break;
    GW_TRY(done, update());
    if (done) {
      GW_CHECK(refresh_toolchain());
    } else if (loaded) {
      return unavailable_error(options_.db + ": commits come faster than it is read");
    } else {
      // It takes longer than a snapshot should be kept; what is committed meanwhile comes next.
      snapshot.reset();
      GW_CHECK(load_all(state));
    }
  }
  content_.ready = state.complete();
  content_.tree_size = state.position;
  if (!heads_.empty()) content_.newest_head = heads_.back().accepted;
  {
    const MutexLock lock(mutex_);
    log_state_ = std::move(state);
  }
  return content_.ready != before.ready || content_.tree_size != before.tree_size ||
         content_.newest_head != before.newest_head || content_.toolchain != before.toolchain;
}

// Applies what was committed since the last time; false when everything must be loaded first.
Result<bool> ModuleSource::update() {
  if (!commit_) return false;
  GW_TRY(store::Changes changes, reader_->changes_since(*commit_));
  if (changes.reload) return false;
  GW_CHECK(apply(changes.modules));
  commit_ = changes.commit;
  return true;
}

Status ModuleSource::may_serve(const store::LogState& state) const {
  if (state.keep == store::Keep::kBuilds) {
    return usage_error(
        options_.db + ": follows a build service's log, which has no module versions",
        "serve from a database of the Go checksum database");
  }
  if (state.partial() && !options_.allow_partial) {
    return usage_error(
        fmt::format("{} begins with record {} of the log: its latest versions may be wrong",
                    options_.db, state.first_record),
        "follow from genesis, or serve it all the same with --partial");
  }
  return {};
}

Status ModuleSource::refresh_heads() {
  // A head's row is written once, and none later for a smaller tree.
  GW_TRY(auto newer, reader_->head_times(heads_.empty() ? 0 : heads_.back().size));
  heads_.insert(heads_.end(), newer.begin(), newer.end());
  return {};
}

Status ModuleSource::load_all(const store::LogState& state) {
  // Ancestors are about three for five modules.
  index_.reserve(state.modules * 17 / 10);
  const unsigned shards = std::max(1U, options_.threads);
  std::vector<Status> results(shards);
  std::vector<std::size_t> counts(shards);
  os::run_on_threads(shards, [&](std::size_t i) {
    results[i] = load_shard(static_cast<unsigned>(i), &counts[i]);
  });
  for (Status& result : results) GW_CHECK(std::move(result));
  // What was committed since the state was read is in the changes after it.
  commit_ = state.commit;
  return {};
}

Status ModuleSource::load_shard(unsigned shard, std::size_t* modules) {
  GW_TRY(store::Reader reader, store::Reader::open(options_.db));
  ItemBatch batch(index_, options_.zone_size, heads_);
  GW_CHECK(reader.each_module(
      [&](const store::ModuleRow& row) {
        batch.add(row.path, row.latest);
        ++*modules;
        return true;
      },
      shard, std::max(1U, options_.threads)));
  batch.flush();
  return {};
}

Status ModuleSource::apply(const std::vector<store::Module>& modules) {
  ItemBatch batch(index_, options_.zone_size, heads_);
  for (const store::Module& module : modules) batch.add(module.path, module.latest);
  batch.flush();
  return {};
}

Status ModuleSource::refresh_toolchain() {
  GW_TRY(auto versions, reader_->versions(mod::kToolchainModule));
  mod::ToolchainSummary summary;
  for (const store::VersionRow& row : versions) summary.add(row.version, row.record);
  std::vector<mod::ReleaseEntry> entries = {summary.cur(), summary.prev(), summary.next()};
  constexpr std::array kKinds = {dns::ToolchainKind::kCurrent, dns::ToolchainKind::kPrevious,
                                 dns::ToolchainKind::kNext};
  std::array<dns::ToolchainView, 3> views;
  std::size_t n = 0;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (entries[i].version.empty()) continue;
    auto found = store::accepted_at(heads_, entries[i].record);
    if (found) views[n++] = {entries[i].version, kKinds[i], *found};
  }
  std::array<char, dns::kMaxTxt> text;
  const std::size_t size = dns::format_toolchain_answer({views.data(), n}, text);
  content_.toolchain.assign(text.data(), size);
  return {};
}

}  // namespace gw::dnsd
