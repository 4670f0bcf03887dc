#include "follow/status.h"

#include <fmt/format.h>

#include "tlog/head_json.h"

namespace gw::follow {
namespace {

Json target_head_json(const std::optional<store::Head>& head) {
  if (!head) return nullptr;
  return tlog::head_json(head->size, head->root, head->note, head->accepted);
}

std::string_view standing_name(Standing s) {
  switch (s) {
    case Standing::kCurrent:
      return "current";
    case Standing::kBehind:
      return "behind";
    case Standing::kHalted:
      return "halted";
  }
  return "";
}

}  // namespace

StatusReport judge(const store::LogState& state, WallTime now, std::chrono::seconds max_age,
                   std::optional<std::uint64_t> room) {
  constexpr std::uint64_t kLittleRoom = 1 << 20;
  StatusReport report;
  report.state = state;
  if (state.target) report.head_age = now - state.target->accepted;
  if (!state.target) {
    report.reasons.push_back("no head has been accepted yet");
  } else {
    if (state.position < state.target->size) {
      report.reasons.push_back(
          state.target->size - state.position == 1
              ? "1 record is missing"
              : fmt::format("{} records are missing", state.target->size - state.position));
    }
    if (report.head_age > max_age) {
      report.reasons.push_back(
          fmt::format("the head is {} minutes old", report.head_age.count() / 60));
    } else if (state.checked && now - *state.checked > max_age) {
      const auto ago = std::chrono::duration_cast<std::chrono::minutes>(now - *state.checked);
      report.reasons.push_back(
          fmt::format("the log was last looked at {} minutes ago", ago.count()));
    }
  }
  if (room && *room < kLittleRoom) {
    report.reasons.push_back("the disk is full: nothing new can be stored");
  }
  report.standing = report.reasons.empty() ? Standing::kCurrent : Standing::kBehind;
  if (state.alarm) {
    report.standing = Standing::kHalted;
    report.reasons.insert(report.reasons.begin(), state.alarm->message);
  }
  return report;
}

std::vector<std::string> format_status(const StatusReport& report) {
  const store::LogState& s = report.state;
  std::vector<std::string> out;
  const auto line = [&](std::string_view name, std::string_view value) {
    out.push_back(fmt::format("{}: {}", name, value));
  };
  line("status", standing_name(report.standing));
  for (const std::string& reason : report.reasons) line("reason", reason);
  line("log", s.log_name);
  if (s.target) {
    line("head", fmt::format("{} records, accepted {}", s.target->size,
                             format_rfc3339(s.target->accepted)));
  }
  line("position", std::to_string(s.position));
  if (s.partial()) line("partial", fmt::format("records before {} are not here", s.first_record));
  if (s.gomod_unknown()) {
    line("go.mod", fmt::format("not known of records before {}: +incompatible releases of their "
                               "modules are not served; a database followed anew has them",
                               s.gomod_from));
  }
  if (s.checked) line("checked", format_rfc3339(*s.checked));
  line("keep", store::keep_name(s.keep));
  const bool builds = s.keep == store::Keep::kBuilds;
  line(builds ? "builds" : "modules", std::to_string(builds ? s.builds : s.modules));
  if (s.duplicates > 0) line("duplicates", std::to_string(s.duplicates));
  if (s.conflicts > 0) line("conflicts", std::to_string(s.conflicts));
  if (s.irregular > 0) line("irregular", std::to_string(s.irregular));
  if (s.pending_gossip > 0) line("posts pending", std::to_string(s.pending_gossip));
  if (s.unproven > 0) line("heads not compared yet", std::to_string(s.unproven));
  if (s.alarm) {
    line("halted", format_rfc3339(s.alarm->at));
    line("evidence", s.alarm->evidence);
  }
  return out;
}

Json status_json(const StatusReport& report) {
  const store::LogState& s = report.state;
  Json out = {{"status", standing_name(report.standing)},
              {"reasons", report.reasons},
              {"log", s.log_name},
              {"log_key", s.log_key},
              {"form", store::format_of(s.keep).name},
              {"keep", store::keep_name(s.keep)},
              {"head", target_head_json(s.target)},
              {"head_age_seconds", s.target ? Json(report.head_age.count()) : Json(nullptr)},
              {"reached", s.reached ? Json(s.reached->size) : Json(nullptr)},
              {"position", s.position},
              {"first_record", s.first_record},
              {"partial", s.partial()},
              {"complete", s.complete()},
              {"gomod_from", s.gomod_unknown() ? Json(s.gomod_from) : Json(s.first_record)},
              {"checked", s.checked ? Json(format_rfc3339(*s.checked)) : Json(nullptr)},
              {"modules", s.modules},
              {"builds", s.builds},
              {"duplicates", s.duplicates},
              {"conflicts", s.conflicts},
              {"irregular", s.irregular},
              {"posts_pending", s.pending_gossip},
              {"heads_unproven", s.unproven}};
  out["alarm"] = nullptr;
  if (s.alarm) {
    out["alarm"] = {{"kind", s.alarm->kind},
                    {"message", s.alarm->message},
                    {"evidence", s.alarm->evidence},
                    {"time", format_rfc3339(s.alarm->at)}};
  }
  return out;
}

}  // namespace gw::follow
