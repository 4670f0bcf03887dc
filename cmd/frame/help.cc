#include "frame/help.h"

#include <fmt/format.h>

#include <algorithm>

namespace gw::cmd {

namespace {

constexpr std::size_t kOptionColumn = 28;

std::string option_label(const Option& o) {
  std::string label = o.letter != 0 ? fmt::format("  -{}, ", o.letter) : "      ";
  label += "--" + o.name;
  if (o.kind != ValueKind::kFlag) label += " " + o.value;
  return label;
}

std::string option_text(const Option& o) {
  std::string text = o.help;
  if (!o.choices.empty()) {
    text += ": ";
    for (std::size_t i = 0; i < o.choices.size(); ++i) {
      text += (i == 0 ? "" : i + 1 == o.choices.size() ? " or " : ", ") + o.choices[i].name;
    }
  }
  if (o.repeatable) text += ", repeatable";
  if (o.required) text += " (required)";
  // A long default, such as a key, is for the manual.
  if (!o.fallback.empty() && o.fallback != "false" && o.fallback.size() <= 32) {
    text += fmt::format(" (default {})", o.fallback);
  }
  return text;
}

std::string row(const std::string& label, const std::string& text) {
  std::string out = label;
  if (out.size() + 2 > kOptionColumn) {
    out += '\n';
    out.append(kOptionColumn, ' ');
  } else {
    out.append(kOptionColumn - out.size(), ' ');
  }
  return fmt::format("{}{}\n", out, wrap(text, kOptionColumn));
}

}  // namespace

std::string wrap(std::string_view text, std::size_t indent, std::size_t columns) {
  std::string out;
  std::size_t column = indent;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (word.empty()) continue;
    if (column > indent && column + 1 + word.size() > columns) {
      out += '\n';
      out.append(indent, ' ');
      column = indent;
    } else if (column > indent) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
  }
  return out;
}

std::string format_usage(const CommandPath& path) {
  const Command& c = *path.back();
  std::string usage = full_name(path) + " [OPTION]...";
  if (!c.run) return usage + " COMMAND";
  for (const Option& o : c.options) {
    if (!o.positional) continue;
    const std::string word = o.name + (o.repeatable ? "..." : "");
    usage += o.required ? " " + word : fmt::format(" [{}]", word);
  }
  return usage;
}

std::string format_help(const CommandPath& path) {
  const Command& c = *path.back();
  std::string out =
      fmt::format("{}: {}\n\nusage: {}\n", full_name(path), c.summary, format_usage(path));
  if (c.run) {
    for (const Command& sub : c.subcommands) {
      CommandPath below = path;
      below.push_back(&sub);
      if (!sub.hidden) out += fmt::format("       {}\n", format_usage(below));
    }
  }
  std::string commands;
  for (const Command& sub : c.subcommands) {
    if (!sub.hidden) commands += row("  " + sub.name, sub.summary);
  }
  if (!commands.empty()) out += "\ncommands:\n" + commands;
  std::string arguments;
  std::string options;
  std::string globals;
  for (const OptionRef& ref : options_of(path)) {
    const Option& o = *ref.option;
    if (o.positional) {
      arguments += row("  " + o.name, o.help);
    } else {
      (ref.owner.size() == 1 ? globals : options) += row(option_label(o), option_text(o));
    }
  }
  if (!arguments.empty()) out += "\narguments:\n" + arguments;
  if (!options.empty()) out += "\noptions:\n" + options;
  if (path.size() == 1) {
    out += "\noptions of every command:\n" + globals;
    out +=
        "\n'gwtool help COMMAND' or 'gwtool COMMAND --help' describes a command,\n"
        "gwtool-COMMAND(1) all of it.\n";
  } else {
    out += "\n'gwtool --help' lists the options of every command: --config, --json, -q, ...\n";
  }
  return out;
}

}  // namespace gw::cmd
