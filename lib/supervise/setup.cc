#include "supervise/setup.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
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
#include "os/dir.h"
#include "os/process.h"
#include "supervise/helper.h"
#include "supervise/paths.h"
#include "supervise/place.h"
#include "supervise/unnamed_user.h"

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

// Neither the binary nor the link to it is there yet.
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

// The last step; without it the binary goes, too.
Status link_first(const os::Dir& dir, const Installed& installed, const std::string& directory) {
  if (auto linked = dir.symlink(installed.file, installed.link); !linked) {
    (void)dir.unlink(installed.file);
    return std::move(linked).error().in(directory);
  }
  return dir.sync();
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
  GW_TRY(const os::Dir dir, os::Dir::open(directory));
  GW_TRY(Installed out, first_names(key, dir, directory));
  GW_TRY(const build::Agreement agreed, prove_first(sources, key));
  const build::ProvenBuild& build = agreed.build;
  const build::ServiceName from = services_of(sources)[agreed.by.front()];
  GW_TRY(const auto verifier, tlog::VerifierKey::parse(from.key));
  GW_TRY(const std::string base, build::service_base(from.source, verifier.name()));
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
  GW_CHECK(link_first(dir, out, directory));
  out.sum = build.sum();
  // Of another service's log than the first one's the supervisor finds the head itself.
  if (agreed.by.front() == 0) out.head = build.newest_note();
  return out;
}

namespace {

// A new directory for one build, the builder's own; it goes with the object.
class BuildPlace {
 public:
  static Result<BuildPlace> make(const os::Dir& dir, const std::string& directory,
                                 const std::optional<os::User>& builder) {
    BuildPlace out(dir, fmt::format(".gwtool-build-{}", encode_hex(random_bytes(8))));
    GW_TRY(const os::Dir home, dir.make_dir(out.name_, kBuildersOnly));
    out.path_ = fmt::format("{}/{}", os::real_path(directory), out.name_);
    if (!builder) return out;
    if (::fchown(home.fd(), builder->identity.uid, builder->identity.gid) != 0) {
      return errno_error("the builder's directory", errno);
    }
    GW_CHECK(check_reachable(*builder, os::real_path(directory)));
    return out;
  }
  BuildPlace(BuildPlace&& other) noexcept
      : dir_(other.dir_), name_(std::exchange(other.name_, "")), path_(std::move(other.path_)) {}
  BuildPlace& operator=(BuildPlace&&) = delete;
  ~BuildPlace() {
    if (!name_.empty()) (void)dir_.remove_tree(name_);
  }

  const std::string& name() const { return name_; }
  const std::string& path() const { return path_; }

 private:
  static constexpr mode_t kBuildersOnly = 0700;
  BuildPlace(const os::Dir& dir, std::string name) : dir_(dir), name_(std::move(name)) {}

  const os::Dir& dir_;
  std::string name_;
  std::string path_;
};

Result<Built> build_in(const BuildPlace& place, const build::Key& key, const LocalBuilds& builds,
                       const std::string& ca_file, const std::optional<os::User>& builder) {
  os::Spawn spawn;
  const std::string cache =
      builder && builds.cache.empty() ? place.path() + "/cache" : builds.cache;
  spawn.argv = build_words(builds, key, ca_file, cache, place.path() + "/out/");
  spawn.file = "/proc/self/exe";
  spawn.group = os::ProcessGroup::kOurs;
  spawn.death_signal = SIGTERM;
  spawn.no_new_privileges = true;
  if (builder) {
    spawn.identity = builder->identity;
    spawn.drop_capabilities = true;
    spawn.environment = build_environment(own_environment());
    spawn.directory = place.path();
  }
  os::RunOptions options;
  options.capture_output = true;
  options.errors_to_output = true;
  GW_TRY(const os::Ran ran, os::run(std::move(spawn), options));
  return parse_built(ran.output, ran.exit.signal == 0 ? ran.exit.code : 1, key);
}

// The builder's file into one of ours, as far as it is what the build said.
Status copy_built(int from, os::NewFile& to, const Built& built, const build::Key& key) {
  std::array<char, std::size_t{64} << 10U> buffer;
  Sha256 hash;
  std::uint64_t size = 0;
  while (true) {
    const ssize_t n = ::read(from, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error("reading what was built", errno);
    if (n == 0) break;
    const std::string_view bytes(buffer.data(), static_cast<std::size_t>(n));
    size += bytes.size();
    if (size > built.size) break;
    hash.update(bytes);
    GW_CHECK(to.write(bytes));
  }
  if (size != built.size || build::format_binary_sum(hash.finish()) != built.sum) {
    return untrusted_error(build::binary_name(key) +
                           " is not what gwtool build says that it built");
  }
  GW_TRY(const mod::FdSource source, mod::FdSource::of(to.fd()));
  if (auto same = build::check_binary(source, key); !same) {
    return untrusted_error(same.error().message);
  }
  return {};
}

}  // namespace

Result<Installed> install_built(const build::Key& key, const LocalBuilds& builds,
                                const std::string& ca_file, const std::string& directory,
                                std::optional<os::User> builder) {
  GW_TRY(const os::Dir dir, os::Dir::open(directory));
  GW_TRY(Installed out, first_names(key, dir, directory));
  if (!builder && ::geteuid() == 0) {
    builder = unnamed_user(os::real_path(directory), {});
    if (!builder) {
      return usage_error("root builds nothing itself", "name another user with --builder-user");
    }
  }
  GW_TRY(const BuildPlace place, BuildPlace::make(dir, directory, builder));
  GW_TRY(const Built built, build_in(place, key, builds, ca_file, builder));
  const std::string made = fmt::format("{}/out/{}", place.name(), build::binary_name(key));
  GW_TRY(const os::Fd file, dir.open_file(made, O_RDONLY | O_NONBLOCK));
  GW_TRY(os::NewFile ours, dir.new_file(kProgram));
  GW_CHECK(copy_built(file.get(), ours, built, key));
  GW_CHECK(ours.publish(out.file));
  GW_CHECK(link_first(dir, out, directory));
  out.sum = built.sum;
  return out;
}

std::string format_unit(const std::string& name, const std::string& directory,
                        const std::vector<std::string>& words) {
  std::string command;
  for (const std::string& word : words) command += (command.empty() ? "" : " ") + unit_word(word);
  std::string path;
  for (const char c : directory) path += c == '%' ? "%%" : std::string(1, c);
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
      name, path, command);
}

}  // namespace gw::supervise
