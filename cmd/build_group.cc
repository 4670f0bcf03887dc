#include "build_group.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "build/key.h"
#include "build/resolve.h"
#include "frame/settings.h"
#include "module/goversion.h"
#include "module/private_patterns.h"
#include "net/source.h"

namespace gw::cmd {

namespace {

constexpr std::string_view kAll = "all";
constexpr std::string_view kLatest = "latest";

Status add_target(BuildTargets& v, std::string_view text) {
  const auto add = [&](build::Target target) {
    if (std::find(v.targets.begin(), v.targets.end(), target) == v.targets.end()) {
      v.targets.push_back(std::move(target));
    }
  };
  if (text == kAll) {
    for (const build::KnownTarget& t : build::known_targets()) {
      if (!t.needs_cgo) add({std::string(t.goos), std::string(t.goarch)});
    }
    return {};
  }
  GW_TRY(auto target, build::parse_target(text));
  add(std::move(target));
  return {};
}

Status check_go(std::string_view text) {
  if (text == kLatest || !build::go_line_of_latest(text).empty()) return {};
  return build::check_go_version(text);
}

Status check_proxy(std::string_view text) {
  GW_TRY([[maybe_unused]] const auto entries, mod::parse_proxy_entries(text));
  return {};
}

// The proxies of a list that may carry a checksum database, in the form that net/source.h takes.
Result<std::string> log_proxies(std::string_view list) {
  std::string out;
  GW_TRY(const auto entries, mod::parse_proxy_entries(list));
  for (const mod::ProxyEntry& entry : entries) {
    if (entry.kind != mod::ProxyEntry::Kind::kUrl) continue;
    out += entry.place + (entry.after_any ? "|" : ",");
  }
  if (!out.empty()) out.pop_back();
  return out;
}

// A checksum database, at its source, or else carried by the proxies of a list.
struct SumsPlace {
  const std::string& key;
  const std::optional<std::string>& source;
  const std::string& proxies;
};
Result<std::unique_ptr<build::ModuleSums>> make_sums(const SumsPlace& place,
                                                     const build::Cache& cache,
                                                     const net::HttpOptions& http,
                                                     const Clock& clock) {
  GW_TRY(auto key, tlog::VerifierKey::parse(place.key));
  net::SourceOptions options;
  options.log_name = key.name();
  options.source = place.source.value_or("");
  options.http = http;
  if (!place.source) {
    GW_TRY(options.proxy, log_proxies(place.proxies));
  }
  GW_TRY(auto source, net::make_source(options));
  GW_TRY(const std::string path, cache.sums(key.name()));
  return std::make_unique<build::ModuleSums>(std::move(source), std::move(key), path, clock);
}

void add_private_proxies(Command& c, BuildPlaces* v) {
  c.add(text_option("private", "PATTERNS", &v->private_rules.modules,
                    "modules that nobody outside is asked about")
            .environment("GOPRIVATE")
            .check(mod::check_prefix_patterns)
            .more("Patterns of module paths, separated by commas, as the go command's GOPRIVATE. "
                  "Neither --proxy nor the checksum database of --log-key is asked about them; "
                  "where they come from, and who says what they are, is told by the next ones."));
  c.add(text_option("private-proxy", "LIST", &v->private_proxy,
                    "module proxies for private modules, as --proxy")
            .check(check_proxy));
  c.add(text_option("private-log-key", "VKEY", &v->private_log_key,
                    "the verifier key of a checksum database of private modules")
            .check([](std::string_view text) -> Status {
              GW_TRY([[maybe_unused]] const auto key, tlog::VerifierKey::parse(text));
              return {};
            })
            .more("Without one private modules are refused, but those of --nosumdb."));
  c.add(text_option("private-source", "URL|DIR", &v->private_source,
                    "where the files of that database are")
            .check(net::check_source)
            .default_text("what --private-proxy carries, or https:// and the key's name"));
  c.add(text_option("nosumdb", "PATTERNS", &v->private_rules.first_seen,
                    "private modules that may be taken as they come")
            .check(mod::check_prefix_patterns)
            .more("As the go command's GONOSUMDB, but of private modules only. Nobody vouches for "
                  "them: a version must have the sum it had when it was first seen here, which the "
                  "cache remembers, and each build with one says so."));
  c.add(path_option("netrc", "FILE", &v->netrc, PathUse::kSecret,
                    "names and passwords for proxies and databases, as in ~/.netrc")
            .more("Sent over https only, to the hosts that it names, and not to where those "
                  "redirect."));
  c.rules.push_back([v]() -> Status {
    if (v->private_source && !v->private_log_key) {
      return usage_error("--private-source without --private-log-key");
    }
    const bool any = v->private_proxy || v->private_log_key || !v->private_rules.first_seen.empty();
    if (!any || !v->private_rules.modules.empty()) return {};
    return usage_error("no module is private", "--private, or GOPRIVATE, says which ones are");
  });
}

}  // namespace

Status check_go_line(std::string_view text) {
  if (mod::parse_go_version(text)) return {};
  return usage_error(quoted(text) + ": no Go version", "such as go1.27.0");
}

void add_build_targets(Command& c, BuildTargets* v, std::string go) {
  c.add(custom_option(
            "target", "GOOS/GOARCH", [v](std::string_view text) { return add_target(*v, text); },
            "what to build it for; all: whatever can be built", true)
            .default_text("this machine")
            .more("Repeatable; several share what is fetched."));
  c.add(text_option("go", "GOVERSION|latest", &v->go, "the Go version to build it with")
            .default_text(std::move(go))
            .check(check_go)
            .more("go1.26.latest is the newest release of Go 1.26."));
  c.add(flag_option("stripped", &v->stripped, "leave the symbol table out: the linker's -s"));
}

void add_build_places(Command& c, BuildPlaces* v) {
  c.add(
      text_option("proxy", "LIST", &v->proxy, "module proxies, as in GOPROXY")
          .check(check_proxy)
          .more("https, http and file URLs: after a comma the next one is asked for what one does "
                "not have, after a | also when it fails. Repositories are never asked: direct "
                "means that there is nothing more. Without --source they are also asked for the "
                "checksum database's files."));
  add_log_place(c, &v->log);
  add_private_proxies(c, v);
  c.add(text_option("toolchain", "module|local|DIR", &v->toolchain,
                    "where the Go toolchain comes from")
            .more("module: downloaded and verified like any module. local: the go command in PATH. "
                  "DIR: a GOROOT, or a directory of them named after their versions. The last two "
                  "are trusted as they are."));
  c.add(
      text_option("go-stop-before", "GOVERSION", &v->go_stop_before,
                  "take no Go version from this one on")
          .check(check_go_line)
          .more("For as long as a new Go is not trusted yet: latest is the newest one before it."));
  using Mode = build::SandboxMode;
  c.add(
      choice_option<Mode>("sandbox", "MODE", &v->sandbox,
                          {{"full", Mode::kFull, "all of it, or nothing is built"},
                           {"partial", Mode::kPartial, "what the kernel grants; the rest is told"},
                           {"off", Mode::kOff, "none: the go command runs as you do"}},
                          "what the go command is kept from"));
  c.add(
      number_option("max-memory", "MB", &v->max_memory, 50, 100'000'000,
                    "memory that a build may use, all its processes together")
          .more("A build that reaches this limit, or one of the next, is ended, and fails for that "
                "reason."));
  c.add(number_option("max-disk", "MB", &v->max_disk, 50, 100'000'000,
                      "disk that a build may use, modules and compiled packages included"));
  c.add(number_option("max-processes", "N", &v->max_processes, 50, 100'000,
                      "processes and threads that a build may have at a time"));
  c.add(duration_option("max-time", &v->max_time, std::chrono::seconds(1), std::chrono::hours(24),
                        "how long a build may take"));
}

build::BuildLimits build_limits(const BuildPlaces& v) {
  constexpr std::uint64_t kMega = 1'000'000;
  return {v.max_memory * kMega, v.max_disk * kMega, v.max_processes, v.max_time};
}

void add_build_cache(Command& c, BuildPlaces* v) {
  c.add(path_option("cache", "DIR", &v->cache, PathUse::kState,
                    "verified modules, toolchains, proofs and build logs")
            .default_text("gwtool in $XDG_CACHE_HOME or ~/.cache"));
}

void add_build_cache_size(Command& c, BuildPlaces* v, std::string more) {
  c.add(number_option("cache-size", "MB", &v->cache_size, 0, 100'000'000,
                      "how large the cache may be, in megabytes")
            .more(std::move(more)));
}

Result<std::string> build_cache_path(const BuildPlaces& v) {
  if (v.cache) return *v.cache;
  const Environment environment = process_environment();
  if (const auto xdg = environment("XDG_CACHE_HOME"); xdg && xdg->starts_with('/')) {
    return *xdg + "/gwtool";
  }
  if (const auto home = environment("HOME"); home && home->starts_with('/')) {
    return *home + "/.cache/gwtool";
  }
  return usage_error("no directory for a cache: HOME is not set", "name one with --cache");
}

std::string wanted_go(const std::optional<std::string>& go) {
  return go && *go != kLatest ? *go : std::string();
}

Result<BuildParts> make_build_parts(const BuildPlaces& v, BuildContext context) {
  net::HttpOptions http;
  http.ca_file = v.log.ca_file.value_or("");
  http.stop = &context.stop;
  if (v.netrc) {
    GW_TRY(auto netrc, load_netrc(*v.netrc));
    http.netrc = std::make_shared<const net::Netrc>(std::move(netrc));
  }
  GW_TRY(auto cache, build::Cache::open(context.cache));
  BuildParts out{std::move(cache)};
  out.private_rules = std::make_unique<const build::PrivateRules>(v.private_rules);
  GW_TRY(out.public_proxy, build::ProxyClient::create(v.proxy, http, context.on_received));
  if (v.private_proxy) {
    GW_TRY(out.private_proxy,
           build::ProxyClient::create(*v.private_proxy, http, context.on_received));
  }
  out.proxies = std::make_unique<build::PrivateProxies>(*out.private_rules, *out.public_proxy,
                                                        out.private_proxy.get());
  GW_TRY(out.public_sums,
         make_sums({v.log.log_key, v.log.source, v.proxy}, out.cache, http, context.clock));
  std::string private_name;
  if (v.private_log_key) {
    GW_TRY(const auto key, tlog::VerifierKey::parse(*v.private_log_key));
    private_name = key.name();
    const std::string proxies = v.private_proxy.value_or("off");
    GW_TRY(out.private_sums, make_sums({*v.private_log_key, v.private_source, proxies}, out.cache,
                                       http, context.clock));
  }
  out.first_seen = std::make_unique<build::FirstSeenSums>(out.cache.first_seen(), *out.proxies);
  out.sums = std::make_unique<build::PrivateSums>(
      *out.private_rules, build::PrivateSums::Sources{*out.public_sums, out.private_sums.get(),
                                                      std::move(private_name), *out.first_seen});
  out.stop = &context.stop;
  out.store = std::make_unique<build::ModuleStore>(out.cache.download(), *out.proxies, *out.sums,
                                                   std::move(context.on_fetched));
  return out;
}

build::ToolchainPlace toolchain_place(const BuildPlaces& v, const BuildParts& parts) {
  return {{.place = v.toolchain,
           .stop_before = v.go_stop_before.value_or(""),
           .path = process_environment()("PATH").value_or(""),
           .unpacked = parts.cache.toolchains()},
          *parts.store,
          parts.stop};
}

}  // namespace gw::cmd
