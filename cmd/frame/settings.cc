#include "frame/settings.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "base/bytes.h"
#include "base/text.h"

namespace gw::cmd {

namespace {

std::string join(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& w : words) out += (out.empty() ? "" : ", ") + w;
  return out;
}

std::vector<CommandPath> whole_tree(const Command& root) { return all_paths({&root}, true); }

Status check_table(const Command& root, const ConfigFile& config, const ConfigTable& table) {
  std::vector<std::string> names;
  for (const CommandPath& p : whole_tree(root)) {
    if (p.back()->hidden) continue;
    names.push_back(table_name(p));
    if (names.back() == table.name) return {};
  }
  const auto near = nearest(table.name, names);
  return usage_error(
             fmt::format("unknown table [{}]", table.name),
             near ? fmt::format("did you mean [{}]?", *near) : "a table has a command's name")
      .in(at_line(config.path, table.line));
}

Error unknown_key(const Command& root, const ConfigFile& config, const ConfigEntry& e) {
  std::vector<std::string> here;
  std::vector<std::string> elsewhere;
  for (const CommandPath& p : whole_tree(root)) {
    const std::string table = table_name(p);
    for (const Option& o : p.back()->options) {
      if (o.command_line_only || p.back()->hidden) continue;
      if (table == e.table) here.push_back(o.name);
      if (o.name == e.key) {
        elsewhere.push_back(table.empty() ? "before any table" : fmt::format("in [{}]", table));
      }
    }
  }
  Error error = usage_error(fmt::format("unknown key {}{}", gw::quoted(e.key),
                                        e.table.empty() ? "" : fmt::format(" in [{}]", e.table)))
                    .in(at_line(config.path, e.line));
  const auto near = nearest(e.key, here);
  if (near) {
    error.hint = fmt::format("did you mean {}?", *near);
  } else if (!elsewhere.empty()) {
    error.hint = fmt::format("{} belongs {}", e.key, join(elsewhere));
  } else if (!here.empty()) {
    error.hint = "the keys are " + join(here);
  }
  return error;
}

Status check_type(const ConfigFile& config, const ConfigEntry& e, const Option& o) {
  const auto wrong = [&](std::string_view wanted) {
    return usage_error(fmt::format("{} must be {}", e.key, wanted))
        .in(at_line(config.path, e.line));
  };
  const bool is_bool = e.type == ConfigEntry::Type::kBoolean;
  if (o.kind == ValueKind::kFlag) {
    return is_bool && !e.array ? Status() : wrong("true or false");
  }
  if (e.array && !o.repeatable) return wrong("one value, not an array");
  if (e.array && e.values.empty()) return {};
  if (o.kind == ValueKind::kNumber) {
    return e.type == ConfigEntry::Type::kInteger ? Status() : wrong("an integer");
  }
  if (is_bool) return wrong(o.repeatable ? "a string or an array of strings" : "a string");
  for (const std::string& v : e.values) {
    if (v.empty()) {
      return usage_error(e.key + " has an empty value").in(at_line(config.path, e.line));
    }
  }
  return {};
}

const Option* find_key(const Command& root, const ConfigEntry& e) {
  for (const CommandPath& p : whole_tree(root)) {
    if (table_name(p) != e.table || p.back()->hidden) continue;
    for (const Option& o : p.back()->options) {
      if (o.name == e.key && !o.command_line_only) return &o;
    }
  }
  return nullptr;
}

// Everything in the file, but the values of `later`, which are about to be resolved, is also
// parsed.
Status check_config(const Command& root, const ConfigFile& config,
                    const std::vector<OptionRef>& later) {
  for (const ConfigTable& t : config.tables) GW_CHECK(check_table(root, config, t));
  for (const ConfigEntry& e : config.entries) {
    const Option* o = find_key(root, e);
    if (o == nullptr) return unknown_key(root, config, e);
    GW_CHECK(check_type(config, e, *o));
    // A value is stored once: a repeatable option may append.
    const bool resolved_later =
        std::any_of(later.begin(), later.end(), [&](const OptionRef& r) { return r.option == o; });
    if (e.values.empty() || resolved_later) continue;
    auto stored = o->assign(e.values);
    if (!stored) return std::move(stored).error().in(e.key).in(at_line(config.path, e.line));
  }
  return {};
}

const ConfigEntry* find_entry(const ConfigFile* config, const OptionRef& ref) {
  if (config == nullptr || ref.option->command_line_only) return nullptr;
  const auto in_table = [&](const std::string& table) -> const ConfigEntry* {
    for (const ConfigEntry& e : config->entries) {
      if (e.table == table && e.key == ref.option->name && !e.values.empty()) return &e;
    }
    return nullptr;
  };
  const ConfigEntry* own = in_table(table_name(ref.owner));
  if (own != nullptr || !ref.option->inherited) return own;
  CommandPath above = ref.owner;
  while (above.size() > 2) {
    above.pop_back();
    if (const ConfigEntry* e = in_table(table_name(above))) return e;
  }
  return nullptr;
}

// Where a value that is refused comes from; of a file also its key.
std::string blamed(const Setting& s) {
  return s.origin == Origin::kConfig ? fmt::format("{} at {}", s.ref.option->name, s.where)
                                     : s.where;
}

Result<Setting> resolve_one(const OptionRef& ref, const Invocation& invocation,
                            const ConfigFile* config, const Environment& env) {
  const Option& o = *ref.option;
  Setting s;
  s.ref = ref;
  if (!o.fallback.empty() && !o.fallback_described) s.values = {o.fallback};
  auto take = [&](Origin origin, std::vector<std::string> values, std::string where) {
    if (s.origin != Origin::kDefault && s.values != values) s.beaten.push_back(s.where);
    s.origin = origin;
    s.values = std::move(values);
    s.where = std::move(where);
  };
  // From the weakest to the strongest.
  if (const ConfigEntry* e = find_entry(config, ref)) {
    take(Origin::kConfig, e->values, at_line(config->path, e->line));
  }
  auto variable = o.env.empty() ? std::nullopt : env(o.env);
  if (variable && !variable->empty()) take(Origin::kEnvironment, {*variable}, "$" + o.env);
  auto given = invocation.given.find(o.name);
  if (given != invocation.given.end()) {
    take(Origin::kCommandLine, given->second, o.spelled());
  }
  if (s.origin == Origin::kDefault) return s;
  // What is a program's to be run with is not ours to judge.
  const bool words = o.positional && ref.owner.back()->runs_program;
  const auto end = words && !s.values.empty() ? s.values.begin() + 1 : s.values.end();
  if (std::any_of(s.values.begin(), end, [](const std::string& v) { return v.empty(); })) {
    return usage_error(blamed(s) + ": the value is empty");
  }
  auto stored = o.assign(s.values);
  if (!stored) return std::move(stored).error().in(blamed(s));
  return s;
}

Result<std::vector<Setting>> resolve_refs(const Command& root, const std::vector<OptionRef>& refs,
                                          const Invocation& invocation, const ConfigFile* config,
                                          const Environment& env) {
  if (config != nullptr) GW_CHECK(check_config(root, *config, refs));
  std::vector<Setting> settings;
  for (const OptionRef& ref : refs) {
    GW_TRY(Setting s, resolve_one(ref, invocation, config, env));
    settings.push_back(std::move(s));
  }
  return settings;
}

std::string file_problem(const Option& o, const std::string& path) {
  struct stat st {};
  if (o.use == PathUse::kState) return "";
  if (::stat(path.c_str(), &st) != 0) return errno_error(path, errno).message;
  const bool directory = S_ISDIR(st.st_mode);
  if (o.use == PathUse::kDirectory) return directory ? "" : path + ": not a directory";
  if (directory) return path + ": is a directory";
  if (o.use == PathUse::kSecret && (st.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return path + ": others than its owner may use this secret (chmod 600)";
  }
  return "";
}

std::string format_values(const Option& o, const std::vector<std::string>& values) {
  const bool bare = o.kind == ValueKind::kFlag || o.kind == ValueKind::kNumber;
  std::string text;
  for (const std::string& v : values) {
    text += (text.empty() ? "" : ", ") + (bare ? v : toml_string(v));
  }
  return o.repeatable ? fmt::format("[{}]", text) : text;
}

const char* origin_name(Origin origin) {
  switch (origin) {
    case Origin::kDefault:
      return "default";
    case Origin::kConfig:
      return "file";
    case Origin::kEnvironment:
      return "environment";
    case Origin::kCommandLine:
      return "command line";
  }
  return "";
}

std::string default_comment(const Option& o, bool no_value, bool sample) {
  if (no_value && !o.fallback.empty()) return "  # default: " + o.fallback;
  if (sample) return "";
  return no_value ? "  # not set" : "  # default";
}

}  // namespace

Environment process_environment() {
  return [](const std::string& variable) -> std::optional<std::string> {
    const char* value = std::getenv(variable.c_str());
    if (value == nullptr) return std::nullopt;
    return std::string(value);
  };
}

Result<std::vector<Setting>> resolve(const Command& root, const Invocation& invocation,
                                     const ConfigFile* config, const Environment& env) {
  return resolve_refs(root, options_of(invocation.path), invocation, config, env);
}

Result<std::vector<Setting>> resolve_all(const Command& root, const Invocation& invocation,
                                         const ConfigFile* config, const Environment& env) {
  std::vector<OptionRef> refs;
  for (const CommandPath& p : all_paths({&root})) {
    for (const Option& o : p.back()->options) refs.push_back({&o, p});
  }
  return resolve_refs(root, refs, invocation, config, env);
}

Status check_complete(const CommandPath& path, const std::vector<Setting>& settings) {
  for (const Setting& s : settings) {
    const Option& o = *s.ref.option;
    if (!o.required || s.origin != Origin::kDefault) continue;
    if (o.positional) {
      return usage_error(fmt::format("{} needs {}", full_name(path), o.name),
                         fmt::format("{}: {}", o.name, o.help));
    }
    return usage_error(
        fmt::format("{} needs --{} {}", full_name(path), o.name, o.value),
        fmt::format("{}; on the command line, or {} in [{}] of the file given with --config",
                    o.help, o.name, table_name(s.ref.owner)));
  }
  for (const Command* c : path) {
    // A group that runs by itself keeps its rules, as it keeps its options.
    if (c != path.back() && c->run) continue;
    for (const auto& rule : c->rules) GW_CHECK(rule());
  }
  return {};
}

Status check_paths(const std::vector<Setting>& settings) {
  for (const Setting& s : settings) {
    const Option& o = *s.ref.option;
    if (o.kind != ValueKind::kPath || s.origin == Origin::kDefault) continue;
    for (const std::string& path : s.values) {
      const std::string problem = file_problem(o, path);
      if (!problem.empty()) return usage_error(fmt::format("{}: {}", blamed(s), problem));
    }
  }
  return {};
}

Json config_json(const std::vector<Setting>& settings) {
  Json list = Json::array();
  for (const Setting& s : settings) {
    const Option& o = *s.ref.option;
    if (o.command_line_only) continue;
    const auto one = [&o](const std::string& value) -> Json {
      if (o.kind == ValueKind::kFlag) return value == "true";
      const auto number = o.kind == ValueKind::kNumber ? parse_decimal(value) : std::nullopt;
      return number ? Json(*number) : Json(value);
    };
    Json value;
    if (o.repeatable) {
      value = Json::array();
      for (const std::string& v : s.values) value.push_back(one(v));
    } else if (!s.values.empty()) {
      value = one(s.values.back());
    }
    list.push_back({{"table", table_name(s.ref.owner)},
                    {"key", o.name},
                    {"value", std::move(value)},
                    {"origin", origin_name(s.origin)},
                    {"where", s.where},
                    {"beaten", s.beaten}});
  }
  return {{"settings", std::move(list)}};
}

std::string format_config(const std::vector<Setting>& settings, bool sample) {
  // A table's keys must stand together, and those of no table first.
  std::vector<const Setting*> ordered;
  for (const Setting& s : settings) {
    if (!s.ref.option->command_line_only) ordered.push_back(&s);
  }
  std::stable_sort(ordered.begin(), ordered.end(), [](const Setting* a, const Setting* b) {
    return (a->ref.owner.size() == 1) > (b->ref.owner.size() == 1);
  });
  std::string out;
  std::string table;
  for (const Setting* s : ordered) {
    const Option& o = *s->ref.option;
    if (std::string t = table_name(s->ref.owner); t != table) {
      out += fmt::format("{}{}]\n", out.empty() ? "[" : "\n[", t);
      table = t;
    }
    const bool comment = sample || s->values.empty();
    if (sample) out += fmt::format("\n# {}\n", o.help);
    out += fmt::format("{}{} = ", comment ? "# " : "", o.name);
    out += s->values.empty() ? format_values(o, {o.value}) : format_values(o, s->values);
    if (!sample && !s->where.empty()) out += "  # from " + s->where;
    if (!sample && !s->beaten.empty()) out += ", not " + join(s->beaten);
    if (s->where.empty()) out += default_comment(o, s->values.empty(), sample);
    out += '\n';
  }
  return out;
}

}  // namespace gw::cmd
