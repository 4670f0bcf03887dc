// The helper looks into a vulnerability database: what of it is in what runs, and which newer
// versions mend that.
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "net/vulnerability_database.h"
#include "supervise/helper_parts.h"

namespace gw::supervise {
namespace {

struct Known {
  std::vector<mod::Vulnerability> documents;
  std::vector<mod::Finding> findings;
  mod::Platform platform;

  // Those that `mended` says are.
  template <class Mended>
  std::vector<std::string> ids(const Mended& mended) const {
    std::vector<std::string> out;
    for (const mod::Finding& f : findings) {
      const auto document = std::find_if(documents.begin(), documents.end(),
                                         [&](const auto& d) { return d.id == f.id; });
      if (document != documents.end() && mended(*document, f.component)) out.push_back(f.id);
    }
    return out;
  }
};

bool is_gos(const mod::Component& component) {
  return component.module == mod::kStandardLibrary || component.module == mod::kGoCommand;
}

void add_go_fixes(const Known& known, Discovered& found) {
  for (const std::string& go : {found.toolchains.cur, found.toolchains.prev}) {
    const auto version = mod::go_semver(go);
    if (!version) continue;
    auto ids = known.ids([&](const auto& document, const mod::Component& had) {
      return is_gos(had) && !mod::affects(document, {had.module, *version}, known.platform);
    });
    if (!ids.empty()) found.fixes[go] = std::move(ids);
  }
}

// Of the newest versions. One whose go.mod nobody sends mends nothing but its own module's.
void add_version_fixes(const Job& job, const Known& known, Discovered& found) {
  auto proxy = job.sources.proxy.empty()
                   ? Result<std::unique_ptr<build::ProxyClient>>(not_found_error("no proxy"))
                   : build::ProxyClient::create(job.sources.proxy, http_options(job.sources));
  const std::vector<std::string> versions = newer_versions(job, found);
  std::size_t asked = 0;
  for (auto at = versions.rbegin(); at != versions.rend() && asked < kMaxGoMods; ++at, ++asked) {
    const Result<mod::GoMod> gomod =
        proxy ? fetch_gomod(**proxy, job.key.module, *at) : proxy.error();
    auto ids = known.ids([&](const auto& document, const mod::Component& had) {
      if (is_gos(had)) return false;
      if (had.module == job.key.module) {
        return !mod::affects(document, {had.module, *at}, known.platform);
      }
      return gomod && mod::is_fixed_in(document, had, *gomod, known.platform);
    });
    if (!ids.empty()) found.fixes[*at] = std::move(ids);
  }
}

}  // namespace

Status find_vulnerabilities(const Job& job, Discovered& found) {
  GW_TRY(const auto database, net::VulnerabilityDatabase::open(
                                  {job.sources.vulnerabilities, http_options(job.sources)}));
  Known known;
  known.platform = {job.key.target.goos, job.key.target.goarch};
  GW_TRY(known.documents, database->read(job.components));
  known.findings = mod::match(known.documents, job.components, known.platform);
  if (!known.findings.empty()) {
    add_go_fixes(known, found);
    add_version_fixes(job, known, found);
  }
  found.vulnerabilities = std::move(known.findings);
  return {};
}

}  // namespace gw::supervise
