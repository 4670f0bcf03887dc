#include "vanity/go_import.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/bytes.h"
#include "base/text.h"
#include "base/visible.h"
#include "vanity/repo_url.h"

namespace gw::vanity {
namespace {

constexpr std::size_t kMaxShown = 200;  // bytes of untrusted text in a message

bool is_printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), is_visible);
}

bool all_visible(std::string_view text) {
  while (!text.empty()) {
    if (!is_visible_rune(take_rune(text))) return false;
  }
  return true;
}

Error ambiguous(std::string_view what, std::string_view path, const GoImport& a,
                const GoImport& b) {
  return not_found_error(
      fmt::format("{} for {}: {} and {}", what, quoted(path), format_import(a), format_import(b)));
}

}  // namespace

std::string format_import(const GoImport& import) {
  std::string line = fmt::format("{} {} {}", import.prefix, import.vcs, import.root);
  if (!import.subdir.empty()) line += " " + import.subdir;
  return one_line(line);
}

bool is_known_vcs(std::string_view vcs) {
  constexpr std::array<std::string_view, 6> kKnown = {"git", "hg", "svn", "bzr", "fossil", "mod"};
  return std::find(kKnown.begin(), kKnown.end(), vcs) != kKnown.end();
}

bool has_path_prefix(std::string_view path, std::string_view prefix) {
  return !prefix.empty() && path.starts_with(prefix) &&
         (path.size() == prefix.size() || path[prefix.size()] == '/');
}

Status check_import(const GoImport& import) {
  if (!is_printable(import.prefix)) {
    return not_found_error(
        fmt::format("prefix {} is not printable ASCII", quoted(import.prefix, kMaxShown)));
  }
  if (!is_known_vcs(import.vcs)) {
    return not_found_error("unknown version control system " + quoted(import.vcs, kMaxShown));
  }
  if (!all_visible(import.root)) {
    return not_found_error(fmt::format("root {} is not printable", quoted(import.root, kMaxShown)));
  }
  GW_CHECK(check_repo_root(import.vcs, import.root));
  if (!all_visible(import.subdir)) {
    return not_found_error(
        fmt::format("subdir {} is not printable", quoted(import.subdir, kMaxShown)));
  }
  if (import.subdir.starts_with('/') || import.subdir.starts_with('-')) {
    return not_found_error(fmt::format("subdir {} starts with \"{}\"",
                                       quoted(import.subdir, kMaxShown), import.subdir[0]));
  }
  return {};
}

Result<GoImport> parse_record(std::string_view text) {
  if (std::any_of(text.begin(), text.end(), is_control)) {
    return not_found_error("a control character");
  }
  const auto fields = split_words(text);
  if (fields.size() != 3 && fields.size() != 4) {
    return not_found_error(
        fmt::format("{}{}, not 3 or 4", fields.size(), fields.size() == 1 ? " field" : " fields"));
  }
  GoImport import{std::string(fields[0]), std::string(fields[1]), std::string(fields[2]), {}};
  if (fields.size() == 4) import.subdir = fields[3];
  GW_CHECK(check_import(import));
  return import;
}

Result<std::optional<GoImport>> match_records(std::span<const GoImport> records,
                                              std::string_view path) {
  const GoImport* best = nullptr;
  const GoImport* rival = nullptr;  // differs from *best and is as good
  for (const GoImport& r : records) {
    if (!has_path_prefix(path, r.prefix)) continue;
    const bool better =
        best == nullptr || r.prefix.size() > best->prefix.size() ||
        (r.prefix.size() == best->prefix.size() && r.vcs == "mod" && best->vcs != "mod");
    if (better) {
      best = &r;
      rival = nullptr;
      continue;
    }
    const bool worse =
        r.prefix.size() < best->prefix.size() || (best->vcs == "mod" && r.vcs != "mod");
    if (!worse && r != *best) rival = &r;
  }
  if (best == nullptr) return std::optional<GoImport>();
  if (rival != nullptr) return ambiguous("two different records", path, *best, *rival);
  return std::optional<GoImport>(*best);
}

Result<std::optional<GoImport>> match_tags(std::span<const GoImport> tags, std::string_view path) {
  std::set<std::string_view> mod_prefixes;
  for (const GoImport& t : tags) {
    if (t.vcs == "mod") mod_prefixes.insert(t.prefix);
  }
  auto matches = [path](const GoImport& t) {
    if (has_path_prefix(path, t.prefix)) return true;
    return t.prefix.ends_with('/') && path.size() > t.prefix.size() && path.starts_with(t.prefix);
  };
  const GoImport* found = nullptr;
  for (const GoImport& t : tags) {
    if (t.vcs != "mod" || !matches(t)) continue;
    if (found != nullptr) return ambiguous("multiple meta tags match", path, *found, t);
    found = &t;
  }
  if (found != nullptr) return std::optional<GoImport>(*found);
  for (const GoImport& t : tags) {
    if (t.vcs == "mod" || mod_prefixes.contains(t.prefix) || !matches(t)) continue;
    if (found != nullptr) return ambiguous("multiple meta tags match", path, *found, t);
    found = &t;
  }
  if (found == nullptr) return std::optional<GoImport>();
  return std::optional<GoImport>(*found);
}

}  // namespace gw::vanity
