// gwtool supervise schedule and explain: what would be done when, and why not.
#include <fmt/format.h>

#include <map>

#include "base/bytes.h"
#include "base/json.h"
#include "base/text.h"
#include "base/visible.h"
#include "build_group.h"
#include "module/goversion.h"
#include "module/semver.h"
#include "supervise/explain.h"
#include "supervise_group.h"
#include "update/plan.h"

namespace gw::cmd {
namespace {

// ---- schedule ----

struct ScheduleValues {
  std::vector<std::string> items;
  std::vector<std::string> blackouts;
  std::optional<std::string> time_zone;
  std::optional<std::string> at;
  std::uint64_t count = 5;
};

Result<int> run_schedule(Context& ctx, const ScheduleValues& v) {
  DecisionValues decisions;
  decisions.schedule = v.items;
  decisions.blackouts = v.blackouts;
  decisions.time_zone = v.time_zone;
  GW_TRY(const auto schedule, decisions.make_schedule());
  WallTime at = ctx.clock.now();
  if (v.at) at = *parse_rfc3339(*v.at);
  Json slots = Json::array();
  for (std::uint64_t n = 0; n < v.count; ++n) {
    const auto slot = schedule.next(at);
    if (!slot) break;
    slots.push_back({{"start", schedule.zone().format(slot->start)}});
    if (slot->end) slots.back()["end"] = schedule.zone().format(*slot->end);
    if (!ctx.json) ctx.out.line(schedule.zone().format(slot->start));
    if (!slot->end) break;
    at = *slot->end;
  }
  if (slots.empty()) ctx.out.note("there is no slot within ten years");
  if (ctx.json) ctx.out.json(slots);
  return kExitDone;
}

Command schedule_command() {
  auto v = std::make_shared<ScheduleValues>();
  Command c("schedule", "print the next slots of a schedule");
  c.doc = "Without items there is one slot, which is always.";
  c.add(positionals("ITEM", &v->items, false, "such as 'mo-fr 9-17'")
            .check([](std::string_view text) -> Status {
              const std::string item(text);
              GW_TRY([[maybe_unused]] const auto parsed, update::Schedule::parse({&item, 1}));
              return {};
            }));
  c.add(text_option("at", "TIME", &v->at, "from then on (RFC 3339; default now)")
            .check([](std::string_view text) -> Status {
              if (parse_rfc3339(text)) return {};
              return usage_error("not a time: " + gw::quoted(text),
                                 "such as 2026-10-07T22:39:30+02:00");
            }));
  c.add(number_option("count", "N", &v->count, 1, 1000, "so many"));
  add_time_zone(c, &v->time_zone);
  c.add(list_option("blackout", "DATE[/DATE]", &v->blackouts, "days without updates")
            .check([](std::string_view text) -> Status {
              GW_TRY([[maybe_unused]] const auto parsed, update::parse_blackout(text));
              return {};
            })
            .inherit());
  c.run = [v](Context& ctx) { return run_schedule(ctx, *v); };
  return c;
}

// ---- explain ----

struct ExplainValues : SuperviseDir {
  DecisionValues decisions;
  std::optional<std::string> running;
  std::optional<std::string> go;
  std::vector<std::string> listed;
  std::map<std::string, std::string> go_lines;
  update::SupportedToolchains toolchains;
};

Status read_go_lines(std::map<std::string, std::string>& out, std::string_view text) {
  for (const std::string_view part : split(text, ',')) {
    const std::size_t equals = part.find('=');
    const std::string version(part.substr(0, equals));
    const std::string go(equals == part.npos ? "" : part.substr(equals + 1));
    if (!mod::parse_semver(version) || !mod::parse_go_version("go" + go)) {
      return usage_error("not VERSION=GO: " + gw::quoted(part), "such as v0.1.5=1.24");
    }
    out[version] = go;
  }
  return {};
}

Status read_toolchains(update::SupportedToolchains& out, std::string_view text) {
  for (const std::string_view part : split(text, ',')) {
    const std::size_t equals = part.find('=');
    const std::string_view name = part.substr(0, equals);
    const std::string_view version = equals == part.npos ? "" : part.substr(equals + 1);
    if ((name != "cur" && name != "prev") || !mod::parse_go_version(version)) {
      return usage_error("not cur=GOVERSION,prev=GOVERSION: " + gw::quoted(text),
                         "such as cur=go1.24.0,prev=go1.23.6");
    }
    (name == "cur" ? out.cur : out.prev) = version;
  }
  return {};
}

Status read_listed(std::vector<std::string>& out, std::string_view text) {
  for (const std::string_view part : split(text, ',')) {
    if (!mod::parse_semver(part)) return usage_error("not a version: " + gw::quoted(part));
    out.emplace_back(part);
  }
  return {};
}

Result<supervise::Explained> explain(const ExplainValues& v, WallTime now) {
  if (v.running) {
    update::Situation situation;
    situation.running = {*v.running, *v.go};
    situation.listed = v.listed;
    situation.go_lines = v.go_lines;
    situation.toolchains = v.toolchains;
    return supervise::explain_situation(v.decisions.policies, situation, now);
  }
  GW_TRY(const supervise::State state, supervise::load_explained(v.dir));
  GW_TRY(const auto schedule, v.decisions.make_schedule());
  return supervise::explain_state(state, {v.decisions.policies, v.decisions.timing, schedule, ""},
                                  now);
}

Result<int> run_explain(Context& ctx, const ExplainValues& v) {
  GW_TRY(const supervise::Explained explained, explain(v, ctx.clock.now()));
  const update::Plan& plan = explained.plan;
  if (ctx.json) {
    Json out = Json::object();
    if (plan.target) {
      out = {{"version", plan.target->version}, {"go_version", plan.target->go_version}};
      if (!v.running) out["not_before"] = format_rfc3339(plan.at);
      if (!explained.fixes.empty()) out["fixes"] = explained.fixes;
      if (!plan.held_back.empty()) out["held_back"] = plan.held_back;
    } else {
      out["reason"] = plan.reason;
    }
    ctx.out.json(out);
  } else if (plan.target) {
    ctx.out.line(fmt::format("{} {}", plan.target->version, plan.target->go_version));
    std::string fixes;
    for (const std::string& id : explained.fixes) fixes += " " + id;
    if (!fixes.empty()) ctx.out.note("the delay does not count, as it fixes" + fixes);
    if (!plan.held_back.empty()) ctx.out.note(plan.held_back);
  } else {
    ctx.out.line("none: " + one_line(plan.reason));
  }
  return kExitDone;
}

Command explain_command() {
  auto v = std::make_shared<ExplainValues>();
  Command c("explain", "say what the policies would do, and why not");
  c.doc =
      "From values on the command line (--running, --go, --listed, --toolchains), or without them "
      "from what the supervisor of --dir has written; the policies and the schedule are those "
      "given here, or in the configuration file's [supervise-explain] or [supervise]. Prints "
      "`VERSION GOVERSION`, or `none:` and the reason.";
  add_supervise_dir(c, &v->dir);
  c.add(text_option("running", "VERSION", &v->running, "the module version that runs")
            .check([](std::string_view text) -> Status {
              if (mod::parse_semver(text)) return {};
              return usage_error("not a version: " + gw::quoted(text), "such as v0.1.2");
            }));
  c.add(text_option("go", "GOVERSION", &v->go, "the Go toolchain that built it")
            .check(check_go_line));
  c.add(custom_option(
      "listed", "VERSIONS", [v](std::string_view text) { return read_listed(v->listed, text); },
      "the versions that there are, with commas", true));
  c.add(custom_option(
      "go-lines", "VERSION=GO",
      [v](std::string_view text) { return read_go_lines(v->go_lines, text); },
      "the Go that they need, as in their go.mod", true));
  c.add(custom_option(
      "toolchains", "cur=GO,prev=GO",
      [v](std::string_view text) { return read_toolchains(v->toolchains, text); },
      "the supported toolchains"));
  add_decisions(c, &v->decisions);
  for (Option& option : c.options) option.inherited = true;  // what holds for the supervisor
  c.rules.push_back([v]() -> Status {
    const bool any = v->running || v->go || !v->listed.empty() || !v->go_lines.empty() ||
                     !v->toolchains.cur.empty() || !v->toolchains.prev.empty();
    if (any && (!v->running || !v->go)) {
      return usage_error("--running and --go are both needed, or none of the values");
    }
    return {};
  });
  c.run = [v](Context& ctx) { return run_explain(ctx, *v); };
  return c;
}

}  // namespace

void add_supervise_explain(Command& command) {
  command.add(schedule_command());
  command.add(explain_command());
}

}  // namespace gw::cmd
