// What a follower is told to do, and what it works with. Plain values and borrowed seams.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "os/systemd.h"
#include "store/types.h"
#include "tlog/go_log.h"
#include "tlog/log_format.h"
#include "tlog/note.h"
#include "tlog/source.h"

namespace gw::follow {

// Where a new database begins. An existing one goes on where it stopped, whatever this says.
struct From {
  enum class Kind { kGenesis, kTip, kRecord };
  Kind kind = Kind::kGenesis;
  std::uint64_t record = 0;  // kRecord; rounded down to a multiple of 256, as the tip is

  // "genesis", "tip" or a decimal number; kUsage.
  static Result<From> parse(std::string_view text);
  bool operator==(const From&) const = default;
};

struct FollowOptions {
  std::string db;
  tlog::VerifierKey key;
  const tlog::LogFormat* format = &tlog::kGoLog;  // an existing database must be of the same
  std::optional<store::Keep> keep;  // for a new database; an existing one must keep the same
  From from;

  std::chrono::seconds interval = std::chrono::minutes(10);
  std::vector<std::string> submit_latest;   // URLs that get every new head
  std::vector<std::string> compare_latest;  // URLs and files with heads that others saw
  std::string on_alarm;                     // shell command, the evidence file's path is added
  std::chrono::seconds max_age = std::chrono::hours(6);  // of the head, before a warning

  // A transaction is closed at the first of these. Larger ones touch each page less often: memory
  // is what bounds them, 2 to 4 million records with Keep::kVersions, one with Keep::kRecords.
  std::uint64_t commit_records = std::uint64_t{1} << 24;
  std::size_t commit_bytes = std::size_t{96} << 20;
  // In a large database a transaction rewrites nearly every page: there they may be up to so large,
  // where the machine has the memory.
  std::size_t most_commit_bytes = std::size_t{384} << 20;
  std::chrono::seconds commit_interval{30};  // or ten times what the last one took to store
  std::size_t run_tiles = 128;               // data tiles fetched at once

  int tries = 3;                                                    // within one round
  std::chrono::seconds bad_tile_patience = std::chrono::hours(1);   // in the loop
  std::chrono::milliseconds first_pause = std::chrono::seconds(1);  // before the second try
};

struct Progress {
  std::uint64_t first = 0;     // where this run began
  std::uint64_t position = 0;  // verified so far; a little of it may not be committed yet
  std::uint64_t target = 0;
  std::chrono::milliseconds elapsed{0};
};

// How heads are exchanged with others. One thread at a time.
class HeadExchange {
 public:
  virtual ~HeadExchange() = default;
  // A signed note from a URL or file.
  virtual Result<std::string> fetch(const std::string& from) = 0;
  virtual Status post(const std::string& url, const std::string& note) = 0;
};

// Borrowed: everything must outlive the follower. `source` and `exchange` are called by one thread
// at a time, not always the same.
struct FollowEnvironment {
  tlog::TileSource* source = nullptr;
  HeadExchange* exchange = nullptr;  // null: no gossip
  const Clock* clock = nullptr;
  const Logger* log = nullptr;
  const os::Notifier* notifier = nullptr;  // may be null
  // Several times a second while records come in; may be null.
  std::function<void(const Progress&)> progress;
  // The evidence of an alarm as text for a person; may be null.
  std::function<void(std::string_view)> print_evidence;
};

}  // namespace gw::follow
