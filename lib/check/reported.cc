#include "check/reported.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace gw::check {
namespace {

constexpr std::size_t kMaxFile = std::size_t{64} << 20;
constexpr std::size_t kMaxVersions = 100;
constexpr mode_t kMode = 0644;
constexpr std::string_view kNoted = "-";  // in place of a version: its notes were told

bool is_word(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_visible);
}

bool contains(const std::vector<std::string>& list, std::string_view what) {
  return std::find(list.begin(), list.end(), what) != list.end();
}

}  // namespace

Result<Reported> Reported::open(const std::string& path) {
  GW_TRY(const std::string file, os::file_to_write(path));
  GW_TRY(os::LockFile lock, os::LockFile::acquire(file + ".lock"));
  Reported state(file, std::move(lock));
  auto text = os::read_file(file, kMaxFile);
  if (!text && text.error().kind == ErrorKind::kNotFound) return state;
  if (!text) return std::move(text).error();
  std::string_view rest = *text;
  for (std::size_t number = 1; !rest.empty(); ++number) {
    const std::string_view line = take_line(rest);
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos || !is_word(line.substr(0, space)) ||
        !is_word(line.substr(space + 1))) {
      return corrupt_error("not `NAME VERSION`",
                           "is this a state file of gwtool check? remove it to start anew")
          .in(at_line(path, number));
    }
    state.versions_[std::string(line.substr(0, space))].emplace_back(line.substr(space + 1));
  }
  return state;
}

void Reported::mark(std::span<Outcome> outcomes) const {
  for (Outcome& outcome : outcomes) {
    bool newer = false;
    outcome.noted = knows(outcome.name, kNoted);
    for (Release& release : outcome.releases) {
      const auto known = versions_.find(release.name);
      release.reported = known != versions_.end() && contains(known->second, release.version);
      newer = newer || (!release.reported && (outcome.known || known != versions_.end()));
    }
    outcome.newer = newer;
  }
}

bool Reported::knows(std::string_view name, std::string_view version) const {
  const auto known = versions_.find(std::string(name));
  return known != versions_.end() && contains(known->second, version);
}

void Reported::add(std::string_view name, std::string_view version) {
  // What a stranger's file calls a module may be no word.
  if (!is_word(name) || !is_word(version)) return;
  auto& list = versions_[std::string(name)];
  if (contains(list, version)) return;
  list.emplace_back(version);
  if (list.size() > kMaxVersions) list.erase(list.begin());
  changed_ = true;
}

Status Reported::save(std::span<const Outcome> outcomes) {
  for (const Outcome& outcome : outcomes) {
    if (!outcome.notes.empty()) add(outcome.name, kNoted);
    for (const Release& release : outcome.releases) add(release.name, release.version);
  }
  if (!std::exchange(changed_, false)) return {};
  std::string text;
  for (const auto& [name, list] : versions_) {
    for (const auto& version : list) text += fmt::format("{} {}\n", name, version);
  }
  return os::write_file_atomic(path_, text, kMode);
}

}  // namespace gw::check
