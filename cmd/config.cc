#include "config.h"

// The parser asserts, or with NDEBUG assumes, what a file of "[[[" makes untrue; it reports the
// error properly when it does neither.
#undef NDEBUG
#define TOML_ASSERT(expr) static_assert(true)
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

// Refuses what the parser must not see. It classifies characters beyond ASCII outside of strings
// with undefined behaviour for some of them (and TOML has none there); and it builds a table inside
// a table for each part of a dotted key, which recurses when they are taken down, so that a long
// key would overflow the stack. Nested values it bounds itself.
class Prescan {
 public:
  Prescan(std::string_view text, const std::string& path) : text_(text), path_(path) {}

  Status run() {
    if (text_.starts_with("\xef\xbb\xbf")) at_ = 3;
    while (at_ < text_.size()) {
      char c = text_[at_];
      auto u = static_cast<unsigned char>(c);
      if ((u < 0x20 && c != '\t' && c != '\n' && c != '\r') || u == 0x7f) {
        return problem("a control character");
      }
      if (u >= 0x80) return problem("a character that may only stand in quotes");
      if (c == '#') {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else if (c == '"' || c == '\'') {
        GW_CHECK(skip_string());
      } else {
        GW_CHECK(take(c));
      }
    }
    return {};
  }

 private:
  static constexpr int kMaxDots = 16;

  Error problem(std::string_view what) const {
    return usage_error(at_line(path_, line_) + std::string(what));
  }

  Status take(char c) {
    at_++;
    if (c == '.' && ++dots_ > kMaxDots) return problem("a key of too many parts");
    if (std::string_view("=[]{},\n").find(c) != std::string_view::npos) dots_ = 0;
    if (c == '\n') line_++;
    if (c != ' ' && c != '\t' && c != '\r') before_ = c;
    return {};
  }

  // A string stands only where a key or a value begins: elsewhere the parser would not take it for
  // one, and see what is in it.
  Status skip_string() {
    if (std::string_view("\n=,[{.").find(before_) == std::string_view::npos) {
      return problem("a quote that begins neither a key nor a value");
    }
    char quote = text_[at_];
    std::string_view triple = quote == '"' ? "\"\"\"" : "\'\'\'";
    bool multi = text_.substr(at_).starts_with(triple);
    std::string_view end = multi ? triple : triple.substr(0, 1);
    unsigned begin = line_;
    for (at_ += end.size(); at_ < text_.size(); at_++) {
      if (text_.substr(at_).starts_with(end)) {
        // Up to two quotes may stand before the closing three.
        while (multi && text_.substr(at_ + 1).starts_with(end)) at_++;
        at_ += end.size();
        before_ = quote;
        return {};
      }
      if (text_[at_] == '\n' && !multi) break;
      if (text_[at_] == '\\' && quote == '"') at_++;
      if (at_ < text_.size() && text_[at_] == '\n') line_++;
    }
    line_ = begin;
    return problem("a string without its closing quote");
  }

  std::string_view text_;
  const std::string& path_;
  std::size_t at_ = 0;
  unsigned line_ = 1;
  int dots_ = 0;
  char before_ = '\n';
};

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
  GW_CHECK(Prescan(text, path).run());
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
