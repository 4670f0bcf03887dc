#include "frame/parser.h"

#include <fmt/format.h>

// What CLI/CLI.hpp includes, but its timer.
// clang-format off
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
// clang-format on

#include <algorithm>
#include <span>

#include "base/bytes.h"

namespace gw::cmd {

namespace {

// The words that are no argument which the command takes, as CLI11 names them here.
constexpr const char* kRest = "...";
// CLI11 takes no argument beyond the least number, unless it may read "[a,b]" as two.
constexpr int kAnyNumber = 1 << 28;

const Option* find_option(const std::vector<OptionRef>& refs, std::string_view name) {
  for (const OptionRef& r : refs) {
    if (!r.option->positional && r.option->name == name) return r.option;
  }
  return nullptr;
}

Error unknown_option(const Command& root, const CommandPath& path, const std::string& word) {
  const bool is_long = word.starts_with("--");
  std::string name = word.substr(0, is_long ? word.find('=') : 2);
  Error error =
      usage_error(fmt::format("unknown option {} of {}", gw::quoted(name), full_name(path)));
  error.hint = fmt::format("try {} --help", full_name(path));
  if (!is_long) return error;
  name = name.substr(2);
  std::vector<std::string> names;
  for (const OptionRef& r : options_of(path)) {
    if (!r.option->positional) names.push_back(r.option->name);
  }
  if (const auto near = nearest(name, names)) {
    error.hint = fmt::format("did you mean --{}?", *near);
    return error;
  }
  for (const CommandPath& other : all_paths({&root})) {
    if (!other.back()->run || find_option(options_of(other), name) == nullptr) continue;
    error.hint =
        fmt::format("--{} is an option of {} and comes after that", name, full_name(other));
    return error;
  }
  return error;
}

Error unknown_command(const CommandPath& path, const std::string& word) {
  std::vector<std::string> names;
  std::string all;
  for (const Command& sub : path.back()->subcommands) {
    if (sub.hidden) continue;
    names.push_back(sub.name);
    all += (all.empty() ? "" : ", ") + sub.name;
  }
  const Command& group = *path.back();
  if (std::string hint = group.other_word ? group.other_word(word) : ""; !hint.empty()) {
    return usage_error(fmt::format("unknown command {} of {}", gw::quoted(word), full_name(path)),
                       std::move(hint));
  }
  const auto near = nearest(word, names);
  return usage_error(fmt::format("unknown command {} of {}", gw::quoted(word), full_name(path)),
                     near ? fmt::format("did you mean {} {}?", full_name(path), *near)
                          : "the commands are " + all);
}

bool takes_positionals(const Command& command) {
  return std::any_of(command.options.begin(), command.options.end(),
                     [](const Option& o) { return o.positional; });
}

// ---- the tree, as CLI11 is told it ----

void register_option(CLI::App& app, const Option& o) {
  const std::string letter = o.letter != 0 ? fmt::format("-{},", o.letter) : "";
  if (o.kind == ValueKind::kFlag) {
    app.add_flag(letter + o.spelled());
    return;
  }
  CLI::Option* option = app.add_option(letter + o.spelled());
  // One value after one name, and never "[a,b]" split into two.
  option->allow_extra_args(false);
  if (!o.positional) return;
  option->expected(o.repeatable ? kAnyNumber : 1);
  // From the first argument on, the names of commands are arguments, too.
  option->check([&app](const std::string&) {
    for (CLI::App* sub : app.get_subcommands(nullptr)) sub->disabled();
    return std::string();
  });
}

// An option of a group is one of each of its commands, so that it may stand before and behind the
// command's name. What is below a command is registered when its name was read: a start pays for
// the options that it may use, not for all there are.
void register_command(CLI::App& app, const CommandPath& path) {
  for (const OptionRef& ref : options_of(path)) {
    if (!ref.option->positional || ref.owner.size() == path.size()) {
      register_option(app, *ref.option);
    }
  }
  app.add_option(kRest)->expected(kAnyNumber)->allow_extra_args(false);
  app.positionals_at_end(path.back()->runs_program);  // what follows its name is the program's
  for (const Command& sub : path.back()->subcommands) {
    CommandPath below = path;
    below.push_back(&sub);
    CLI::App& named = *app.add_subcommand(sub.name);
    named.preparse_callback([&named, below](std::size_t) { register_command(named, below); });
  }
}

void register_tree(CLI::App& app, const Command& root) {
  app.set_help_flag();
  app.allow_extras();            // what is unknown is told by us, with what was meant
  app.require_subcommand(0, 1);  // and no name of a command after one was found
  app.validate_positionals();    // as they are found, so that the check above sees the first one
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  register_command(app, {&root});
}

// ---- what CLI11 found ----

struct Parsed {
  const CLI::App* app;
  CommandPath path;
};

// The root, and each command that was named after it.
std::vector<Parsed> parsed_commands(const CLI::App& app, const Command& root) {
  std::vector<Parsed> all{{&app, {&root}}};
  for (auto subs = app.get_subcommands(); !subs.empty(); subs = subs[0]->get_subcommands()) {
    CommandPath path = all.back().path;
    path.push_back(find_subcommand(*path.back(), subs[0]->get_name()));
    all.push_back({subs[0], std::move(path)});
  }
  return all;
}

// The last word is an option without its value: nothing else makes CLI11 give up.
Error needs_value(const Parsed& last, const std::string& word) {
  const auto refs = options_of(last.path);
  for (const OptionRef& r : refs) {
    const Option& o = *r.option;
    const bool letter = o.letter != 0 && !word.starts_with("--") && word.ends_with(o.letter);
    if (o.positional || (word != o.spelled() && !letter)) continue;
    return usage_error(o.spelled() + " needs a value",
                       fmt::format("{} {}: {}", o.spelled(), o.value, o.help));
  }
  return usage_error(gw::quoted(word) + " needs a value");
}

// What was given to `at`, an early part of the command or all of it.
Status take(const Command& root, const Parsed& at, Invocation& out) {
  for (const std::string& word : at.app->remaining()) {
    if (word != "--") return unknown_option(root, at.path, word);
  }
  for (const OptionRef& ref : options_of(at.path)) {
    const CLI::Option* given = at.app->get_option_no_throw(ref.option->spelled());
    if (given == nullptr || given->count() == 0) continue;
    // An option before the command's last word must be one of the whole command: serve-dns keeps
    // its own from `serve-dns key new`.
    if (!ref.option->positional && find_option(options_of(out.path), ref.option->name) == nullptr) {
      return unknown_option(root, out.path, ref.option->spelled());
    }
    auto& values = out.given[ref.option->name];
    values.insert(values.end(), given->results().begin(), given->results().end());
  }
  const auto& rest = at.app->get_option(kRest)->results();
  if (rest.empty()) return {};
  const Command& c = *at.path.back();
  if (!c.subcommands.empty() && !takes_positionals(c)) return unknown_command(at.path, rest[0]);
  return usage_error(
      fmt::format("unexpected argument {} to {}", gw::quoted(rest[0]), full_name(at.path)),
      fmt::format("try {} --help", full_name(at.path)));
}

Status check_counts(Invocation& out) {
  for (const OptionRef& ref : options_of(out.path)) {
    const Option& o = *ref.option;
    auto given = out.given.find(o.name);
    if (given == out.given.end() || given->second.size() == 1 || o.repeatable) continue;
    if (o.kind != ValueKind::kFlag) {
      return usage_error(o.spelled() + " is given more than once");
    }
    given->second = {given->second.back()};  // -q -q is -q
  }
  return {};
}

using Words = std::span<const std::string>;

// The words up to "--", or to the program that the command is to run: what is gwtool's own.
Words own_words(const std::vector<std::string>& args, const Parsed& last) {
  Words own = args;
  if (last.path.back()->runs_program) {
    for (const Option& o : last.path.back()->options)
      if (o.positional) own = own.first(own.size() - last.app->get_option(o.spelled())->count());
  }
  return own.first(static_cast<std::size_t>(std::ranges::find(own, "--") - own.begin()));
}

// What CLI11 has read as something else than it says: "--db= x" as "--db x", and "++" as the end
// of a command.
Status check_words(const Command& root, Words own) {
  for (const std::string& word : own) {
    if (word == "++") return usage_error("\"++\" is no argument of " + root.name);
    if (word.starts_with("--") && word.find('=') == word.size() - 1) {
      return usage_error(word.substr(0, word.size() - 1) + " has an empty value");
    }
  }
  return {};
}

// "-help", as Go's programs have it: not the letters h, e, l and p.
Status check_dashes(const Command& root, Words own) {
  for (const std::string& arg : own) {
    if (arg.size() < 3 || arg[0] != '-' || arg[1] == '-') continue;
    const std::string name = arg.substr(1, arg.find('=') - 1);
    for (const CommandPath& path : all_paths({&root})) {
      if (find_option(options_of(path), name) == nullptr) continue;
      return usage_error("unknown option " + gw::quoted("-" + name),
                         "long options have two dashes: --" + name);
    }
  }
  return {};
}

}  // namespace

bool Invocation::has(const std::string& flag) const {
  auto it = given.find(flag);
  return it != given.end() && it->second.back() != "false";
}

Result<Invocation> parse_command_line(const Command& root, std::vector<std::string> args) {
  if (!args.empty() && args[0] == "help") {
    args.erase(args.begin());
    args.emplace_back("--help");
  }
  CLI::App app;
  register_tree(app, root);
  std::vector<std::string> words(args.rbegin(), args.rend());
  bool complete = true;
  try {
    app.parse(words);
  } catch (const CLI::Error&) {
    complete = false;
  }
  const auto commands = parsed_commands(app, root);
  const Words own = own_words(args, commands.back());
  GW_CHECK(check_words(root, own));
  GW_CHECK(check_dashes(root, own));
  Invocation out;
  out.path = commands.back().path;
  for (const Parsed& at : commands) GW_CHECK(take(root, at, out));
  if (!complete) return needs_value(commands.back(), args.back());
  GW_CHECK(check_counts(out));
  return out;
}

}  // namespace gw::cmd
