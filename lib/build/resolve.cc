#include "build/resolve.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/bytes.h"
#include "build/build_failure.h"
#include "module/goversion.h"
#include "module/path.h"
#include "module/semver.h"
#include "module/zip.h"

namespace gw::build {

namespace {

constexpr std::string_view kLatest = "latest";
constexpr std::string_view kIncompatible = "+incompatible";

// As x/mod's semver.Compare: what is no version is lower than all.
int compare(std::string_view a, std::string_view b) {
  const auto left = mod::parse_semver(a);
  const auto right = mod::parse_semver(b);
  if (!left || !right) return (left ? 1 : 0) - (right ? 1 : 0);
  return mod::compare_semver(*left, *right);
}

Error not_a_version(const std::string& module, std::string_view query, std::string_view why = {}) {
  return not_found_error(fmt::format("{}@{}: no matching versions{}", module, query, why));
}

}  // namespace

Result<Request> parse_request(std::string_view text) {
  const std::size_t at = text.find('@');
  Request out{std::string(text.substr(0, at)), std::string(kLatest)};
  if (at != std::string_view::npos) out.query = text.substr(at + 1);
  const std::string_view path = out.path;
  if (auto s = mod::check_import_path(path); !s) return std::move(s).error();
  if (path.substr(0, path.find('/')).find('.') == std::string_view::npos) {
    return usage_error(fmt::format("{}: no module: its first element has no dot", quoted(path)),
                       "write MODULE[/DIR][@VERSION], such as filippo.io/age/cmd/age@v1.2.1");
  }
  const std::string& query = out.query;
  if (query == "upgrade" || query == "patch" || query == "none" || query.empty() ||
      query.find_first_of("<>=") != std::string::npos) {
    return usage_error(fmt::format("{}: no version to build: {}", quoted(text), quoted(query)),
                       "a version, v1, v1.2, latest, a branch or a commit");
  }
  return out;
}

std::vector<std::string> candidate_modules(std::string_view path) {
  std::vector<std::string> out;
  while (!path.empty()) {
    if (mod::check_path(path)) out.emplace_back(path);
    const std::size_t slash = path.rfind('/');
    path = path.substr(0, slash == std::string_view::npos ? 0 : slash);
  }
  return out;
}

bool is_retracted(const std::vector<mod::GoModRetract>& retractions, std::string_view version) {
  return std::any_of(retractions.begin(), retractions.end(), [&](const auto& r) {
    return compare(r.low, version) <= 0 && compare(version, r.high) <= 0;
  });
}

std::string newest_version(const std::vector<std::string>& versions) {
  const auto release = std::find_if(versions.rbegin(), versions.rend(), [](const auto& version) {
    const auto parsed = mod::parse_semver(version);
    return parsed && parsed->is_release();
  });
  if (release != versions.rend()) return *release;
  return versions.empty() ? std::string() : versions.back();
}

std::vector<std::string> go_releases(const std::vector<std::string>& versions,
                                     std::string_view platform) {
  std::vector<std::string> out;
  for (const std::string& version : versions) {
    const auto toolchain = mod::parse_toolchain_version(version);
    if (!toolchain || toolchain->platform != platform) continue;
    const auto go = mod::parse_go_version(toolchain->go_version);
    if (go && go->is_release()) out.emplace_back(toolchain->go_version);
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
    return *mod::parse_go_version(a) > *mod::parse_go_version(b);
  });
  return out;
}

namespace {

// ---- versions ----

Result<bool> has_gomod(ModuleStore& store, const std::string& module, const std::string& version) {
  GW_TRY(const os::Fd fd, store.zip(module, version));
  GW_TRY(const auto source, mod::FdSource::of(fd.get()));
  GW_TRY(const auto zip, mod::ModuleZip::open(source, module, version));
  return std::any_of(zip.files().begin(), zip.files().end(),
                     [](const auto& file) { return file.name == "go.mod"; });
}

// Without +incompatible ones where modules have come to the module. They come last where they stay:
// their majors are higher.
Result<std::vector<std::string>> without_old_majors(ModuleStore& store, const std::string& module,
                                                    std::vector<std::string> versions) {
  std::vector<std::string> compatible;
  std::copy_if(versions.begin(), versions.end(), std::back_inserter(compatible),
               [](const auto& version) { return !version.ends_with(kIncompatible); });
  if (compatible.empty() || compatible.size() == versions.size()) return versions;
  GW_TRY(const bool modules, has_gomod(store, module, compatible.back()));
  return modules ? compatible : versions;
}

// What the newest go.mod retracts, even by its own version.
Result<std::vector<std::string>> without_retracted(ModuleStore& store, const std::string& module,
                                                   std::vector<std::string> versions) {
  const std::string newest = newest_version(versions);
  if (newest.empty()) return versions;
  GW_TRY(const std::string text, store.gomod(module, newest));
  const auto gomod = mod::parse_gomod(text, mod::GoModMode::kLax);
  // One that cannot be read retracts nothing; building that version will tell.
  if (!gomod || gomod->retract.empty()) return versions;
  std::erase_if(versions,
                [&](const auto& version) { return is_retracted(gomod->retract, version); });
  return versions;
}

Result<std::string> resolve_latest(ModuleStore& store, const std::string& module) {
  GW_TRY(const std::string list, store.list(module));
  GW_TRY(auto versions, without_old_majors(store, module, mod::parse_version_list(module, list)));
  if (versions.empty()) {
    auto latest = store.latest(module);
    if (latest) return latest->version;
    if (latest.error().kind != ErrorKind::kNotFound) return std::move(latest).error();
    if (const auto by_time = mod::find_latest_by_time(module, list)) return *by_time;
    return not_a_version(module, kLatest);
  }
  GW_TRY(versions, without_retracted(store, module, std::move(versions)));
  if (versions.empty()) return not_a_version(module, kLatest, ": all are retracted");
  return newest_version(versions);
}

// "v1" or "v1.2": the number is all of a prefix, or it is none.
bool is_prefix_query(std::string_view query) {
  return !mod::parse_semver(query) && mod::canonical_version(query) &&
         query.find_first_of("-+") == std::string_view::npos;
}

Result<std::string> resolve_prefix(ModuleStore& store, const std::string& module,
                                   const std::string& query) {
  GW_TRY(const std::string list, store.list(module));
  auto versions = mod::parse_version_list(module, list);
  GW_TRY(versions, without_retracted(store, module, std::move(versions)));
  std::erase_if(versions,
                [&](const std::string& version) { return !version.starts_with(query + "."); });
  if (versions.empty()) return not_a_version(module, query);
  return newest_version(versions);
}

// ---- packages ----

// True too of a zip that nobody may unpack: who builds it is told so.
Result<bool> has_package(ModuleStore& store, const Resolved& found) {
  auto fd = store.zip(found.module, found.version);
  if (!fd && is_failure(fd.error())) return true;
  if (!fd) return std::move(fd).error();
  GW_TRY(const auto source, mod::FdSource::of(fd->get()));
  GW_TRY(const auto zip, mod::ModuleZip::open(source, found.module, found.version));
  const std::string prefix = found.dir.size() > 1 ? found.dir.substr(1) + "/" : "";
  return std::any_of(zip.files().begin(), zip.files().end(), [&](const auto& file) {
    return file.name.starts_with(prefix) && file.name.ends_with(".go") &&
           file.name.find('/', prefix.size()) == std::string_view::npos;
  });
}

}  // namespace

Result<std::string> resolve_version(ModuleStore& store, const std::string& module,
                                    const std::string& query) {
  if (query == kLatest) return resolve_latest(store, module);
  if (is_prefix_query(query)) return resolve_prefix(store, module, query);
  if (mod::parse_semver(query)) {
    GW_CHECK(mod::check_module_version(module, query));
    // That it exists, and is what the checksum database knows.
    GW_TRY(const std::string gomod, store.gomod(module, query));
    return query;
  }
  GW_TRY(const auto info, store.info(module, query));
  return info.version;
}

Result<Resolved> resolve(ModuleStore& store, const Request& request) {
  std::optional<Error> error;    // of the longest path
  std::optional<Error> no_such;  // a module without the package tells more
  for (const std::string& module : candidate_modules(request.path)) {
    auto version = resolve_version(store, module, request.query);
    if (!version) {
      const ErrorKind kind = version.error().kind;
      // A version that does not fit this module's major may fit the one around it.
      if (kind != ErrorKind::kNotFound && kind != ErrorKind::kUsage) {
        return std::move(version).error();
      }
      if (!error) error = std::move(version).error();
      continue;
    }
    Resolved found{module, *version, request.path.substr(module.size())};
    if (found.dir.empty()) found.dir = "/";
    GW_TRY(const bool has, has_package(store, found));
    if (has) return found;
    if (no_such) continue;
    no_such = not_found_error(fmt::format("module {}@{} has no such package", module, *version),
                              "name the directory of a command in it: MODULE/DIR@VERSION");
  }
  if (no_such) return *std::move(no_such);
  if (error) return *std::move(error);
  GW_CHECK(mod::check_path(request.path));  // says why
  return usage_error(quoted(request.path) + ": cannot be in any module");
}

bool is_version_query(std::string_view version) {
  return !mod::parse_semver(version) || mod::canonical_version(version) != version;
}

bool is_go_query(std::string_view go_version) {
  constexpr std::string_view kLatestOf = ".latest";
  if (go_version == kLatest) return true;
  if (!go_version.ends_with(kLatestOf)) return false;
  go_version.remove_suffix(kLatestOf.size());
  const auto minor = mod::parse_go_version(go_version);
  return minor && minor->is_release() && go_version == fmt::format("go1.{}", minor->minor);
}

std::string go_line_of_latest(std::string_view text) {
  constexpr std::string_view kLatestOfLine = ".latest";
  if (!text.ends_with(kLatestOfLine)) return {};
  text.remove_suffix(kLatestOfLine.size());
  const auto line = mod::parse_go_version(text);
  const bool plain = line && line->is_release() && std::count(text.begin(), text.end(), '.') == 1;
  return plain ? std::string(text) : std::string();
}

bool matches(const GoQuery& query, std::string_view go_version) {
  const auto version = mod::parse_go_version(go_version);
  if (!version) return false;
  const auto line = mod::parse_go_version(query.line);
  if (line && line->minor != version->minor) return false;
  const auto stop = mod::parse_go_version(query.stop_before);
  return !stop || *version < *stop;
}

Result<std::string> resolve_go_version(ModuleStore& store, std::string_view platform,
                                       const GoQuery& query) {
  const std::string module(mod::kToolchainModule);
  GW_TRY(const std::string list, store.list(module));
  for (const std::string& go : go_releases(mod::parse_version_list(module, list), platform)) {
    if (!matches(query, go)) continue;
    // The list may be older or newer than what there is.
    auto info = store.info(module, fmt::format("v0.0.1-{}.{}", go, platform));
    if (info) return go;
    if (info.error().kind != ErrorKind::kNotFound) return std::move(info).error();
  }
  return not_found_error(fmt::format("the module proxy has no such Go release for {}", platform),
                         "name one with --go");
}

}  // namespace gw::build
