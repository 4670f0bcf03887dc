#include "dnsd/module_source.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <utility>

#include "dns/answer_text.h"
#include "dnsd/module_batch.h"
#include "module/goversion.h"
#include "module/releases.h"
#include "os/file.h"
#include "os/pages.h"

namespace gw::dnsd {

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
  if (reader_ && still_there(now)) return false;
  // It may have been written to, as a checkpoint does, or be another one: a fresh look tells. The
  // connections of a process share what SQLite knows of a file, so the old one must be gone.
  reader_.reset();
  GW_TRY(store::Reader fresh, store::Reader::open(options_.db));
  GW_TRY(const store::LogState state, fresh.state());
  const bool same = state.identity == identity_ && state.position >= content_.tree_size &&
                    (!commit_ || state.commit >= *commit_);
  if (!same) GW_CHECK(may_serve(state));
  reader_.emplace(std::move(fresh));
  seen_version_.reset();
  hosts_version_.reset();  // another connection counts anew
  files_ = now;
  if (same) {
    // Connections to the file that was there before must answer nobody any more.
    if (lookup_.state() != nullptr) open_lookup(state);
    return false;
  }
  loader_.stop();
  loading_.store(false);
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
  if (was_open_) return {};
  auto reader = store::Reader::open(options_.db);
  if (!reader) {
    Error error = std::move(reader).error();
    if (error.kind == ErrorKind::kNotFound) {
      if (os::file_exists(os::directory_of(options_.db))) return {};
      error.hint = "there is no directory for it either; gwtool follow-tlog makes both";
    }
    return error;
  }
  auto state = reader->state();
  if (!state) return std::move(state).error().in(options_.db);
  GW_CHECK(may_serve(*state));
  reader_.emplace(*std::move(reader));
  was_open_ = true;
  files_ = look(options_.db);
  identity_ = state->identity;
  return {};
}

Status ModuleSource::start() {
  GW_CHECK(open());
  if (!reader_) {
    log_.warning("waiting_for_database", {{"db", options_.db}});
    return {};
  }
  auto changed = refresh();
  if (!changed) return named(std::move(changed).error());
  return {};
}

// SQLite does not say which file it means.
Error ModuleSource::named(Error error) const {
  if (error.message.starts_with(options_.db + ":")) return error;
  return std::move(error).in(options_.db);
}

Result<bool> ModuleSource::poll() {
  auto changed = poll_once();
  if (!changed) return named(std::move(changed).error());
  return changed;
}

Result<bool> ModuleSource::poll_once() {
  GW_CHECK(open());
  if (!was_open_) return false;
  GW_TRY(const bool replaced, reopen_if_replaced());
  if (replaced) {
    forget_ = true;
    return true;
  }
  // Nobody is answered from it any more, now that the caller knows.
  if (std::exchange(forget_, false)) {
    lookup_.close();
    index_.clear();
  }
  if (loader_.running()) {
    if (!loader_.done()) return follow_meanwhile();
    GW_CHECK(take_loaded());
  }
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
      // Only now has the index all: what was committed during a load, too.
      if (lookup_.state() != nullptr) lookup_.close();
      GW_CHECK(refresh_toolchain());
      break;
    }
    if (loaded) return unavailable_error(options_.db + ": commits come faster than it is read");
    // It takes longer than a snapshot should be kept; what is committed meanwhile comes next.
    if (state.modules <= options_.load_at_once) {
      snapshot.reset();
      GW_CHECK(load_all(state));
      continue;
    }
    // What is served stays as it is until all is there, unless it can be looked up.
    const bool first = !commit_ && lookup_.state() == nullptr;
    const bool looked_up = first || lookup_.state() != nullptr;
    if (looked_up) GW_CHECK(refresh_toolchain());
    snapshot.reset();
    GW_CHECK(start_loading(state, first));
    if (!looked_up) return false;
    break;
  }
  return tell(std::move(state), before);
}

// What is served is of this commit now; true when that changes the content.
bool ModuleSource::tell(store::LogState state, const Content& before) {
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

ModuleLoader::Job ModuleSource::job(const store::LogState& state, unsigned threads) const {
  return {.db = options_.db,
          .zone_size = options_.zone_size,
          .modules = state.modules,
          .threads = threads,
          .heads = heads_};
}

Status ModuleSource::load_all(const store::LogState& state) {
  GW_CHECK(loader_.load(job(state, options_.threads)));
  // What was committed since the state was read is in the changes after it.
  commit_ = state.commit;
  return {};
}

// From here on names are looked up until the index has them all. `first`: it has none yet.
Status ModuleSource::start_loading(const store::LogState& state, bool first) {
  // After commits that are too many for update() their hosts are not in the index either.
  if (first || lookup_.state() != nullptr) {
    GW_CHECK(loader_.load_hosts(job(state, options_.threads)));
    open_lookup(state);
  }
  loading_commit_ = state.commit;
  hosts_commit_ = state.commit;
  hosts_version_.reset();
  // Half of the threads: the others are for who asks meanwhile.
  loading_.store(true);
  loader_.start(job(state, std::max(1U, options_.threads / 2)));
  return {};
}

void ModuleSource::open_lookup(const store::LogState& state) {
  lookup_.open({.db = options_.db,
                .zone_size = options_.zone_size,
                .identity = state.identity,
                .heads = heads_});
}

// What is committed during a load is looked up: so the head, the records and the toolchain are
// those of the newest commit, too.
Result<bool> ModuleSource::follow_meanwhile() {
  if (lookup_.state() == nullptr) return false;
  GW_TRY(const std::uint64_t version, reader_->data_version());
  if (hosts_version_ == version) return false;
  GW_CHECK(add_new_hosts());
  const Content before = content_;
  GW_TRY(const store::Reader::Snapshot snapshot, reader_->snapshot());
  GW_TRY(store::LogState state, reader_->state());
  GW_CHECK(may_serve(state));
  GW_CHECK(refresh_heads());
  GW_CHECK(refresh_toolchain());
  hosts_version_ = version;
  return tell(std::move(state), before);
}

// Modules that are committed during a load can be looked up, their hosts cannot: a host that is
// denied takes all below it along (RFC 8020).
Status ModuleSource::add_new_hosts() {
  GW_TRY(const store::Changes changes, reader_->changes_since(hosts_commit_));
  if (changes.reload) {  // too many to be told one by one
    GW_TRY(const store::LogState state, reader_->state());
    GW_CHECK(loader_.load_hosts(job(state, options_.threads)));
  } else {
    ModuleBatch batch(index_, options_.zone_size, heads_);
    for (const store::Module& module : changes.modules) batch.add_host_of(module.path);
    batch.flush();
  }
  hosts_commit_ = changes.commit;
  return {};
}

// What was committed during the load is not in the index yet, nor are the modules whose newest
// version it was: they are looked up until refresh() has applied it.
Status ModuleSource::take_loaded() {
  seen_version_.reset();  // look at once for what was committed meanwhile
  loading_.store(false);
  GW_CHECK(loader_.finish());
  commit_ = loading_commit_;
  const ModuleIndex::Stats stats = index_.stats();
  log_.info("names_loaded", {{"names", stats.names}, {"answers", stats.answers}});
  os::give_back_memory();
  return {};
}

Status ModuleSource::apply(const std::vector<store::Module>& modules) {
  ModuleBatch batch(index_, options_.zone_size, heads_);
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
