#include "check/gomod_file.h"

#include <fmt/format.h>

#include <map>
#include <memory>
#include <set>
#include <utility>

#include "module/gomod.h"
#include "os/file.h"

namespace gw::check {
namespace {

// By path and version, which is empty for all versions. Both lists may be as long as a file.
using Replaced = std::map<std::pair<std::string_view, std::string_view>, const mod::GoModReplace*>;

Replaced find_replaced(const mod::GoMod& gomod) {
  Replaced found;
  for (const mod::GoModReplace& replace : gomod.replace) {
    found.try_emplace({replace.path, replace.version}, &replace);
  }
  return found;
}

// The replacement of a requirement: one for its very version before one for all.
const mod::GoModReplace* find_replace(const Replaced& replaced, const mod::GoModRequire& r) {
  for (const std::string_view version : {std::string_view(r.version), std::string_view()}) {
    if (const auto at = replaced.find({r.path, version}); at != replaced.end()) return at->second;
  }
  return nullptr;
}

Status add_request(ModuleRequest request, Place place, FoundFiles& found) {
  if (request.problem) {
    request.problem = std::move(*request.problem).in(format_place(place));
  }
  return found.add(std::move(request), std::move(place));
}

using Excluded = std::map<std::string_view, Exclusions>;

// What the file excludes of each module.
Excluded find_excluded(const mod::GoMod& gomod, const std::string& file) {
  std::map<std::string_view, std::vector<Exclusion>> found;
  std::set<std::pair<std::string_view, std::string_view>> seen;
  for (const mod::GoModExclude& e : gomod.exclude) {
    if (!seen.emplace(e.path, e.version).second) continue;
    found[e.path].push_back({e.version, {file, e.line}});
  }
  Excluded excluded;
  for (auto& [path, versions] : found) {
    excluded[path] = std::make_shared<const std::vector<Exclusion>>(std::move(versions));
  }
  return excluded;
}

Status add_require(const Replaced& replaced, const Excluded& excluded,
                   const mod::GoModRequire& require, FoundFile& about, FoundFiles& found) {
  const Place place{about.file, require.line};
  const mod::GoModReplace* replace = find_replace(replaced, require);
  ++about.modules;
  if (replace == nullptr) {
    ModuleRequest request = module_request(require.path, require.version);
    if (const auto at = excluded.find(require.path); at != excluded.end()) {
      request.excluded.push_back(at->second);
    }
    return add_request(std::move(request), place, found);
  }
  ++about.replaced;
  for (auto& request :
       replaced_requests(require.path, require.version, replace->with, replace->with_version)) {
    const Place at = request.asked ? Place{about.file, replace->line} : place;
    GW_CHECK(add_request(std::move(request), at, found));
  }
  return {};
}

void add_toolchain(const mod::GoMod& gomod, FoundFile& about, FoundFiles& found) {
  const bool named = gomod.toolchain && gomod.toolchain->text != "default";
  const auto& line = named ? gomod.toolchain : gomod.go;
  if (!line) return;
  ToolchainRequest request = toolchain_request(line->text);
  about.go = request.known;
  found.add(std::move(request), {about.file, line->line});
}

}  // namespace

void read_gomod(const std::string& file, std::string_view text, bool indirect, FoundFiles& found) {
  FoundFile about;
  about.file = file;
  about.what = "go.mod";
  auto gomod = mod::parse_gomod(text, mod::GoModMode::kStrict);
  if (!gomod) {
    Error error = with_file_name(std::move(gomod).error(), "go.mod", file);
    if (file.ends_with("go.work")) error.hint = "name the go.mod files of the modules that it uses";
    about.errors.push_back(std::move(error));
    found.files.push_back(std::move(about));
    return;
  }
  if (gomod->module) about.module = gomod->module->path;
  // The go command takes none without one; it was cut short, or is something else.
  if (!gomod->module) {
    about.errors.push_back(usage_error(fmt::format("{}: no module line", about.file)));
  }
  const Replaced replaced = find_replaced(*gomod);
  const Excluded excluded = find_excluded(*gomod, about.file);
  for (const mod::GoModRequire& require : gomod->require) {
    if (require.indirect && !indirect) {
      ++about.left_out;
      continue;
    }
    if (!add_require(replaced, excluded, require, about, found)) break;  // as `found` says
  }
  add_toolchain(*gomod, about, found);
  found.files.push_back(std::move(about));
}

FoundFiles read_gomod_files(const std::vector<std::string>& paths, bool indirect) {
  FoundFiles found;
  std::set<std::string> seen;  // one that is named twice
  for (const std::string& path : paths) {
    const std::string file = file_in(path, "go.mod");
    if (!seen.insert(file).second) continue;
    auto text = os::read_regular_file(file, mod::kMaxGoModBytes);
    if (text) {
      read_gomod(file, *text, indirect, found);
      continue;
    }
    FoundFile about;
    about.file = file;
    about.what = "go.mod";
    about.errors.push_back(std::move(text).error());
    found.files.push_back(std::move(about));
  }
  return found;
}

}  // namespace gw::check
