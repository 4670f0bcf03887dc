#include "check/request.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
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
  return usage_error("no Go version: " + quoted(version),
                     "write it as the go command does, such as go1.26.8 or go1.27rc1");
}

ModuleRequest parse_module_request(std::string_view text) {
  ModuleRequest request;
  const std::size_t at = text.find('@');
  request.path = text.substr(0, at);
  auto module = mod::ModulePath::parse(request.path);
  if (!module) {
    request.problem = std::move(module).error();
    return request;
  }
  request.module = *std::move(module);
  if (at == std::string_view::npos) return request;
  request.known = text.substr(at + 1);
  if (auto good = check_module_version(*request.known); !good) {
    request.problem = std::move(good).error().in(request.path);
  }
  return request;
}

std::vector<ModuleRequest> parse_request_list(std::string_view text) {
  std::vector<ModuleRequest> requests;
  for (std::size_t number = 1; !text.empty(); ++number) {
    std::string_view line = take_line(text);
    line = trim(line.substr(0, line.find('#')));
    if (line.empty()) continue;
    ModuleRequest request = parse_module_request(line);
    if (request.problem) {
      request.problem = std::move(*request.problem).in(fmt::format("line {}", number));
    }
    requests.push_back(std::move(request));
  }
  return requests;
}

bool is_newer(std::string_view candidate, std::string_view known) {
  const auto c = mod::parse_semver(candidate);
  const auto k = mod::parse_semver(known);
  if (!c || !k) return false;
  return mod::compare_semver(*c, *k) > 0;
}

}  // namespace gw::check
