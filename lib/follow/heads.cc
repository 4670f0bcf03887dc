// The rule for heads, and what happens when a log breaks it.
#include <algorithm>

#include "base/metrics.h"
#include "follow/follower_impl.h"
#include "tlog/tile.h"

namespace gw::follow {
namespace {

constexpr std::size_t kMaxEvidenceRecords = 16;

}  // namespace

std::optional<tlog::Checkpoint> Follower::Impl::target() const {
  const auto& head = writer.state().target;
  if (!head) return std::nullopt;
  auto opened = tlog::Checkpoint::open(head->note, options.key);
  if (!opened) return std::nullopt;
  return *std::move(opened);
}

Status Follower::Impl::consider(const tlog::Checkpoint& head, const std::string& origin,
                                const Stop& stop, RoundReport& report) {
  considered = head;
  const auto& held = writer.state().target;
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

Status Follower::Impl::consider_first(const tlog::Checkpoint& head, const Stop& stop,
                                      RoundReport& report) {
  GW_TRY(const tlog::Frontier from, first_frontier(head));
  tlog::Follower log(source, head, from);
  GW_TRY(const tlog::HeadComparison found, log.start());
  if (found.relation == tlog::HeadRelation::kFork) {
    return untrusted_error("the tiles of the head of " + std::to_string(head.size()) +
                           " records do not give its root");
  }
  GW_CHECK(writer.set_target(head, env.clock->now(), options.submit_latest, from));
  report.new_head = true;
  env.log->info(
      "first head",
      {{"log", head.key_name()}, {"size", head.size()}, {"from", from.size()}, {"db", options.db}});
  return take_in(log, stop, report);
}

Status Follower::Impl::consider_newer(const tlog::Checkpoint& head, const std::string& origin,
                                      const Stop& stop, RoundReport& report) {
  const store::Head held = *writer.state().target;
  tlog::Follower log(source, head, writer.frontier());
  GW_TRY(const tlog::HeadComparison found, log.start());
  if (found.relation == tlog::HeadRelation::kFork) {
    return raise(fork_evidence(held, head, found, origin));
  }
  GW_CHECK(writer.set_target(head, env.clock->now(), options.submit_latest));
  report.new_head = true;
  env.log->info("new head", {{"size", head.size()}, {"before", held.size}, {"from", origin}});
  return take_in(log, stop, report);
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
    if (!own) return std::move(found).error();
    // The database alone shows the fork; what the log says now must not hide it.
    found = tlog::HeadComparison{tlog::HeadRelation::kFork, head.size(), head.root(), *own, {}};
  }
  if (own) found->relation = tlog::HeadRelation::kFork;
  if (found->relation != tlog::HeadRelation::kFork) return {};
  found->claimed = head.root();
  if (own) found->recomputed = *own;
  return raise(fork_evidence(held, head, *found, origin));
}

Result<std::vector<bool>> Follower::Impl::compare_repeats(
    std::span<const store::RepeatedVersion> repeats) {
  const auto aim = target();
  if (!aim) return corrupt_error(options.db + ": the stored head does not verify");
  RecordProver firsts(source, *aim);
  RecordProver seconds(source, *aim);
  std::vector<bool> same;
  for (const store::RepeatedVersion& r : repeats) {
    GW_TRY(const std::string first, firsts.fetch(r.first));
    GW_TRY(const std::string second, seconds.fetch(r.record));
    same.push_back(first == second);
    if (same.back()) {
      env.log->warning(
          "duplicate record",
          {{"module", r.module}, {"version", r.version}, {"first", r.first}, {"record", r.record}});
    }
  }
  return same;
}

Error Follower::Impl::raise_conflicts(std::span<const store::RepeatedVersion> conflicts) {
  Evidence e;
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
  RecordProver prover(source, *aim);
  for (const auto& r : conflicts.first(std::min(conflicts.size(), kMaxEvidenceRecords))) {
    GW_TRY(ProvenRecord first, prover.prove(r.first));
    GW_TRY(ProvenRecord second, prover.prove(r.record));
    e.records.emplace_back(std::move(first), std::move(second));
  }
  return raise(e, conflicts);
}

Error Follower::Impl::raise_bad_tile(const std::string& what) {
  if (!considered) return untrusted_error(what);
  Evidence e = bad_tile_evidence(*considered, what);
  // The error names the tile first; what the source has there is the evidence.
  const auto id = tlog::parse_tile_path(std::string_view(what).substr(0, what.find(": ")));
  if (id) {
    const tlog::FetchRequest request{tlog::format_tile_path(*id), tlog::kMaxDataTileBytes};
    auto replies = source.fetch({&request, 1});
    if (replies.size() == 1 && replies[0]) e.tiles.push_back({request.path, *replies[0]});
  }
  return raise(e);
}

Error Follower::Impl::raise(const Evidence& evidence,
                            std::span<const store::RepeatedVersion> conflicts) {
  const WallTime now = env.clock->now();
  auto path = save_evidence(evidence, options.key.format(), options.db, now);
  // Without room for a file the alarm is kept all the same.
  const std::string where = path ? *path : "no file (" + path.error().message + ")";
  if (env.print_evidence) env.print_evidence(format_evidence(evidence, where));
  const store::Alarm alarm{evidence.kind, evidence.message, where, now};
  halted = true;
  // Before the first head there is no database, and nothing that an alarm would protect.
  if (writer.created()) {
    auto s = writer.halt(alarm, conflicts);
    if (!s) env.log->error("cannot keep the alarm", s.error());
  }
  env.log->error("halted", {{"kind", alarm.kind}, {"reason", alarm.message}, {"evidence", where}});
  metric_set(Metric::kFollowHalted, 1);
  if (!options.on_alarm.empty()) {
    auto s = run_alarm_command(options.on_alarm, where);
    if (!s) env.log->error("alarm command", s.error());
  }
  if (writer.created()) return halted_error(options.db, alarm);
  return untrusted_error(alarm.message + "; evidence: " + where);
}

}  // namespace gw::follow
