#include "frame/manual.h"

#include <algorithm>
#include <vector>

#include "base/metrics.h"
#include "frame/help.h"

namespace gw::cmd {

namespace {

// The pages' date: of the text, not of the day it was formatted, so that it is reproducible.
constexpr const char* kManualDate = "November 22, 2026";

constexpr std::size_t kSourceColumns = 78;

// No escape by accident; `literal` in bold.
std::string escape(std::string_view text) {
  std::string out;
  bool bold = false;
  for (char c : text) {
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
  bool control = !escaped.empty() && (escaped[0] == '.' || escaped[0] == '\'');
  return (control ? "\\&" : "") + std::string(escaped) + "\n";
}

// An argument of a macro: never a macro's name itself, never split.
std::string argument(std::string_view text) {
  std::string out = "\"\\&";
  for (char c : text) {
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
  std::string all = escape(text);
  std::string_view rest = all;
  std::string out;
  while (!rest.empty()) {
    std::size_t end = rest.find(". ");
    end = end == std::string_view::npos ? rest.size() : end + 1;
    std::string wrapped = wrap(rest.substr(0, end), 0, kSourceColumns);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    for (std::size_t from = 0; from <= wrapped.size();) {
      std::size_t to = std::min(wrapped.find('\n', from), wrapped.size());
      out += text_line(wrapped.substr(from, to - from));
      from = to + 1;
    }
  }
  return out;
}

std::string sentence(const std::string& help) {
  if (help.empty()) return help;
  std::string out = help;
  if (out[0] >= 'a' && out[0] <= 'z') out[0] = static_cast<char>(out[0] - 'a' + 'A');
  if (out.back() != '.') out += '.';
  return out;
}

std::string option_item(const Option& o) {
  std::string out = ".It ";
  if (o.positional) {
    out += "Ar " + argument(o.name) + "\n";
  } else {
    if (o.letter != 0) out += std::string("Fl ") + o.letter + " , ";
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
  bool shown = !o.fallback.empty() && o.fallback != "false";
  std::string quote = o.fallback_described ? "" : "`";
  if (shown) text += " Default: " + quote + o.fallback + quote + ".";
  if (!o.env.empty()) text += " Also from the environment: `" + o.env + "`.";
  out += paragraph(text);
  if (!o.choices.empty()) {
    out += ".Bl -tag -width Ds -compact\n";
    for (const Choice& c : o.choices) {
      out += ".It Cm " + argument(c.name) + "\n" + paragraph(sentence(c.help));
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
  for (bool positional : {true, false}) {
    for (const Option& o : c.options) {
      if (o.positional != positional) continue;
      bool before = described != nullptr && !positional &&
                    std::any_of(described->begin(), described->end(),
                                [&](const Option* d) { return same(*d, o); });
      if (before) {
        known += (known.empty() ? "`--" : ", `--") + o.name + "`";
      } else {
        items += option_item(o);
        if (described != nullptr) described->push_back(&o);
      }
    }
  }
  std::string out = items.empty() ? "" : ".Bl -tag -width Ds\n" + items + ".El\n";
  if (!known.empty()) out += ".Pp\n" + paragraph("Also, as above: " + known + ".");
  return out;
}

std::string doc_paragraphs(const std::string& doc) {
  std::string out;
  std::string_view rest = doc;
  while (!rest.empty()) {
    std::size_t end = std::min(rest.find("\n\n"), rest.size());
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
    out += ".Nm " + argument(full_name(p)) + "\n.Op Ar OPTION ...\n";
    if (!c.run) out += ".Ar COMMAND\n";
    for (const Option& o : c.options) {
      if (!o.positional) continue;
      std::string word = argument(o.name) + (o.repeatable ? " ..." : "");
      out += (o.required ? ".Ar " : ".Op Ar ") + word + "\n";
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
    out += ".It Xr " + manual_name(below) + " 1\n" + paragraph(sentence(sub.summary));
  }
  return out.empty() ? "" : ".Sh COMMANDS\n.Bl -tag -width Ds\n" + out + ".El\n";
}

// check module, check toolchain, ...: one subsection each.
std::string subcommands(const CommandPath& path) {
  std::string out;
  std::vector<const Option*> described;
  for (const CommandPath& p : all_paths(path)) {
    if (p.size() == path.size()) continue;
    const Command& c = *p.back();
    std::string text = sentence(c.summary);
    out += ".Ss " + argument(full_name(p)) + "\n" + paragraph(text);
    if (!c.doc.empty()) out += ".Pp\n" + doc_paragraphs(c.doc);
    out += option_list(c, &described);
  }
  return out.empty() ? "" : ".Sh COMMANDS\n" + out;
}

std::string environment(const CommandPath& path) {
  std::string items;
  std::vector<std::string> seen;
  for (const CommandPath& p : all_paths(path)) {
    if (path.size() == 1 && p.size() > 1) continue;
    for (const Option& o : p.back()->options) {
      if (o.env.empty() || std::find(seen.begin(), seen.end(), o.env) != seen.end()) continue;
      seen.push_back(o.env);
      items += ".It Ev " + o.env + "\n" +
               paragraph("The value of `--" + o.name + "` when that is not given.");
    }
  }
  if (path.size() == 1) {
    items +=
        ".It Ev NO_COLOR\n" + paragraph("When set and not empty: no colour and no progress line.");
  }
  return items.empty() ? "" : ".Sh ENVIRONMENT\n.Bl -tag -width Ds\n" + items + ".El\n";
}

}  // namespace

std::string manual_name(const CommandPath& path) {
  std::string name = full_name(path);
  std::replace(name.begin(), name.end(), ' ', '-');
  return name;
}

namespace {

std::string metrics() {
  std::string items;
  for (const MetricInfo& m : metric_table()) {
    std::string type = m.type == MetricType::kCounter ? "counter" : "gauge";
    std::string label = m.label.empty() ? "" : " by " + std::string(m.label);
    items.append(".It Sy ").append(argument(m.name)).append(" (").append(type).append(label);
    items.append(")\n").append(paragraph(m.help));
  }
  return ".Bl -tag -width Ds\n" + items + ".El\n";
}

// The prose of man/sections, line by line.
class Prose {
 public:
  std::string format(std::string_view text) {
    while (!text.empty()) {
      std::size_t end = std::min(text.find('\n'), text.size());
      line(text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    close();
    return out_;
  }

 private:
  enum class In { kNothing, kParagraph, kLiteral, kItem };

  void line(std::string_view l) {
    if (l == "@metrics") {
      close();
      out_ += metrics();
    } else if (l.starts_with("# ")) {
      close();
      out_ += ".Sh " + std::string(l.substr(2)) + "\n";
      first_ = true;
    } else if (l.starts_with("    ") && (in_ == In::kNothing || in_ == In::kLiteral)) {
      open_literal();
      out_ += text_line(escape(literal(l.substr(4))));
    } else if (l.starts_with("- ")) {
      flush();
      open_list();
      std::size_t colon = l.find(": ");
      out_ += ".It " + argument(l.substr(2, colon - 2)) + "\n";
      text_ = colon == std::string_view::npos ? "" : l.substr(colon + 2);
      in_ = In::kItem;
    } else if (l.empty()) {
      if (in_ == In::kLiteral) close_literal();
      flush();
      blank_ = true;
    } else {
      if (in_ == In::kLiteral) close_literal();
      if (in_ == In::kNothing) begin_paragraph();
      std::size_t begin = std::min(l.find_first_not_of(' '), l.size());
      text_ += (text_.empty() ? "" : " ") + std::string(l.substr(begin));
    }
  }

  static std::string literal(std::string_view l) {
    std::string out;
    for (char c : l) out += c == '`' ? '\'' : c;
    return out;
  }
  void begin_paragraph() {
    if (list_) close_list();
    if (!first_) out_ += ".Pp\n";
    first_ = false;
    in_ = In::kParagraph;
  }
  void open_literal() {
    if (in_ == In::kLiteral) return;
    if (list_) close_list();
    out_ += ".Bd -literal -offset indent\n";
    in_ = In::kLiteral;
    first_ = false;
  }
  void close_literal() {
    out_ += ".Ed\n";
    in_ = In::kNothing;
  }
  void open_list() {
    if (in_ == In::kLiteral) close_literal();
    if (!list_) out_ += ".Bl -tag -width Ds\n";
    list_ = true;
    first_ = false;
  }
  void close_list() {
    out_ += ".El\n";
    list_ = false;
  }
  void flush() {
    if (!text_.empty()) out_ += paragraph(text_);
    text_.clear();
    if (in_ != In::kLiteral) in_ = In::kNothing;
  }
  void close() {
    if (in_ == In::kLiteral) close_literal();
    flush();
    if (list_) close_list();
  }

  std::string out_;
  std::string text_;
  In in_ = In::kNothing;
  bool list_ = false;
  bool first_ = true;
  bool blank_ = false;
};

}  // namespace

std::string format_manual(const CommandPath& path, std::string_view prose) {
  const Command& c = *path.back();
  std::string name = manual_name(path);
  std::string title = name;
  for (char& ch : title) ch = ch >= 'a' && ch <= 'z' ? static_cast<char>(ch - 'a' + 'A') : ch;
  std::string out = ".\\\" Made by gwtool gen man from the option tree and man/sections.\n";
  out += std::string(".Dd ") + kManualDate + "\n.Dt " + title + " 1\n.Os\n";
  out += ".Sh NAME\n.Nm " + name + "\n.Nd " + c.summary + "\n";
  out += ".Sh SYNOPSIS\n" + synopsis(path) + ".Sh DESCRIPTION\n";
  out += doc_paragraphs(c.doc.empty() ? sentence(c.summary) : c.doc);
  if (path.size() == 1) {
    out += command_list(path);
    out += ".Sh OPTIONS\nThese hold for every command and may stand anywhere.\n";
    out += option_list(c);
  } else {
    if (std::string list = option_list(c); !list.empty()) out += ".Sh OPTIONS\n" + list;
    out += subcommands(path);
  }
  out += environment(path);
  out += Prose().format(prose);
  out += ".Sh SEE ALSO\n";
  std::vector<std::string> others;
  if (path.size() > 1) others.emplace_back("gwtool");
  for (const Command& sub : path[0]->subcommands) {
    if (!sub.hidden && "gwtool-" + sub.name != name) others.push_back("gwtool-" + sub.name);
  }
  std::sort(others.begin(), others.end());
  for (std::size_t i = 0; i < others.size(); i++) {
    out += ".Xr " + others[i] + " 1" + (i + 1 < others.size() ? " ,\n" : "\n");
  }
  return out;
}

}  // namespace gw::cmd
