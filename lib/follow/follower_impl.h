// What Follower's files share: follower.cc runs the loop, heads.cc applies the rule for heads and
// raises alarms, gossip.cc exchanges heads with others.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "follow/catch_up.h"
#include "follow/evidence.h"
#include "follow/follower.h"
#include "store/writer.h"
#include "tlog/client.h"
#include "tlog/follower.h"
#include "tlog/record_prover.h"

namespace gw::follow {

// A source that several threads may use.
class SharedSource : public tlog::TileSource {
 public:
  explicit SharedSource(tlog::TileSource& source) : source_(source) {}
  std::vector<Result<std::string>> fetch(std::span<const tlog::FetchRequest> requests) override {
    const MutexLock lock(mutex_);
    return source_.fetch(requests);
  }
  std::string describe() const override { return source_.describe(); }

 private:
  tlog::TileSource& source_;
  Mutex mutex_;  // held during fetch(), which one thread at a time may call
};

struct Follower::Impl {
  Impl(FollowOptions o, Environment e, store::Writer w)
      : options(std::move(o)),
        env(std::move(e)),
        source(*env.source),
        client(source, options.key, *options.format),
        writer(std::move(w)) {}

  FollowOptions options;
  Environment env;
  SharedSource source;
  tlog::Client client;
  store::Writer writer;
  // The last error of this round with BadTiles: a note that does not verify is none of the log's, a
  // tile that does not is an alarm in the end.
  std::optional<Error> bad_tile;
  // Since when rounds meet a bad tile, and the position then: only a good round ends that, or
  // records that came in since.
  std::optional<MonoTime> bad_since;
  std::uint64_t bad_position = 0;
  // Records of conflicting versions, authenticated when they were compared.
  std::map<std::uint64_t, std::string> conflict_texts;
  std::set<std::string> down;  // addresses that took no post in this round
  std::optional<MonoTime> warned_old;
  bool halted = false;

  // follower.cc
  enum class Mode { kOnce, kLoop };
  Result<RoundReport> round(Mode mode, const os::Stop& stop);
  Result<RoundReport> try_round(const os::Stop& stop);
  Status look_at_log(const os::Stop& stop, RoundReport& report);
  Status finish_target(const os::Stop& stop, RoundReport& report);
  Status take_in(tlog::Follower& log, const os::Stop& stop, RoundReport& report);
  void publish_state();
  bool failed_at_tile(const Error& error) const;
  Status after_failure(const Error& error);
  void warn_about_age();

  // heads.cc
  Status consider(const tlog::Checkpoint& head, const std::string& origin, const os::Stop& stop,
                  RoundReport& report);
  Status apply_rule(const tlog::Checkpoint& head, const std::string& origin, const os::Stop& stop,
                    RoundReport& report);
  Status consider_first(const tlog::Checkpoint& head, const os::Stop& stop, RoundReport& report);
  Status check_for_fork(const tlog::Checkpoint& head, const std::string& origin);
  Status compare_below(const tlog::Checkpoint& head, const std::string& origin);
  Status consider_older(const tlog::Checkpoint& head, const std::string& origin);
  Status consider_newer(const tlog::Checkpoint& head, const std::string& origin,
                        const os::Stop& stop, RoundReport& report);
  Result<tlog::Frontier> first_frontier(const tlog::Checkpoint& head);
  Result<std::vector<bool>> compare_repeats(std::span<const store::RepeatedVersion> repeats);
  Error raise(const tlog::Evidence& evidence,
              std::span<const store::RepeatedVersion> conflicts = {});
  Error raise_conflicts(std::span<const store::RepeatedVersion> conflicts);
  Error raise_bad_tile();
  std::optional<tlog::Checkpoint> target() const;

  // gossip.cc
  Status compare_with_others(const os::Stop& stop, RoundReport& report);
  Status deliver_posts();
};

// Gives up the posts to addresses that are not in `wanted`, with a warning for each: they were to
// be sent at least once. None when `wanted` is empty.
Status forget_posts(store::Writer& writer, std::span<const std::string> wanted, const Logger& log);

// Runs `sh -c 'COMMAND "$1"'` with the path as $1, output to standard error; kills it after a
// minute.
Status run_alarm_command(const std::string& command, const std::string& path);

}  // namespace gw::follow
