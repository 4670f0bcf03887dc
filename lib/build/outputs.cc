#include "build/outputs.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>

namespace gw::build {

namespace {

namespace fs = std::filesystem;

Result<Output> plan_file(const std::string& to) {
  const fs::path path(to);
  const std::string directory = path.has_parent_path() ? path.parent_path().string() : ".";
  std::error_code failed;
  if (!fs::is_directory(directory, failed)) {
    return usage_error(fmt::format("{}: no directory {}", to, directory));
  }
  if (path.filename() == "." || path.filename() == "..")
    return usage_error(to + ": no file's name");
  return Output{directory, path.filename().string()};
}

}  // namespace

std::string Output::path() const {
  return directory == "." ? name : (fs::path(directory) / name).string();
}

Result<std::vector<Output>> plan_outputs(const std::string& to, std::span<const Key> keys) {
  if (keys.empty()) return std::vector<Output>();
  std::error_code failed;
  const bool directory = to.empty() || to.ends_with('/') || fs::is_directory(to, failed);
  std::vector<Output> out;
  if (!directory) {
    if (keys.size() != 1) {
      return usage_error(fmt::format("{}: one file for {} binaries", to, keys.size()),
                         "name a directory: it exists, or the name ends in a slash");
    }
    GW_TRY(auto file, plan_file(to));
    out.push_back(std::move(file));
    return out;
  }
  const std::string base = to.empty() ? "." : to;
  fs::create_directories(base, failed);
  if (failed) return io_error(fmt::format("making the directory {}: {}", base, failed.message()));
  const bool several = std::any_of(
      keys.begin(), keys.end(), [&](const Key& key) { return key.target != keys.front().target; });
  std::set<std::string> names;
  for (const Key& key : keys) {
    out.push_back({base, several ? binary_name_with_target(key) : binary_name(key)});
    if (!names.insert(out.back().name).second) {
      return usage_error(fmt::format("two binaries would be named {}", out.back().name),
                         "build them in two calls, with -o");
    }
  }
  return out;
}

}  // namespace gw::build
