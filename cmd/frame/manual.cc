#include "frame/manual.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <vector>

#include "base/metrics_table.h"
#include "base/text.h"
#include "frame/help.h"

namespace gw::cmd {

namespace {

constexpr std::size_t kSourceColumns = 78;

// No escape by accident; `literal` in bold.
std::string escape(std::string_view text) {
  std::string out;
  bool bold = false;
  for (const char c : text) {
    if (c == '`') {
      out += bold ? "\\fR" : "\\fB";
      bold = !bold;
    } else if (c == '\\') {
      out += "\\e";
    } else if (c == '-' && bold) {
      out += "\\-";
    } else {
      out += c;
    }
  }
  return out;
}

// A line of text: no control line by accident.
std::string text_line(std::string_view escaped) {
  const bool control = !escaped.empty() && (escaped[0] == '.' || escaped[0] == '\'');
  return fmt::format("{}{}\n", control ? "\\&" : "", escaped);
}

// An argument of a macro: never a macro's name itself, never split.
std::string argument(std::string_view text) {
  std::string out = "\"\\&";
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '"') {
      out += "\"\"";
    } else {
      out += c;
    }
  }
  return out + "\"";
}

// Every sentence begins a line, as mdoc wants it; long ones are broken, for roff joins lines.
std::string paragraph(std::string_view text) {
  const std::string all = escape(text);
  std::string_view rest = all;
  std::string out;
  while (!rest.empty()) {
    std::size_t end = rest.find(". ");
    end = end == std::string_view::npos ? rest.size() : end + 1;
    const std::string wrapped = wrap(rest.substr(0, end), 0, kSourceColumns);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    for (std::size_t from = 0; from <= wrapped.size();) {
      const std::size_t to = std::min(wrapped.find('\n', from), wrapped.size());
      out += text_line(wrapped.substr(from, to - from));
      from = to + 1;
    }
  }
  return out;
}

std::string sentence(const std::string& help) {
  if (help.empty()) return help;
  std::string out = help;
  out[0] = to_upper(out[0]);
  if (out.back() != '.') out += '.';
  return out;
}

std::string option_item(const Option& o) {
  std::string out = ".It ";
  if (o.positional) {
    out += fmt::format("Ar {}\n", argument(o.name));
  } else {
    if (o.letter != 0) out += fmt::format("Fl {} , ", o.letter);
    out += "Fl -" + o.name;
    if (o.kind != ValueKind::kFlag) out += " Ar " + argument(o.value);
    out += '\n';
  }
  std::string text = sentence(o.help);
  if (!o.doc.empty()) text += " " + o.doc;
  if (o.required && !o.positional) text += " Required.";
  if (o.repeatable && !o.positional) text += " May be given several times.";
  if (o.use == PathUse::kSecret && o.kind == ValueKind::kPath) {
    text += " Only its owner should be able to read it.";
  }
  const bool shown = !o.fallback.empty() && o.fallback != "false";
  const std::string quote = o.fallback_described ? "" : "`";
  if (shown) text += fmt::format(" Default: {}{}{}.", quote, o.fallback, quote);
  if (!o.env.empty()) text += fmt::format(" Also from the environment: `{}`.", o.env);
  out += paragraph(text);
  if (!o.choices.empty()) {
    out += ".Bl -tag -width Ds -compact\n";
    for (const Choice& c : o.choices) {
      out += fmt::format(".It Cm {}\n{}", argument(c.name), paragraph(sentence(c.help)));
    }
    out += ".El\n";
  }
  return out;
}

bool same(const Option& a, const Option& b) {
  return a.name == b.name && a.help == b.help && a.doc == b.doc && a.fallback == b.fallback;
}

// The options of `c`, its arguments first. What an earlier command of the page has just so is only
// named: "Also ..., as above."
std::string option_list(const Command& c, std::vector<const Option*>* described = nullptr) {
  std::string items;
  std::string known;
  for (const bool positional : {true, false}) {
    for (const Option& o : c.options) {
      if (o.positional != positional) continue;
      const bool before = described != nullptr && !positional &&
                          std::any_of(described->begin(), described->end(),
                                      [&](const Option* d) { return same(*d, o); });
      if (before) {
        known += fmt::format("{}{}`", known.empty() ? "`--" : ", `--", o.name);
      } else {
        items += option_item(o);
        if (described != nullptr) described->push_back(&o);
      }
    }
  }
  std::string out = items.empty() ? "" : fmt::format(".Bl -tag -width Ds\n{}.El\n", items);
  if (!known.empty()) out += ".Pp\n" + paragraph(fmt::format("Also, as above: {}.", known));
  return out;
}

std::string doc_paragraphs(const std::string& doc) {
  std::string out;
  std::string_view rest = doc;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find("\n\n"), rest.size());
    out += (out.empty() ? "" : ".Pp\n") + paragraph(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 2, rest.size()));
  }
  return out;
}

std::string synopsis(const CommandPath& path) {
  std::string out;
  for (const CommandPath& p : all_paths(path)) {
    const Command& c = *p.back();
    if (!c.run && path.size() > 1) continue;
    if (path.size() == 1 && p.size() > 1) continue;
    out += fmt::format(".Nm {}\n.Op Ar OPTION ...\n", argument(full_name(p)));
    if (!c.run) out += ".Ar COMMAND\n";
    for (const Option& o : c.options) {
      if (!o.positional) continue;
      const std::string word = argument(o.name) + (o.repeatable ? " ..." : "");
      out += fmt::format("{}{}\n", o.required ? ".Ar " : ".Op Ar ", word);
    }
  }
  return out;
}

std::string command_list(const CommandPath& path) {
  std::string out;
  for (const Command& sub : path.back()->subcommands) {
    if (sub.hidden) continue;
    CommandPath below = path;
    below.push_back(&sub);
    out += fmt::format(".It Xr {} 1\n{}", manual_name(below), paragraph(sentence(sub.summary)));
  }
  return out.empty() ? "" : fmt::format(".Bl -tag -width Ds\n{}.El\n", out);
}

// check module, check toolchain, ...: one subsection each.
std::string subcommands(const CommandPath& path) {
  std::string out;
  std::vector<const Option*> described;
  for (const CommandPath& p : all_paths(path)) {
    if (p.size() == path.size()) continue;
    const Command& c = *p.back();
    const std::string text = sentence(c.summary);
    out += fmt::format(".Ss {}\n{}", argument(full_name(p)), paragraph(text));
    if (!c.doc.empty()) out += ".Pp\n" + doc_paragraphs(c.doc);
    out += option_list(c, &described);
  }
  return out;
}

std::string environment(const CommandPath& path) {
  std::string items;
  std::vector<std::string> seen;
  for (const CommandPath& p : all_paths(path)) {
    if (path.size() == 1 && p.size() > 1) continue;
    for (const Option& o : p.back()->options) {
      if (o.env.empty() || std::find(seen.begin(), seen.end(), o.env) != seen.end()) continue;
      seen.push_back(o.env);
      items += fmt::format(
          ".It Ev {}\n{}", o.env,
          paragraph(fmt::format("The value of `--{}` when that is not given.", o.name)));
    }
  }
  if (path.size() == 1) {
    items +=
        ".It Ev NO_COLOR\n" +
        paragraph("When set and not empty: no colour and no progress line; as with TERM=dumb.");
  }
  return items.empty() ? "" : fmt::format(".Bl -tag -width Ds\n{}.El\n", items);
}

std::string head(const CommandPath& path, std::string_view date) {
  const std::string name = manual_name(path);
  std::string title = name;
  for (char& c : title) c = to_upper(c);
  return fmt::format(".Dd {}\n.Dt {} 1\n.Os\n.Sh NAME\n.Nm {}\n.Nd {}\n", date, title, name,
                     path.back()->summary);
}

std::string exit_status(const Command& c) {
  if (c.exits.empty()) return "As in\n.Xr gwtool 1 .\n";
  std::string out = ".Bl -tag -width Ds\n";
  for (const auto& [code, meaning] : c.exits) {
    out += fmt::format(".It {}\n{}", static_cast<int>(code), paragraph(meaning));
  }
  std::string order;
  std::optional<int> graver;
  for (const ExitCode code : kExitOrder) {
    if (code == kExitDone || std::none_of(c.exits.begin(), c.exits.end(),
                                          [&](const auto& e) { return e.first == code; })) {
      continue;
    }
    if (graver)
      order +=
          fmt::format("{} {} before {}", order.empty() ? "" : ",", *graver, static_cast<int>(code));
    graver = code;
  }
  return fmt::format("{}.El\n.Pp\n{}", out,
                     paragraph(fmt::format("Of several the gravest is reported:{}.", order)));
}

std::string files(const Command& c) {
  std::string items;
  for (const auto& [name, use] : c.files) {
    items += fmt::format(".It {}\n{}", argument(name), paragraph(use));
  }
  return items.empty() ? "" : fmt::format(".Bl -tag -width Ds\n{}.El\n", items);
}

bool is_of(std::string_view metric, const std::vector<std::string>& areas) {
  return areas.empty() || std::any_of(areas.begin(), areas.end(), [&](const std::string& area) {
           return metric.starts_with(fmt::format("gwtool_{}_", area));
         });
}

std::string metrics(const Command& command) {
  std::string items;
  for (const MetricInfo& m : kMetricTable) {
    if (!is_of(m.name, command.metric_areas)) continue;
    const std::string type = m.type == MetricType::kCounter ? "counter" : "gauge";
    const std::string label = m.label.name.empty() ? "" : " by " + std::string(m.label.name);
    items.append(".It Sy ").append(argument(m.name)).append(" (").append(type).append(label);
    items.append(")\n").append(paragraph(m.help));
  }
  return fmt::format(".Bl -tag -width Ds\n{}.El\n", items);
}

std::string see_also(const CommandPath& path) {
  std::vector<std::string> others;
  if (path.size() > 1) others.push_back(manual_name({path[0]}));
  for (const Command& sub : path[0]->subcommands) {
    const std::string name = manual_name({path[0], &sub});
    if (!sub.hidden && name != manual_name(path)) others.push_back(name);
  }
  std::sort(others.begin(), others.end());
  std::string out;
  const bool guides = path.size() == 1;
  for (const std::string& name : others) {
    out += fmt::format(".Xr {} 1{}", name, &name == &others.back() && !guides ? "\n" : " ,\n");
  }
  if (!guides) return out;
  for (const auto& name : kGuides) {
    out += fmt::format(".Xr {} 7{}", name, &name == &kGuides.back() ? "\n" : " ,\n");
  }
  return out;
}

// What one placeholder stands for.
struct Part {
  std::string name;
  std::string text;
  std::string heading = {};  // of its section in a page without a template
  bool needed = true;
  bool used = false;
};

std::vector<Part> parts_of(const CommandPath& path, std::string_view date) {
  const Command& c = *path.back();
  const bool whole = path.size() == 1;
  return {
      {.name = "head", .text = head(path, date)},
      {.name = "synopsis", .text = synopsis(path), .heading = "SYNOPSIS"},
      {.name = "description",
       .text = doc_paragraphs(c.doc.empty() ? sentence(c.summary) : c.doc),
       .heading = "DESCRIPTION"},
      {.name = "options", .text = option_list(c), .heading = "OPTIONS"},
      {.name = "commands",
       .text = whole ? command_list(path) : subcommands(path),
       .heading = "COMMANDS"},
      {.name = "environment", .text = environment(path), .heading = "ENVIRONMENT"},
      {.name = "files", .text = files(c), .heading = "FILES"},
      {.name = "exit-status", .text = exit_status(c), .heading = "EXIT STATUS"},
      {.name = "metrics", .text = metrics(c), .needed = false},
      {.name = "see-also", .text = see_also(path), .heading = "SEE ALSO"},
  };
}

std::string usual_template(const std::vector<Part>& parts) {
  std::string out;
  for (const Part& p : parts) {
    if (!p.needed || p.text.empty()) continue;
    if (!p.heading.empty()) out += fmt::format(".Sh {}\n", p.heading);
    out += fmt::format("@{}@\n", p.name);
  }
  return out;
}

}  // namespace

std::string manual_name(const CommandPath& path) {
  std::string name = full_name(path);
  std::replace(name.begin(), name.end(), ' ', '-');
  return name;
}

std::string manual_date(WallTime day) {
  static constexpr std::array<std::string_view, 12> kMonths{
      "January", "February", "March",     "April",   "May",      "June",
      "July",    "August",   "September", "October", "November", "December"};
  const std::chrono::year_month_day date(std::chrono::floor<std::chrono::days>(day));
  return fmt::format("{} {}, {}", kMonths[static_cast<unsigned>(date.month()) - 1],
                     static_cast<unsigned>(date.day()), static_cast<int>(date.year()));
}

Result<std::string> format_manual(const CommandPath& path, std::string_view text_template,
                                  std::string_view date) {
  const std::string name = manual_name(path);
  auto parts = parts_of(path, date);
  const std::string text =
      text_template.empty() ? usual_template(parts) : std::string(text_template);
  std::string out = ".\\\" Made by gwtool gen man from the option tree";
  if (!text_template.empty()) out += fmt::format(" and man/sections/{}.mdoc", name);
  out += ".\n";
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::string_view line = take_line(rest);
    if (line.starts_with(".\\\"")) continue;
    if (line.size() < 3 || line.front() != '@' || line.back() != '@') {
      out.append(line).push_back('\n');
      continue;
    }
    auto part = std::find_if(parts.begin(), parts.end(), [&](const Part& p) {
      return p.name == line.substr(1, line.size() - 2);
    });
    if (part == parts.end()) {
      return usage_error(
          fmt::format("the template of {}(1) has {}, which means nothing", name, line));
    }
    part->used = true;
    out += part->text;
  }
  for (const Part& p : parts) {
    if (!p.needed || p.used || p.text.empty()) continue;
    return usage_error(fmt::format("the template of {}(1) leaves out @{}@", name, p.name));
  }
  return out;
}

std::string format_guide(std::string_view name, std::string_view text_template,
                         std::string_view date) {
  std::string out =
      fmt::format(".\\\" Made by gwtool gen man from man/sections/{}.mdoc.\n.Dd {}\n", name, date);
  while (!text_template.empty()) {
    const std::string_view line = take_line(text_template);
    if (!line.starts_with(".\\\"")) out.append(line).push_back('\n');
  }
  return out;
}

}  // namespace gw::cmd
