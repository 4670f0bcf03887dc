#include "config.h"

#define TOML_EXCEPTIONS 0
#define TOML_UNRELEASED_FEATURES 0
#define TOML_MAX_NESTED_VALUES 16
#include <toml++/toml.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/file.h"

namespace gw::cmd {

namespace {

constexpr std::size_t kMaxConfigBytes = std::size_t{1} << 20;

std::string at_line(const std::string& path, unsigned line) {
  return path + ":" + std::to_string(line) + ": ";
}

constexpr int kMaxDots = 16;

// The length of the string that begins `text`, quotes included; to the end when it is never closed.
std::size_t string_length(std::string_view text) {
  char quote = text[0];
  std::string_view triple = quote == '"' ? "\"\"\"" : "'''";
  std::string_view end = text.starts_with(triple) ? triple : triple.substr(0, 1);
  for (std::size_t i = end.size(); i < text.size(); i++) {
    if (quote == '"' && text[i] == '\\') {
      i++;
    } else if (text.substr(i).starts_with(end)) {
      return i + end.size();
    }
  }
  return text.size();
}

// Refuses a key of very many parts, before the parser builds a table inside a table for each:
// taking those down recurses and would overflow the stack. (Nested values are bounded by the
// parser.)
Status check_key_depth(std::string_view text, const std::string& path) {
  int dots = 0;
  unsigned line = 1;
  for (std::size_t i = 0; i < text.size(); i++) {
    char c = text[i];
    if (c == '"' || c == '\'') {
      std::size_t n = string_length(text.substr(i));
      line += static_cast<unsigned>(std::count(&text[i], &text[i] + n, '\n'));
      i += n - 1;
    } else if (c == '#') {
      i = std::min(text.find('\n', i), text.size()) - 1;
    } else if (c == '.') {
      if (++dots > kMaxDots) return usage_error(at_line(path, line) + "a key of too many parts");
    } else if (std::string_view("=[]{},\n").find(c) != std::string_view::npos) {
      dots = 0;
      line += c == '\n' ? 1 : 0;
    }
  }
  return {};
}

class Reader {
 public:
  explicit Reader(ConfigFile& out) : out_(out) {}

  Status read(const toml::table& table, const std::string& name) {
    for (auto&& [key, node] : table) {
      std::string k(key.str());
      unsigned line = node.source().begin.line;
      if (const toml::table* below = node.as_table()) {
        std::string full = name.empty() ? k : name + "." + k;
        out_.tables.push_back({full, line});
        GW_CHECK(read(*below, full));
        continue;
      }
      GW_CHECK(read_entry(name, k, node, line));
    }
    return {};
  }

 private:
  Status read_entry(const std::string& table, const std::string& key, const toml::node& node,
                    unsigned line) {
    ConfigEntry e;
    e.table = table;
    e.key = key;
    e.line = line;
    if (const toml::array* array = node.as_array()) {
      e.array = true;
      for (const toml::node& item : *array) {
        auto before = e.type;
        GW_CHECK(read_value(item, e));
        if (e.values.size() > 1 && e.type != before) {
          return usage_error(at_line(out_.path, item.source().begin.line) + key +
                             ": an array holds values of one type");
        }
      }
    } else {
      GW_CHECK(read_value(node, e));
    }
    out_.entries.push_back(std::move(e));
    return {};
  }

  Status read_value(const toml::node& node, ConfigEntry& e) {
    if (const auto* text = node.as_string()) {
      e.type = ConfigEntry::Type::kText;
      e.values.push_back(text->get());
    } else if (const auto* number = node.as_integer()) {
      e.type = ConfigEntry::Type::kInteger;
      e.values.push_back(std::to_string(number->get()));
    } else if (const auto* boolean = node.as_boolean()) {
      e.type = ConfigEntry::Type::kBoolean;
      e.values.emplace_back(boolean->get() ? "true" : "false");
    } else {
      return usage_error(at_line(out_.path, node.source().begin.line) + e.key +
                         ": only strings, integers, booleans and arrays of them are understood");
    }
    return {};
  }

  ConfigFile& out_;
};

}  // namespace

Result<ConfigFile> parse_config(std::string_view text, const std::string& path) {
  GW_CHECK(check_key_depth(text, path));
  toml::parse_result parsed = toml::parse(text, std::string_view(path));
  if (!parsed) {
    return usage_error(at_line(path, parsed.error().source().begin.line) +
                       std::string(parsed.error().description()));
  }
  ConfigFile out;
  out.path = path;
  GW_CHECK(Reader(out).read(parsed.table(), ""));
  return out;
}

Result<ConfigFile> load_config(const std::string& path) {
  auto text = read_file(path, kMaxConfigBytes);
  if (!text) {
    Error e = std::move(text).error().in("reading the configuration");
    if (e.kind == ErrorKind::kNotFound) e.kind = ErrorKind::kUsage;
    return e;
  }
  return parse_config(*text, path);
}

std::string toml_string(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    auto u = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (u < 0x20 || u == 0x7f) {
      out += "\\u00" + encode_hex(std::string_view(&c, 1));
    } else {
      out += c;
    }
  }
  return out + '"';
}

}  // namespace gw::cmd
