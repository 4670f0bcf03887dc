// The rule for heads, and what happens when a log breaks it.
#include <algorithm>
#include <filesystem>
#include <system_error>

#include "base/metrics.h"
#include "follow/follower_impl.h"
#include "tlog/tile.h"

namespace gw::follow {
namespace {

constexpr std::size_t kMaxEvidenceRecords = 16;

// Who reads the path later, and the alarm's command, may be in another directory.
std::string absolute(const std::string& path) {
  std::error_code failed;
  const auto full = std::filesystem::absolute(path, failed);
  return failed ? path : full.string();
}

}  // namespace

std::optional<tlog::Checkpoint> Follower::Impl::target() const {
  const auto& head = writer.state().target;
  if (!head) return std::nullopt;
  auto opened = tlog::Checkpoint::open(head->note, options.key, *options.format);
  if (!opened) return std::nullopt;
  return *std::move(opened);
}

Status Follower::Impl::consider(const tlog::Checkpoint& head, const std::string& origin,
                                const os::Stop& stop, RoundReport& report) {
  auto status = apply_rule(head, origin, stop, report);
  if (status || tlog::find_bad_tiles(status.error()) == nullptr) return status;
  // The evidence is about this head, though it may be another's tiles that it was compared by.
  auto bad = std::make_shared<tlog::BadTiles>(*tlog::find_bad_tiles(status.error()));
  bad->head = head;
  status.error().detail = std::move(bad);
  return status;
}

Status Follower::Impl::apply_rule(const tlog::Checkpoint& head, const std::string& origin,
                                  const os::Stop& stop, RoundReport& report) {
  const auto& held = writer.state().target;
  // A newer one is proven to continue the records held, which must be all that the last one signs.
  if (held && writer.state().position != held->size) return check_for_fork(head, origin);
  if (!held) return consider_first(head, stop, report);
  if (head.size() > held->size) return consider_newer(head, origin, stop, report);
  if (head.size() < held->size) return consider_older(head, origin);
  if (head.root() == held->root) return {};
  return raise(equal_size_evidence(*held, head, origin));
}

Result<tlog::Frontier> Follower::Impl::first_frontier(const tlog::Checkpoint& head) {
  std::uint64_t first = 0;
  if (options.from.kind == From::Kind::kTip) first = head.size();
  if (options.from.kind == From::Kind::kRecord) first = options.from.record;
  if (first > head.size()) {
    return usage_error("--from " + std::to_string(first) + " is beyond the log's " +
                       std::to_string(head.size()) + " records");
  }
  first -= first % tlog::kTileWidth;
  if (first == 0) return tlog::Frontier();
  return client.tree(head).frontier_at(first);
}

Status Follower::Impl::consider_first(const tlog::Checkpoint& head, const os::Stop& stop,
                                      RoundReport& report) {
  GW_TRY(const tlog::Frontier from, first_frontier(head));
  tlog::Follower log(source, head, from);
  GW_TRY(const tlog::HeadComparison found, log.start());
  if (found.fork()) {
    return tlog::bad_tiles_error(
        "the tiles of the head of " + std::to_string(head.size()) + " records do not give its root",
        {head, found.tiles});
  }
  GW_CHECK(writer.set_target(head, env.clock->now(), options.submit_latest, from));
  report.new_head = true;
  env.log->info(
      "first head",
      {{"log", head.key_name()}, {"size", head.size()}, {"from", from.size()}, {"db", options.db}});
  GW_CHECK(deliver_posts());
  return take_in(log, stop, report);
}

Status Follower::Impl::consider_newer(const tlog::Checkpoint& head, const std::string& origin,
                                      const os::Stop& stop, RoundReport& report) {
  const store::Head held = *writer.state().target;
  tlog::Follower log(source, head, writer.frontier());
  GW_TRY(const tlog::HeadComparison found, log.start());
  if (found.fork()) {
    return raise(fork_evidence(held, head, found, origin));
  }
  GW_CHECK(writer.set_target(head, env.clock->now(), options.submit_latest));
  report.new_head = true;
  env.log->info("new head", {{"size", head.size()}, {"before", held.size}, {"from", origin}});
  // Before the records: those can take long, and others want to know what we were told.
  GW_CHECK(deliver_posts());
  return take_in(log, stop, report);
}

// What failed may be there to hide that the log is another one now. Every head that can be had
// shows that by tiles of its own; nothing is stored and no other failure counts here.
Status Follower::Impl::check_for_fork(const tlog::Checkpoint& head, const std::string& origin) {
  const auto aim = target();
  if (!aim) return {};
  const store::Head held = *writer.state().target;
  if (head.size() == held.size) {
    if (head.root() == held.root) return {};
    return raise(equal_size_evidence(held, head, origin));
  }
  if (head.size() < held.size) {
    Status status = consider_older(head, origin);
    if (halted) return status;
  } else {
    const auto found = client.compare(*aim, head);
    if (found && found->fork()) {
      return raise(fork_evidence(held, head, *found, origin));
    }
  }
  if (head.size() < writer.state().position) return {};
  // The records held were proven under the head aimed at.
  const auto found = client.compare(writer.frontier(), head);
  if (found && found->fork()) {
    return raise(fork_evidence(held, head, *found, origin));
  }
  return {};
}

// The tree of an older head at the tile boundary below it, by tiles of its own, against the records
// held: for when the database has no root at its size and the newer head's tiles are not to be had.
Status Follower::Impl::compare_below(const tlog::Checkpoint& head, const std::string& origin) {
  const std::uint64_t size = head.size() - head.size() % tlog::kTileWidth;
  GW_TRY(const auto own, writer.root_at(size));
  if (!own) return {};
  const auto found = tlog::compare_history(size, *own, client.tree(head));
  if (!found || !found->fork()) return {};
  return raise(fork_evidence(*writer.state().target, head, *found, origin));
}

Status Follower::Impl::consider_older(const tlog::Checkpoint& head, const std::string& origin) {
  const store::Head held = *writer.state().target;
  GW_TRY(const auto known, writer.head(head.size()));
  std::optional<Hash> own;
  if (known) own = known->root;
  if (!own) {
    GW_TRY(own, writer.root_at(head.size()));
  }
  if (own && *own == head.root()) return {};
  // Either it is not to be told from the database, or it is a fork and the tiles are the evidence.
  const auto aim = target();
  if (!aim) return corrupt_error(options.db + ": the stored head does not verify");
  auto found = client.compare(head, *aim);
  if (!found) {
    if (!own) {
      GW_CHECK(compare_below(head, origin));
      return std::move(found).error();
    }
    // The database alone shows the fork; what the log says now must not hide it.
    found = tlog::HeadComparison{tlog::HeadRelation::kFork, head.size(), head.root(), *own, {}};
  }
  if (own) found->relation = tlog::HeadRelation::kFork;
  if (!found->fork()) return {};
  found->claimed = head.root();
  if (own) found->recomputed = *own;
  return raise(fork_evidence(held, head, *found, origin));
}

Result<std::vector<bool>> Follower::Impl::compare_repeats(
    std::span<const store::RepeatedVersion> repeats) {
  const auto aim = target();
  if (!aim) return corrupt_error(options.db + ": the stored head does not verify");
  tlog::RecordProver firsts(source, *aim);
  tlog::RecordProver seconds(source, *aim);
  std::vector<bool> same;
  for (const store::RepeatedVersion& r : repeats) {
    auto first = firsts.fetch(r.first);
    auto second = seconds.fetch(r.record);
    if (!first) return std::move(first).error();
    if (!second) return std::move(second).error();
    same.push_back(*first == *second);
    if (!same.back() && conflict_texts.size() < 2 * kMaxEvidenceRecords) {
      conflict_texts.insert_or_assign(r.first, *std::move(first));
      conflict_texts.insert_or_assign(r.record, *std::move(second));
    }
    if (same.back()) {
      env.log->warning(
          "duplicate record",
          {{"module", r.module}, {"version", r.version}, {"first", r.first}, {"record", r.record}});
    }
  }
  return same;
}

Error Follower::Impl::raise_conflicts(std::span<const store::RepeatedVersion> conflicts) {
  tlog::Evidence e;
  e.kind = "duplicate";
  const store::RepeatedVersion& one = conflicts.front();
  e.message = one.module + "@" + one.version +
              " is in the log twice with different sums: records " + std::to_string(one.first) +
              " and " + std::to_string(one.record);
  if (conflicts.size() > 1) {
    e.message += ", and " + std::to_string(conflicts.size() - 1) + " more such versions";
  }
  const auto aim = target();
  if (!aim) return corrupt_error(options.db + ": the stored head does not verify");
  e.notes = {{"head", aim->note()}};
  tlog::RecordProver prover(source, *aim);
  for (const auto& r : conflicts.first(std::min(conflicts.size(), kMaxEvidenceRecords))) {
    // The texts were authenticated; that a proof is not to be had now must not hide what they say.
    const auto prove = [&](std::uint64_t number) {
      const auto known = conflict_texts.find(number);
      if (known == conflict_texts.end()) return prover.prove(number);
      return prover.prove(number, known->second);
    };
    tlog::ProvenRecord first = prove(r.first);
    e.records.emplace_back(std::move(first), prove(r.record));
  }
  return raise(e, conflicts);
}

Error Follower::Impl::raise_bad_tile() {
  return raise(bad_tile_evidence(writer.state().target, *tlog::find_bad_tiles(*bad_tile),
                                 bad_tile->message));
}

Error Follower::Impl::raise(const tlog::Evidence& evidence,
                            std::span<const store::RepeatedVersion> conflicts) {
  const WallTime now = env.clock->now();
  const auto path = tlog::save_evidence(tlog::evidence_json(evidence, options.key.format(), now),
                                        absolute(options.db) + ".alarm", now);
  // Without room for a file the alarm is kept all the same.
  const std::string where = path ? *path : "no file (" + path.error().message + ")";
  if (env.print_evidence) {
    env.print_evidence(
        tlog::format_evidence(evidence, path ? std::optional<std::string>(*path) : std::nullopt));
  }
  const store::Alarm alarm{evidence.kind, evidence.message, where, now};
  halted = true;
  // Before the first head there is no database, and nothing that an alarm would protect.
  if (writer.created()) {
    auto s = writer.halt(alarm, conflicts);
    if (!s) env.log->error("cannot keep the alarm", s.error());
  }
  metric_set(Metric::kFollowHalted, 1);
  if (!options.on_alarm.empty()) {
    auto s = run_alarm_command(options.on_alarm, where);
    if (!s) env.log->error("alarm command", s.error());
  }
  if (writer.created()) return halted_error(options.db, alarm);
  return untrusted_error(alarm.message + "; evidence: " + where);
}

}  // namespace gw::follow
