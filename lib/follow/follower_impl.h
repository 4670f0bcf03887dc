// What Follower's files share: follower.cc runs rounds, heads.cc applies the rule for heads,
// gossip.cc exchanges heads with others, alarm.cc raises alarms. What is done about what happens is
// the table's business (reactions.h).
#pragma once

#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/result.h"
#include "follow/follower.h"
#include "follow/options.h"
#include "follow/reactions.h"
#include "os/stop.h"
#include "store/writer.h"
#include "tlog/checkpoint.h"
#include "tlog/client.h"
#include "tlog/evidence.h"
#include "tlog/history.h"
#include "tlog/run_fetcher.h"
#include "tlog/source.h"
#include "tlog/tile.h"
#include "tlog/tile_fetch.h"
#include "tlog/tree.h"

namespace gw::follow {

// A source that several threads may use.
class SharedSource : public tlog::TileSource {
 public:
  explicit SharedSource(tlog::TileSource& source) : source_(&source) {}
  std::vector<Result<std::string>> fetch(std::span<const tlog::FetchRequest> requests) override {
    const MutexLock lock(mutex_);
    return source_->fetch(requests);
  }
  // What these say changes with the first fetch, and when another source is gone on with.
  std::string describe() const override {
    const MutexLock lock(mutex_);
    return source_->describe();
  }
  bool is_log() const override {
    const MutexLock lock(mutex_);
    return source_->is_log();
  }
  bool try_next() override {
    const MutexLock lock(mutex_);
    return source_->try_next();
  }

 private:
  mutable Mutex mutex_;  // held during fetch()
  tlog::TileSource* const source_ GW_PT_GUARDED_BY(mutex_);
};

// One try of a round on its way.
struct Round {
  const os::Stop& stop;
  Tries& tries;  // of all its tries
  RoundReport report = {};
  std::set<Hash> considered = {};  // roots of the heads that were looked at
};

struct Follower::Impl {
  Impl(FollowOptions o, FollowEnvironment e, store::Writer w)
      : options(std::move(o)),
        env(std::move(e)),
        source(*env.source),
        client(source, options.key, *options.format),
        writer(std::move(w)) {}

  FollowOptions options;
  FollowEnvironment env;
  SharedSource source;
  tlog::Client client;
  store::Writer writer;
  Lasting bad_tiles;
  std::set<std::string> down;  // addresses that took no post in this round
  std::optional<MonoTime> warned_old;

  // follower.cc
  Result<RoundReport> round(Mode mode, const os::Stop& stop);
  Result<RoundReport> try_round(const os::Stop& stop, Tries& tries);
  Result<tlog::TileBody> ask_again(const tlog::TileId& id, const Error& why,
                                   const tlog::Checkpoint& head, Round& round);
  Error blame(Error error) const;
  Status look_at_log(Round& round);
  Status finish_target(Round& round);
  Status take_in(tlog::RunFetcher& log, Round& round);
  void publish_state();
  State after_round(const Result<RoundReport>& report);
  void pause(Duration duration, const os::Stop& stop);
  void warn_about_age();

  // heads.cc. The errors of a head that is of another history carry the proof.
  Status consider(const tlog::Checkpoint& head, const std::string& origin, Round& round);
  Status apply_rule(const tlog::Checkpoint& head, const std::string& origin, Round& round);
  Status keep_if_unproven(const tlog::Checkpoint& head, const std::string& origin,
                          const Status& status);
  // What another's head showed: an error ends the round; what only fails it is kept in `bad`, the
  // first of it.
  static Status note_peer(Status status, std::optional<Error>& bad);
  Status settle_unproven(Round& round);
  Status consider_first(const tlog::Checkpoint& head, Round& round);
  Status check_for_fork(const tlog::Checkpoint& head, const std::string& origin);
  Status compare_below(const tlog::Checkpoint& aim, const tlog::Checkpoint& head,
                       const std::string& origin);
  // Under which of the two heads the tiles of a comparison are.
  enum class Under { kOurs, kTheirs };
  Error fork(const tlog::Checkpoint& aim, const tlog::Checkpoint& head,
             const tlog::HeadComparison& found, Under under, const std::string& origin);
  Status consider_older(const tlog::Checkpoint& head, const std::string& origin);
  Status consider_newer(const tlog::Checkpoint& head, const std::string& origin, Round& round);
  Result<tlog::Frontier> first_frontier(const tlog::Checkpoint& head);
  Result<tlog::Checkpoint> target() const;

  // alarm.cc
  Error raise(const Error& error);
  Status forget_told(const tlog::Evidence& evidence);

  // gossip.cc
  Status compare_with_others(Round& round);
  Status deliver_posts();
};

// Gives up the posts to addresses that are not in `wanted`, with a warning for each: they were to
// be sent at least once. None when `wanted` is empty.
Status forget_posts(store::Writer& writer, std::span<const std::string> wanted, const Logger& log);

// Runs `sh -c 'COMMAND "$1"'` with the path as $1, output to standard error; kills it after a
// minute.
Status run_alarm_command(const std::string& command, const std::string& path);

}  // namespace gw::follow
