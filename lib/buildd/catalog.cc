#include "buildd/catalog.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "build/resolve.h"
#include "module/byte_source.h"
#include "module/gomod.h"
#include "module/proxy.h"
#include "module/zip.h"

namespace gw::buildd {

namespace {

constexpr std::chrono::minutes kAnswerLife{1};
constexpr std::chrono::hours kStays{24};
constexpr std::size_t kMaxKept = 10'000;
constexpr std::size_t kMaxGoFile = std::size_t{4} << 20U;

template <typename Map>
void make_room(Map& map) {
  if (map.size() >= kMaxKept) map.clear();
}

// Directories that the go command never looks into.
bool is_ignored(std::string_view dir) {
  for (const std::string_view element : split(dir, '/')) {
    if (element == "testdata" || element == "vendor") return true;
    if (element.starts_with('_') || element.starts_with('.')) return true;
  }
  return false;
}

// Without the comment or blanks at its front; false when there is none.
bool skip_one(std::string_view& text) {
  if (!text.empty() && (is_control(text[0]) || text[0] == ' ')) {
    text.remove_prefix(1);
    return true;
  }
  if (text.starts_with("//")) {
    (void)take_line(text);
    return true;
  }
  if (text.starts_with("/*")) {
    const std::size_t end = text.find("*/", 2);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 2);
    return true;
  }
  constexpr std::string_view kMark = "\xef\xbb\xbf";
  if (!text.starts_with(kMark)) return false;
  text.remove_prefix(kMark.size());
  return true;
}

}  // namespace

bool is_main_file(std::string_view text) {
  std::string_view lines = text;
  while (!lines.empty()) {
    const std::string_view line = trim(take_line(lines));
    if (line == "//go:build ignore" || line == "// +build ignore") return false;
    if (line.starts_with("package ")) break;
  }
  while (skip_one(text)) {
  }
  constexpr std::string_view kPackage = "package";
  if (!text.starts_with(kPackage)) return false;
  text.remove_prefix(kPackage.size());
  while (skip_one(text)) {
  }
  const auto words = split_words(text.substr(0, std::string_view("main;").size()));
  return !words.empty() &&
         (words[0] == "main" || words[0].starts_with("main;") || words[0].starts_with("main/"));
}

Result<std::string> Catalog::resolve(const std::string& module, const std::string& query) {
  const std::string name = fmt::format("{}@{}", module, query);
  {
    const MutexLock lock(mutex_);
    const auto found = queries_.find(name);
    if (found != queries_.end() && clock_.mono() - found->second.at < kAnswerLife) {
      return found->second.value;
    }
  }
  GW_TRY(std::string version, build::resolve_version(store_, module, query));
  const MutexLock lock(mutex_);
  make_room(queries_);
  queries_.insert_or_assign(name, Kept<std::string>{clock_.mono(), version});
  return version;
}

Result<ModuleFacts> Catalog::read_facts(const std::string& module, const std::string& version) {
  GW_TRY(const os::Fd fd, store_.zip(module, version));
  GW_TRY(const auto source, mod::FdSource::of(fd.get()));
  GW_TRY(auto zip, mod::ModuleZip::open(source, module, version));
  ModuleFacts out;
  std::map<std::string, bool> dirs;  // whether it is a command
  for (const auto& file : zip.files()) {
    const std::size_t slash = file.name.rfind('/');
    const std::string dir(slash == std::string_view::npos ? "" : file.name.substr(0, slash));
    if (file.name.ends_with(".syso")) out.object_files = true;
    if (!file.name.ends_with(".go") || file.name.ends_with("_test.go")) continue;
    if ((!dir.empty() && is_ignored(dir)) || dirs[dir]) continue;
    const auto text = zip.read(file.name, kMaxGoFile);
    if (text && is_main_file(*text)) dirs[dir] = true;
  }
  for (const auto& [dir, command] : dirs) {
    if (command) out.commands.push_back("/" + dir);
  }
  return out;
}

Result<std::shared_ptr<const ModuleFacts>> Catalog::facts(const std::string& module,
                                                          const std::string& version) {
  const std::string name = fmt::format("{}@{}", module, version);
  {
    const MutexLock lock(mutex_);
    const auto found = facts_.find(name);
    if (found != facts_.end() && clock_.mono() - found->second.at < kStays) {
      return found->second.value;
    }
  }
  GW_TRY(ModuleFacts facts, read_facts(module, version));
  auto shared = std::make_shared<const ModuleFacts>(std::move(facts));
  const MutexLock lock(mutex_);
  make_room(facts_);
  facts_.insert_or_assign(name, Kept<std::shared_ptr<const ModuleFacts>>{clock_.mono(), shared});
  return shared;
}

Result<ModuleVersions> Catalog::read_versions(const std::string& module) {
  ModuleVersions out;
  GW_TRY(const std::string list, store_.list(module));
  out.versions = mod::parse_version_list(module, list);
  const std::string newest = build::newest_version(out.versions);
  std::reverse(out.versions.begin(), out.versions.end());
  if (auto latest = resolve(module, "latest")) out.latest = *std::move(latest);
  if (newest.empty()) return out;
  const auto text = store_.gomod(module, newest);
  if (!text) return out;
  const auto gomod = mod::parse_gomod(*text, mod::GoModMode::kLax);
  if (!gomod) return out;
  if (gomod->module) out.deprecated = gomod->module->deprecated;
  for (const std::string& version : out.versions) {
    if (build::is_retracted(gomod->retract, version)) out.retracted.push_back(version);
  }
  return out;
}

Result<std::shared_ptr<const ModuleVersions>> Catalog::versions(const std::string& module) {
  {
    const MutexLock lock(mutex_);
    const auto found = versions_.find(module);
    if (found != versions_.end() && clock_.mono() - found->second.at < kAnswerLife) {
      return found->second.value;
    }
  }
  GW_TRY(ModuleVersions versions, read_versions(module));
  auto shared = std::make_shared<const ModuleVersions>(std::move(versions));
  const MutexLock lock(mutex_);
  make_room(versions_);
  versions_.insert_or_assign(module,
                             Kept<std::shared_ptr<const ModuleVersions>>{clock_.mono(), shared});
  return shared;
}

std::shared_ptr<const ModuleVersions> Catalog::find_versions(const std::string& module) {
  {
    const MutexLock lock(mutex_);
    const auto found = versions_.find(module);
    if (found != versions_.end()) return found->second.value;
  }
  auto asked = versions(module);
  return asked ? *std::move(asked) : nullptr;
}

Status Catalog::check_command(const std::string& module, const std::string& version,
                              const std::string& dir) {
  GW_TRY(const auto facts, this->facts(module, version));
  if (std::binary_search(facts->commands.begin(), facts->commands.end(), dir)) return {};
  return not_found_error(
      fmt::format("{}{} is not a main package of {}@{}", module, dir.size() > 1 ? dir : "", module,
                  version),
      facts->commands.empty() ? "the module has none" : "its page lists the commands");
}

}  // namespace gw::buildd
