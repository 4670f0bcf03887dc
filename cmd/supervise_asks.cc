// The commands of gwtool supervise that ask a supervisor that runs.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>

#include "base/json.h"
#include "base/text.h"
#include "base/visible.h"
#include "os/file.h"
#include "supervise/json_fields.h"
#include "supervise/messages.h"
#include "supervise/supervisor.h"
#include "supervise_group.h"

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

struct AskWords {
  std::string name;
  std::string summary;
  std::string doc = {};
  std::string words = {};  // that it takes; empty: none
  bool required = false;   // the first of them
  std::function<void(Output&, const Json&)> print = nullptr;
};

Command ask_command(const AskWords& q) {
  auto v = std::make_shared<AskValues>();
  Command c(q.name, q.summary);
  c.doc = q.doc;
  add_supervise_dir(c, &v->dir);
  if (!q.words.empty()) {
    c.add(positionals(q.words, &v->words, q.required, "see above").check(check_word));
  }
  c.run = [v, name = q.name, print = q.print](Context& ctx) -> Result<int> {
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
      "count, and a skip of it is over once it is kept. Prints what is installed; whether it was "
      "kept is in the history.";
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

// The answer comes at once; what became of it is known later, by who was asked or by who took over.
Result<int> run_reload(Context& ctx, const std::string& dir) {
  constexpr std::chrono::milliseconds kPause{20};
  GW_TRY(const Json answer, ask(dir, "reload"));
  for (;;) {
    GW_TRY(const Json status, ask(dir, "status"));
    const Json& own = list_member(status, "gwtool");
    if (const Json* why = find_member(own, "refused")) {
      return supervise::parse_error(format_json(*why)).in(dir);
    }
    if (!flag_member(own, "replacing")) break;
    std::this_thread::sleep_for(kPause);
  }
  if (ctx.json) ctx.out.json(answer);
  return kExitDone;
}

Command reload_command() {
  auto v = std::make_shared<SuperviseDir>();
  Command c("reload", "let the gwtool on the disk take this one's place");
  c.doc =
      "It is asked first whether it would, with the same options, whose file it reads again. The "
      "service goes on meanwhile, and so does the one that runs where the other would not: then "
      "this fails, as for a configuration that is wrong. While an update is under way, or somebody "
      "is told of an event, it ends with 3: try again later.";
  add_supervise_dir(c, &v->dir);
  c.run = [v](Context& ctx) { return run_reload(ctx, v->dir); };
  return c;
}

void add_questions(Command& c) {
  c.add(ask_command({.name = "status",
                     .summary = "say how the service stands, and what will be done when",
                     .print = print_supervised}));
  c.add(ask_command({.name = "history", .summary = "print what happened", .print = print_history}));
  c.add(ask_command({.name = "check", .summary = "look for new versions now"}));
  c.add(ask_command({.name = "pause",
                     .summary = "install nothing by itself until resume",
                     .doc = "The words are the reason.",
                     .words = "REASON"}));
  c.add(ask_command(
      {.name = "resume", .summary = "go on after a pause, or after a version was rolled back"}));
  c.add(update_command());
  c.add(ask_command({.name = "rollback",
                     .summary = "go back to the binary before",
                     .doc = "What ran until now is skipped from then on.",
                     .print = print_target}));
  c.add(reload_command());
  c.add(ask_command({.name = "skip",
                     .summary = "never install this version",
                     .doc = "With a Go version only that build.",
                     .words = "VERSION [GOVERSION]",
                     .required = true}));
}

}  // namespace

void add_supervise_asks(Command& command) { add_questions(command); }

}  // namespace gw::cmd
