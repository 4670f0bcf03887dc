// Raising an alarm: the evidence is kept, the database halts, and the operator is told.
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <system_error>

#include "base/metrics.h"
#include "follow/follower_impl.h"
#include "follow/held_evidence.h"
#include "follow/repeats.h"

namespace gw::follow {
namespace {

// Who reads the path later, and the alarm's command, may be in another directory.
std::string absolute(const std::string& path) {
  std::error_code failed;
  const auto full = std::filesystem::absolute(path, failed);
  return failed ? path : full.string();
}

Error halted(Error error) {
  error.detail = std::make_shared<Halted>();
  return error;
}

}  // namespace

Error halted_error(const std::string& db, const store::Alarm& alarm) {
  return halted(
      untrusted_error(fmt::format("{}: halted {}: {}; evidence: {}", db, format_rfc3339(alarm.at),
                                  alarm.message, alarm.evidence),
                      "find out what happened, then gwtool follow-tlog --clear-alarm --db " + db));
}

// The heads that an alarm is about are in its evidence, and the operator's business from now on:
// they are no reason for another one after --clear-alarm.
Status Follower::Impl::forget_told(const tlog::Evidence& evidence) {
  GW_TRY(const auto heads, writer.unproven());
  for (const store::UnprovenHead& head : heads) {
    for (const auto& [what, note] : evidence.notes) {
      if (note == head.note) GW_CHECK(writer.forget_unproven(head.size, head.root));
    }
  }
  return {};
}

// `error`: carries a contradiction, or bad tiles.
Error Follower::Impl::raise(const Error& error) {
  const tlog::Contradiction* contradiction = tlog::find_contradiction(error);
  const auto* conflicts = dynamic_cast<const Conflicts*>(contradiction);
  const tlog::Evidence evidence =
      contradiction != nullptr
          ? contradiction->evidence
          : bad_tile_evidence(writer.state().target, *tlog::find_bad_tiles(error));
  const WallTime now = env.clock->now();
  const auto path = tlog::save_evidence(tlog::evidence_json(evidence, options.key.format(), now),
                                        absolute(options.db) + ".alarm", now);
  // Without room for a file the alarm is kept all the same.
  const std::string where = path ? *path : fmt::format("no file ({})", path.error().message);
  if (env.print_evidence) {
    env.print_evidence(
        tlog::format_evidence(evidence, path ? std::optional<std::string>(*path) : std::nullopt));
  }
  const store::Alarm alarm{evidence.kind, evidence.message, where, now};
  // Before the first head, too: or each call from cron would raise the alarm again.
  const std::span<const store::RepeatedVersion> none;
  const auto kept = writer.halt(alarm, conflicts != nullptr ? conflicts->versions : none);
  if (!kept) env.log->error("cannot keep the alarm", kept.error());
  if (const auto forgotten = forget_told(evidence); !forgotten) {
    env.log->error("cannot forget a head", forgotten.error());
  }
  metric_set(Metric::kFollowHalted, 1);
  if (!options.on_alarm.empty()) {
    const auto s = run_alarm_command(options.on_alarm, where);
    if (!s) env.log->error("alarm command", s.error());
  }
  if (kept) return halted_error(options.db, alarm);
  return halted(untrusted_error(fmt::format("{}; evidence: {}", alarm.message, where)));
}

}  // namespace gw::follow
