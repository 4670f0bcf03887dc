// The text of build info: lines of fields divided by tabs,
//   path   PACKAGE
//   mod    MODULE VERSION [SUM]
//   dep    MODULE VERSION [SUM]
//   =>     MODULE VERSION SUM       what replaces the module of the line before
//   build  KEY=VALUE                either may be a Go string in quotes
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "module/buildinfo.h"
#include "module/go_string.h"

namespace gw::mod {

namespace {

bool wants_quotes(std::string_view text, std::string_view special) {
  return text.find_first_of(special) != std::string_view::npos;
}
bool key_wants_quotes(std::string_view key) {
  return key.empty() || wants_quotes(key, "= \t\r\n\"`");
}
bool value_wants_quotes(std::string_view value) { return wants_quotes(value, " \t\r\n\"`"); }

Result<BuildInfo::Module> parse_module(std::string_view line, std::size_t min_fields) {
  const std::vector<std::string_view> fields = split(line, '\t');
  if (fields.size() < min_fields || fields.size() > 3) {
    return untrusted_error("a module line has not two or three fields");
  }
  BuildInfo::Module out{std::string(fields[0]), std::string(fields[1]), {}};
  if (fields.size() == 3) out.sum = fields[2];
  return out;
}

Result<BuildInfo::Setting> parse_setting(std::string_view line) {
  BuildInfo::Setting out;
  std::string_view rest = line;
  if (line.starts_with('"') || line.starts_with('`')) {
    const std::string_view literal = quoted_prefix(line);
    const auto key = unquote_go(literal);
    if (!key) return untrusted_error("a setting's key is wrongly quoted");
    out.key = *key;
    rest.remove_prefix(literal.size());
    if (!rest.starts_with('=')) return untrusted_error("a setting has no =");
  } else {
    rest = line.substr(std::min(line.find('='), line.size()));
    if (rest.empty()) return untrusted_error("a setting has no =");
    out.key = line.substr(0, line.size() - rest.size());
    if (key_wants_quotes(out.key)) return untrusted_error("a setting's key is not quoted");
  }
  rest.remove_prefix(1);
  if (rest.starts_with('"') || rest.starts_with('`')) {
    const auto value = unquote_go(rest);
    if (!value) return untrusted_error("a setting's value is wrongly quoted");
    out.value = *value;
    return out;
  }
  if (value_wants_quotes(rest)) return untrusted_error("a setting's value is not quoted");
  out.value = rest;
  return out;
}

class Parser {
 public:
  Status add(std::string_view line) {
    if (take(line, "path\t")) {
      info_.path = line;
    } else if (take(line, "mod\t")) {
      GW_TRY(BuildInfo::Module module, parse_module(line, 2));
      info_.main = BuildInfo::Used{std::move(module), std::nullopt};
      last_ = &*info_.main;
    } else if (take(line, "dep\t")) {
      GW_TRY(BuildInfo::Module module, parse_module(line, 2));
      last_ = &info_.deps.emplace_back(BuildInfo::Used{std::move(module), std::nullopt});
    } else if (take(line, "=>\t")) {
      GW_TRY(BuildInfo::Module module, parse_module(line, 3));
      if (last_ == nullptr) return untrusted_error("a replacement follows no module");
      last_->replace = std::move(module);
      last_ = nullptr;
    } else if (take(line, "build\t")) {
      GW_TRY(BuildInfo::Setting setting, parse_setting(line));
      info_.settings.push_back(std::move(setting));
    }
    return {};
  }
  BuildInfo finish() { return std::move(info_); }

 private:
  static bool take(std::string_view& line, std::string_view word) {
    if (!line.starts_with(word)) return false;
    line.remove_prefix(word.size());
    return true;
  }

  BuildInfo info_;
  BuildInfo::Used* last_ = nullptr;  // the module that a replacement would be of
};

// As in Go: a module that was replaced normally has no sum, and then no field for one.
std::string format_used(std::string_view word, const BuildInfo::Used& used) {
  const BuildInfo::Module& m = used.module;
  std::string out = fmt::format("{}\t{}\t{}", word, m.path, m.version);
  if (!used.replace || !m.sum.empty()) out += "\t" + m.sum;
  out += "\n";
  if (const auto& r = used.replace)
    out += fmt::format("=>\t{}\t{}\t{}\n", r->path, r->version, r->sum);
  return out;
}

}  // namespace

Result<BuildInfo> parse_build_info(std::string_view text) {
  Parser parser;
  for (std::size_t number = 1;; ++number) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return parser.finish();
    if (auto s = parser.add(text.substr(0, end)); !s) {
      return std::move(s).error().in(fmt::format("build information, line {}", number));
    }
    text.remove_prefix(end + 1);
  }
}

std::string format_build_info(const BuildInfo& info) {
  std::string out;
  if (!info.go_version.empty()) out += fmt::format("go\t{}\n", info.go_version);
  if (!info.path.empty()) out += fmt::format("path\t{}\n", info.path);
  if (info.main) out += format_used("mod", *info.main);
  for (const BuildInfo::Used& dep : info.deps) out += format_used("dep", dep);
  for (const BuildInfo::Setting& s : info.settings) {
    out += fmt::format("build\t{}={}\n", key_wants_quotes(s.key) ? quote_go(s.key) : s.key,
                       value_wants_quotes(s.value) ? quote_go(s.value) : s.value);
  }
  return out;
}

}  // namespace gw::mod
