// Following a log into a database: heads by their rules, records verified, alarms kept.
//
//   GW_TRY(auto follower, Follower::open(options, environment));
//   GW_CHECK(follower->run(stop));           // a daemon's loop, until stop or a security error
//   GW_TRY(auto round, follower->run_once(stop));   // or one round, for cron
//
// A round: finish what is missing under the head aimed at; deliver heads that are still to be
// posted; fetch the log's head and those that others saw; each is taken by the rule for heads
// (older: must be a prefix; equal: the same root; newer: proven consistent, stored, followed).
// Fetching, verifying and storing overlap on three threads.
//
// Errors of a round. kUntrusted: a security error; when it is one that halts, the evidence has been
// written beside the database, the alarm is in the database and on_alarm was run; a note that does
// not verify does not halt, nothing of it is used. kUnavailable: a retry may help; what was
// verified before has been stored. kNotFound: the source has no such file. Others: kUsage, kIo,
// kCorrupt.
//
// The object belongs to one thread at a time; it holds the database's lock as long as it lives.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "follow/options.h"
#include "os/stop.h"
#include "store/types.h"

namespace gw::follow {

struct RoundReport {
  std::uint64_t records = 0;  // new ones stored
  std::uint64_t position = 0;
  std::uint64_t head = 0;  // size of the head aimed at
  bool new_head = false;
};

class Follower {
 public:
  // Takes the database's lock (kUnavailable with the holder's pid) and checks that it belongs to
  // this log. kUntrusted when it is halted: the message names the evidence.
  static Result<std::unique_ptr<Follower>> open(FollowOptions options,
                                                FollowEnvironment environment);
  ~Follower();

  // One round, with a few tries of what fails.
  Result<RoundReport> run_once(const os::Stop& stop);

  // Rounds until `stop`, pausing for the interval, jittered, backing off on errors. A tile that
  // does not hash right becomes an alarm after options.bad_tile_patience. Returns without an error
  // only after `stop`.
  Status run(const os::Stop& stop);

  const store::LogState& state() const;

 private:
  struct Impl;
  explicit Follower(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// The error that a halted database gives: kUntrusted, names the alarm and its evidence, with the
// way out as the hint.
Error halted_error(const std::string& db, const store::Alarm& alarm);

// Takes the alarm off the database. kNotFound when there is no database; returns what the alarm
// was, or none. `key`: checked when given.
Result<std::optional<store::Alarm>> clear_alarm(const std::string& db, WallTime now,
                                                const std::optional<tlog::VerifierKey>& key = {});

}  // namespace gw::follow
