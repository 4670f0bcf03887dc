#include "frame/program.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <set>

#include "frame/help.h"
#include "frame/parser.h"

namespace gw::cmd {

namespace {

enum class Color { kAuto, kAlways, kNever };

struct Globals {
  std::optional<std::string> config;
  bool check_config = false;
  bool print_config = false;
  bool quiet = false;
  bool verbose = false;
  bool json = false;
  Color color = Color::kAuto;
  bool version = false;
  bool help = false;
};

Command make_root(Globals* g, std::vector<Command> commands) {
  Command root("gwtool", "keep Go software up to date, provably");
  root.doc =
      "gwtool follows the Go checksum database, a transparency log of every public Go module, "
      "verifies all of it and serves what it learned over DNS with DNSSEC, so that a program can "
      "ask for the newest version of a module with one small question and check the answer.";
  root.exits = {
      {kExitDone, "done; for `gwtool check`: nothing is newer"},
      {kExitFailed, "failed: something does not exist, cannot be read or written, or is damaged"},
      {kExitUsage, "the command line or the configuration is wrong"},
      {kExitTemporary, "temporary: the network, another process; trying again may help"},
      {kExitUntrusted,
       "a verification failed: a signature, a proof, a hash, or DNSSEC. Tell a human: trying again "
       "does not help"},
      {kExitNewer, "`gwtool check`: something is newer"},
      {kExitInterrupted, "interrupted"}};
  root.add(path_option("config", "FILE", &g->config, PathUse::kInput, "read options from FILE")
               .environment("GWTOOL_CONFIG")
               .more("TOML: a table for each command, a key for each long option. The command "
                     "line and the environment win over it. No other place is searched.")
               .on_command_line_only());
  root.add(flag_option("check-config", &g->check_config, "check the configuration and end")
               .more("With a command also what that command requires, and that its files exist.")
               .on_command_line_only());
  root.add(flag_option("print-config", &g->print_config,
                       "print the options in effect and where each comes from, and end")
               .on_command_line_only());
  root.add(flag_option("quiet", &g->quiet, "say nothing but errors").short_name('q'));
  root.add(flag_option("verbose", &g->verbose, "say more").short_name('v'));
  root.add(flag_option("json", &g->json, "print data as JSON")
               .more("One document, or a line for each item of a stream. Fields may be added in "
                     "later versions, not removed."));
  root.add(choice_option<Color>(
      "color", "WHEN", &g->color,
      {{"auto", Color::kAuto, "on a terminal, unless NO_COLOR is set or TERM is dumb"},
       {"always", Color::kAlways, "also into a file"},
       {"never", Color::kNever, "never"}},
      "colour messages"));
  root.add(flag_option("version", &g->version, "print the version and end").on_command_line_only());
  root.add(
      flag_option("help", &g->help, "print this and end").short_name('h').on_command_line_only());
  for (Command& c : commands) root.add(std::move(c));
  root.add(gen_command());
  return root;
}

// Whether standard error is the journal's, which keeps a time with each line (systemd.exec(5)).
bool is_journal(const Environment& env) {
  const auto stream = env("JOURNAL_STREAM");
  struct stat st {};
  if (!stream || ::fstat(STDERR_FILENO, &st) != 0) return false;
  return *stream == fmt::format("{}:{}", st.st_dev, st.st_ino);
}

// --color as it stands on a command line that is refused.
Color color_in(const std::vector<std::string>& args) {
  for (std::size_t i = 0; i < args.size() && args[i] != "--"; ++i) {
    const bool apart = args[i] == "--color" && i + 1 < args.size();
    const std::string word = apart ? "--color=" + args[i + 1] : args[i];
    if (word == "--color=always") return Color::kAlways;
    if (word == "--color=never") return Color::kNever;
  }
  return Color::kAuto;
}

// -q, -v and colour as far as they are known before the configuration is read, and again after.
void configure_output(Output& out, const Globals& g, const Environment& env, Terminal terminal) {
  auto no_color = env("NO_COLOR");
  const auto term = env("TERM");
  const bool plain = (no_color && !no_color->empty()) || (term && *term == "dumb");
  Output::Settings s;
  s.quiet = g.quiet;
  s.verbose = g.verbose;
  s.terminal = terminal.error_is_terminal && !plain;
  s.watched = terminal.error_is_terminal;
  s.shown = terminal.output_is_terminal;
  s.timed = !is_journal(env);
  s.color = g.color == Color::kAlways ||
            (g.color == Color::kAuto && terminal.error_is_terminal && !plain);
  out.configure(s);
}

Status finish_config(const Globals& g, const CommandPath& path,
                     const std::vector<Setting>& settings, Output& out) {
  if (g.check_config) {
    GW_CHECK(check_paths(settings));
    if (path.back()->run) GW_CHECK(check_complete(path, settings));
    if (path.back()->examine) GW_CHECK(path.back()->examine());
  }
  if (g.print_config && g.json) {
    out.json(config_json(settings));
  } else if (g.print_config) {
    out.write(format_config(settings, false));
  }
  return {};
}

// While it runs nobody asks for a command or an option any more: only their values stay.
Result<int> run_long(Command& root, const CommandPath& path, std::vector<Setting>& settings,
                     Context& ctx) {
  const auto run = path.back()->run;
  std::set<std::string, std::less<>> given;
  for (const Setting& s : settings) {
    if (s.origin != Origin::kDefault) given.insert(s.ref.option->name);
  }
  ctx.given = [given](std::string_view option) { return given.contains(option); };
  ctx.settings = [all = config_json(settings)] { return all; };
  std::vector<Setting>().swap(settings);
  root = Command("gwtool", "");
  return run(ctx);
}

Result<int> run_command(const Globals& g, Command& root, const CommandPath& path,
                        std::vector<Setting>& settings, Output& out) {
  if (!path.back()->run) {
    return usage_error(full_name(path) + " needs a command",
                       fmt::format("try {} --help", full_name(path)));
  }
  GW_CHECK(check_complete(path, settings));
  for (const Setting& s : settings) {
    for (const std::string& loser : s.beaten) {
      out.detail(fmt::format("{} wins over {}", s.where, loser));
    }
  }
  const Logger log(g.quiet     ? LogLevel::kError
                   : g.verbose ? LogLevel::kDebug
                               : LogLevel::kInfo,
                   out.log_sink());
  const auto given = [&settings](std::string_view option) {
    return std::any_of(settings.begin(), settings.end(), [&](const Setting& s) {
      return s.ref.option->name == option && s.origin != Origin::kDefault;
    });
  };
  const auto all = [&settings] { return config_json(settings); };
  Context ctx{out, log, system_clock(), *path[0], given, all, g.json, g.verbose, g.quiet};
  return path.back()->long_lived ? run_long(root, path, settings, ctx) : path.back()->run(ctx);
}

// What a run of the program has around it.
struct Surroundings {
  Output& out;
  const Environment& env;
  Terminal terminal;
};

Result<int> run(Command& root, Globals& g, const std::vector<std::string>& args,
                const Surroundings& around) {
  auto& [out, env, terminal] = around;
  g.color = color_in(args);
  configure_output(out, g, env, terminal);
  g.color = Color::kAuto;
  GW_TRY(Invocation invocation, parse_command_line(root, args));
  if (invocation.has("help")) {
    out.write(format_help(invocation.path));
    return kExitDone;
  }
  if (invocation.has("version")) {
    if (invocation.has("json")) {
      out.json({{"version", GW_VERSION}});
    } else {
      out.line("gwtool " GW_VERSION);
    }
    return kExitDone;
  }
  g.quiet = invocation.has("quiet");
  configure_output(out, g, env, terminal);

  std::optional<ConfigFile> config;
  auto file = env("GWTOOL_CONFIG");
  if (auto given = invocation.given.find("config"); given != invocation.given.end()) {
    file = given->second.back();
  }
  if (file && !file->empty()) {
    GW_TRY(config, load_config(*file));
  }
  const ConfigFile* c = config ? &*config : nullptr;
  const bool config_only = invocation.has("check-config") || invocation.has("print-config");
  const bool all = config_only && !invocation.path.back()->run;
  GW_TRY(std::vector<Setting> settings,
         all ? resolve_all(root, invocation, c, env) : resolve(root, invocation, c, env));
  configure_output(out, g, env, terminal);
  if (config_only) {
    GW_CHECK(finish_config(g, invocation.path, settings, out));
    return kExitDone;
  }
  return run_command(g, root, invocation.path, settings, out);
}

// Whether JSON was asked for; known, too, of a command line that was refused.
bool wants_json(const Globals& g, const std::vector<std::string>& args) {
  const auto end = std::find(args.begin(), args.end(), "--");
  return g.json || std::find(args.begin(), end, "--json") != end;
}

}  // namespace

int run_program(std::vector<Command> commands, const std::vector<std::string>& args, Output& out,
                const Environment& env, Terminal terminal) {
  Globals globals;
  Command root = make_root(&globals, std::move(commands));
  int code = kExitFailed;
  auto result = run(root, globals, args, {out, env, terminal});
  if (result) {
    code = *result;
  } else {
    code = exit_code(result.error().kind);
    out.error(result.error());
    // In place of the document that there would have been.
    if (wants_json(globals, args) && !out.wrote_data()) {
      out.json({{"error", error_json(result.error())}});
    }
  }
  out.progress("");
  // What was computed but did not arrive was not done.
  if (auto flushed = out.flush(); !flushed) {
    if (!out.told_failure()) out.error(flushed.error());
    code = worse_exit(code, kExitFailed);
  }
  return code;
}

}  // namespace gw::cmd
