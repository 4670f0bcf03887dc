// The option tree: every command of gwtool and every option of it, as data.
//
// One definition feeds the command line parser, --help, the manual pages, the shell completions,
// the sample configuration, --print-config, --check-config and "did you mean". A command is a
// value:
//
//   Command example_command() {
//     struct Values {
//       std::string db;
//       std::chrono::seconds interval = 10min;   // what stands here is the documented default
//       bool once = false;
//     };
//     auto v = std::make_shared<Values>();
//     Command c("example", "copy one thing to another");
//     c.add(path_option("db", "FILE", &v->db, PathUse::kState, "the database").require());
//     c.add(duration_option("interval", &v->interval, 1s, 24h, "pause between two rounds"));
//     c.add(flag_option("once", &v->once, "do one round and end").more("Meant for cron."));
//     c.run = [v](Context& ctx) -> Result<int> {
//       GW_CHECK(do_it(v->db));                   // an Error becomes message, hint and exit code
//       ctx.out.line("done");                    // data; ctx.out.note(...) for a person
//       return kExitDone;
//     };
//     return c;
//   }
//
// declared in commands.h and listed once in commands.cc. `run` takes options, calls the library and
// reports; it holds no logic. Values come from, in this order of strength: the command line, the
// environment, the configuration file, the default. They are parsed and checked before `run` is
// called; a value that is refused ends with exit code 2 and names its option.
//
// The tree is built by the main thread, lives until main ends, and is not changed after parsing.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/result.h"
#include "frame/output.h"

namespace gw::cmd {

// Exit codes of gwtool(1). Several results in one run: worse_exit() of them, the only order there
// is.
enum ExitCode {
  kExitDone = 0,
  kExitFailed = 1,
  kExitUsage = 2,      // usage or configuration
  kExitTemporary = 3,  // a retry may help
  kExitUntrusted = 4,  // verification failed: tell a human
  kExitNewer = 100,    // check: something newer
  kExitInterrupted = 130,
};

// The only place where a kind of error becomes an exit code: usage 2, unavailable 3, untrusted 4,
// and 1 for not found, corrupt, io and internal.
int exit_code(ErrorKind kind);
// The gravest first: 4, 3, 2, 1, 130, 100, 0.
inline constexpr std::array<ExitCode, 7> kExitOrder{kExitUntrusted, kExitTemporary,   kExitUsage,
                                                    kExitFailed,    kExitInterrupted, kExitNewer,
                                                    kExitDone};
// Of two exit codes the one to report: the graver one.
int worse_exit(int a, int b);

struct Command;

// What a command gets to work with. References live until main ends.
struct Context {
  Output& out;        // standard output for data, standard error for people
  const Logger& log;  // the daemons' log; -q: errors only, -v: debug
  const Clock& clock;
  const Command& root;  // every command, for those that describe gwtool itself
  // Whether an option of the running command has its value from the command line, the environment
  // or the configuration: not its default, even when it is the same.
  std::function<bool(std::string_view option)> given;
  // What holds for the running command, as --print-config --json has it.
  std::function<Json()> settings;
  bool json = false;  // --json
  bool verbose = false;
  bool quiet = false;
};

enum class ValueKind { kFlag, kText, kNumber, kDuration, kChoice, kPath };

// What a path is for: completion, --check-config and the manual use it.
enum class PathUse {
  kInput,      // a file that must exist
  kSecret,     // the same, and only its owner should be able to read it
  kState,      // a file that is created when missing
  kDirectory,  // a directory that must exist
};

struct Choice {
  std::string name;
  std::string help;
};

// One option, or one positional argument. Made by the functions below, refined by the setters,
// which return the option itself.
struct Option {
  std::string name;  // "db" for --db; a positional's is its placeholder, such as PATH
  char letter = 0;   // 'q' for -q
  ValueKind kind = ValueKind::kText;
  std::string value;                // placeholder: FILE, URL, DURATION
  std::string help;                 // one line, lower case, no full stop
  std::string doc;                  // further sentences for the manual
  std::string fallback;             // the default as text, "" when there is none
  bool fallback_described = false;  // it is told in words, not as a value
  std::string env;                  // an environment variable that sets it
  std::vector<Choice> choices;
  PathUse use = PathUse::kInput;
  bool required = false;
  bool repeatable = false;
  bool positional = false;
  bool command_line_only = false;  // no key of the configuration file
  bool inherited = false;          // in the file also from the table of the command above

  // Parses all given values (one, unless repeatable; "true" or "false" for a flag) and stores them.
  std::function<Status(const std::vector<std::string>&)> assign;

  // As it is written on the command line: --db, PATH.
  std::string spelled() const { return positional ? name : "--" + name; }

  Option&& more(std::string text) &&;  // sets doc
  Option&& require() &&;               // exit 2 when no value comes from anywhere
  Option&& short_name(char c) &&;
  Option&& environment(std::string name) &&;
  Option&& default_text(std::string text) &&;  // in words: the bound variable cannot say it
  Option&& on_command_line_only() &&;
  // The command above has an option of that name for the same thing.
  Option&& inherit() &&;
  // A check of each value after it was parsed, for formats that the library knows.
  Option&& check(std::function<Status(std::string_view)> check) &&;
};

// --NAME and --NAME=false. `out` keeps its present value as the default.
Option flag_option(std::string name, bool* out, std::string help);
Option text_option(std::string name, std::string value, std::string* out, std::string help);
Option text_option(std::string name, std::string value, std::optional<std::string>* out,
                   std::string help);
// Repeatable: --NAME A --NAME B; an array in the configuration file.
Option list_option(std::string name, std::string value, std::vector<std::string>* out,
                   std::string help);
Option number_option(std::string name, std::string value, std::uint64_t* out, std::uint64_t min,
                     std::uint64_t max, std::string help);
// "90s", "1m30s", "6h", "2d", "500ms": decimals with units, the larger unit first.
Option duration_option(std::string name, std::chrono::seconds* out, std::chrono::seconds min,
                       std::chrono::seconds max, std::string help);
Option duration_option(std::string name, std::chrono::milliseconds* out,
                       std::chrono::milliseconds min, std::chrono::milliseconds max,
                       std::string help);
Option path_option(std::string name, std::string value, std::string* out, PathUse use,
                   std::string help);
Option path_option(std::string name, std::string value, std::optional<std::string>* out,
                   PathUse use, std::string help);
Option path_list_option(std::string name, std::string value, std::vector<std::string>* out,
                        PathUse use, std::string help);
// Any other format: `parse` is called once per value, in order; it stores what it read.
Option custom_option(std::string name, std::string value,
                     std::function<Status(std::string_view)> parse, std::string help,
                     bool repeatable = false);
// Positional arguments: exactly one, at most one, any number (`required`: at least one).
Option positional(const std::string& value, std::string* out, std::string help);
Option positional(const std::string& value, std::optional<std::string>* out, std::string help);
Option positionals(const std::string& value, std::vector<std::string>* out, bool required,
                   std::string help);

// A value of an enumeration: {{"versions", Keep::kVersions, "what it means"}, ...}.
template <class E>
struct EnumChoice {
  std::string name;
  E value;
  std::string help;
};
Option choice_option_of(std::string name, std::string value, std::vector<Choice> choices,
                        std::size_t fallback, std::function<void(std::size_t)> store,
                        std::string help);
template <class E>
Option choice_option(std::string name, std::string value, E* out,
                     std::vector<EnumChoice<E>> choices, std::string help) {
  std::vector<Choice> names;
  std::size_t fallback = choices.size();
  for (std::size_t i = 0; i < choices.size(); ++i) {
    names.push_back({choices[i].name, choices[i].help});
    if (choices[i].value == *out) fallback = i;
  }
  return choice_option_of(
      std::move(name), std::move(value), std::move(names), fallback,
      [out, choices](std::size_t i) { *out = choices[i].value; }, std::move(help));
}

// A command, or a group of commands ("check", whose commands are module, toolchain and updates).
//
// Options of a group that cannot run itself hold for each of its commands; a command that can run
// and has subcommands (serve-dns) keeps its options to itself. If it takes positional arguments,
// too (vanity-lookup), a first one that is the name of a subcommand is that subcommand.
struct Command {
  std::string name;
  std::string summary;  // one line, lower case, no full stop
  std::string doc;      // paragraphs for the manual, separated by an empty line
  std::vector<Option> options;
  std::vector<Command> subcommands;
  // For the manual: what the exit codes mean here, in order of listing (none: what gwtool(1) says
  // of them), and the files that are read or written beside those that the options name.
  std::vector<std::pair<ExitCode, std::string>> exits;
  std::vector<std::pair<std::string, std::string>> files;
  bool hidden = false;  // works, but is not listed
  // Whose metrics its page of the manual lists: gwtool_AREA_..., none: of all.
  std::vector<std::string> metric_areas;
  // From its first argument on every word is one: what looks like an option belongs to the program
  // that is named there.
  bool runs_program = false;
  // While it runs all commands are forgotten, which are 300 kB: Context::root has nothing.
  bool long_lived = false;
  // Of a group: the hint for a word that is none of its commands, "" for the usual one.
  std::function<std::string(std::string_view word)> other_word;
  // Rules between several options ("not both"), asked in order before `run` and by --check-config.
  std::vector<std::function<Status()>> rules;
  // Whether what the named files hold is what `run` can begin with: by --check-config, after the
  // rules. Starts nothing, writes nothing.
  std::function<Status()> examine;
  std::function<Result<int>(Context&)> run;

  Command(std::string command_name, std::string command_summary)
      : name(std::move(command_name)), summary(std::move(command_summary)) {}
  Command& add(Option option);
  Command& add(Command subcommand);
};

// "10m" and the like, and back in the largest unit that is exact. nothing when malformed.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);
std::string format_duration(std::chrono::milliseconds d);

}  // namespace gw::cmd
