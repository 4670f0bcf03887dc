// Site's pages: what is around a build, and what is known of it.
#include "buildd/site.h"
#include "module/buildinfo.h"
#include "module/byte_source.h"
#include "tlog/build_log.h"

namespace gw::buildd {

namespace {

constexpr std::uint32_t kMaxMarkedBuilds = 2000;

// All that a binary says it is made of; nothing when it is not there, or says nothing.
std::vector<mod::Component> components_in(const BinaryStore& binaries, std::string_view sum) {
  const auto fd = binaries.open_quietly(sum);
  if (!fd) return {};
  const auto source = mod::FdSource::of(fd->get());
  if (!source) return {};
  const auto info = mod::read_build_info(*source);
  return info ? mod::components_of(*info) : std::vector<mod::Component>();
}

}  // namespace

// Of a result all its modules, of other builds the module that is asked for, and Go.
void Site::add_vulnerabilities(Around& out, const build::Key& key, const Built* built) const {
  if (parts_.vulnerabilities == nullptr) return;
  Vulnerabilities& database = *parts_.vulnerabilities;
  const auto of_module = database.of_module(key.module);
  if (out.versions && of_module) {
    for (const std::string& version : out.versions->versions) {
      const std::vector<mod::Component> one = {{key.module, version}};
      if (!mod::match(*of_module, one, {}).empty()) out.vulnerable.insert(version);
    }
  }
  out.unanswered = true;  // until all answers are there
  std::optional<tlog::BuildRecord> record;
  if (built != nullptr) record = tlog::parse_build_record(built->record);
  std::string name = key.go_version;
  std::vector<mod::Component> have;
  if (record) {
    have = components_in(parts_.binaries, record->sum);
    if (!have.empty()) name = record->sum;
  }
  const mod::Platform platform{key.target.goos, key.target.goarch};
  std::vector<mod::Finding> findings;
  if (have.empty()) {
    have = {{key.module, key.version}};
    if (!of_module) return;
    findings = mod::match(*of_module, have, platform);
    have = mod::components_of(key.go_version);
  }
  const auto documents = database.of(name, have);
  if (!documents) return;
  const auto more = mod::match(*documents, have, platform);
  findings.insert(findings.end(), more.begin(), more.end());
  out.findings = std::move(findings);
  out.unanswered = false;
}

Around Site::around(const build::Key& key, const Built* built) {
  Around out;
  out.versions = parts_.catalog.find_versions(key.module);
  if (const auto go = parts_.toolchains.offered()) out.go_versions = *go;
  if (auto all = parts_.ledger.of_module(key.module, kMaxMarkedBuilds)) {
    keep_covered(*all);
    for (const Built& b : *all) out.built.insert(b.key);
  }
  const auto facts = parts_.catalog.facts(key.module, key.version);
  out.object_files = facts && (*facts)->object_files;
  out.remark = parts_.catalog.remark(key.module).text;
  add_vulnerabilities(out, key, built);
  return out;
}

}  // namespace gw::buildd
