#include "frame/completions.h"

#include <fmt/format.h>

#include <algorithm>

#include "frame/tree.h"

namespace gw::cmd {

namespace {

constexpr const char* kHead = "Made by gwtool gen completions from the option tree.\n";

std::string choice_words(const Option& o) {
  std::string out;
  for (const Choice& c : o.choices) out += (out.empty() ? "" : " ") + c.name;
  return out;
}

std::string visible_commands(const Command& c) {
  std::string out;
  for (const Command& sub : c.subcommands) {
    if (!sub.hidden) out += (out.empty() ? "" : " ") + sub.name;
  }
  return out;
}

// What stands for a value: the placeholder in the manual says it.
enum class Completes { kNothing, kChoice, kFile, kDirectory, kUser };

Completes completes(const Option& o) {
  if (o.kind == ValueKind::kChoice) return Completes::kChoice;
  if (o.kind == ValueKind::kPath) {
    return o.use == PathUse::kDirectory ? Completes::kDirectory : Completes::kFile;
  }
  if (o.value.find("FILE") != std::string::npos) return Completes::kFile;
  if (o.value.ends_with("DIR")) return Completes::kDirectory;
  return o.value == "USER" ? Completes::kUser : Completes::kNothing;
}

// In single quotes for zsh's or fish's list of descriptions, with `quote` for a quote in it.
std::string description(const std::string& help, std::string_view quote,
                        std::string_view also = "") {
  std::string out;
  for (const char c : help) {
    if (c == '\'') {
      out += quote;
      continue;
    }
    if (also.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

// "a|b" patterns of every command below the root, as `case` takes them.
std::string path_patterns(const Command& root) {
  std::string out;
  for (const CommandPath& p : all_paths({&root})) {
    if (p.size() > 1) out += (out.empty() ? "" : " | ") + fmt::format("'{}'", full_name(p));
  }
  return out.empty() ? "''" : out;
}

constexpr std::string_view kZshQuote = "'\\''";
constexpr std::string_view kFishQuote = "\\'";

std::string bash_value(const Option& o) {
  switch (completes(o)) {
    case Completes::kChoice:
      return fmt::format("compgen -W '{}' -- \"$cur\"", choice_words(o));
    case Completes::kFile:
      return "compgen -f -- \"$cur\"";
    case Completes::kDirectory:
      return "compgen -d -- \"$cur\"";
    case Completes::kUser:
      return "compgen -u -- \"$cur\"";
    case Completes::kNothing:
      break;
  }
  return ":";
}

bool takes_files(const Command& c) {
  return std::any_of(c.options.begin(), c.options.end(), [](const Option& o) {
    return o.positional && completes(o) == Completes::kFile;
  });
}

}  // namespace

std::string format_bash_completion(const Command& root) {
  std::string out = std::string("# bash completion of gwtool. ") + kHead;
  out +=
      "_gwtool() {\n"
      "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} at=gwtool i\n"
      "  COMPREPLY=()\n"
      // bash takes --option=VALUE and ORIGIN=FILE apart at the `=`.
      "  i=$((COMP_CWORD - 1))\n"
      "  if [[ $cur == = ]]; then cur=; i=$COMP_CWORD; fi\n"
      "  while ((i >= 2)) && [[ ${COMP_WORDS[i]} == = ]]; do\n"
      "    prev=${COMP_WORDS[i-1]}\n"
      "    [[ $prev == --* ]] && break\n"
      "    if [[ ${COMP_WORDS[i-2]} == --* ]]; then prev=${COMP_WORDS[i-2]}; break; fi\n"
      "    i=$((i - 2))\n"
      "  done\n"
      "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
      "    case \"$at ${COMP_WORDS[i]}\" in\n";
  out += fmt::format("      {}) at+=\" ${{COMP_WORDS[i]}}\" ;;\n", path_patterns(root));
  out +=
      "    esac\n"
      "  done\n"
      "  case \"$at $prev\" in\n";
  for (const CommandPath& p : all_paths({&root})) {
    for (const OptionRef& r : options_of(p)) {
      const Option& o = *r.option;
      if (o.positional || o.kind == ValueKind::kFlag) continue;
      out += fmt::format("    '{} --{}') mapfile -t COMPREPLY < <({}); return ;;\n", full_name(p),
                         o.name, bash_value(o));
    }
  }
  out += "  esac\n  local words= files=:\n  case \"$at\" in\n";
  for (const CommandPath& p : all_paths({&root})) {
    std::string words = visible_commands(*p.back());
    for (const OptionRef& r : options_of(p)) {
      if (!r.option->positional) words += (words.empty() ? "--" : " --") + r.option->name;
    }
    out += fmt::format("    '{}') words='{}'{} ;;\n", full_name(p), words,
                       takes_files(*p.back()) ? "; files=\"compgen -f -- $cur\"" : "");
  }
  out +=
      "  esac\n"
      "  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\"; $files)\n"
      "}\n"
      "complete -o filenames -F _gwtool gwtool\n";
  return out;
}

namespace {

std::string zsh_action(const Option& o) {
  switch (completes(o)) {
    case Completes::kChoice:
      return fmt::format("({})", choice_words(o));
    case Completes::kFile:
      return "_files";
    case Completes::kDirectory:
      return "_files -/";
    case Completes::kUser:
      return "_users";
    case Completes::kNothing:
      break;
  }
  return " ";
}

std::string zsh_option(const Option& o) {
  std::string value;
  if (o.kind != ValueKind::kFlag) {
    value = fmt::format(":{}:{}", description(o.value, kZshQuote, ":"), zsh_action(o));
  }
  const std::string text = fmt::format("[{}]{}'", description(o.help, kZshQuote, "[]:"), value);
  const std::string star = o.repeatable ? "*" : "";
  const std::string name = fmt::format("--{}{}", o.name, o.kind == ValueKind::kFlag ? "" : "=");
  std::string out = fmt::format("      '{}{}{}", star, name, text);
  if (o.letter != 0) out += fmt::format(" \\\n      '-{}{}", o.letter, text);
  return out;
}

std::string function_name(const CommandPath& path) {
  std::string name = "_" + full_name(path);
  for (char& c : name) c = c == ' ' || c == '-' ? '_' : c;
  return name;
}

}  // namespace

std::string format_zsh_completion(const Command& root) {
  std::string out = std::string("#compdef gwtool\n# zsh completion of gwtool. ") + kHead;
  const auto paths = all_paths({&root});
  for (auto it = paths.rbegin(); it != paths.rend(); ++it) {
    const Command& c = *it->back();
    const std::string commands = visible_commands(c);
    out += fmt::format("\n{}() {{\n",
                       it->size() == 1 ? std::string("_gwtool_root") : function_name(*it));
    if (!commands.empty()) out += "  local state line\n  typeset -A opt_args\n";
    out += "  _arguments -s";
    if (!commands.empty()) out += " -C";
    for (const OptionRef& r : options_of(*it)) {
      if (!r.option->positional) out += " \\\n" + zsh_option(*r.option);
    }
    for (const Option& o : c.options) {
      // Beside subcommands an argument has no place of its own; nothing could complete it anyway.
      if (!o.positional || !commands.empty()) continue;
      out += fmt::format(" \\\n      '{}:{}:{}'", o.repeatable ? "*" : "",
                         description(o.name, kZshQuote, ":[]"), zsh_action(o));
    }
    if (!commands.empty()) {
      out += " \\\n      '1:command:->command' \\\n      '*::argument:->argument'\n";
      out += "  case $state in\n    command)\n      local -a commands=(\n";
      for (const Command& sub : c.subcommands) {
        if (sub.hidden) continue;
        out += fmt::format("        '{}:{}'\n", sub.name, description(sub.summary, kZshQuote, ":"));
      }
      out +=
          "      )\n      _describe command commands ;;\n    argument)\n      case $line[1] in\n";
      for (const Command& sub : c.subcommands) {
        CommandPath below = *it;
        below.push_back(&sub);
        if (!sub.hidden) out += fmt::format("        {}) {} ;;\n", sub.name, function_name(below));
      }
      out += "      esac ;;\n  esac\n}\n";
    } else {
      out += "\n}\n";
    }
  }
  return out + "\n_gwtool_root \"$@\"\n";
}

namespace {

std::string fish_value(const Option& o) {
  switch (completes(o)) {
    case Completes::kChoice:
      return fmt::format(" -x -a '{}'", choice_words(o));
    case Completes::kFile:
      return " -r -F";
    case Completes::kDirectory:
      return " -x -a '(__fish_complete_directories)'";
    case Completes::kUser:
      return " -x -a '(__fish_complete_users)'";
    case Completes::kNothing:
      break;
  }
  return " -x";
}

}  // namespace

std::string format_fish_completion(const Command& root) {
  std::string out = std::string("# fish completion of gwtool. ") + kHead;
  out +=
      "function __gwtool_at\n"
      "    set -l at gwtool\n"
      "    for word in (commandline -opc)[2..-1]\n"
      "        switch \"$at $word\"\n"
      "            case ";
  std::string cases;
  for (const CommandPath& p : all_paths({&root})) {
    if (p.size() > 1) cases += fmt::format("{}{}'", cases.empty() ? "'" : " '", full_name(p));
  }
  out += (cases.empty() ? "''" : cases) +
         "\n"
         "                set at \"$at $word\"\n"
         "        end\n"
         "    end\n"
         "    test \"$at\" = \"$argv[1]\"\n"
         "end\n"
         "complete -c gwtool -f\n";
  for (const CommandPath& p : all_paths({&root})) {
    const std::string at = fmt::format("complete -c gwtool -n '__gwtool_at \"{}\"'", full_name(p));
    for (const Command& sub : p.back()->subcommands) {
      if (!sub.hidden) {
        out +=
            fmt::format("{} -a {} -d '{}'\n", at, sub.name, description(sub.summary, kFishQuote));
      }
    }
    if (takes_files(*p.back())) out += at + " -F\n";
    for (const OptionRef& r : options_of(p)) {
      const Option& o = *r.option;
      if (o.positional) continue;
      out += fmt::format("{} -l {}", at, o.name);
      if (o.letter != 0) out += std::string(" -s ") + o.letter;
      if (o.kind != ValueKind::kFlag) out += fish_value(o);
      out += fmt::format(" -d '{}'\n", description(o.help, kFishQuote));
    }
  }
  return out;
}

}  // namespace gw::cmd
