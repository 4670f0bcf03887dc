#include "build/includes.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/bytes.h"
#include "base/text.h"
#include "module/go_string.h"

namespace gw::build {

namespace {

constexpr std::size_t kMaxScanned = std::size_t{16} << 20U;

bool is_word(char c) { return is_alnum(c) || c == '_'; }

// The tokens that matter, one after the other: a word, a string, or one character. Comments count
// as nothing, wherever they stand.
class Tokens {
 public:
  explicit Tokens(std::string_view source) : rest_(source) {}

  // Empty at the end.
  std::string_view next() {
    while (skip_blank() || skip_comment()) {
    }
    std::size_t size = std::min<std::size_t>(1, rest_.size());
    if (rest_.starts_with('"') || rest_.starts_with('\'')) {
      size = literal();
    } else {
      while (size > 0 && size < rest_.size() && is_word(rest_[0]) && is_word(rest_[size])) ++size;
    }
    const std::string_view token = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return token;
  }

 private:
  bool skip_blank() {
    const std::size_t size = std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size());
    rest_.remove_prefix(size);
    return size > 0;
  }
  bool skip_comment() {
    if (!rest_.starts_with("//") && !rest_.starts_with("/*")) return false;
    const bool line = rest_[1] == '/';
    const std::size_t end = rest_.find(line ? "\n" : "*/", 2);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + (line ? 1 : 2));
    return true;
  }
  // Up to its end, or that of its line.
  std::size_t literal() const {
    std::size_t size = 1;
    while (size < rest_.size() && rest_[size] != '\n') {
      if (rest_[size] == rest_[0]) return size + 1;
      size += rest_[size] == '\\' ? 2 : 1;
    }
    return std::min(size, rest_.size());
  }
  std::string_view rest_;
};

}  // namespace

std::vector<std::string> find_includes(std::string_view source) {
  std::vector<std::string> out;
  Tokens tokens(source);
  std::string_view before;
  std::string_view last;
  for (auto token = tokens.next(); !token.empty(); token = tokens.next()) {
    if (before == "#" && last == "include" && token.starts_with('"')) {
      if (auto name = mod::unquote_go(token)) out.push_back(*std::move(name));
    }
    before = last;
    last = token;
  }
  return out;
}

bool leads_out(std::string_view path) {
  if (path.starts_with('/')) return true;
  while (!path.empty()) {
    const std::string_view element = path.substr(0, path.find('/'));
    if (element == "..") return true;
    path.remove_prefix(std::min(element.size() + 1, path.size()));
  }
  return false;
}

std::vector<std::string> assembled_directories(std::string_view output) {
  std::vector<std::string> out;
  std::string_view directory;
  while (!output.empty()) {
    const std::string_view line = take_line(output);
    if (line.starts_with("cd ")) directory = trim(line.substr(3), " \"'");
    if (line.find("/asm -p ") == std::string_view::npos &&
        line.find("/asm\" -p ") == std::string_view::npos) {
      continue;
    }
    if (std::find(out.begin(), out.end(), directory) == out.end()) out.emplace_back(directory);
  }
  return out;
}

Status check_includes(const os::Dir& package) {
  GW_TRY(const auto entries, package.list());
  std::vector<std::string> open;
  for (const os::Dir::Entry& entry : entries) {
    if (entry.name.ends_with(".s") || entry.name.ends_with(".S")) open.push_back(entry.name);
  }
  std::set<std::string> seen(open.begin(), open.end());
  while (!open.empty()) {
    const std::string name = std::move(open.back());
    open.pop_back();
    const auto text = package.read_file(name, kMaxScanned);
    // A header of the toolchain's, or nothing: the assembler will say so.
    if (!text && text.error().kind == ErrorKind::kNotFound) continue;
    if (!text) return text.error().in(name);
    for (std::string& included : find_includes(*text)) {
      if (leads_out(included)) {
        return not_found_error(
            fmt::format("{} includes {}, which is outside of its package", name, quoted(included)));
      }
      if (seen.insert(included).second) open.push_back(std::move(included));
    }
  }
  return {};
}

}  // namespace gw::build
