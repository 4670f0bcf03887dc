#include "build/compile_progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.h"

namespace gw::build {

namespace {

// What is longer is no package; nothing of it is kept.
constexpr std::size_t kMaxShownLine = std::size_t{64} << 10U;

bool is_package(std::string_view line) {
  static constexpr std::string_view kPlain = "/._~-+!";
  return !line.empty() && is_alnum(line[0]) && std::all_of(line.begin(), line.end(), [](char c) {
    return is_alnum(c) || kPlain.find(c) != std::string_view::npos;
  });
}

// cat >FILE << 'EOF' # internal
std::string_view here_document(std::string_view line) {
  constexpr std::string_view kHere = "<< '";
  const std::size_t at = line.find(kHere);
  if (!line.starts_with("cat >") || at == std::string_view::npos) return {};
  line.remove_prefix(at + kHere.size());
  return line.substr(0, line.find('\''));
}

// [NAME=VALUE ]/go/pkg/tool/linux_amd64/link -o FILE ...
bool is_link(std::string_view line) { return line.find("/link -o ") != std::string_view::npos; }

}  // namespace

CompileProgress::CompileProgress(std::string what, std::size_t packages, Tell how)
    : what_(std::move(what)), packages_(packages), tell_(std::move(how)) {
  text_ = packages_ == 0 ? fmt::format("compiling {}", what_)
                         : fmt::format("compiling {}: {} package{}", what_, packages_,
                                       packages_ == 1 ? "" : "s");
  tell();
}

void CompileProgress::take(std::string_view output) {
  while (!output.empty()) {
    const std::size_t end = output.find('\n');
    if (line_.size() < kMaxShownLine) line_ += output.substr(0, end);
    if (end == std::string_view::npos) return;
    output.remove_prefix(end + 1);
    take_line(line_);
    line_.clear();
  }
}

void CompileProgress::take_line(std::string_view line) {
  if (!here_end_.empty()) {
    if (line == here_end_) here_end_.clear();
    return;
  }
  here_end_ = here_document(line);
  if (is_link(line)) {
    text_ = fmt::format("linking {}", what_);
    return tell();
  }
  if (!is_package(line)) return;
  ++begun_;
  // Those of the standard library's own vendor directory were not counted.
  text_ = packages_ == 0 ? fmt::format("compiling {}: {}", what_, line)
                         : fmt::format("compiling {}: {} of {}, {}", what_, begun_,
                                       std::max(begun_, packages_), line);
  tell();
}

std::vector<std::string> planned_packages(std::string_view output) {
  std::vector<std::string> out;
  std::set<std::string_view> seen;
  std::string_view before;
  while (!output.empty()) {
    const std::string_view line = gw::take_line(output);
    if (before == "#" && line.starts_with("# ") && is_package(line.substr(2)) &&
        seen.insert(line).second) {
      out.emplace_back(line.substr(2));
    }
    before = line;
  }
  return out;
}

}  // namespace gw::build
