// The module proxy's protocol from the other side: paths, lists, version info, GOPROXY. What a path
// is taken for is written the same again; versions that come out fit the module.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "fuzz/require.h"
#include "module/path.h"
#include "module/proxy.h"
#include "module/semver.h"
#include "module/zip.h"

namespace fuzz_proxy_answers {

using namespace gw;
using namespace gw::mod;

namespace {

constexpr std::string_view kModule = "a.b/c";

void check_path_of(std::string_view input) {
  const auto request = parse_proxy_path(input);
  if (!request) return;
  if (format_proxy_path(*request).value() != input || !check_path(request->module)) std::abort();
  if (input.find("..") == 0 || input.find("/..") != std::string_view::npos) std::abort();
}

void check_answers(std::string_view input) {
  const auto versions = parse_version_list(kModule, input);
  for (std::size_t i = 0; i < versions.size(); ++i) {
    if (!check_module_version(kModule, versions[i]) || parse_pseudo_version(versions[i])) {
      std::abort();
    }
    if (i > 0 && compare_semver(*parse_semver(versions[i - 1]), *parse_semver(versions[i])) > 0) {
      std::abort();
    }
  }
  const auto latest = find_latest_by_time(kModule, input);
  if (latest && !check_module_version(kModule, *latest)) std::abort();
  for (const char* version : {"v1.0.0", "main"}) {
    const auto info =
        parse_version_info({ProxyRequest::Kind::kInfo, std::string(kModule), version}, input);
    if (!info) continue;
    if (!check_module_version(kModule, info->version)) std::abort();
    if (info->version != version && std::string_view(version) != "main") std::abort();
  }
}

void check_entries(std::string_view input) {
  const auto entries = parse_proxy_entries(input);
  if (!entries) return;
  if (entries->empty()) std::abort();
  for (const ProxyEntry& entry : *entries) {
    using Kind = ProxyEntry::Kind;
    const bool ends = entry.kind == Kind::kDirect || entry.kind == Kind::kOff;
    if (ends && &entry != &entries->back()) std::abort();
    if (ends != entry.place.empty()) std::abort();
    if (entry.kind == Kind::kFile && entry.place[0] != '/') std::abort();
    if (entry.kind == Kind::kUrl && entry.place.find("://") == std::string::npos) std::abort();
  }
}

}  // namespace

FUZZ_TARGET(proxy_answers)(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  check_path_of(input);
  check_answers(input);
  check_entries(input);
  if (const auto time = parse_rfc3339(input)) {
    // Years beyond 9999 or before 0 come from offsets at their very ends.
    const std::string again = format_rfc3339(*time);
    if (again.size() == 20 && parse_rfc3339(again) != time) std::abort();
  }
  return 0;
}

}  // namespace fuzz_proxy_answers
