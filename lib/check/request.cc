#include "check/request.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/text.h"
#include "dns/module_name.h"
#include "dns/name.h"
#include "module/goversion.h"
#include "module/semver.h"

namespace gw::check {

Status check_module_version(std::string_view version) {
  if (mod::parse_semver(version)) return {};
  return usage_error(fmt::format("version {} is not canonical", quoted(version)),
                     "write it as vMAJOR.MINOR.PATCH, such as v1.2.3");
}

Status check_domain(std::string_view domain) {
  GW_TRY(const auto names, dns::ModuleNames::in_zone(domain));
  GW_TRY([[maybe_unused]] const std::string name, names.of_toolchain());
  return dns::check_name_text(domain, dns::NameUse::kDomain);
}

Status check_go_version(std::string_view version) {
  if (mod::parse_go_version(version)) return {};
  const std::string prefixed = fmt::format("go{}", version);
  return usage_error(quoted(version) + " is not written as a Go version",
                     mod::parse_go_version(prefixed)
                         ? fmt::format("did you mean {}?", prefixed)
                         : "write it as the go command does, such as go1.26.8 or go1.27rc1");
}

namespace {

// A person who copies what a browser shows means the path in it.
Error with_url_hint(Error error, std::string_view text) {
  const std::size_t scheme = text.find("://");
  if (scheme == std::string_view::npos) return error;
  std::string_view path = text.substr(scheme + 3);
  path = path.substr(0, path.find_first_of("?#"));
  const std::size_t at = std::min(path.find('@'), path.size());
  const std::string_view version = path.substr(at);
  path = trim(path.substr(0, at), "/");
  if (path.ends_with(".git")) path.remove_suffix(4);
  error.hint = mod::check_path(path)
                   ? fmt::format("a module path has no scheme: {}{}", path, version)
                   : "a module path has no scheme";
  return error;
}

// What was built from a working tree that differs from the commit: "v1.2.3+dirty", after another
// "+" with a dot.
std::optional<std::string_view> without_dirty(std::string_view version) {
  for (const std::string_view mark : {"+dirty", ".dirty"}) {
    if (!version.ends_with(mark)) continue;
    const std::string_view clean = version.substr(0, version.size() - mark.size());
    if (mark == "+dirty" || clean.find('+') != std::string_view::npos) return clean;
  }
  return std::nullopt;
}

// Takes that mark off, and notes it.
std::string_view noted_dirty(std::string_view version, ModuleRequest& request) {
  const auto clean = without_dirty(version);
  if (!clean) return version;
  request.notes.push_back(
      fmt::format("{} {}: built from a working tree with changes", request.path, version));
  return *clean;
}

std::string title(std::string_view path, std::string_view version) {
  return version.empty() ? std::string(path) : fmt::format("{} {}", path, version);
}

}  // namespace

std::string format_place(const Place& place) {
  return place.line == 0 ? place.file : at_line(place.file, place.line);
}

void Places::add(Place place) {
  if (first.size() < kMost) {
    first.push_back(std::move(place));
  } else {
    ++more;
  }
}

ModuleRequest parse_module_request(std::string_view text) {
  ModuleRequest request;
  const std::size_t at = text.find('@');
  request.path = text.substr(0, at);
  request.maybe_package = true;
  auto module = mod::ModulePath::parse(request.path);
  if (!module) {
    request.problem = with_url_hint(std::move(module).error(), text);
    return request;
  }
  request.module = *std::move(module);
  if (at == std::string_view::npos) return request;
  request.known = noted_dirty(text.substr(at + 1), request);
  if (auto good = check_module_version(*request.known); !good) {
    request.problem = std::move(good).error().in(request.path);
  }
  return request;
}

ModuleRequest module_request(std::string_view path, std::string_view version) {
  ModuleRequest request;
  request.path = path;
  if (version.empty() || version == "(devel)") {
    request.asked = false;
    request.notes.push_back(
        fmt::format("{}: built from a directory, so that its version is not known", path));
    return request;
  }
  auto module = mod::ModulePath::parse(path);
  if (!module) {
    request.problem = std::move(module).error();
    return request;
  }
  request.module = *std::move(module);
  request.known = noted_dirty(version, request);
  if (auto good = check_module_version(*request.known); !good) {
    request.problem = std::move(good).error().in(path);
  }
  return request;
}

std::vector<ModuleRequest> replaced_requests(std::string_view path, std::string_view version,
                                             std::string_view with, std::string_view with_version) {
  // "(devel)" is what build information says of a directory.
  if (with_version == "(devel)") with_version = {};
  ModuleRequest replaced;
  replaced.path = path;
  replaced.asked = false;
  replaced.notes.push_back(
      fmt::format("{}: replaced by {}", title(path, version), title(with, with_version)));
  std::vector<ModuleRequest> out;
  out.push_back(std::move(replaced));
  if (!with_version.empty()) out.push_back(module_request(with, with_version));
  return out;
}

bool is_newer(std::string_view candidate, std::string_view known) {
  const auto c = mod::parse_semver(candidate);
  const auto k = mod::parse_semver(known);
  if (!c || !k) return false;
  return mod::compare_semver(*c, *k) > 0;
}

}  // namespace gw::check
