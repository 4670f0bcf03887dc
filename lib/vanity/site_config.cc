#include "vanity/site_config.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/json.h"
#include "base/text.h"
#include "vanity/import_path.h"
#include "vanity/yaml.h"

namespace gw::vanity {
namespace {

// A member that must be a string when it is there; "" when it is not.
Result<std::string> member(const Json& object, const char* key, std::string_view of) {
  if (!object.is_object()) return usage_error(std::string(of) + ": not a mapping");
  const auto it = object.find(key);
  if (it == object.end() || it->is_null()) return std::string();
  if (!it->is_string()) return usage_error(fmt::format("{}: {} is not a string", of, key));
  return it->get<std::string>();
}

Result<std::string> required(const Json& object, const char* key, std::string_view of) {
  GW_TRY(std::string value, member(object, key, of));
  if (value.empty()) return usage_error(fmt::format("{}: no {}", of, key));
  return value;
}

std::string_view trim_slashes(std::string_view text) {
  while (text.starts_with('/')) text.remove_prefix(1);
  while (text.ends_with('/')) text.remove_suffix(1);
  return text;
}

std::string join(std::string_view base, std::string_view rest) {
  const std::string out(trim_slashes(base));
  rest = trim_slashes(rest);
  return rest.empty() ? out : fmt::format("{}/{}", out, rest);
}

// What these tools guess for a repository without a stated system.
Result<std::string> guess_vcs(const std::string& vcs, std::string_view root, std::string_view of) {
  if (!vcs.empty()) return vcs;
  if (root.starts_with("https://github.com/") || root.starts_with("https://gitlab.com/") ||
      root.ends_with(".git")) {
    return std::string("git");
  }
  return usage_error(
      fmt::format("{}: no version control system, and none to guess from {}", of, quoted(root)));
}

Result<std::vector<GoImport>> parse_list(std::string_view text) {
  std::vector<GoImport> out;
  for (std::size_t line = 1; !text.empty(); ++line) {
    const std::string_view full = take_line(text);
    // A "#" inside a word belongs to a URL.
    std::size_t hash = full.find('#');
    while (hash != full.npos && hash > 0 && full[hash - 1] != ' ' && full[hash - 1] != '\t') {
      hash = full.find('#', hash + 1);
    }
    const auto fields = split_words(full.substr(0, hash));
    if (fields.empty()) continue;
    if (fields.size() != 3 && fields.size() != 4) {
      return usage_error(fmt::format("line {}: {}{}", line, fields.size(),
                                     fields.size() == 1 ? " field" : " fields"),
                         "an entry is PREFIX VCS ROOT [SUBDIR]");
    }
    GoImport entry{std::string(fields[0]), std::string(fields[1]), std::string(fields[2]), {}};
    if (fields.size() == 4) entry.subdir = fields[3];
    out.push_back(std::move(entry));
  }
  return out;
}

Result<std::vector<GoImport>> parse_sally(const Json& file) {
  GW_TRY(const std::string base, member(file, "url", "the file"));
  std::vector<GoImport> out;
  for (const auto& [name, package] : file["packages"].items()) {
    const std::string of = "package " + gw::quoted(name);
    GW_TRY(std::string repo, required(package, "repo", of));
    GW_TRY(const std::string vcs, member(package, "vcs", of));
    GW_TRY(const std::string own, member(package, "url", of));
    if (own.empty() && base.empty()) return usage_error(of + ": no url, here or for the file");
    // sally puts "https://" before whatever is there; a port is no scheme.
    if (repo.find("://") == repo.npos) repo.insert(0, "https://");
    out.push_back({join(own.empty() ? base : own, name), vcs.empty() ? "git" : vcs, repo, {}});
  }
  return out;
}

Result<std::vector<GoImport>> parse_vangen(const Json& file) {
  GW_TRY(const std::string domain, required(file, "domain", "the file"));
  std::vector<GoImport> out;
  for (const Json& repository : file["repositories"]) {
    const std::string of = fmt::format("repository {}", out.size() + 1);
    GW_TRY(const std::string prefix, member(repository, "prefix", of));
    GW_TRY(const std::string url, required(repository, "url", of));
    GW_TRY(const std::string type, member(repository, "type", of));
    GW_TRY(const std::string vcs, guess_vcs(type, url, of));
    out.push_back({join(domain, prefix), vcs, url, {}});
  }
  return out;
}

Result<std::vector<GoImport>> parse_govanityurls(const Json& file, const std::string& host) {
  const bool with_paths = file.contains("paths");
  std::string own = host;
  if (with_paths && own.empty()) {
    GW_TRY(own, member(file, "host", "the file"));
  }
  if (own.empty()) {
    return usage_error("the file names no host", "--host says which domain it is for");
  }
  std::vector<GoImport> out;
  for (const auto& [path, entry] : (with_paths ? file["paths"] : file).items()) {
    const std::string of = "path " + gw::quoted(path);
    GW_TRY(const std::string repo, required(entry, "repo", of));
    GW_TRY(const std::string given, member(entry, "vcs", of));
    GW_TRY(const std::string vcs, guess_vcs(given, repo, of));
    out.push_back({join(own, path), vcs, repo, {}});
  }
  return out;
}

bool is_list_of_paths(const Json& file) {
  return std::all_of(file.items().begin(), file.items().end(),
                     [](const auto& item) { return item.key().starts_with('/'); });
}

SiteFormat detect(const Json& file) {
  if (!file.is_object() || file.empty()) return SiteFormat::kList;
  if (file.contains("packages")) return SiteFormat::kSally;
  if (file.contains("repositories")) return SiteFormat::kVangen;
  if (file.contains("paths") || is_list_of_paths(file)) return SiteFormat::kGovanityurls;
  return SiteFormat::kList;
}

// Whether malformed text was meant as YAML or JSON: its first line that says something is a key.
bool looks_like_mapping(std::string_view text) {
  while (!text.empty()) {
    const std::string_view line = trim(take_line(text));
    if (line.empty() || line[0] == '#' || line == "---") continue;
    return line[0] == '{' || line.ends_with(':') || line.find(": ") != line.npos;
  }
  return false;
}

// That the part with the entries is there and of its kind.
Status check_shape(const Json& file, const char* key, bool array) {
  if (!file.is_object() || !file.contains(key)) return usage_error("no " + std::string(key));
  const Json& part = file[key];
  if (array ? !part.is_array() : !part.is_object()) {
    return usage_error(fmt::format("{} is not a {}", key, array ? "list" : "mapping"));
  }
  return {};
}

// JSON is YAML, too, but for its escapes of characters beyond 16 bits; vangen's files are JSON.
Result<Json> read_tree(std::string_view text) {
  auto yaml = parse_yaml(text);
  if (yaml) return yaml;
  auto json = parse_json(text);
  if (json && json->is_object() && json->contains("repositories")) return *std::move(json);
  return yaml;
}

}  // namespace

Result<std::vector<GoImport>> parse_site(std::string_view text, const SiteFile& how) {
  SiteFormat format = how.format;
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  if (format == SiteFormat::kAuto) {
    // A plain list is one scalar to YAML, or an error.
    auto tree = read_tree(text);
    const bool mapping = tree ? tree->is_object() && !tree->empty() : looks_like_mapping(text);
    if (!tree && mapping) return std::move(tree).error();
    format = tree ? detect(*tree) : SiteFormat::kList;
    if (format == SiteFormat::kList && mapping) {
      return usage_error("neither a list nor a file of sally, vangen or govanityurls",
                         "--from says which format it has");
    }
  }
  if (format == SiteFormat::kList) return parse_list(text);
  GW_TRY(const Json file, read_tree(text));
  switch (format) {
    case SiteFormat::kSally:
      GW_CHECK(check_shape(file, "packages", false));
      return parse_sally(file);
    case SiteFormat::kVangen:
      GW_CHECK(check_shape(file, "repositories", true));
      return parse_vangen(file);
    default:
      if (!file.is_object()) return usage_error("no paths");
      if (file.contains("paths")) GW_CHECK(check_shape(file, "paths", false));
      return parse_govanityurls(file, how.host);
  }
}

Status check_entries(const std::vector<GoImport>& entries) {
  for (const GoImport& entry : entries) {
    Status s = check_import_path(entry.prefix);
    if (s) s = check_import(entry);
    if (s) continue;
    Error error = std::move(s).error().in("entry " + format_import(entry));
    error.kind = ErrorKind::kUsage;
    return error;
  }
  return {};
}

}  // namespace gw::vanity
