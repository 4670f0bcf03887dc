#include "check/gomod_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "module/gomod.h"
#include "os/file.h"

namespace gw::check {
namespace {

// The replacement of a requirement: one for its very version before one for all.
const mod::GoModReplace* find_replace(const mod::GoMod& gomod, const mod::GoModRequire& r) {
  const mod::GoModReplace* all = nullptr;
  for (const mod::GoModReplace& replace : gomod.replace) {
    if (replace.path != r.path) continue;
    if (replace.version == r.version) return &replace;
    if (replace.version.empty()) all = &replace;
  }
  return all;
}

Status add_request(ModuleRequest request, Place place, FoundFiles& found) {
  if (request.problem) {
    request.problem = std::move(*request.problem).in(format_place(place));
  }
  return found.add(std::move(request), std::move(place));
}

using Excluded = std::multimap<std::string_view, const mod::GoModExclude*>;

Status add_require(const mod::GoMod& gomod, const Excluded& excluded,
                   const mod::GoModRequire& require, FoundFile& about, FoundFiles& found) {
  const Place place{about.file, require.line};
  const mod::GoModReplace* replace = find_replace(gomod, require);
  ++about.modules;
  if (replace == nullptr) {
    ModuleRequest request = module_request(require.path, require.version);
    for (auto [at, end] = excluded.equal_range(require.path); at != end; ++at) {
      const mod::GoModExclude& exclude = *at->second;
      if (!is_newer(exclude.version, require.version)) continue;
      request.excluded.push_back({exclude.version, {about.file, exclude.line}});
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
  Excluded excluded;
  for (const mod::GoModExclude& e : gomod->exclude) excluded.emplace(e.path, &e);
  for (const mod::GoModRequire& require : gomod->require) {
    if (require.indirect && !indirect) {
      ++about.left_out;
      continue;
    }
    if (!add_require(*gomod, excluded, require, about, found)) break;  // as `found` says
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
