// All metrics, and all labels with the values that they take: the one list from which /metrics, the
// manual and the types of metric_add() and metric_set() follow.
//
// A new metric is an id and a row, in the same place of their lists; a new label is an enum with
// its label_text(). The compiler sees to it that ids and rows agree, and that each value of a label
// has its text; tests/lint/metrics.test.py that each metric and each value is used.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace gw {

enum class Metric : std::uint16_t {
  kBuildInfo,
  kServeQueries,
  kServeAnswers,
  kServeTruncated,
  kServeSignatures,
  kServeSignFailed,
  kServeClockBehind,
  kServeOverBudget,
  kServeLimited,
  kServeSendErrors,
  kServeReceiveErrors,
  kServeTcpOpen,
  kServeTcpAccepted,
  kServeTcpRefused,
  kServeTcpTimeouts,
  kServeSerial,
  kServeRecords,
  kServeHeadTime,
  kServeNames,
  kServeReady,
  kServeZoneLoads,
  kServeUpdateErrors,
  kServeFollowing,
  kFollowRecords,
  kFollowDuplicates,
  kFollowPosition,
  kFollowHeadSize,
  kFollowHeadTime,
  kFollowIrregular,
  kFollowConflicts,
  kFollowRounds,
  kFollowBadTiles,
  kFollowCompares,
  kFollowHalted,
  kFollowPosts,
  kSuperviseUpdates,
  kSuperviseChecks,
  kSuperviseChecked,
  kSuperviseAvailable,
  kSupervisePaused,
  kSuperviseStarts,
  kSuperviseUpdated,
  kSuperviseVulnerabilities,
  kSuperviseExits,
  kBuilds,
  kBuildDisagreements,
  kBuildSamples,
  kBuildWaiting,
  kBuildRunning,
  kBuildRefused,
  kBuildPages,
  kBuildLogSize,
  kBuildBinaryBytes,
  kBuildAudits,
  kBuildWitnessed,
  kBuildFollowed,
  kBuildToolchains,
};

enum class MetricType : std::uint8_t { kCounter, kGauge };

// ---- labels: values count from 0 without gaps ----

enum class QueryTransport : std::uint8_t { kUdp, kTcp };
constexpr std::string_view label_text(QueryTransport value) {
  switch (value) {
    case QueryTransport::kUdp:
      return "udp";
    case QueryTransport::kTcp:
      return "tcp";
  }
  return "";
}

enum class AnswerEnd : std::uint8_t {
  kDropped,
  kPositive,
  kNodata,
  kMissing,
  kReferral,
  kRefused,
  kError
};
constexpr std::string_view label_text(AnswerEnd value) {
  switch (value) {
    case AnswerEnd::kDropped:
      return "dropped";
    case AnswerEnd::kPositive:
      return "positive";
    case AnswerEnd::kNodata:
      return "nodata";
    case AnswerEnd::kMissing:
      return "missing";
    case AnswerEnd::kReferral:
      return "referral";
    case AnswerEnd::kRefused:
      return "refused";
    case AnswerEnd::kError:
      return "error";
  }
  return "";
}

enum class BuildEnd : std::uint8_t { kBuilt, kFailed, kTemporary };
constexpr std::string_view label_text(BuildEnd value) {
  switch (value) {
    case BuildEnd::kBuilt:
      return "built";
    case BuildEnd::kFailed:
      return "failed";
    case BuildEnd::kTemporary:
      return "temporary";
  }
  return "";
}
enum class SampleEnd : std::uint8_t { kSame, kDiffers, kFailed };
constexpr std::string_view label_text(SampleEnd value) {
  switch (value) {
    case SampleEnd::kSame:
      return "same";
    case SampleEnd::kDiffers:
      return "differs";
    case SampleEnd::kFailed:
      return "failed";
  }
  return "";
}
enum class AuditEnd : std::uint8_t { kGood, kDamaged, kFailed };
constexpr std::string_view label_text(AuditEnd value) {
  switch (value) {
    case AuditEnd::kGood:
      return "good";
    case AuditEnd::kDamaged:
      return "damaged";
    case AuditEnd::kFailed:
      return "failed";
  }
  return "";
}
enum class GateEnd : std::uint8_t { kPassed, kFailed, kTemporary };
constexpr std::string_view label_text(GateEnd value) {
  switch (value) {
    case GateEnd::kPassed:
      return "passed";
    case GateEnd::kFailed:
      return "failed";
    case GateEnd::kTemporary:
      return "temporary";
  }
  return "";
}
enum class BuildRefusal : std::uint8_t { kRate, kClient, kModule, kQueue };
constexpr std::string_view label_text(BuildRefusal value) {
  switch (value) {
    case BuildRefusal::kRate:
      return "rate";
    case BuildRefusal::kClient:
      return "client";
    case BuildRefusal::kModule:
      return "module";
    case BuildRefusal::kQueue:
      return "queue";
  }
  return "";
}
enum class PageEnd : std::uint8_t { kOk, kRedirect, kClientError, kServerError };
constexpr std::string_view label_text(PageEnd value) {
  switch (value) {
    case PageEnd::kOk:
      return "ok";
    case PageEnd::kRedirect:
      return "redirect";
    case PageEnd::kClientError:
      return "client_error";
    case PageEnd::kServerError:
      return "server_error";
  }
  return "";
}
enum class LimitAction : std::uint8_t { kDropped, kTruncated };
constexpr std::string_view label_text(LimitAction value) {
  switch (value) {
    case LimitAction::kDropped:
      return "dropped";
    case LimitAction::kTruncated:
      return "truncated";
  }
  return "";
}

enum class RefusalReason : std::uint8_t { kTotal, kNetwork };
constexpr std::string_view label_text(RefusalReason value) {
  switch (value) {
    case RefusalReason::kTotal:
      return "total";
    case RefusalReason::kNetwork:
      return "network";
  }
  return "";
}

enum class NameKind : std::uint8_t { kAll, kAnswers };
constexpr std::string_view label_text(NameKind value) {
  switch (value) {
    case NameKind::kAll:
      return "all";
    case NameKind::kAnswers:
      return "answers";
  }
  return "";
}

enum class LoadResult : std::uint8_t { kDone, kFailed };
constexpr std::string_view label_text(LoadResult value) {
  switch (value) {
    case LoadResult::kDone:
      return "done";
    case LoadResult::kFailed:
      return "failed";
  }
  return "";
}

enum class RoundResult : std::uint8_t { kDone, kUnavailable, kUntrusted, kFailed };
constexpr std::string_view label_text(RoundResult value) {
  switch (value) {
    case RoundResult::kDone:
      return "done";
    case RoundResult::kUnavailable:
      return "unavailable";
    case RoundResult::kUntrusted:
      return "untrusted";
    case RoundResult::kFailed:
      return "failed";
  }
  return "";
}

enum class CompareResult : std::uint8_t { kSame, kUnavailable, kUntrusted };
constexpr std::string_view label_text(CompareResult value) {
  switch (value) {
    case CompareResult::kSame:
      return "same";
    case CompareResult::kUnavailable:
      return "unavailable";
    case CompareResult::kUntrusted:
      return "untrusted";
  }
  return "";
}

template <typename Label>
concept MetricLabel = requires(Label value) {
  label_text(value);
};

enum class UpdateEnd : std::uint8_t {
  kUpdated,
  kFailed,
  kUntrusted,
  kSkipped,
  kRolledBack,
  kCancelled
};
constexpr std::string_view label_text(UpdateEnd value) {
  switch (value) {
    case UpdateEnd::kUpdated:
      return "updated";
    case UpdateEnd::kFailed:
      return "failed";
    case UpdateEnd::kUntrusted:
      return "untrusted";
    case UpdateEnd::kSkipped:
      return "skipped";
    case UpdateEnd::kRolledBack:
      return "rolled-back";
    case UpdateEnd::kCancelled:
      return "cancelled";
  }
  return "";
}

enum class CheckEnd : std::uint8_t { kDone, kFailed };
constexpr std::string_view label_text(CheckEnd value) {
  switch (value) {
    case CheckEnd::kDone:
      return "done";
    case CheckEnd::kFailed:
      return "failed";
  }
  return "";
}

// The texts of a label's values, in the order of its enum.
template <MetricLabel Label>
inline constexpr auto kLabelTexts = [] {
  constexpr std::size_t count = [] {
    std::size_t n = 0;
    while (!label_text(static_cast<Label>(n)).empty()) ++n;
    return n;
  }();
  std::array<std::string_view, count> texts;
  for (std::size_t i = 0; i < count; ++i) texts[i] = label_text(static_cast<Label>(i));
  return texts;
}();

// ---- the table ----

struct LabelInfo {
  std::string_view name;                          // "": the metric has no label
  std::span<const std::string_view> values = {};  // in the order of the label's enum
};
inline constexpr LabelInfo kNoLabel{};
template <MetricLabel Label>
constexpr LabelInfo label_of(std::string_view name) {
  return {name, kLabelTexts<Label>};
}

struct MetricInfo {
  Metric id;
  MetricType type;
  std::string_view name;  // gwtool_<area>_<what>[_<unit>][_total]
  LabelInfo label;
  std::string_view help;
};

inline constexpr std::array kMetricTable = std::to_array<MetricInfo>({
    {Metric::kBuildInfo, MetricType::kGauge, "gwtool_build_info", kNoLabel,
     "Always 1 while the process runs."},
    {Metric::kServeQueries, MetricType::kCounter, "gwtool_serve_queries_total",
     label_of<QueryTransport>("transport"), "DNS messages received."},
    {Metric::kServeAnswers, MetricType::kCounter, "gwtool_serve_answers_total",
     label_of<AnswerEnd>("kind"), "DNS messages by what became of them."},
    {Metric::kServeTruncated, MetricType::kCounter, "gwtool_serve_truncated_total", kNoLabel,
     "Answers that did not fit and said so."},
    {Metric::kServeSignatures, MetricType::kCounter, "gwtool_serve_signatures_total", kNoLabel,
     "Signatures made; the others came from the cache."},
    {Metric::kServeSignFailed, MetricType::kCounter, "gwtool_serve_signatures_failed_total",
     kNoLabel, "Signatures that could not be made for want of a key or memory."},
    {Metric::kServeClockBehind, MetricType::kCounter, "gwtool_serve_clock_behind_total", kNoLabel,
     "Signatures refused because the clock is before the newest signed head."},
    {Metric::kServeOverBudget, MetricType::kCounter, "gwtool_serve_signatures_over_budget_total",
     kNoLabel, "Signatures put off because too many were asked for."},
    {Metric::kServeLimited, MetricType::kCounter, "gwtool_serve_limited_total",
     label_of<LimitAction>("action"), "UDP answers held back by the rate limit."},
    {Metric::kServeSendErrors, MetricType::kCounter, "gwtool_serve_send_errors_total", kNoLabel,
     "UDP answers that the kernel would not send."},
    {Metric::kServeReceiveErrors, MetricType::kCounter, "gwtool_serve_receive_errors_total",
     kNoLabel, "Failed attempts to receive or accept."},
    {Metric::kServeTcpOpen, MetricType::kGauge, "gwtool_serve_tcp_connections", kNoLabel,
     "TCP connections that are open."},
    {Metric::kServeTcpAccepted, MetricType::kCounter, "gwtool_serve_tcp_accepted_total", kNoLabel,
     "TCP connections taken."},
    {Metric::kServeTcpRefused, MetricType::kCounter, "gwtool_serve_tcp_refused_total",
     label_of<RefusalReason>("reason"),
     "TCP connections closed for newer ones, or at once, because too many were open."},
    {Metric::kServeTcpTimeouts, MetricType::kCounter, "gwtool_serve_tcp_timeouts_total", kNoLabel,
     "TCP connections closed because nothing came."},
    {Metric::kServeSerial, MetricType::kGauge, "gwtool_serve_zone_serial", kNoLabel,
     "Serial number of the module zone."},
    {Metric::kServeRecords, MetricType::kGauge, "gwtool_serve_records", kNoLabel,
     "Log records that the answers take into account."},
    {Metric::kServeHeadTime, MetricType::kGauge, "gwtool_serve_head_accepted_seconds", kNoLabel,
     "Unix time at which the newest signed head was accepted."},
    {Metric::kServeNames, MetricType::kGauge, "gwtool_serve_names", label_of<NameKind>("kind"),
     "Names of the module space, and those with an answer."},
    {Metric::kServeReady, MetricType::kGauge, "gwtool_serve_ready", kNoLabel,
     "1 when modules are answered, 0 while the first run of the follower is not done."},
    {Metric::kServeZoneLoads, MetricType::kCounter, "gwtool_serve_zone_loads_total",
     label_of<LoadResult>("result"), "Attempts to load a changed zone file."},
    {Metric::kServeUpdateErrors, MetricType::kCounter, "gwtool_serve_update_errors_total", kNoLabel,
     "Failed attempts to read the database."},
    {Metric::kServeFollowing, MetricType::kGauge, "gwtool_serve_following", kNoLabel,
     "1 while serve-dns --follow follows the log, 0 when it halted or never did."},
    {Metric::kFollowRecords, MetricType::kCounter, "gwtool_follow_records_total", kNoLabel,
     "Verified records stored by this process."},
    {Metric::kFollowDuplicates, MetricType::kCounter, "gwtool_follow_duplicates_total", kNoLabel,
     "Records that repeat an earlier one exactly."},
    {Metric::kFollowPosition, MetricType::kGauge, "gwtool_follow_position_records", kNoLabel,
     "Records of the log that are stored."},
    {Metric::kFollowHeadSize, MetricType::kGauge, "gwtool_follow_head_records", kNoLabel,
     "Records under the signed head aimed at."},
    {Metric::kFollowHeadTime, MetricType::kGauge, "gwtool_follow_head_accepted_seconds", kNoLabel,
     "Unix time at which the signed head aimed at was accepted: a frozen log shows here only."},
    {Metric::kFollowIrregular, MetricType::kGauge, "gwtool_follow_irregular_records", kNoLabel,
     "Stored records that are not two regular lines."},
    {Metric::kFollowConflicts, MetricType::kGauge, "gwtool_follow_conflicts", kNoLabel,
     "Module versions that the log has twice with different sums, accepted by the operator."},
    {Metric::kFollowRounds, MetricType::kCounter, "gwtool_follow_rounds_total",
     label_of<RoundResult>("result"), "Rounds of asking the log for news, by their end."},
    {Metric::kFollowBadTiles, MetricType::kCounter, "gwtool_follow_bad_tiles_total", kNoLabel,
     "Attempts that ended at a tile which does not hash right."},
    {Metric::kFollowCompares, MetricType::kCounter, "gwtool_follow_compares_total",
     label_of<CompareResult>("result"),
     "Heads that others saw, by what comparing them with the log gave."},
    {Metric::kFollowHalted, MetricType::kGauge, "gwtool_follow_halted", kNoLabel,
     "1 when a security error has stopped following."},
    {Metric::kFollowPosts, MetricType::kGauge, "gwtool_follow_posts_pending", kNoLabel,
     "Heads that have yet to be posted to an address."},
    {Metric::kSuperviseUpdates, MetricType::kCounter, "gwtool_supervise_updates_total",
     label_of<UpdateEnd>("end"), "Updates of the service, by their end; by itself or by hand."},
    {Metric::kSuperviseChecks, MetricType::kCounter, "gwtool_supervise_checks_total",
     label_of<CheckEnd>("end"), "Looks for new versions."},
    {Metric::kSuperviseChecked, MetricType::kGauge, "gwtool_supervise_checked_seconds", kNoLabel,
     "Unix time of the last look for new versions that succeeded."},
    {Metric::kSuperviseAvailable, MetricType::kGauge, "gwtool_supervise_update_available", kNoLabel,
     "1 while there is an update that the policies want."},
    {Metric::kSupervisePaused, MetricType::kGauge, "gwtool_supervise_paused", kNoLabel,
     "1 while nothing is installed by itself until somebody says resume."},
    {Metric::kSuperviseStarts, MetricType::kCounter, "gwtool_supervise_starts_total", kNoLabel,
     "Starts of the service by this process."},
    {Metric::kSuperviseUpdated, MetricType::kGauge, "gwtool_supervise_updated_seconds", kNoLabel,
     "Unix time of the last update that was kept."},
    {Metric::kSuperviseVulnerabilities, MetricType::kGauge, "gwtool_supervise_vulnerabilities",
     kNoLabel, "Known vulnerabilities of what runs, with --vuln."},
    {Metric::kSuperviseExits, MetricType::kGauge, "gwtool_supervise_exits_after_update", kNoLabel,
     "How often the service ended by itself in the day after the last update."},
    {Metric::kBuilds, MetricType::kCounter, "gwtool_buildd_builds_total", label_of<BuildEnd>("end"),
     "Builds by how they ended: temporary ones are tried again when somebody asks."},
    {Metric::kBuildDisagreements, MetricType::kCounter, "gwtool_buildd_disagreements_total",
     kNoLabel,
     "Builds of one key with different bytes: two of our own, or ours and another service's."},
    {Metric::kBuildSamples, MetricType::kCounter, "gwtool_buildd_rebuilt_records_total",
     label_of<SampleEnd>("end"), "Records of old that were built again, by what came out."},
    {Metric::kBuildWaiting, MetricType::kGauge, "gwtool_buildd_builds_waiting", kNoLabel,
     "Builds that wait for others."},
    {Metric::kBuildRunning, MetricType::kGauge, "gwtool_buildd_builds_running", kNoLabel,
     "Builds under way."},
    {Metric::kBuildRefused, MetricType::kCounter, "gwtool_buildd_refused_total",
     label_of<BuildRefusal>("reason"), "Requests for builds that were refused."},
    {Metric::kBuildPages, MetricType::kCounter, "gwtool_buildd_pages_total",
     label_of<PageEnd>("end"), "Answers but those below /tlog/, by their status."},
    {Metric::kBuildLogSize, MetricType::kGauge, "gwtool_buildd_log_records", kNoLabel,
     "Records in the log."},
    {Metric::kBuildBinaryBytes, MetricType::kGauge, "gwtool_buildd_binary_bytes", kNoLabel,
     "Size of all binaries that are kept, packed ones included."},
    {Metric::kBuildAudits, MetricType::kCounter, "gwtool_buildd_audits_total",
     label_of<AuditEnd>("end"), "Audits of the service's own log and files, by what they found."},
    {Metric::kBuildWitnessed, MetricType::kGauge, "gwtool_buildd_witnessed_records", kNoLabel,
     "Records that the newest checkpoint with all witnesses' signatures covers."},
    {Metric::kBuildFollowed, MetricType::kGauge, "gwtool_buildd_followed_records", kNoLabel,
     "Records of the service that is followed that were built here and compared."},
    {Metric::kBuildToolchains, MetricType::kCounter, "gwtool_buildd_toolchains_tried_total",
     label_of<GateEnd>("end"),
     "Go toolchains that were tried out, by what came out: one that failed builds nothing."},
});

static_assert(
    [] {
      for (std::size_t i = 0; i < kMetricTable.size(); ++i) {
        if (kMetricTable[i].id != static_cast<Metric>(i)) return false;
      }
      return true;
    }(),
    "each metric's row stands where its id does");

constexpr const MetricInfo& metric_info(Metric metric) {
  return kMetricTable[static_cast<std::size_t>(metric)];
}

}  // namespace gw
