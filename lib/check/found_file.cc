#include "check/found_file.h"

#include <fmt/format.h>

#include <utility>

#include "base/bytes.h"
#include "module/goversion.h"
#include "module/private_patterns.h"
#include "os/file.h"

namespace gw::check {

ToolchainRequest toolchain_request(std::string_view version) {
  // Behind a blank stand the experiments that it was built with.
  const std::string_view release = version.substr(0, version.find(' '));
  ToolchainRequest request;
  request.known = release.starts_with("go") ? std::string(release) : fmt::format("go{}", release);
  if (mod::parse_go_version(request.known)) return request;
  request.known = version;
  request.asked = false;
  request.notes.push_back(
      fmt::format("toolchain {}: no release of Go, so that nothing is compared", quoted(version)));
  return request;
}

std::string file_in(const std::string& path, std::string_view name) {
  if (!os::is_directory(path)) return path;
  return fmt::format("{}{}{}", path, path.ends_with('/') ? "" : "/", name);
}

Error with_file_name(Error error, std::string_view generic, const std::string& file) {
  if (!error.message.starts_with(fmt::format("{}:", generic))) return std::move(error).in(file);
  error.message = file + error.message.substr(generic.size());
  return error;
}

std::string file_summary(const FoundFile& file) {
  std::string out = file.file + ": ";
  auto add = [&, first = true](const std::string& text) mutable {
    out += (std::exchange(first, false) ? "" : ", ") + text;
  };
  if (file.what == "directory" || file.what == "processes") {
    add(fmt::format("{} program{} of Go among {} files", file.programs,
                    file.programs == 1 ? "" : "s", file.among));
    if (file.left_out > 0) add(fmt::format("{} could not be read", file.left_out));
    return out;
  }
  if (file.module) {
    add(fmt::format("module {}{}", *file.module, file.version ? " " + *file.version : ""));
  }
  add(fmt::format("{} module{} looked at", file.modules, file.modules == 1 ? "" : "s"));
  if (file.left_out > 0) add(fmt::format("{} left out", file.left_out));
  if (file.replaced > 0) add(fmt::format("{} replaced", file.replaced));
  if (file.go) add(*file.go);
  return out;
}

Status FoundFiles::add(ModuleRequest request, Place place) {
  std::string key = fmt::format("{}\n{}\n{}", request.path, request.known.value_or(""),
                                request.problem ? request.problem->message : "");
  for (const std::string& note : request.notes) key += "\n" + note;
  const auto [at, first] = module_index_.try_emplace(std::move(key), modules.size());
  if (first && modules.size() == kMostModules) {
    module_index_.erase(at);
    too_many = true;
    return too_many_modules();
  }
  if (first) {
    modules.push_back(std::move(request));
  } else {
    // A file is read to its end before the next one: what it said already was said last.
    auto& excluded = modules[at->second].excluded;
    for (Exclusions& of_file : request.excluded) {
      if (excluded.empty() || excluded.back() != of_file) excluded.push_back(std::move(of_file));
    }
  }
  modules[at->second].places.add(std::move(place));
  return {};
}

void FoundFiles::add(ToolchainRequest request, Place place) {
  const auto [at, first] = toolchain_index_.try_emplace(request.known, toolchains.size());
  if (first) toolchains.push_back(std::move(request));
  toolchains[at->second].places.add(std::move(place));
}

void leave_out_private(std::vector<ModuleRequest>& requests, std::string_view patterns) {
  for (ModuleRequest& request : requests) {
    if (!request.asked || !request.module) continue;
    if (!mod::match_prefix_patterns(patterns, request.path)) continue;
    request.asked = false;
    request.problem.reset();
    request.notes.push_back(fmt::format("{}: private, not asked for", request.path));
  }
}

}  // namespace gw::check
