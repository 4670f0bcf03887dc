#include "follow/follower.h"

#include <algorithm>
#include <cmath>

#include "base/bytes.h"
#include "base/metrics.h"
#include "follow/follower_impl.h"
#include "follow/pause.h"

namespace gw::follow {
namespace {

constexpr std::uint64_t kManyRecords = 100'000;
// So many times as often as one tile may be bad, all of them may, before a round gives up.
constexpr int kManyBadTiles = 3;

// The other heads are asked for even so: they may show what the failure hides.
bool others_may_know(ErrorKind kind) {
  return kind == ErrorKind::kUntrusted || kind == ErrorKind::kUnavailable ||
         kind == ErrorKind::kNotFound;
}

}  // namespace

Result<From> From::parse(std::string_view text) {
  if (text == "genesis") return From{};
  if (text == "tip") return From{Kind::kTip, 0};
  const auto number = parse_decimal(text);
  if (!number || *number > tlog::kMaxTreeSize) {
    return usage_error(quoted(text) + " is neither genesis, tip nor a record number");
  }
  return From{Kind::kRecord, *number};
}

Error halted_error(const std::string& db, const store::Alarm& alarm) {
  return untrusted_error(
      db + ": halted " + format_rfc3339(alarm.at) + ": " + alarm.message +
          "; evidence: " + alarm.evidence,
      "find out what happened, then gwtool follow-tlog --clear-alarm --db " + db);
}

Follower::Follower(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Follower::~Follower() = default;

const store::LogState& Follower::state() const { return impl_->writer.state(); }

Result<std::unique_ptr<Follower>> Follower::open(FollowOptions options, Environment environment) {
  store::WriterOptions how;
  how.log_name = options.key.name();
  how.log_key = options.key.format();
  how.format = options.format;
  how.keep = options.keep;
  GW_TRY(store::Writer writer, store::Writer::open(options.db, how));
  if (writer.state().alarm) return halted_error(options.db, *writer.state().alarm);
  GW_CHECK(forget_posts(writer, options.submit_latest, *environment.log));
  auto impl = std::make_unique<Impl>(std::move(options), std::move(environment), std::move(writer));
  metric_set(Metric::kBuildInfo, 1);
  impl->publish_state();
  return std::unique_ptr<Follower>(new Follower(std::move(impl)));
}

void Follower::Impl::publish_state() {
  const store::LogState& s = writer.state();
  metric_set(Metric::kFollowPosition, static_cast<std::int64_t>(s.position));
  metric_set(Metric::kFollowIrregular, static_cast<std::int64_t>(s.irregular));
  metric_set(Metric::kFollowConflicts, static_cast<std::int64_t>(s.conflicts));
  metric_set(Metric::kFollowHalted, s.halted() ? 1 : 0);
  metric_set(Metric::kFollowPosts, static_cast<std::int64_t>(s.pending_gossip));
  if (s.target) {
    metric_set(Metric::kFollowHeadSize, static_cast<std::int64_t>(s.target->size));
    metric_set(Metric::kFollowHeadTime, to_unix(s.target->accepted));
  }
  if (env.notifier != nullptr && s.target) {
    env.notifier->status(std::to_string(s.position) + " of " + std::to_string(s.target->size) +
                         " records");
  }
}

// Fetches, verifies and stores what is missing under the head aimed at.
Status Follower::Impl::take_in(tlog::Follower& log, const os::Stop& stop, RoundReport& report) {
  const auto check = [this](std::span<const store::RepeatedVersion> repeats) {
    return compare_repeats(repeats);
  };
  if (writer.state().position < log.target().size()) {
    conflict_texts.clear();
    auto [found, status] = catch_up(log, writer, check, options, env, stop);
    report.records += found.records;
    if (found.records > kManyRecords) writer.release_memory();
    if (found.first_irregular) {
      env.log->warning("irregular records kept verbatim and never served",
                       {{"count", found.irregular}, {"first_record", *found.first_irregular}});
    }
    publish_state();
    if (!found.conflicts.empty()) return raise_conflicts(found.conflicts);
    GW_CHECK(std::move(status));
  }
  publish_state();
  return {};
}

// A restart goes on under the head that it aimed at, never under one that it has not compared.
Status Follower::Impl::finish_target(const os::Stop& stop, RoundReport& report) {
  const store::LogState& state = writer.state();
  if (!state.target || state.position == state.target->size) return {};
  const auto aim = target();
  if (!aim) return corrupt_error(options.db + ": the stored head does not verify");
  tlog::Follower log(source, *aim, writer.frontier());
  GW_TRY(const tlog::HeadComparison found, log.start());
  if (found.fork()) {
    return corrupt_error(options.db + ": the stored records do not belong to the stored head");
  }
  env.log->info("going on", {{"position", state.position}, {"size", state.target->size}});
  return take_in(log, stop, report);
}

Status Follower::Impl::look_at_log(const os::Stop& stop, RoundReport& report) {
  GW_TRY(const tlog::Checkpoint head, client.fetch_latest());
  return consider(head, source.describe(), stop, report);
}

Result<RoundReport> Follower::Impl::try_round(const os::Stop& stop) {
  RoundReport report;
  if (writer.state().alarm) return halted_error(options.db, *writer.state().alarm);
  // The first error is the round's; a halt goes before it.
  std::optional<Error> failed;
  const auto over = [&](Status status) {
    if (!status && (!failed || halted)) failed = std::move(status).error();
    return failed && (halted || stop.requested() || !others_may_know(failed->kind));
  };
  down.clear();
  bool done = over(finish_target(stop, report));
  done = done || over(deliver_posts());
  done = done || over(look_at_log(stop, report));
  done = done || over(compare_with_others(stop, report));
  if (!done) over(deliver_posts());
  if (!failed) over(writer.note_checked(env.clock->now()));
  if (failed) return *std::move(failed);
  report.position = writer.state().position;
  report.head = writer.state().target ? writer.state().target->size : 0;
  return report;
}

bool Follower::Impl::failed_at_tile(const Error& error) const {
  return tlog::find_bad_tiles(error) != nullptr && !halted;
}

// Bad tiles are counted one by one and apart from what a network does: an alarm takes the same one
// `tries` times.
Result<RoundReport> Follower::Impl::round(Mode mode, const os::Stop& stop) {
  std::uint64_t records = 0;
  std::map<std::string, int> bad_tries;
  int bad = 0;
  int others = 0;
  bad_tile.reset();
  while (true) {
    const std::uint64_t before = writer.state().position;
    auto report = try_round(stop);
    if (report) {
      report->records += records;
      bad_since.reset();
      metric_add(Metric::kFollowRounds, RoundResult::kDone);
      return report;
    }
    records += writer.state().position - before;
    Error error = std::move(report).error();
    // Progress was made: that is no repetition of the same failure.
    const bool moved = writer.state().position > before;
    bool again = error.kind == ErrorKind::kUnavailable;
    if (failed_at_tile(error)) {
      metric_add(Metric::kFollowBadTiles);
      const auto& tiles = tlog::find_bad_tiles(error)->tiles;
      const int same = ++bad_tries[tiles.empty() ? "" : tiles[0].path];
      bad_tile = error;
      if (same >= options.tries && mode == Mode::kOnce) return raise_bad_tile();
      bad = moved ? 0 : bad + 1;
      again = same < options.tries && bad < kManyBadTiles * options.tries;
    } else {
      others = moved ? 0 : others + 1;
      again = again && others < options.tries;
    }
    if (stop.requested() || !again) return error.in("following " + options.key.name());
    env.log->warning("trying again", {{"reason", error.message}});
    stop.wait_for(
        back_off(options.first_pause, std::max(1, bad + others), std::chrono::seconds(30)));
  }
}

Result<RoundReport> Follower::run_once(const os::Stop& stop) {
  auto report = impl_->round(Impl::Mode::kOnce, stop);
  impl_->warn_about_age();
  return report;
}

// What the loop does about an error: none, when it may go on.
Status Follower::Impl::after_failure(const Error& error) {
  RoundResult result = RoundResult::kFailed;
  if (error.kind == ErrorKind::kUnavailable) result = RoundResult::kUnavailable;
  if (error.kind == ErrorKind::kUntrusted) result = RoundResult::kUntrusted;
  metric_add(Metric::kFollowRounds, result);
  if (halted) return error;
  if (error.kind == ErrorKind::kUsage || error.kind == ErrorKind::kCorrupt ||
      error.kind == ErrorKind::kInternal) {
    return error;
  }
  env.log->error("round failed", error);
  if (!bad_tile) return {};
  const MonoTime now = env.clock->mono();
  const std::uint64_t position = writer.state().position;
  if (!bad_since || bad_position != position) {
    bad_since = now;
    bad_position = position;
  }
  if (now - *bad_since >= options.bad_tile_patience) return raise_bad_tile();
  return {};
}

void Follower::Impl::warn_about_age() {
  const auto& head = writer.state().target;
  if (!head || env.clock->now() - head->accepted < options.max_age) return;
  const MonoTime now = env.clock->mono();
  if (warned_old && now - *warned_old < options.max_age) return;
  warned_old = now;
  env.log->warning("no new head for long: the log may be frozen, or kept from us",
                   {{"size", head->size}, {"accepted", format_rfc3339(head->accepted)}});
}

Status Follower::run(const os::Stop& stop) {
  Impl& m = *impl_;
  int failures = 0;
  while (!stop.requested()) {
    auto report = m.round(Impl::Mode::kLoop, stop);
    if (!report && m.halted) return m.after_failure(report.error());
    if (stop.requested()) break;
    Duration pause = jittered(m.options.interval);
    if (report) {
      failures = 0;
      if (report->records > 0) {
        m.env.log->info("followed", {{"records", report->records}, {"position", report->position}});
      }
    } else {
      GW_CHECK(m.after_failure(report.error()));
      pause = back_off(std::chrono::seconds(5), ++failures, m.options.interval);
    }
    m.warn_about_age();
    if (m.env.notifier == nullptr || !m.env.notifier->watchdog_interval()) {
      stop.wait_for(pause);
      continue;
    }
    for (const MonoTime end = m.env.clock->mono() + pause; m.env.clock->mono() < end;) {
      m.env.notifier->watchdog();
      const Duration left = end - m.env.clock->mono();
      if (stop.wait_for(std::min<Duration>(left, *m.env.notifier->watchdog_interval()))) break;
    }
  }
  return {};
}

Result<std::optional<store::Alarm>> clear_alarm(const std::string& db, WallTime now,
                                                const std::optional<tlog::VerifierKey>& key) {
  store::WriterOptions how;
  if (key) {
    how.log_name = key->name();
    how.log_key = key->format();
  }
  GW_TRY(store::Writer writer, store::Writer::open(db, how));
  if (!writer.created()) return not_found_error(db + ": no database there");
  const auto alarm = writer.state().alarm;
  if (alarm) GW_CHECK(writer.clear_alarm(now));
  return alarm;
}

}  // namespace gw::follow
