#include "frame/parser.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "base/bytes.h"

namespace gw::cmd {

namespace {

const Option* find_option(const std::vector<OptionRef>& refs, std::string_view name) {
  for (const OptionRef& r : refs) {
    if (!r.option->positional && r.option->name == name) return r.option;
  }
  return nullptr;
}

const Option* find_letter(const std::vector<OptionRef>& refs, char letter) {
  for (const OptionRef& r : refs) {
    if (r.option->letter == letter) return r.option;
  }
  return nullptr;
}

Error unknown_option(const Command& root, const CommandPath& path, const std::string& word) {
  std::string name = word.substr(0, word.find('='));
  Error error = usage_error("unknown option " + gw::quoted(name) + " of " + full_name(path));
  if (!name.starts_with("--")) {
    error.hint = "try " + full_name(path) + " --help";
    return error;
  }
  name = name.substr(2);
  std::vector<std::string> names;
  for (const OptionRef& r : options_of(path)) {
    if (!r.option->positional) names.push_back(r.option->name);
  }
  auto near = nearest(name, names);
  for (const CommandPath& other : all_paths({&root})) {
    if (near || !other.back()->run || find_option(options_of(other), name) == nullptr) continue;
    error.hint = "--" + name + " is an option of " + full_name(other) + " and comes after that";
    return error;
  }
  error.hint = near ? "did you mean --" + *near + "?" : "try " + full_name(path) + " --help";
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
  auto near = nearest(word, names);
  return usage_error(
      "unknown command " + gw::quoted(word) + " of " + full_name(path),
      near ? "did you mean " + full_name(path) + " " + *near + "?" : "the commands are " + all);
}

// How many words an option at `args[i]` takes: 1, or 2 when its value is the next word.
Result<std::size_t> option_width(const Command& root, const CommandPath& path,
                                 const std::vector<std::string>& args, std::size_t i) {
  const std::string& word = args[i];
  auto refs = options_of(path);
  const Option* option = nullptr;
  if (word.starts_with("--")) {
    std::size_t equals = word.find('=');
    option = find_option(refs, std::string_view(word).substr(2, equals - 2));
    if (option == nullptr) return unknown_option(root, path, word);
    if (equals != std::string::npos) {
      // CLI11 would take the next word as the value.
      if (equals + 1 == word.size())
        return usage_error("--" + option->name + " has an empty value");
      return std::size_t{1};
    }
  } else {
    for (std::size_t c = 1; c < word.size(); c++) {
      option = find_letter(refs, word[c]);
      if (option == nullptr) return unknown_option(root, path, "-" + word.substr(c, 1));
      if (option->kind != ValueKind::kFlag && c + 1 < word.size()) return std::size_t{1};
    }
  }
  if (option->kind == ValueKind::kFlag) return std::size_t{1};
  if (i + 1 == args.size()) {
    return usage_error("--" + option->name + " needs a value",
                       "--" + option->name + " " + option->value + ": " + option->help);
  }
  return std::size_t{2};
}

bool takes_positionals(const Command& command) {
  return std::any_of(command.options.begin(), command.options.end(),
                     [](const Option& o) { return o.positional; });
}

bool is_option(const std::string& word) { return word.size() > 1 && word[0] == '-'; }

struct Words {
  CommandPath path;
  std::vector<std::string> options;      // options with their values
  std::vector<std::string> positionals;  // everything else, and all after "--"
};

Result<Words> split_words(const Command& root, const std::vector<std::string>& args) {
  Words w;
  w.path.push_back(&root);
  std::vector<std::pair<std::size_t, std::size_t>> spans;
  for (std::size_t i = 0; i < args.size();) {
    if (args[i] == "--") {
      w.positionals.insert(w.positionals.end(), args.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                           args.end());
      break;
    }
    if (is_option(args[i])) {
      GW_TRY(std::size_t width, option_width(root, w.path, args, i));
      spans.emplace_back(i, width);
      i += width;
      continue;
    }
    const Command& at = *w.path.back();
    const Command* sub = w.positionals.empty() ? find_subcommand(at, args[i]) : nullptr;
    if (sub != nullptr) {
      w.path.push_back(sub);
    } else if (!at.subcommands.empty() && !takes_positionals(at)) {
      return unknown_command(w.path, args[i]);
    } else {
      w.positionals.push_back(args[i]);
    }
    i++;
  }
  // An option before the command's last word must be one of the whole command, not of the part
  // before it only: serve-dns keeps its own from `serve-dns key new`.
  for (auto [at, width] : spans) {
    auto again = option_width(root, w.path, args, at);
    if (!again) return std::move(again).error();
    for (std::size_t k = 0; k < width; k++) w.options.push_back(args[at + k]);
  }
  return w;
}

Status take_options(const CommandPath& path, std::vector<std::string> words, Invocation& out) {
  CLI::App app;
  app.set_help_flag("");
  std::vector<std::pair<const Option*, CLI::Option*>> bound;
  for (const OptionRef& ref : options_of(path)) {
    const Option& o = *ref.option;
    if (o.positional) continue;
    std::string names = (o.letter != 0 ? std::string("-") + o.letter + "," : "") + "--" + o.name;
    CLI::Option* option = o.kind == ValueKind::kFlag ? app.add_flag(names) : app.add_option(names);
    // Never several values after one name, and never "[a,b]" split into two.
    if (o.kind != ValueKind::kFlag) option->allow_extra_args(false);
    option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    bound.emplace_back(&o, option);
  }
  try {
    std::reverse(words.begin(), words.end());
    app.parse(words);
  } catch (const CLI::Error& e) {
    return usage_error(full_name(path) + ": " + e.what(), "try " + full_name(path) + " --help");
  }
  for (auto [option, parsed] : bound) {
    if (parsed->count() == 0) continue;
    std::vector<std::string> values = parsed->results();
    if (option->kind == ValueKind::kFlag) {
      values = {values.back()};  // -q -q is -q
    } else if (values.size() > 1 && !option->repeatable) {
      return usage_error("--" + option->name + " is given more than once");
    }
    out.given[option->name] = std::move(values);
  }
  return {};
}

Status take_positionals(const CommandPath& path, const std::vector<std::string>& words,
                        Invocation& out) {
  std::size_t next = 0;
  for (const Option& o : path.back()->options) {
    if (!o.positional || next == words.size()) continue;
    std::size_t take = o.repeatable ? words.size() - next : 1;
    auto first = words.begin() + static_cast<std::ptrdiff_t>(next);
    out.given[o.name].assign(first, first + static_cast<std::ptrdiff_t>(take));
    next += take;
  }
  if (next < words.size()) {
    return usage_error("unexpected argument " + gw::quoted(words[next]) + " to " + full_name(path),
                       "try " + full_name(path) + " --help");
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
  Invocation out;
  GW_TRY(Words words, split_words(root, args));
  out.path = words.path;
  GW_CHECK(take_options(out.path, std::move(words.options), out));
  GW_CHECK(take_positionals(out.path, words.positionals, out));
  return out;
}

}  // namespace gw::cmd
