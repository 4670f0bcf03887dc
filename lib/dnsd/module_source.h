// From the follower's database into the zone: one full scan at the start, then what each commit
// changed.
//
// The scan is shared by a few threads, each with a Reader of its own. Of a large database it is
// done in the background: the zone is ready as soon as its hosts are known, and what the index does
// not have yet is looked up (ModuleLookup); nobody waits for five million names. Afterwards poll()
// costs a PRAGMA; when another process has committed, the changed modules are read and the zone
// gets a new serial. After a commit that changed too many modules to take them one by one all are
// read again, likewise in the background, while what was served is served on. A database that holds
// no complete tree yet leaves the zone not ready.
//
// SQLite tells nothing of a file that is taken away under it. So each poll() looks whether the
// files are still those that were opened. When another database stands there now, whose identity or
// history is another, nothing of the old one may be served with it: first the zone is not ready,
// then all is loaded anew. While there is none, what was loaded stays, and poll() says so.
//
// One thread at a time; status() from any.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/mutex.h"
#include "dnsd/module_index.h"
#include "dnsd/module_loader.h"
#include "dnsd/module_lookup.h"
#include "store/reader.h"

namespace gw::dnsd {

class ModuleSource {
 public:
  struct Options {
    std::string db;
    std::size_t zone_size = 0;   // octets of the zone's wire name
    bool allow_partial = false;  // serve a database that does not begin with the first record
    unsigned threads = 2;        // of the full scan
    // Modules; more of them are loaded while they are served already.
    std::uint64_t load_at_once = 200'000;
  };
  // What the zone's answers are made from at this moment.
  struct Content {
    bool ready = false;
    std::uint64_t tree_size = 0;
    WallTime newest_head{};
    std::string toolchain;  // the answer's text
  };

  // Everything given outlives it.
  ModuleSource(Options options, ModuleIndex& index, ModuleLookup& lookup, const Logger& log)
      : options_(std::move(options)), index_(index), lookup_(lookup), log_(log), loader_(index) {}

  // Opens the database and loads it. While there is none it is waited for, if there is a directory
  // for it: a service may start before the follower's first run. kNotFound, kUsage (partial,
  // another program's), kCorrupt, kIo.
  Status start();
  // Looks for new commits; true when content() changed. kUnavailable, kIo, kCorrupt: what is served
  // stays, try again later. kUsage: a newer gwtool changed its form; kNotFound: it is gone.
  Result<bool> poll();  // errors name the database
  const Content& content() const { return content_; }
  // The last poll() found another database: the next one loads it, and may forget what was served.
  bool must_reload() const { return forget_; }

  // Names are being loaded in the background: poll() often. Any thread.
  bool loading() const { return loading_.load(); }

  // For `serve-dns status`: the database's own words, as of the last change.
  std::optional<store::LogState> log_state() const;

 private:
  Error named(Error error) const;
  Result<bool> poll_once();
  // What tells a file from another one that takes its place.
  struct FileId {
    std::uint64_t device = 0, inode = 0;
    bool operator==(const FileId&) const = default;
  };
  struct Files {
    std::optional<FileId> db, wal, shm;
    std::int64_t changed_ns = 0;  // of db: written to in place
    std::uint64_t size = 0;
  };
  static Files look(const std::string& db);
  bool still_there(const Files& now);
  Result<bool> reopen_if_replaced();

  Status open();
  Result<bool> refresh();
  bool tell(store::LogState state, const Content& before);
  Result<bool> update();
  Status may_serve(const store::LogState& state) const;
  ModuleLoader::Job job(const store::LogState& state, unsigned threads) const;
  Status load_all(const store::LogState& state);
  Status start_loading(const store::LogState& state, bool first);
  Status take_loaded();
  void open_lookup(const store::LogState& state);
  Result<bool> follow_meanwhile();
  Status add_new_hosts();
  Status apply(const std::vector<store::Module>& modules);
  Status refresh_heads();
  Status refresh_toolchain();

  const Options options_;
  ModuleIndex& index_;
  ModuleLookup& lookup_;
  const Logger& log_;
  std::optional<store::Reader> reader_;  // none before open(), and while no fresh look succeeds
  bool was_open_ = false;                // there was one once
  Files files_;                          // when it was opened
  std::string identity_;                 // of what the index holds
  bool forget_ = false;                  // the index still holds another database's names
  std::optional<std::uint64_t> seen_version_;
  std::optional<std::uint64_t> commit_;         // the index holds everything up to it
  std::uint64_t loading_commit_ = 0;            // what is being loaded holds everything up to it
  std::uint64_t hosts_commit_ = 0;              // and so do the hosts, while a load runs
  std::optional<std::uint64_t> hosts_version_;  // as seen_version_, for them
  std::vector<store::HeadTime> heads_;
  Content content_;
  std::atomic<bool> loading_{false};
  ModuleLoader loader_;  // goes before what it uses
  mutable Mutex mutex_;
  std::optional<store::LogState> log_state_ GW_GUARDED_BY(mutex_);
};

}  // namespace gw::dnsd
