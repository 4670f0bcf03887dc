#include "supervise/setup.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/crypto.h"
#include "build/builder.h"
#include "build/proxy_client.h"
#include "build/resolve.h"
#include "module/byte_source.h"
#include "module/gomod.h"
#include "module/proxy.h"
#include "module/semver.h"
#include "os/dir.h"
#include "supervise/helper.h"
#include "supervise/place.h"

namespace gw::supervise {
namespace {

constexpr std::size_t kSetupPassword = 15;  // bytes
constexpr mode_t kOwn = 0700;
constexpr mode_t kSecret = 0600;
constexpr mode_t kProgram = 0755;

struct Split {
  std::string parent;
  std::string name;
};
Split split_last(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {".", path};
  return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

Status write_file(const os::Dir& dir, const std::string& name, std::string_view text) {
  GW_TRY(os::NewFile file, dir.new_file(kSecret));
  GW_CHECK(file.write(text));
  return file.publish(name);
}

Status write_all_files(const os::Dir& dir, const SetupFiles& files) {
  GW_CHECK(write_file(dir, "password", files.password + "\n"));
  if (files.state) GW_CHECK(write_file(dir, "state.json", *files.state));
  if (files.head) GW_CHECK(write_file(dir, "head", *files.head));
  return write_file(dir, "supervise.toml", files.config);
}

// ---- which build ----

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

// Of the log's service, for this build.
Result<build::ProvenBuild> prove_first(const Sources& sources, const std::string& base,
                                       const build::Key& key) {
  GW_TRY(auto verifier, tlog::VerifierKey::parse(sources.build_key));
  GW_TRY(const auto source, log_source(sources, base));
  tlog::Client client(*source, std::move(verifier), tlog::kBuildLog);
  return build::prove_build(client, key, std::nullopt);
}

// A word of a unit's command: quoted, and no specifier.
std::string unit_word(std::string_view word) {
  std::string out = "\"";
  for (const char c : word) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '%' || c == '$') out += c;
    out += c;
  }
  return out + "\"";
}

}  // namespace

std::string make_password_text() { return encode_base64(random_bytes(kSetupPassword)); }

Status make_directory(const std::string& path, const SetupFiles& files) {
  const Split at = split_last(path);
  auto parent = os::Dir::open(at.parent);
  if (!parent) return std::move(parent).error().in(path);
  GW_TRY(const auto there, parent->find(at.name));
  if (there) return usage_error(path + " exists already", "name another one with --dir");
  GW_TRY(const os::Dir dir, parent->make_dir(at.name, kOwn));
  auto written = write_all_files(dir, files);
  if (written) return parent->sync();
  (void)parent->remove_tree(at.name);
  return std::move(written).error().in(path);
}

Result<build::Key> find_build(std::string_view package, const std::string& go_version,
                              const Sources& sources, const Clock& clock) {
  GW_TRY(const build::Request request, build::parse_request(package));
  if (request.query != "latest" && !mod::parse_semver(request.query)) {
    return usage_error("not a version: " + quoted(request.query), "such as v1.2.3, or latest");
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
  GW_CHECK(build::check_key(key));
  GW_TRY(const os::Dir dir, os::Dir::open(directory));
  Installed out;
  out.file = file_name(key);
  out.link = base_name(key);
  for (const std::string& name : {out.link, out.file}) {
    GW_TRY(const auto there, dir.find(name));
    if (there) return usage_error(fmt::format("{}/{} exists already", directory, name));
  }
  GW_TRY(const auto verifier, tlog::VerifierKey::parse(sources.build_key));
  GW_TRY(const std::string base, build::service_base(sources.build_url, verifier.name()));
  GW_TRY(const build::ProvenBuild build, prove_first(sources, base, key));
  GW_TRY(os::NewFile file, dir.new_file(kProgram));
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
  if (auto linked = dir.symlink(out.file, out.link); !linked) {
    (void)dir.unlink(out.file);
    return std::move(linked).error().in(directory);
  }
  GW_CHECK(dir.sync());
  out.sum = build.sum();
  out.head = build.newest_note();
  return out;
}

std::string format_unit(const std::string& name, const std::string& directory,
                        const std::vector<std::string>& words) {
  std::string command;
  for (const std::string& word : words) command += (command.empty() ? "" : " ") + unit_word(word);
  return fmt::format(
      "[Unit]\n"
      "Description={}, kept current by gwtool\n"
      "Wants=network-online.target\n"
      "After=network-online.target\n\n"
      "[Service]\n"
      "# notify, if the service says READY=1 to systemd\n"
      "Type=exec\n"
      "WorkingDirectory={}\n"
      "ExecStart={}\n"
      "# the service is ended by the supervisor, which knows how long it may take\n"
      "KillMode=mixed\n"
      "TimeoutStopSec=100\n"
      "Restart=on-failure\n\n"
      "[Install]\n"
      "WantedBy=multi-user.target\n",
      name, directory, command);
}

}  // namespace gw::supervise
