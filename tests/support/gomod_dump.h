// What a go.mod says as JSON lines, one a directive: the form in which tests compare it with
// golang.org/x/mod (tests/peers/module/gomod.go writes the same) and keep it (tests/data/gomod).
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/json.h"
#include "base/text.h"
#include "module/gomod.h"

namespace gw::test {

inline std::string gomod_text(const std::string& text) {
  return is_utf8(text) ? text : "hex:" + encode_hex(text);
}

inline std::string dump_gomod(const mod::GoMod& m) {
  std::string out;
  const auto add = [&out](Json object, std::size_t line) {
    object["line"] = line;
    out += format_json(object) + "\n";
  };
  const auto text = gomod_text;
  if (m.module) {
    add({{"module", text(m.module->path)}, {"deprecated", text(m.module->deprecated)}},
        m.module->line);
  }
  if (m.go) add({{"go", text(m.go->text)}}, m.go->line);
  if (m.toolchain) add({{"toolchain", text(m.toolchain->text)}}, m.toolchain->line);
  for (const auto& d : m.godebug) {
    add({{"godebug", text(d.key)}, {"value", text(d.value)}}, d.line);
  }
  for (const auto& r : m.require) {
    add({{"require", text(r.path)}, {"version", text(r.version)}, {"indirect", r.indirect}},
        r.line);
  }
  for (const auto& x : m.exclude) {
    add({{"exclude", text(x.path)}, {"version", text(x.version)}}, x.line);
  }
  for (const auto& r : m.replace) {
    add({{"replace", text(r.path)},
         {"version", text(r.version)},
         {"with", text(r.with)},
         {"with_version", text(r.with_version)}},
        r.line);
  }
  for (const auto& r : m.retract) {
    add({{"retract", text(r.low)}, {"high", text(r.high)}, {"rationale", text(r.rationale)}},
        r.line);
  }
  for (const auto& t : m.tool) add({{"tool", text(t.path)}}, t.line);
  for (const auto& i : m.ignore) add({{"ignore", text(i.path)}}, i.line);
  return out;
}

// The dump, or "error LINE" of the first error.
inline std::string judge_gomod(std::string_view text, mod::GoModMode mode) {
  const auto m = mod::parse_gomod(text, mode);
  if (m) return dump_gomod(*m);
  const std::string_view message = m.error().message;  // "go.mod:LINE: REASON"
  const std::size_t colon = message.find(':');
  return "error " +
         std::string(message.substr(colon + 1, message.find(':', colon + 1) - colon - 1));
}

// A peer's answer in the same form: without its reason, its JSON written as ours.
inline std::string read_gomod_answer(std::string_view answer) {
  if (answer.starts_with("error ")) return std::string(answer.substr(0, answer.find(' ', 6)));
  std::string out;
  while (!answer.empty()) {
    const std::string_view line = answer.substr(0, answer.find('\n'));
    const auto object = parse_json(line);
    out += (object ? format_json(*object) : "no JSON: " + std::string(line)) + "\n";
    answer.remove_prefix(std::min(line.size() + 1, answer.size()));
  }
  return out;
}

}  // namespace gw::test
