// From the follower's database into the zone: one full scan at the start, then what each commit
// changed.
//
// The scan is shared by a few threads, each with a Reader of its own; at one million modules it is
// what the first answer waits for. Afterwards poll() costs a PRAGMA; when another process has
// committed, the changed modules are read and the zone gets a new serial. A database that holds no
// complete tree yet leaves the zone not ready.
//
// SQLite tells nothing of a file that is taken away under it. So each poll() looks whether the
// files are still those that were opened. When another database stands there now, whose identity or
// history is another, nothing of the old one may be served with it: first the zone is not ready,
// then all is loaded anew. While there is none, what was loaded stays, and poll() says so.
//
// One thread at a time; status() from any.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/mutex.h"
#include "dnsd/module_index.h"
#include "store/reader.h"

namespace gw::dnsd {

class ModuleSource {
 public:
  struct Options {
    std::string db;
    std::size_t zone_size = 0;   // octets of the zone's wire name
    bool allow_partial = false;  // serve a database that does not begin with the first record
    unsigned threads = 2;        // of the full scan
  };
  // What the zone's answers are made from at this moment.
  struct Content {
    bool ready = false;
    std::uint64_t tree_size = 0;
    WallTime newest_head{};
    std::string toolchain;  // the answer's text
  };

  ModuleSource(Options options, ModuleIndex& index, const Logger& log)
      : options_(std::move(options)), index_(index), log_(log) {}

  // Opens the database and loads it. While there is none it is waited for, if there is a directory
  // for it: a service may start before the follower's first run. kNotFound, kUsage (partial,
  // another program's), kCorrupt, kIo.
  Status start();
  // Looks for new commits; true when content() changed. kUnavailable, kIo, kCorrupt: what is served
  // stays, try again later. kNotFound: the database is gone.
  Result<bool> poll();
  const Content& content() const { return content_; }
  // The last poll() found another database: the next one loads it, and may forget what was served.
  bool must_reload() const { return forget_; }

  // For `serve-dns status`: the database's own words, as of the last change.
  std::optional<store::LogState> log_state() const;

 private:
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
  Result<bool> update();
  Status may_serve(const store::LogState& state) const;
  Status load_all(const store::LogState& state);
  Status load_shard(unsigned shard, std::size_t* modules);
  Status apply(const std::vector<store::Module>& modules);
  Status refresh_heads();
  Status refresh_toolchain();

  const Options options_;
  ModuleIndex& index_;
  const Logger& log_;
  std::optional<store::Reader> reader_;
  Files files_;           // when it was opened
  std::string identity_;  // of what the index holds
  bool forget_ = false;   // the index still holds another database's names
  std::optional<std::uint64_t> seen_version_;
  std::optional<std::uint64_t> commit_;  // the index holds everything up to it
  std::vector<store::HeadTime> heads_;
  Content content_;
  mutable Mutex mutex_;
  std::optional<store::LogState> log_state_ GW_GUARDED_BY(mutex_);
};

}  // namespace gw::dnsd
