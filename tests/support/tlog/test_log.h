// A transparency log in memory, for tests: append records, sign heads, serve tiles, lookups and
// `latest` as a TileSource, and misbehave on request.
//
//   TestLog log;                      // name "sum.test", a fixed key made from the name
//   log.add_synthetic(70000);         // deterministic records
//   auto fork = log.fork_at(69000);   // the same key and the same first 69000 records
//   log.serve(60000);                 // `latest`, lookups and tiles as of 60000 records
//   log.replace("tile/8/0/005", bytes); log.fail("latest", unavailable_error("down"));
//
// Copies and forks are cheap: they share the records.
//
// Same tests may not call it from two threads, as with any TileSource.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "tlog/checkpoint.h"
#include "tlog/data_tile.h"
#include "tlog/go_log.h"
#include "tlog/note.h"
#include "tlog/source.h"
#include "tlog/tile.h"
#include "tlog/tree.h"

namespace gw::testing {

class TestLog : public tlog::TileSource {
 public:
  // `format`: what its heads and lookups are like.
  explicit TestLog(std::string_view name = "sum.test",
                   const tlog::LogFormat& format = tlog::kGoLog);

  const tlog::SignerKey& signer() const { return signer_; }
  tlog::VerifierKey key() const { return signer_.verifier(); }
  const tlog::LogFormat& format() const { return *format_; }

  // Appends any text; its number. serve() follows the end until it is called with a number.
  std::uint64_t append(std::string_view record);
  // Those that `other` has from our end up to `end`, which costs a tenth of making them.
  void append_from(const TestLog& other, std::uint64_t end);
  // A regular record whose sums are derived from `seed` (and module and version).
  std::uint64_t add(std::string_view module, std::string_view version, std::uint64_t seed = 0);
  static std::string record_text(std::string_view module, std::string_view version,
                                 std::uint64_t seed = 0);
  // `count` regular records: example.com/mN, ascending versions; `seed` varies the sums.
  void add_synthetic(std::uint64_t count, std::uint64_t seed = 0);

  std::uint64_t size() const { return records_.size(); }
  const std::string& record(std::uint64_t n) const { return *records_[n]; }
  Hash root(std::uint64_t n) const;
  // The signed head at `n` records.
  std::string head_note(std::uint64_t n) const;
  tlog::Checkpoint head(std::uint64_t n) const;
  tlog::Checkpoint head() const { return head(size()); }
  tlog::Frontier frontier(std::uint64_t n) const;
  // A head with any root, validly signed.
  tlog::Checkpoint sign(std::uint64_t n, const Hash& root) const;

  // A log with the same key and the same first `n` records.
  TestLog fork_at(std::uint64_t n) const;
  // As if record `n` had been this one from the start; what comes after it stays.
  void replace_record(std::uint64_t n, std::string_view record);

  // What is served from now on: tiles that exist at `n` records and the head at `n`.
  void serve(std::uint64_t n) { served_ = n; }
  void set_style(tlog::DataTileStyle style) { style_ = style; }
  // Partial tiles are answered with kNotFound (as a server that has only full ones would).
  void hide_partial_tiles(bool hide) { hide_partial_ = hide; }

  // The right bytes at a path, whatever replace() and fail() say.
  Result<std::string> serve_path(std::string_view path) const;
  void replace(std::string path, std::string bytes) {
    replaced_[std::move(path)] = std::move(bytes);
  }
  void fail(std::string path, Error error) {
    failed_.insert_or_assign(std::move(path), std::move(error));
  }
  void heal() { replaced_.clear(), failed_.clear(); }
  // Asked first for each path; nothing means: go on as usual.
  std::function<std::optional<Result<std::string>>(const std::string& path)> on_fetch;

  std::vector<Result<std::string>> fetch(std::span<const tlog::FetchRequest> requests) override;
  std::string describe() const override { return "test log"; }

  // Every path asked for, in order, and the number of fetch() calls (round trips).
  std::vector<std::string> fetched;
  std::size_t round_trips = 0;
  std::size_t fetched_with_prefix(std::string_view prefix) const;

 private:
  std::uint64_t append(std::shared_ptr<const std::string> record, const Hash& leaf);
  // The root of the full subtree (level, index).
  const Hash& node(unsigned level, std::uint64_t index) const { return levels_[level][index]; }
  Result<std::string> serve_tile(const tlog::TileId& id, std::uint64_t served) const;

  // The records by their lookups' paths, a layer for what each log added to the one it was copied
  // from. Most logs are never asked for one, so they are put in order when one is.
  struct Layer {
    Mutex mutex;  // logs in several threads may have it in common
    std::vector<std::pair<std::uint64_t, std::shared_ptr<const std::string>>> added
        GW_GUARDED_BY(mutex);
    std::map<std::string, std::uint64_t, std::less<>> records GW_GUARDED_BY(mutex);
  };
  struct Lookups {
    std::shared_ptr<Layer> layer;
    std::uint64_t end;  // those before it count
  };
  std::optional<std::uint64_t> find_lookup(std::string_view path) const;

  tlog::SignerKey signer_;
  const tlog::LogFormat* format_;
  std::vector<std::shared_ptr<const std::string>> records_;
  std::vector<std::vector<Hash>> levels_;  // [level][index], full subtrees only
  std::vector<Lookups> lookups_;
  std::optional<std::uint64_t> served_;
  tlog::DataTileStyle style_ = tlog::DataTileStyle::kSeparated;
  bool hide_partial_ = false;
  std::map<std::string, std::string, std::less<>> replaced_;
  std::map<std::string, Error, std::less<>> failed_;
};

// 70,000 synthetic records, which have a tile of level 2; made once in a process.
const TestLog& long_log();

// The files below a directory, as `--source DIR` sees them.
class DirectorySource : public tlog::TileSource {
 public:
  explicit DirectorySource(std::string dir) : dir_(std::move(dir)) {}
  std::vector<Result<std::string>> fetch(std::span<const tlog::FetchRequest> requests) override;
  std::string describe() const override { return "directory " + dir_; }

 private:
  std::string dir_;
};

}  // namespace gw::testing
