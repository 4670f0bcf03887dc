#include "check/select.h"

#include "module/semver.h"

namespace gw::check {

std::vector<const dns::ModuleVersion*> select_releases(std::span<const dns::ModuleVersion> versions,
                                                       const std::optional<std::string>& known) {
  std::vector<const dns::ModuleVersion*> out;
  const dns::ModuleVersion* latest = dns::latest_version(versions);
  if (latest == nullptr) return out;
  if (!known) return {latest};
  const auto have = mod::parse_semver(*known);
  if (!have) return out;
  const dns::ModuleVersion* own = nullptr;
  mod::Semver newest = *have;
  for (const dns::ModuleVersion& version : versions) {
    const auto v = mod::parse_semver(version.version);
    if (!v || !v->is_release() || v->major != have->major) continue;
    if (mod::compare_semver(*v, newest) <= 0) continue;
    own = &version;
    newest = *v;
  }
  if (own != nullptr) out.push_back(own);
  const auto highest = mod::parse_semver(latest->version);
  if (highest && mod::compare_number(highest->major, have->major) > 0) out.push_back(latest);
  return out;
}

}  // namespace gw::check
