#include "frame/tree.h"

#include <algorithm>

namespace gw::cmd {

std::string full_name(const CommandPath& path) {
  std::string name;
  for (const Command* c : path) name += (name.empty() ? "" : " ") + c->name;
  return name;
}

std::string table_name(const CommandPath& path) {
  std::string name;
  for (std::size_t i = 1; i < path.size(); ++i) name += (i == 1 ? "" : "-") + path[i]->name;
  return name;
}

std::vector<OptionRef> options_of(const CommandPath& path) {
  std::vector<OptionRef> refs;
  CommandPath owner = path;
  while (!owner.empty()) {
    // A group that runs by itself keeps its options: they are not its subcommands'.
    if (owner.size() == path.size() || !owner.back()->run) {
      for (const Option& o : owner.back()->options) refs.push_back({&o, owner});
    }
    owner.pop_back();
  }
  return refs;
}

std::vector<CommandPath> all_paths(const CommandPath& path, bool hidden) {
  std::vector<CommandPath> paths{path};
  for (const Command& sub : path.back()->subcommands) {
    if (sub.hidden && !hidden) continue;
    CommandPath below = path;
    below.push_back(&sub);
    for (CommandPath& p : all_paths(below, hidden)) paths.push_back(std::move(p));
  }
  return paths;
}

const Command* find_subcommand(const Command& command, std::string_view name) {
  for (const Command& sub : command.subcommands) {
    if (sub.name == name) return &sub;
  }
  return nullptr;
}

namespace {

// Optimal string alignment distance; both are command-line words, so the square is small.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
      }
    }
  }
  return d[a.size()][b.size()];
}

}  // namespace

std::optional<std::string> nearest(std::string_view typed,
                                   const std::vector<std::string>& candidates) {
  constexpr std::size_t kLongestWord = 64;
  if (typed.empty() || typed.size() > kLongestWord) return std::nullopt;
  const std::string* best = nullptr;
  std::size_t best_distance = std::max<std::size_t>(1, typed.size() / 3) + 1;
  const std::string* begins = nullptr;
  bool begins_unique = true;
  for (const std::string& c : candidates) {
    if (c.size() <= kLongestWord) {
      const std::size_t d = distance(typed, c);
      if (d < best_distance && d < c.size()) {
        best = &c;
        best_distance = d;
      }
    }
    if (c.starts_with(typed)) {
      begins_unique = begins == nullptr;
      begins = &c;
    }
  }
  if (best == nullptr && begins != nullptr && begins_unique) best = begins;
  if (best == nullptr) return std::nullopt;
  return *best;
}

}  // namespace gw::cmd
