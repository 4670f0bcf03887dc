#include "build/toolchain_place.h"

#include <fmt/format.h>

#include <algorithm>

#include "build/key.h"
#include "build/resolve.h"
#include "build/target.h"
#include "module/goversion.h"
#include "module/proxy.h"
#include "os/dir.h"

namespace gw::build {

namespace {

std::string host_platform() {
  const Target host = host_target();
  return fmt::format("{}-{}", host.goos, host.goarch);
}

// Directories named after their Go version, as directory_toolchain() looks for them.
std::vector<std::string> versions_in(const std::string& directory) {
  std::vector<std::string> out;
  const auto dir = os::Dir::open(directory);
  if (!dir) return out;
  const auto entries = dir->list();
  if (!entries) return out;
  const std::string platform = "." + host_platform();
  for (const os::Dir::Entry& entry : *entries) {
    std::string name = entry.name;
    if (name.ends_with(platform)) name.resize(name.size() - platform.size());
    if (mod::parse_go_version(name) && check_go_version(name)) out.push_back(name);
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
    return *mod::parse_go_version(a) > *mod::parse_go_version(b);
  });
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

}  // namespace

Status ToolchainPlace::check_offered(const std::string& version) const {
  if (matches({.stop_before = options_.stop_before}, version)) return {};
  return usage_error(fmt::format("{} is not before {}", version, options_.stop_before),
                     "see --go-stop-before");
}

Result<Toolchain> ToolchainPlace::fetch(const std::string& version) const {
  return module_toolchain({store_, options_.unpacked, stop_}, version, host_platform());
}

Result<Toolchain> ToolchainPlace::find(const std::string& version) const {
  const GoQuery query{go_line_of_latest(version), options_.stop_before};
  const bool open = version.empty() || !query.line.empty();
  if (options_.place == kModuleToolchain) {
    std::string wanted = version;
    if (open) {
      GW_TRY(wanted, resolve_go_version(store_, host_platform(), query));
    }
    GW_CHECK(check_offered(wanted));
    return fetch(wanted);
  }
  if (!query.line.empty()) {
    return usage_error(version + " is a question to a module proxy",
                       "without --toolchain module, name the version");
  }
  GW_TRY(Toolchain found, find_any(version));
  GW_CHECK(check_offered(found.go_version));
  return found;
}

Result<Toolchain> ToolchainPlace::find_any(const std::string& version) const {
  if (options_.place == kModuleToolchain) return fetch(version);
  if (options_.place == kLocalToolchain) return local_toolchain(options_.path, version);
  return directory_toolchain(options_.place, version, host_platform());
}

Result<std::vector<std::string>> ToolchainPlace::all_versions() const {
  if (options_.place == kModuleToolchain) {
    const std::string platform = host_platform();
    GW_TRY(const std::string newest,
           resolve_go_version(store_, platform, {.stop_before = options_.stop_before}));
    GW_TRY(const std::string list, store_.list(std::string(mod::kToolchainModule)));
    auto all = go_releases(mod::parse_version_list(mod::kToolchainModule, list), platform);
    // What is above it is in the list only.
    all.erase(all.begin(), std::find(all.begin(), all.end(), newest));
    return all;
  }
  if (options_.place != kLocalToolchain) {
    auto several = versions_in(options_.place);
    if (!several.empty()) return several;
  }
  GW_TRY(const Toolchain only, find_any(""));
  return std::vector<std::string>{only.go_version};
}

Result<std::vector<std::string>> ToolchainPlace::versions() const {
  GW_TRY(auto out, all_versions());
  std::erase_if(out, [this](const std::string& go) { return !check_offered(go); });
  if (out.empty()) return not_found_error("no Go version is before --go-stop-before");
  return out;
}

}  // namespace gw::build
