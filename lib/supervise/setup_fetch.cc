// Which build is to be the first, and how it comes from a build service.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/crypto.h"
#include "build/agreement.h"
#include "build/builder.h"
#include "build/proxy_client.h"
#include "build/resolve.h"
#include "module/byte_source.h"
#include "module/gomod.h"
#include "module/proxy.h"
#include "module/semver.h"
#include "supervise/helper.h"
#include "supervise/installation.h"
#include "supervise/setup_parts.h"

namespace gw::supervise {
namespace {

// The version of this module that `query` means; kNotFound: it has none.
Result<std::string> find_version(build::ProxyClient& proxy, const std::string& module,
                                 const std::string& query) {
  using Kind = mod::ProxyRequest::Kind;
  if (mod::parse_semver(query)) {
    GW_TRY([[maybe_unused]] const std::string gomod, proxy.fetch({Kind::kMod, module, query}));
    return query;
  }
  GW_TRY(const std::string list, proxy.fetch({Kind::kList, module, ""}));
  std::vector<std::string> versions = mod::parse_version_list(module, list);
  std::sort(versions.begin(), versions.end(), [](const std::string& a, const std::string& b) {
    return mod::compare_semver(*mod::parse_semver(a), *mod::parse_semver(b)) < 0;
  });
  const std::string newest = build::newest_version(versions);
  if (newest.empty()) return not_found_error(module + " has no version yet");
  GW_TRY(const std::string text, proxy.fetch({Kind::kMod, module, newest}));
  GW_TRY(const mod::GoMod gomod, mod::parse_gomod(text, mod::GoModMode::kLax));
  std::erase_if(versions,
                [&](const std::string& v) { return build::is_retracted(gomod.retract, v); });
  const std::string best = build::newest_version(versions);
  if (best.empty()) return not_found_error(module + ": every version is retracted");
  return best;
}

// What enough of the services say of this build.
Result<build::Agreement> prove_first(const Sources& sources, const build::Key& key) {
  std::vector<build::ServiceAnswer> answers;
  for (const build::ServiceName& service : services_of(sources)) {
    const auto proven = [&]() -> Result<build::ProvenBuild> {
      GW_TRY(auto verifier, tlog::VerifierKey::parse(service.key));
      GW_TRY(const std::string base, build::service_base(service.source, verifier.name()));
      Sources own = sources;
      own.build_key = service.key;
      GW_TRY(const auto source, log_source(own, base));
      tlog::Client client(*source, std::move(verifier), tlog::kBuildLog);
      return build::prove_build(client, key, std::nullopt);
    };
    answers.push_back({service_title(service), proven()});
  }
  return build::find_agreement(answers, wanted_of(sources));
}

}  // namespace

Result<Installed> first_names(const build::Key& key, const os::Dir& dir,
                              const std::string& directory) {
  GW_CHECK(build::check_key(key));
  Installed out;
  out.file = file_name(key);
  out.link = base_name(key);
  for (const std::string& name : {out.link, out.file}) {
    GW_TRY(const auto there, dir.find(name));
    if (there) return usage_error(fmt::format("{}/{} exists already", directory, name));
  }
  return out;
}

Status link_first(const os::Dir& dir, const Installed& installed, const std::string& directory) {
  if (auto linked = dir.symlink(installed.file, installed.link); !linked) {
    (void)dir.unlink(installed.file);
    return std::move(linked).error().in(directory);
  }
  return dir.sync();
}

Result<build::Key> find_build(std::string_view package, const std::string& go_version,
                              const Sources& sources, const Clock& clock) {
  constexpr const char* kVersions = "such as v1.2.3, or latest";
  if (package.ends_with('@')) return usage_error("no version after the @", kVersions);
  GW_TRY(const build::Request request, build::parse_request(package));
  if (request.query != "latest" && !mod::parse_semver(request.query)) {
    return usage_error("not a version: " + quoted(request.query), kVersions);
  }
  if (sources.proxy.empty()) return usage_error("--proxy: a module proxy is needed");
  net::HttpOptions http;
  http.ca_file = sources.ca_file;
  GW_TRY(auto proxy, build::ProxyClient::create(sources.proxy, http));
  build::Key key;
  Error missing = not_found_error(fmt::format("no module has {}", request.path));
  for (const std::string& module : build::candidate_modules(request.path)) {
    auto version = find_version(*proxy, module, request.query);
    // A version that is of another major version than the path: another part of it is the module.
    if (!version && version.error().kind != ErrorKind::kNotFound &&
        version.error().kind != ErrorKind::kUsage) {
      return std::move(version).error().in(module);
    }
    if (!version) {
      if (missing.hint.empty()) missing.hint = version.error().message;
      continue;
    }
    key.module = module;
    key.version = *std::move(version);
    break;
  }
  if (key.module.empty()) return missing;
  key.dir = request.path.size() > key.module.size() ? request.path.substr(key.module.size()) : "/";
  key.target = build::host_target();
  key.go_version = go_version;
  if (!go_version.empty()) return key;
  Job job;
  job.sources = sources;
  job.key = key;
  GW_TRY(const Discovered found, discover(job, clock));
  key.go_version = found.toolchains.cur;
  if (!key.go_version.empty()) return key;
  return not_found_error("nobody says which Go release is current: " + found.problem,
                         "name one with --go");
}

Result<Installed> install_first(const build::Key& key, const Sources& sources,
                                const std::string& directory) {
  GW_TRY(const os::Dir dir, os::Dir::open(directory));
  GW_TRY(Installed out, first_names(key, dir, directory));
  GW_TRY(const build::Agreement agreed, prove_first(sources, key));
  const build::ProvenBuild& build = agreed.build;
  const build::ServiceName from = services_of(sources)[agreed.by.front()];
  GW_TRY(const auto verifier, tlog::VerifierKey::parse(from.key));
  GW_TRY(const std::string base, build::service_base(from.source, verifier.name()));
  GW_TRY(os::NewFile file, dir.new_file(kFirstProgram));
  net::HttpOptions options;
  options.ca_file = sources.ca_file;
  GW_TRY(auto http, net::HttpClient::create(options));
  Sha256 hash;
  GW_CHECK(build::download(http, base, build, [&](std::string_view bytes) -> Status {
    hash.update(bytes);
    return file.write(bytes);
  }));
  if (build::format_binary_sum(hash.finish()) != build.sum()) {
    return untrusted_error("other bytes than the record has the sum of");
  }
  {
    GW_TRY(const mod::FdSource source, mod::FdSource::of(file.fd()));
    if (auto same = build::check_binary(source, key); !same) {
      return untrusted_error(same.error().message);
    }
  }
  GW_CHECK(file.publish(out.file));
  GW_CHECK(link_first(dir, out, directory));
  out.sum = build.sum();
  // Of another service's log than the first one's the supervisor finds the head itself.
  if (agreed.by.front() == 0) out.head = build.newest_note();
  return out;
}

}  // namespace gw::supervise
