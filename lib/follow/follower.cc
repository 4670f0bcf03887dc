#include "follow/follower.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/metrics.h"
#include "follow/backoff.h"
#include "follow/catch_up.h"
#include "follow/follower_impl.h"
#include "follow/repeats.h"

namespace gw::follow {
namespace {

constexpr std::uint64_t kMuchToRelease = 100'000;

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

Follower::Follower(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Follower::~Follower() = default;

const store::LogState& Follower::state() const { return impl_->writer.state(); }

Result<std::unique_ptr<Follower>> Follower::open(FollowOptions options,
                                                 FollowEnvironment environment) {
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
    env.notifier->status(fmt::format("{} of {} records", s.position, s.target->size));
  }
}

// A data tile that did not hash right, alone, so that the others are not lost with it. On the
// thread that verifies.
Result<tlog::TileBody> Follower::Impl::ask_again(const tlog::TileId& id, const Error& why,
                                                 const tlog::Checkpoint& head, Round& round) {
  if (!round.tries.again(why)) return why;
  metric_add(Metric::kFollowBadTiles);
  env.log->info("asking for a tile again", {{"reason", why.message}});
  round.stop.wait_for(jittered(options.first_pause / 10));
  if (round.stop.requested()) return why;
  GW_TRY(auto tiles, tlog::fetch_tiles(source, head, {&id, 1}));
  return std::move(tiles.front());
}

// Fetches, verifies and stores what is missing under the head aimed at.
Status Follower::Impl::take_in(tlog::RunFetcher& log, Round& round) {
  if (writer.state().position == log.target().size()) {
    publish_state();
    return {};
  }
  Repeats repeats(source, log.target(), *env.log);
  const CatchUpChecks checks{
      [&](std::span<const store::RepeatedVersion> r) { return repeats.compare(r); },
      [&](const tlog::TileId& id, const Error& why) {
        return ask_again(id, why, log.target(), round);
      }};
  auto [found, status] = catch_up(log, checks, {writer, options, env, round.stop});
  round.report.records += found.records;
  if (found.records > kMuchToRelease) writer.release_memory();
  if (found.first_irregular) {
    env.log->warning("irregular records kept verbatim and never served",
                     {{"count", found.irregular}, {"first_record", *found.first_irregular}});
  }
  publish_state();
  if (!found.conflicts.empty()) return repeats.conflicts(std::move(found.conflicts));
  return std::move(status);
}

// A restart goes on under the head that it aimed at, never under one that it has not compared.
Status Follower::Impl::finish_target(Round& round) {
  const store::LogState& state = writer.state();
  if (!state.target || state.position == state.target->size) return {};
  GW_TRY(const tlog::Checkpoint aim, target());
  tlog::RunFetcher log(source, aim, writer.frontier());
  GW_TRY(const tlog::HeadComparison found, log.start());
  if (found.fork()) {
    return corrupt_error(options.db + ": the stored records do not belong to the stored head");
  }
  env.log->info("going on", {{"position", state.position}, {"size", state.target->size}});
  return take_in(log, round);
}

Status Follower::Impl::look_at_log(Round& round) {
  GW_TRY(const tlog::Checkpoint head, client.fetch_latest());
  const store::LogState& state = writer.state();
  if (state.target && state.position < state.target->size && head.size() < state.target->size) {
    // As caches do; but a log that took records back looks like this, too, and nothing else.
    env.log->warning("the log's head is smaller than the accepted one, which is not complete",
                     {{"size", head.size()}, {"accepted", state.target->size}});
  }
  return consider(head, source.describe(), round);
}

// One try of a round. Whatever a step shows, the later ones may show more: only a halt, a fault of
// ours or a stop ends the round early.
Result<RoundReport> Follower::Impl::try_round(const os::Stop& stop, Tries& tries) {
  if (writer.state().alarm) return halted_error(options.db, *writer.state().alarm);
  Round round{stop, tries};
  std::optional<Error> failed;  // the first one, unless a later one ends the round
  const auto go_on = [&](const Status& done) {
    switch (react(State::kStep, event_of(done))) {
      case Action::kGoOn:
        break;
      case Action::kNote:
        if (!failed) failed = done.error();
        break;
      case Action::kAlarm:
        failed = raise(done.error());
        return false;
      default:
        failed = done.error();
        return false;
    }
    return !failed || !stop.requested();
  };
  down.clear();
  // What an earlier run left under its head comes first: no newer head is accepted before.
  bool on = go_on(finish_target(round));
  on = on && go_on(deliver_posts());
  // Each head is accepted only when it continues what we hold, and then all its records are stored.
  on = on && go_on(look_at_log(round));
  // What others saw is of the same history, as far as it is to be told now.
  on = on && go_on(compare_with_others(round));
  // So are the heads that were seen before and could not be compared then.
  on = on && go_on(settle_unproven(round));
  on = on && go_on(deliver_posts());
  if (!failed) go_on(writer.note_checked(env.clock->now()));
  if (failed) return *std::move(failed);
  round.report.position = writer.state().position;
  round.report.head = writer.state().target ? writer.state().target->size : 0;
  return round.report;
}

// An error that shows what a mirror is like, and not the log, says so.
Error Follower::Impl::blame(Error error) const {
  return source.is_log() ? error : blame_mirror(std::move(error), source.describe());
}

// A round: tries of it, as many as the table and its failures allow.
Result<RoundReport> Follower::Impl::round(Mode mode, const os::Stop& stop) {
  std::uint64_t records = 0;
  Tries tries(mode, options.tries);
  while (true) {
    const std::uint64_t before = writer.state().position;
    auto report = try_round(stop, tries);
    if (report) {
      report->records += records;
      return report;
    }
    const std::uint64_t stored = writer.state().position - before;
    records += stored;
    const Error error = blame(std::move(report).error());
    const Event event = event_of(error);
    if (tlog::find_bad_tiles(error) != nullptr) metric_add(Metric::kFollowBadTiles);
    const Action action = react(tries.count(error, stored > 0), event);
    if (action == Action::kAlarm) return raise(error);
    if (action != Action::kTryAgain || stop.requested()) {
      if (event == Event::kJunk && !stop.requested() && source.try_next()) {
        env.log->warning("asking another source", {{"reason", error.message}});
        tries = Tries(mode, options.tries);
        continue;
      }
      return blame(tries.finish(error)).in("following " + options.key.name());
    }
    env.log->warning("trying again", {{"reason", error.message}});
    stop.wait_for(backoff(options.first_pause, tries.failures(), std::chrono::seconds(30)));
  }
}

Result<RoundReport> Follower::run_once(const os::Stop& stop) {
  auto report = impl_->round(Mode::kOnce, stop);
  if (report) metric_add(Metric::kFollowRounds, RoundResult::kDone);
  impl_->warn_about_age();
  return report;
}

// Counts the round, and tells where it leaves the loop.
State Follower::Impl::after_round(const Result<RoundReport>& report) {
  const Event event = event_of(report);
  RoundResult result = RoundResult::kFailed;
  if (event == Event::kDone) {
    result = RoundResult::kDone;
  } else if (report.error().kind == ErrorKind::kUnavailable) {
    result = RoundResult::kUnavailable;
  } else if (report.error().kind == ErrorKind::kUntrusted) {
    result = RoundResult::kUntrusted;
  }
  metric_add(Metric::kFollowRounds, result);
  const MonoTime now = env.clock->mono();
  if (event == Event::kDone) bad_tiles.end();
  if (event == Event::kBadTile) bad_tiles.note(now, writer.state().position);
  return bad_tiles.over(now, options.bad_tile_patience) ? State::kOverdue : State::kLoop;
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

void Follower::Impl::pause(Duration duration, const os::Stop& stop) {
  if (env.notifier == nullptr || !env.notifier->watchdog_interval()) {
    stop.wait_for(duration);
    return;
  }
  for (const MonoTime end = env.clock->mono() + duration; env.clock->mono() < end;) {
    env.notifier->watchdog();
    const Duration left = end - env.clock->mono();
    if (stop.wait_for(std::min<Duration>(left, *env.notifier->watchdog_interval()))) break;
  }
}

Status Follower::run(const os::Stop& stop) {
  Impl& m = *impl_;
  int failures = 0;
  while (!stop.requested()) {
    const auto report = m.round(Mode::kLoop, stop);
    const Event event = event_of(report);
    // An alarm goes before an end of the loop, and that before any other error.
    if (stop.requested() && event != Event::kHalted) break;
    Duration pause = jittered(m.options.interval);
    switch (react(m.after_round(report), event)) {
      case Action::kGoOn:
        failures = 0;
        if (report->records > 0) {
          m.env.log->info("followed",
                          {{"records", report->records}, {"position", report->position}});
        }
        break;
      case Action::kAlarm:
        m.env.log->error("round failed", report.error());
        return m.raise(report.error());
      case Action::kBackOff:
        m.env.log->error("round failed", report.error());
        pause = backoff(std::chrono::seconds(5), ++failures, m.options.interval);
        break;
      default:
        return report.error();
    }
    m.warn_about_age();
    m.pause(pause, stop);
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
