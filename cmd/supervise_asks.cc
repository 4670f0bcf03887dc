// The commands of gwtool supervise beside the supervisor itself: those that ask a running one,
// those that need none, and the helper.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/bytes.h"
#include "base/json.h"
#include "base/visible.h"
#include "module/goversion.h"
#include "module/semver.h"
#include "os/confine.h"
#include "os/file.h"
#include "os/pages.h"
#include "os/seccomp.h"
#include "os/secrets.h"
#include "os/signals.h"
#include "os/stop.h"
#include "supervise/helper.h"
#include "supervise/json_fields.h"
#include "supervise/supervisor.h"
#include "supervise/web.h"
#include "supervise_group.h"
#include "update/plan.h"

namespace gw::cmd {
namespace {

using supervise::find_member;
using supervise::flag_member;
using supervise::list_member;
using supervise::text_member;

// ---- questions to a running supervisor ----

Result<Json> ask(const std::string& dir, const std::string& command) {
  auto answer = supervise::ask_supervisor(dir, command);
  if (!answer && answer.error().kind == ErrorKind::kUnavailable) {
    return std::move(answer).error().in(dir);
  }
  return answer;
}

std::string target_text(const Json& target) {
  return fmt::format("{} {}", text_member(target, "version"), text_member(target, "go_version"));
}

// Of gwtool itself: nothing where nobody is asked and nothing is to be done.
std::string gwtool_text(const Json& s) {
  const Json* own = find_member(s, "gwtool");
  if (own == nullptr) return "";
  std::string out;
  if (const std::string newest = text_member(*own, "newest"); !newest.empty()) {
    out += flag_member(*own, "newer") ? fmt::format(", {} is out", newest) : ", the newest";
  }
  if (flag_member(*own, "another_on_disk")) {
    out +=
        ", another one is on the disk and takes over at the next look for versions, or by reload";
  }
  return out.empty() ? "" : text_member(*own, "version") + out;
}

void print_supervised(Output& out, const Json& s) {
  // Some of it comes from a module's authors, or from servers.
  const auto line = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) out.line(fmt::format("{}: {}", name, one_line(value)));
  };
  line("service", text_member(s, "package"));
  line("running", target_text(s));
  line("state", text_member(s, "state"));
  if (const Json* target = find_member(s, "under_way")) line("under way", target_text(*target));
  line("automatic", flag_member(s, "automatic") ? "yes" : "no: " + text_member(s, "why_not"));
  if (const Json* planned = find_member(s, "planned")) {
    std::string fixes;
    for (const std::string& id : supervise::texts_member(*planned, "fixes")) {
      fixes += (fixes.empty() ? ", fixes " : ", ") + id;
    }
    line("next",
         fmt::format("{} at {}{}", target_text(*planned), text_member(*planned, "at"), fixes));
    line("held back", text_member(*planned, "held_back"));
  } else {
    line("next", "none: " + text_member(s, "why_no_update"));
  }
  for (const Json& found : list_member(s, "vulnerabilities")) {
    const std::string fixed = text_member(found, "fixed");
    line("vulnerable", fmt::format("{} in {} {}, {}", text_member(found, "id"),
                                   text_member(found, "module"), text_member(found, "version"),
                                   fixed.empty() ? "not fixed yet" : "fixed in " + fixed));
  }
  line("exited", text_member(s, "last_exit"));
  line("deprecated", text_member(s, "deprecated"));
  line("gwtool", gwtool_text(s));
  if (const Json* helper = find_member(s, "helper")) {
    for (const std::string& why : supervise::texts_member(*helper, "refused")) {
      line("helper less confined", why);
    }
  }
  line("checked", text_member(s, "checked"));
  line("updated", text_member(s, "last_update"));
  line("previous", text_member(s, "previous"));
  line("error", text_member(s, "last_error"));
}

void print_history(Output& out, const Json& events) {
  for (const Json& event : events) {
    std::string line =
        fmt::format("{} {} {} by {}", text_member(event, "time"), text_member(event, "what"),
                    target_text(event), text_member(event, "by"));
    if (const std::string detail = text_member(event, "detail"); !detail.empty()) {
      line += ": " + detail;
    }
    out.line(one_line(line));
  }
}

Status check_word(std::string_view word) {
  const bool plain = std::none_of(word.begin(), word.end(), is_control);
  return plain ? Status() : usage_error("no control characters");
}

// A question whose words are what was given.
struct AskValues : SuperviseDir {
  std::vector<std::string> words;
};

Command ask_command(const std::string& name, const std::string& summary, const std::string& doc,
                    const std::string& words, bool required,
                    std::function<void(Output&, const Json&)> print) {
  auto v = std::make_shared<AskValues>();
  Command c(name, summary);
  c.doc = doc;
  add_supervise_dir(c, &v->dir);
  if (!words.empty()) {
    c.add(positionals(words, &v->words, required, "see above").check(check_word));
  }
  c.run = [v, name, print = std::move(print)](Context& ctx) -> Result<int> {
    std::string command = name;
    for (const std::string& word : v->words) command += " " + word;
    GW_TRY(const Json answer, ask(v->dir, command));
    if (ctx.json) {
      ctx.out.json(answer);
    } else if (print) {
      print(ctx.out, answer);
    }
    return kExitDone;
  };
  return c;
}

void print_target(Output& out, const Json& answer) {
  if (const Json* target = find_member(answer, "target")) out.line(target_text(*target));
}

struct UpdateValues : AskValues {
  std::optional<std::string> file;
};

Command update_command() {
  auto v = std::make_shared<UpdateValues>();
  Command c("update", "install a version now");
  c.doc =
      "Without words what the policies want; with a version that one, latest or current, and "
      "likewise with a Go version. Older ones, too. The schedule, the delay and a pause do not "
      "count. Prints what is installed; whether it was kept is in the history.";
  add_supervise_dir(c, &v->dir);
  c.add(positionals("[VERSION] [GOVERSION]", &v->words, false, "see above").check(check_word));
  c.add(path_option("file", "FILE", &v->file, PathUse::kInput, "install this binary")
            .more("The build service's log must have it: what is left out is the download.")
            .on_command_line_only());
  c.rules.push_back([v]() -> Status {
    if (!v->file || v->words.empty()) return {};
    return usage_error("--file and a version exclude each other");
  });
  c.run = [v](Context& ctx) -> Result<int> {
    std::string command = "update";
    for (const std::string& word : v->words) command += " " + word;
    if (v->file) command = "update-file " + os::real_path(*v->file);
    GW_TRY(const Json answer, ask(v->dir, command));
    if (ctx.json) {
      ctx.out.json(answer);
    } else {
      print_target(ctx.out, answer);
    }
    return kExitDone;
  };
  return c;
}

void add_questions(Command& c) {
  c.add(ask_command("status", "say how the service stands, and what will be done when", "", "",
                    false, print_supervised));
  c.add(ask_command("history", "print what happened", "", "", false, print_history));
  c.add(ask_command("check", "look for new versions now", "", "", false, nullptr));
  c.add(ask_command("pause", "install nothing by itself until resume", "The words are the reason.",
                    "REASON", false, nullptr));
  c.add(ask_command("resume", "go on after a pause, or after a version was rolled back", "", "",
                    false, nullptr));
  c.add(update_command());
  c.add(ask_command("rollback", "go back to the binary before",
                    "What ran until now is skipped from then on.", "", false, print_target));
  c.add(
      ask_command("reload", "let the gwtool on the disk take this one's place",
                  "It is asked first whether it would, with the same options, whose file it reads "
                  "again. The service goes on meanwhile.",
                  "", false, nullptr));
  c.add(ask_command("skip", "never install this version", "With a Go version only that build.",
                    "VERSION [GOVERSION]", true, nullptr));
}

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
  update::Toolchains toolchains;
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

Status read_toolchains(update::Toolchains& out, std::string_view text) {
  for (const std::string_view part : split(text, ',')) {
    const std::size_t equals = part.find('=');
    const std::string_view name = part.substr(0, equals);
    const std::string_view version = equals == part.npos ? "" : part.substr(equals + 1);
    if ((name != "cur" && name != "prev") || !mod::parse_go_version(version)) {
      return usage_error("not cur=GOVERSION,prev=GOVERSION: " + gw::quoted(text));
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

// From values of the command line: the policies alone, as nothing is known of times.
update::Plan explain_values(const ExplainValues& v, WallTime now) {
  update::Situation s;
  s.running = {*v.running, *v.go};
  s.listed = v.listed;
  s.go_lines = v.go_lines;
  s.toolchains = v.toolchains;
  update::Choice choice = update::choose(v.decisions.policies, s);
  return {choice.target, now, choice.reason, choice.held_back};
}

// From what a supervisor has written.
struct Explained {
  update::Plan plan;
  std::vector<std::string> fixes;  // vulnerabilities that the planned version mends
};
Result<Explained> explain_directory(const ExplainValues& v, WallTime now) {
  constexpr std::size_t kMaxState = std::size_t{16} << 20;
  GW_TRY(const std::string text, os::read_file(v.dir + "/state.json", kMaxState));
  GW_TRY(const auto state, supervise::parse_state(text));
  if (state.running.version.empty()) return not_found_error(v.dir + ": no service has run there");
  GW_TRY(const auto schedule, v.decisions.make_schedule());
  if (state.paused) return Explained{{{}, {}, "paused: " + state.paused->reason}, {}};
  update::Knowledge knowledge = supervise::knowledge_of(state);
  const update::History history{now, state.last_update, state.failures, state.last_failure};
  Explained out{update::plan(v.decisions.policies, v.decisions.timing, schedule, knowledge, history,
                             "explain"),
                {}};
  if (out.plan.target) out.fixes = supervise::mended_by(state, *out.plan.target);
  return out;
}

Result<int> run_explain(Context& ctx, const ExplainValues& v) {
  const WallTime now = ctx.clock.now();
  Explained explained;
  if (v.running) {
    explained.plan = explain_values(v, now);
  } else {
    GW_TRY(explained, explain_directory(v, now));
  }
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
            .check([](std::string_view text) {
              return mod::parse_semver(text) ? Status() : usage_error("not a version");
            }));
  c.add(text_option("go", "GOVERSION", &v->go, "the Go toolchain that built it")
            .check([](std::string_view text) {
              return mod::parse_go_version(text) ? Status() : usage_error("not a Go version");
            }));
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
    const bool any = v->running || v->go || !v->listed.empty() || !v->toolchains.cur.empty();
    if (any && (!v->running || !v->go)) {
      return usage_error("--running and --go are both needed, or none of the values");
    }
    return {};
  });
  c.run = [v](Context& ctx) { return run_explain(ctx, *v); };
  return c;
}

// ---- helper ----

Result<std::string> read_job() {
  constexpr std::size_t kMaxJob = std::size_t{4} << 20;
  std::string text;
  std::array<char, 65536> buffer{};
  for (;;) {
    const ssize_t n = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (n < 0) return errno_error("reading a job", errno);
    if (n == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(n));
    if (text.size() > kMaxJob) return usage_error("too long for a job");
  }
}

Command helper_command() {
  Command c("helper", "do one job for a supervisor");
  c.hidden = true;
  c.long_lived = true;
  c.run = [](Context& ctx) -> Result<int> {
    GW_CHECK(os::keep_out_of_cores());  // by the service, which may be the same user's
    os::share_one_heap();
    GW_TRY(const std::string text, read_job());
    GW_TRY(const auto job, supervise::parse_job(text));
    os::give_back_memory();  // what the start took, of which little is needed again
    // From here on strangers speak.
    if (!job.calls.empty()) {
      if (const auto installed = os::install_seccomp(job.calls); !installed) {
        GW_CHECK(supervise::tell_refused(job, STDOUT_FILENO, installed.error()));
      }
    }
    auto done = supervise::help(job, STDOUT_FILENO, ctx.clock);
    // Tried again and again: not ready yet is no news.
    if (!done && job.kind == supervise::Job::Kind::kReady) return kExitFailed;
    if (!done) return std::move(done).error();
    return kExitDone;
  };
  return c;
}

Command page_command() {
  Command c("page", "serve the page of a supervisor");
  c.hidden = true;
  c.long_lived = true;
  c.run = [](Context& ctx) -> Result<int> {
    GW_TRY(const std::string text, read_job());
    GW_TRY(const auto options, supervise::parse_web_options(text));
    GW_CHECK(os::keep_out_of_cores());  // passwords go through it
    os::share_one_heap();
    // Before the first thread. What a kernel or container refuses is no reason to have no page.
    GW_TRY(const auto confined, os::confine({}));
    if (confined.landlock == 0 || !confined.seccomp) {
      std::string why;
      for (const std::string& one : confined.refused) why += (why.empty() ? "" : "; ") + one;
      ctx.log.warning("page-less-confined", {{"why", why}});
    }
    os::Stop stop;
    GW_TRY(const auto signals, os::SignalThread::start(stop, {}));
    GW_CHECK(supervise::serve_web(options, ctx.clock, ctx.log, stop));
    return kExitDone;
  };
  return c;
}

}  // namespace

void add_supervise_asks(Command& command) {
  add_questions(command);
  command.add(schedule_command());
  command.add(explain_command());
  command.add(helper_command());
  command.add(page_command());
}

}  // namespace gw::cmd
