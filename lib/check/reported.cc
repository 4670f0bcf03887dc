#include "check/reported.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/text.h"
#include "os/file.h"

namespace gw::check {
namespace {

constexpr std::size_t kMaxFile = std::size_t{64} << 20;
constexpr std::size_t kMaxVersions = 100;
constexpr mode_t kMode = 0600;  // it names what somebody uses
// What was reported is to be remembered, also when the time for questions is over.
constexpr std::chrono::seconds kSavePatience{10};
// In place of a version: what else was told of it.
constexpr std::string_view kNoted = "-";
constexpr std::string_view kRetracted = "retracted:";  // and the version that is had
constexpr std::string_view kDeprecated = "deprecated";

bool is_word(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_visible);
}

bool is_version(std::string_view word) {
  return word != kNoted && word != kDeprecated && !word.starts_with(kRetracted);
}

std::string retracted_word(const Outcome& outcome) {
  return fmt::format("{}{}", kRetracted, outcome.known.value_or(""));
}

bool contains(const std::vector<std::string>& list, std::string_view what) {
  return std::find(list.begin(), list.end(), what) != list.end();
}

}  // namespace

Result<Reported::Versions> Reported::load(const std::string& path) {
  auto text = os::read_regular_file(path, kMaxFile);
  if (!text && text.error().kind == ErrorKind::kNotFound) return Versions();
  if (!text) return std::move(text).error();
  Versions versions;
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
    versions[std::string(line.substr(0, space))].emplace_back(line.substr(space + 1));
  }
  return versions;
}

Result<Reported> Reported::open(const std::string& path, MonoTime deadline) {
  GW_TRY(const std::string file, os::file_to_write(path));
  if (auto ours = load(file); !ours) return std::move(ours).error();  // before a lock is left there
  GW_TRY(const os::LockFile lock, os::LockFile::acquire(file + ".lock", deadline));
  Reported state(file);
  GW_TRY(state.versions_, load(file));
  return state;
}

void Reported::mark(std::span<Outcome> outcomes) const {
  for (Outcome& outcome : outcomes) {
    bool newer = false;
    outcome.noted = knows(outcome.name, kNoted);
    if (outcome.had) {
      Had& had = *outcome.had;
      had.retracted_told = knows(had.module, retracted_word(outcome));
      had.deprecated_told = knows(had.module, kDeprecated);
    }
    for (Release& release : outcome.releases) {
      const auto found = versions_.find(release.name);
      const auto told = found == versions_.end() ? std::span<const std::string>() : found->second;
      release.reported = std::find(told.begin(), told.end(), release.version) != told.end();
      const bool has_older = std::any_of(told.begin(), told.end(), is_version);
      newer = newer || (!release.reported && (outcome.known || has_older));
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
  if (add_to(versions_, std::string(name), std::string(version))) {
    added_.emplace_back(name, version);
  }
}

bool Reported::add_to(Versions& versions, const std::string& name, const std::string& version) {
  auto& list = versions[name];
  if (contains(list, version)) return false;
  list.push_back(version);
  if (list.size() > kMaxVersions) list.erase(list.begin());
  return true;
}

Status Reported::save(std::span<const Outcome> outcomes) {
  for (const Outcome& outcome : outcomes) {
    if (!outcome.notes.empty()) add(outcome.name, kNoted);
    if (outcome.had) {
      const Had& had = *outcome.had;
      if (had.marks.retracted) add(had.module, retracted_word(outcome));
      if (!had.marks.deprecated.empty()) add(had.module, kDeprecated);
    }
    for (const Release& release : outcome.releases) add(release.name, release.version);
  }
  if (added_.empty()) return {};
  GW_TRY(const os::LockFile lock,
         os::LockFile::acquire(path_ + ".lock", system_clock().mono() + kSavePatience));
  GW_TRY(versions_, load(path_));
  for (const auto& [name, version] : std::exchange(added_, {})) add_to(versions_, name, version);
  std::string text;
  for (const auto& [name, list] : versions_) {
    for (const auto& version : list) text += fmt::format("{} {}\n", name, version);
  }
  return os::write_file_atomic(path_, text, kMode);
}

}  // namespace gw::check
