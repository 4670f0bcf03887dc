#include "build/outputs.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "os/dir.h"

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

bool means_directory(const std::string& to) {
  std::error_code failed;
  return to.empty() || to.ends_with('/') || fs::is_directory(to, failed);
}

}  // namespace

std::string Output::path() const {
  return directory == "." ? name : (fs::path(directory) / name).string();
}

Status check_output(const std::string& to, std::size_t binaries) {
  if (binaries < 2 || means_directory(to)) return {};
  return usage_error(fmt::format("{}: one file for {} binaries", to, binaries),
                     "name a directory: it exists, or the name ends in a slash");
}

Result<std::vector<Output>> name_outputs(const std::string& to, std::span<const Key> keys) {
  GW_CHECK(check_output(to, keys.size()));
  std::vector<Output> out;
  if (keys.empty()) return out;
  if (!means_directory(to)) {
    GW_TRY(auto file, plan_file(to));
    out.push_back(std::move(file));
    return out;
  }
  const bool several = std::any_of(
      keys.begin(), keys.end(), [&](const Key& key) { return key.target != keys.front().target; });
  std::set<std::string> names;
  for (const Key& key : keys) {
    out.push_back(
        {to.empty() ? "." : to, several ? binary_name_with_target(key) : binary_name(key)});
    if (!names.insert(out.back().name).second) {
      return usage_error(fmt::format("two binaries would be named {}", out.back().name),
                         "build them in two calls, with -o");
    }
  }
  return out;
}

Result<std::vector<Output>> plan_outputs(const std::string& to, std::span<const Key> keys) {
  GW_TRY(auto out, name_outputs(to, keys));
  std::error_code failed;
  for (const Output& output : out) {
    const auto there = fs::symlink_status(fs::path(output.directory) / output.name, failed);
    if (fs::exists(there) && !fs::is_regular_file(there) && !fs::is_symlink(there)) {
      return usage_error(output.path() + ": exists, and is no file", "name another with -o");
    }
  }
  failed.clear();
  if (!out.empty()) fs::create_directories(out[0].directory, failed);
  if (!failed) return out;
  return io_error(fmt::format("making the directory {}: {}", out[0].directory, failed.message()));
}

namespace {

Status write_program(const Output& output, std::string_view bytes) {
  GW_TRY(const os::Dir dir, os::Dir::open(output.directory));
  GW_TRY(os::NewFile file, dir.new_file(0755));
  GW_CHECK(file.write(bytes));
  return file.publish(output.name);
}

}  // namespace

Status write_output(const Output& output, std::string_view bytes) {
  std::error_code failed;
  fs::create_directories(output.directory, failed);
  if (failed) return io_error(fmt::format("making {}: {}", output.directory, failed.message()));
  Status done = write_program(output, bytes);
  return done ? done : std::move(done).error().in("writing " + output.path());
}

}  // namespace gw::build
