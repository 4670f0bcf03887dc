// The database as serve-dns and check see it: read-only, from another process or thread than the
// follower's, always one consistent commit at a time.
//
// Every call is a short read transaction of its own, so that the follower's log of changes
// (SQLite's WAL) can be cut; Snapshot joins a few calls into one. New commits are noticed by
// polling data_version(), which costs microseconds and reads no table. A Reader belongs to one
// thread at a time; open one for each thread. SQLite needs the `-wal` and `-shm` files beside
// the database, which a Writer leaves there, or to make them in its directory; reading is enough.
//
// Costs: versions() and latest() are one B-tree lookup by path, each_module() one pass over the
// modules' table, walk_paths() a part of a microsecond a path and some for going on elsewhere.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/types.h"

namespace gw::store {

// One module. The views live until the callback returns.
struct ModuleRow {
  std::string_view path;
  // The module's releases as mod::ReleaseSummary (module/releases.h) writes them; empty when the
  // module has none that counts (pseudo-versions only).
  std::string_view latest;
};
struct Module {
  std::string path;
  std::string latest;
};

struct VersionRow {
  std::string version;
  std::uint64_t record = 0;
};

struct Changes {
  std::uint64_t commit = 0;     // pass this to the next call
  bool reload = false;          // too far behind: scan everything again; `modules` is empty
  std::vector<Module> modules;  // every module touched since, once, as it is now
};

class Reader {
 public:
  // kNotFound: no such file. kUsage: another program's database, not a database, or a schema newer
  // than this program (the message has both numbers). kIo, kCorrupt.
  static Result<Reader> open(const std::string& path);

  Reader(Reader&&) noexcept;
  Reader& operator=(Reader&&) noexcept;
  ~Reader();

  // While a Snapshot lives every call on its Reader sees the same commit. Keep it for well under a
  // second. It must outlive neither the Reader nor a move of it. Nested ones see what the outermost
  // sees.
  class Snapshot {
   public:
    Snapshot(Snapshot&& o) noexcept : reader_(o.reader_) { o.reader_ = nullptr; }
    Snapshot& operator=(Snapshot&&) = delete;
    ~Snapshot();

   private:
    friend class Reader;
    explicit Snapshot(Reader* reader) : reader_(reader) {}
    Reader* reader_;
  };
  Result<Snapshot> snapshot();

  // Changes whenever another connection has committed something; only equality means anything.
  Result<std::uint64_t> data_version();

  Result<LogState> state();

  // The heads that were accepted, ascending, from the first that is larger than `above`.
  Result<std::vector<HeadTime>> head_times(std::uint64_t above = 0);

  // Every version of the module with its (first) record number, in no particular order.
  Result<std::vector<VersionRow>> versions(std::string_view path);

  // Calls `f` for every module, in no particular order, until it returns false. `shard` of `shards`
  // visits a disjoint part, so that several Readers can share a scan between threads.
  Status each_module(const std::function<bool(const ModuleRow&)>& f, unsigned shard = 0,
                     unsigned shards = 1);

  // The module's releases, as in ModuleRow; none when there is no such module.
  Result<std::optional<std::string>> latest(std::string_view path);

  // Paths of about so many modules, drawn evenly from all, sorted: they part the table of paths
  // into pieces of about the same size.
  Result<std::vector<std::string>> sample_paths(unsigned count);

  // Calls `f` for modules' paths in ascending order (of their bytes), from the first that is not
  // less than `from` on, until it returns none. What it returns is where to go on: empty for the
  // next path, else the first one that is not less.
  Status walk_paths(std::string_view from,
                    const std::function<std::optional<std::string>(std::string_view path)>& f);

  // The modules touched by commits after `commit` (LogState::commit at the time of a full scan,
  // then Changes::commit).
  Result<Changes> changes_since(std::uint64_t commit);

  // The record's text, byte for byte. None when it is not stored (with Keep::kBuilds also a record
  // that repeats an earlier one's key). kUsage for a database that keeps versions only.
  Result<std::optional<std::string>> record(std::uint64_t number);

 private:
  struct Impl;
  explicit Reader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace gw::store
