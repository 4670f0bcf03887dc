// The go command's table of hosts that need no lookup (cmd/go/internal/vcs, vcsPaths), as code over
// path elements instead of its regular expressions.
#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/text.h"
#include "vanity/import_path.h"

namespace gw::vanity {
namespace {

bool is_name_char(char c) { return is_alnum(c) || c == '_' || c == '.' || c == '-'; }

using CharTest = bool (*)(char);
bool all(std::string_view text, CharTest test) {
  return !text.empty() && std::all_of(text.begin(), text.end(), test);
}
bool is_name(std::string_view element) { return all(element, is_name_char); }

constexpr std::array<std::string_view, 5> kVcs = {"bzr", "fossil", "git", "hg", "svn"};

// "git" of "x.git"; nothing when the text does not end in "." and a version control system.
std::optional<std::string_view> vcs_suffix(std::string_view text) {
  for (std::string_view vcs : kVcs) {
    if (text.size() > vcs.size() && text.ends_with(vcs) &&
        text[text.size() - vcs.size() - 1] == '.') {
      return vcs;
    }
  }
  return std::nullopt;
}

struct Path {
  std::string_view text;
  std::vector<std::string_view> elements;

  // The first n elements, as they stand in the path.
  std::string_view first(std::size_t n) const {
    const std::string_view last = elements[n - 1];
    return text.substr(0, static_cast<std::size_t>(last.data() - text.data()) + last.size());
  }
  bool names_from(std::size_t n) const {
    return std::all_of(elements.begin() + static_cast<std::ptrdiff_t>(n), elements.end(), is_name);
  }
};

Path path_of(std::string_view text) {
  Path path{text, {}};
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find('/', start), text.size());
    path.elements.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return path;
}

GoImport over_https(std::string_view root, std::string_view vcs) {
  return {std::string(root), std::string(vcs), "https://" + std::string(root), {}};
}

// Each rule: the entry, or nothing when the path does not fit.
using Rule = std::optional<GoImport> (*)(const Path&);

// HOST/USER/REPO, on hosts where a repository's name cannot end in ".git" and the like.
std::optional<GoImport> user_repo(const Path& p) {
  if (p.elements.size() < 3 || !p.names_from(1) || vcs_suffix(p.first(3))) return std::nullopt;
  return over_https(p.first(3), "git");
}

std::optional<GoImport> jazz(const Path& p) {
  if (p.elements.size() < 4 || !all(p.elements[2], is_lower_or_digit) || !p.names_from(3) ||
      vcs_suffix(p.first(4))) {
    return std::nullopt;
  }
  return over_https(p.first(4), "git");
}

std::optional<GoImport> apache(const Path& p) {
  if (p.elements.size() < 2 || !p.names_from(2)) return std::nullopt;
  const std::string_view repo = p.elements[1];
  const bool fits =
      all(repo, [](char c) { return is_lower_or_digit(c) || c == '_' || c == '.' || c == '-'; });
  if (!fits || repo.size() < 5 || !repo.ends_with(".git")) return std::nullopt;
  return over_https(p.first(2), "git");
}

std::optional<GoImport> openstack(const Path& p) {
  if (p.elements.size() < 3 || !p.names_from(1)) return std::nullopt;
  return over_https(p.first(3), "git");
}

std::optional<GoImport> chisel(const Path& p) {
  if (p.elements.size() != 5 || p.elements[1] != "user" || !all(p.elements[2], is_alnum) ||
      p.elements[3] != "repository" || !is_name(p.elements[4])) {
    return std::nullopt;
  }
  return over_https(p.text, "fossil");
}

// HOST/PATH.VCS[/...]: the path up to the last element that fits, without its suffix in the URL.
// https is the first secure scheme of each of the systems.
std::optional<GoImport> any_host(const Path& p) {
  const std::string_view host = p.elements[0];
  const bool host_fits =
      all(host, [](char c) { return is_lower_or_digit(c) || c == '.' || c == '-'; }) &&
      host.find('.', 1) != host.npos && !host.ends_with('.');
  if (!host_fits) return std::nullopt;
  auto fits = [](std::string_view element) {
    if (element.starts_with('~')) element.remove_prefix(1);
    return is_name(element);
  };
  if (!std::all_of(p.elements.begin() + 1, p.elements.end(), fits)) return std::nullopt;
  for (std::size_t n = p.elements.size(); n >= 2; --n) {
    auto vcs = vcs_suffix(p.elements[n - 1]);
    const std::string_view name =
        p.elements[n - 1].substr(p.elements[n - 1].starts_with('~') ? 1 : 0);
    if (!vcs || name.size() < vcs->size() + 2) continue;
    const std::string_view root = p.first(n);
    const std::string repo(root.substr(0, root.size() - vcs->size() - 1));
    return GoImport{std::string(root), std::string(*vcs), "https://" + repo, {}};
  }
  return std::nullopt;
}

struct Host {
  std::string_view prefix;
  Rule rule;
};
constexpr Host kHosts[] = {
    {"github.com", user_repo},  {"bitbucket.org", user_repo},     {"hub.jazz.net/git", jazz},
    {"git.apache.org", apache}, {"git.openstack.org", openstack}, {"chiselapp.com", chisel},
};

}  // namespace

Result<std::optional<GoImport>> find_static(std::string_view path) {
  const Path p = path_of(path);
  for (const Host& host : kHosts) {
    if (!has_path_prefix(path, host.prefix)) continue;
    auto found = host.rule(p);
    if (found) return found;
    return not_found_error("not a path of a repository at " + std::string(host.prefix));
  }
  return any_host(p);
}

}  // namespace gw::vanity
