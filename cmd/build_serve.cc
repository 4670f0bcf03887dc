// gwtool build serve: the service.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <memory>

#include "base/bytes.h"
#include "build/cache.h"
#include "build/key.h"
#include "build/resolve.h"
#include "build_group.h"
#include "build_service_group.h"
#include "buildd/log_verifier.h"
#include "buildd/service.h"
#include "buildd/signer.h"
#include "dns/name.h"
#include "http/endpoint.h"
#include "module/goversion.h"
#include "module/path.h"
#include "module/proxy.h"
#include "net/vulnerability_database.h"
#include "os/dir.h"
#include "os/file.h"
#include "os/signals.h"
#include "os/systemd.h"
#include "os/thread.h"
#include "os/user.h"

namespace gw::cmd {

namespace {

constexpr std::uint16_t kPagesPort = 8000;
constexpr std::uint16_t kAdminPort = 8001;
constexpr std::string_view kOff = "off";

enum class Gate : std::uint8_t { kOn, kOff };

struct BuildServeValues : BuildPlaces {
  std::string data;
  std::string key;
  std::string listen = "127.0.0.1:8000";
  std::string admin_listen = "127.0.0.1:8001";
  std::vector<std::string> admin_names;
  std::optional<std::string> tls_certificate;
  std::optional<std::string> tls_key;
  std::optional<std::string> base_url;
  std::optional<std::string> notes;
  std::optional<std::string> head_file;
  std::optional<std::string> vuln;
  std::optional<std::string> user;
  std::optional<std::string> go_oldest;
  std::uint64_t builders = os::processors();
  std::uint64_t queue = 100;
  std::uint64_t keep_binaries = 20'000;
  bool build_once = false;
  Gate gate = Gate::kOn;
  bool limits = true;
  std::vector<std::string> verifiers;
  std::chrono::seconds rebuild_every = std::chrono::hours(24);
  std::chrono::seconds verifier_wait = std::chrono::minutes(15);
  std::chrono::seconds audit_every = std::chrono::hours(24 * 7);
  std::optional<std::string> verify_only;
  std::chrono::seconds follow_every = std::chrono::minutes(1);
  std::vector<std::string> witnesses;
  std::uint64_t witness_quorum = 0;  // all
  std::chrono::seconds witness_every = std::chrono::minutes(1);
  std::vector<std::string> trusted_proxies, refused_networks, refused_agents, allowed_modules;
};

// ---- options ----

Status check_network(std::string_view text) {
  GW_TRY([[maybe_unused]] const auto network, buildd::Network::parse(text));
  return {};
}

Status check_listen(std::string_view text) {
  if (text == kOff) return {};
  GW_TRY([[maybe_unused]] const auto endpoint, http::Endpoint::parse(text, kPagesPort));
  return {};
}

// It gets into command lines that people copy.
Status check_base_url(std::string_view text) {
  std::string_view rest = text;
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (!rest.starts_with(scheme)) continue;
    rest.remove_prefix(scheme.size());
    break;
  }
  const auto plain = [](char c) {
    return is_alnum(c) || std::string_view("-._~:/[]%").find(c) != std::string_view::npos;
  };
  if (rest.size() < text.size() && !rest.empty() && rest.front() != '/' &&
      rest.find("//") == std::string_view::npos && std::all_of(rest.begin(), rest.end(), plain)) {
    return {};
  }
  return usage_error(quoted(text) + ": no service's address", "such as https://builds.example.org");
}

void add_serve_places(Command& c, BuildServeValues* v) {
  c.add(path_option("data", "DIR", &v->data, PathUse::kState,
                    "the log, what was built, and binaries; made if need be")
            .require());
  c.add(path_option("key", "FILE", &v->key, PathUse::kSecret,
                    "the log's secret key, of gwtool build genkey")
            .require());
  c.add(text_option("user", "USER", &v->user, "the user to run as, once root has read the key")
            .more("A process of its own signs, as a user that nothing else is; neither its memory "
                  "nor the key's file, if it is root's, can be read by the service then. --data "
                  "must be USER's, or in a directory where USER may make it; --listen is bound as "
                  "USER, too."));
  c.add(text_option("listen", "ADDR|unix:PATH", &v->listen, "where the pages are served")
            .check(check_listen));
  c.add(text_option("admin-listen", "ADDR|unix:PATH|off", &v->admin_listen,
                    "where the operator's pages and metrics are served")
            .check(check_listen)
            .more("Whoever reaches it may stop builds: keep it on the loopback interface."));
  c.add(list_option("admin-name", "NAME", &v->admin_names,
                    "a host's name by which these may be asked for")
            .check([](std::string_view text) { return dns::check_host_text(text); })
            .more("Besides addresses and localhost; other names get 421, so that no web page of "
                  "somebody else's reads them by a name that it lets lead here."));
  c.add(path_option("tls-certificate", "FILE", &v->tls_certificate, PathUse::kInput,
                    "serve https with this certificate, and those between it and a root"));
  c.add(path_option("tls-key", "FILE", &v->tls_key, PathUse::kSecret, "its secret key")
            .more("Both are read again when they change."));
  c.add(text_option("base-url", "URL", &v->base_url, "the service's address, for command lines")
            .check(check_base_url)
            .default_text("https:// and the key's name"));
  c.add(text_option("notes", "TEXT", &v->notes, "what the first page says of the service")
            .more("What was POSTed to /notes of --admin-listen since takes its place."));
  c.add(text_option("vuln", "DIR|URL", &v->vuln,
                    "mark versions that this vulnerability database knows, on the pages")
            .check(net::check_vulnerability_place)
            .more("Go's is https://vuln.go.dev; a directory has the same files. Of a result all "
                  "its modules count, of what is not built the module itself, and Go. Which "
                  "modules are looked at is seen by the database where it has something of them."));
  c.add(path_option("head-file", "FILE", &v->head_file, PathUse::kState,
                    "where the last published head is kept")
            .default_text("published in --data")
            .more("A database that was restored from before it is refused, as it would fork the "
                  "log. Best on another disk."));
}

void add_others(Command& c, BuildServeValues* v) {
  c.add(text_option("verify-only", "VKEY[=URL]", &v->verify_only,
                    "build what this other service has logged, all of it, and nothing else")
            .check(check_build_service)
            .more("A record gets into the log here when the bytes are the same; what differs is "
                  "told and counted."));
  c.add(duration_option("follow-every", &v->follow_every, std::chrono::seconds(1),
                        std::chrono::hours(24), "look for its new records so often"));
  c.add(
      list_option("witness", "VKEY=URL", &v->witnesses, "have each new head signed by this witness")
          .check([](std::string_view text) -> Status {
            GW_TRY([[maybe_unused]] const auto witness, buildd::Witness::parse(text));
            return {};
          })
          .more("Repeatable; as in c2sp.org/tlog-witness. The checkpoint that monitors read is "
                "then the newest one that enough witnesses have signed."));
  c.add(number_option("witness-quorum", "N", &v->witness_quorum, 0, 100,
                      "so many witnesses are enough")
            .default_text("all"));
  c.add(duration_option("witness-every", &v->witness_every, std::chrono::seconds(1),
                        std::chrono::hours(24), "ask them so often, when the log has grown"));
}

void add_serve_rules(Command& c, BuildServeValues* v) {
  c.add(number_option("builders", "N", &v->builders, 1, 256, "builds at once")
            .default_text("the number of cores")
            .more("No more than 6 as root without --user, where each is a user of its own."));
  c.add(number_option("queue", "N", &v->queue, 1, 100'000, "builds that may wait"));
  c.add(number_option("keep-binaries", "MB", &v->keep_binaries, 1, 100'000'000,
                      "binaries to keep, in megabytes")
            .more("What was not asked for for longest is removed, and built again when somebody "
                  "asks. Records stay for ever."));
  c.add(
      text_option("go-oldest", "GOVERSION", &v->go_oldest, "the oldest Go version to build with")
          .default_text("the one before the newest minor")
          .check(check_go_line)
          .more("Older versions verify less of what they fetch by themselves, and get no fixes."));
  c.add(flag_option("build-once", &v->build_once,
                    "publish without building a second time, in another directory, to compare"));
  c.add(choice_option<Gate>(
            "gate", "MODE", &v->gate,
            {{"on", Gate::kOn, "and build with none that failed"}, {"off", Gate::kOff, "never"}},
            "try each Go toolchain out before building with it")
            .more("A small module of gwtool's own is built twice, in two directories, as two users "
                  "where root builds, with the standard library compiled anew. A toolchain that "
                  "fails is told, counted, and offered no more; what came out is remembered."));
  c.add(list_option("verifier", "VKEY[=URL]", &v->verifiers,
                    "another build service, which must get the same result first")
            .check(check_build_service)
            .more("Repeatable; all must agree, and then nothing is built twice here. Services may "
                  "verify each other: each question says what the asker got, signed. gobuild's do "
                  "not know that, so that only one of the two may ask the other."));
  c.add(duration_option("verifier-wait", &v->verifier_wait, std::chrono::seconds(1),
                        std::chrono::hours(6), "how long to wait for one"));
  c.add(duration_option("rebuild-every", &v->rebuild_every, std::chrono::seconds(0),
                        std::chrono::hours(24 * 365), "build a record of old again so often")
            .more("Any one, to see that it still comes out the same; 0s: never."));
  c.add(duration_option("audit-every", &v->audit_every, std::chrono::seconds(0),
                        std::chrono::hours(24 * 365), "look at all that is kept so often")
            .more("Whether the records give the hashes and the published head, and the files are "
                  "what was built; in the background. A file that is not is removed, and built "
                  "again when somebody asks. 0s: never."));
  add_others(c, v);
  c.add(flag_option("limits", &v->limits, "limit new builds by address and network"));
  c.add(list_option("trusted-proxy", "NETWORK", &v->trusted_proxies,
                    "believe X-Forwarded-For from there")
            .check(check_network));
  c.add(list_option("refuse-network", "NETWORK", &v->refused_networks,
                    "make no builds for readers from there")
            .check(check_network));
  c.add(list_option("refuse-agent", "TEXT", &v->refused_agents,
                    "make no builds for readers whose User-Agent has this in it"));
  c.add(list_option("allow-module", "PREFIX", &v->allowed_modules,
                    "build modules of this path, or below it, only")
            .default_text("any module")
            .check([](std::string_view text) { return mod::check_import_path(text); }));
}

// ---- parts ----

Result<std::vector<buildd::Network>> networks(const std::vector<std::string>& texts) {
  std::vector<buildd::Network> out;
  for (const std::string& text : texts) {
    GW_TRY(auto network, buildd::Network::parse(text));
    out.push_back(std::move(network));
  }
  return out;
}

// Where the operator has files that messages of proxies, logs and toolchains may name.
std::vector<std::string> local_places(const BuildServeValues& v) {
  std::vector<std::string> out;
  const auto add = [&](std::string_view place) {
    constexpr std::string_view kFile = "file://";
    if (place.starts_with(kFile)) place.remove_prefix(kFile.size());
    if (place.starts_with('/')) out.emplace_back(place);
  };
  for (const std::string& list : {v.proxy, v.private_proxy.value_or("")}) {
    const auto entries = mod::parse_proxy_entries(list);
    if (!entries) continue;
    for (const mod::ProxyEntry& entry : *entries) add(entry.place);
  }
  for (const auto* place : {&v.log.source, &v.private_source, &v.vuln}) {
    if (*place) add(**place);
  }
  add(v.toolchain);
  return out;
}

Result<buildd::ServiceOptions> service_options(const BuildServeValues& v) {
  buildd::ServiceOptions out;
  out.data = v.data;
  out.published_file = v.head_file.value_or("");
  GW_TRY(out.listen, http::Endpoint::parse(v.listen, kPagesPort));
  if (v.admin_listen != kOff) {
    GW_TRY(out.admin, http::Endpoint::parse(v.admin_listen, kAdminPort));
    out.admin_names = v.admin_names;
  }
  if (v.tls_certificate) out.tls = http::TlsOptions{*v.tls_certificate, *v.tls_key};
  out.maker.sandbox = v.sandbox;
  out.maker.limits = build_limits(v);
  out.maker.max_cache_bytes = v.cache_size * 1'000'000;
  out.maker.twice = !v.build_once;
  out.maker.max_binary_bytes = v.keep_binaries * 1'000'000;
  out.rules.limits = v.limits;
  GW_TRY(out.rules.proxies, networks(v.trusted_proxies));
  GW_TRY(out.rules.refused_networks, networks(v.refused_networks));
  for (const std::string& agent : v.refused_agents) {
    out.rules.refused_agents.push_back(to_lower(agent));
  }
  out.rules.allowed_modules = v.allowed_modules;
  out.rules.hidden_paths = local_places(v);
  out.base_url = v.base_url.value_or("");
  while (out.base_url.ends_with('/')) out.base_url.pop_back();
  out.notes = v.notes.value_or("");
  out.go_versions = {v.go_oldest.value_or(""), v.go_stop_before.value_or("")};
  out.gate = v.gate == Gate::kOn;
  out.rebuild_every = v.rebuild_every;
  out.audit_every = v.audit_every;
  for (const std::string& text : v.witnesses) {
    GW_TRY(auto witness, buildd::Witness::parse(text));
    out.witnesses.push_back(std::move(witness));
  }
  out.witness_quorum = v.witness_quorum > 0 ? v.witness_quorum : out.witnesses.size();
  out.witness_every = v.witness_every;
  out.follow_every = v.follow_every;
  out.ca_file = v.log.ca_file.value_or("");
  out.builders = static_cast<unsigned>(v.builders);
  out.max_waiting = v.queue;
  return out;
}

// Pages wait for it.
Status add_vulnerabilities(buildd::ServiceOptions& options, const BuildServeValues& v,
                           const os::Stop& stop) {
  if (!v.vuln) return {};
  net::VulnerabilityDatabaseOptions database;
  database.place = *v.vuln;
  database.http.ca_file = v.log.ca_file.value_or("");
  database.http.stop = &stop;
  database.timeout = std::chrono::seconds(5);
  database.keep_index = std::chrono::hours(1);
  GW_TRY(auto opened, net::VulnerabilityDatabase::open(database));
  const std::shared_ptr<net::VulnerabilityDatabase> shared = std::move(opened);
  options.vulnerabilities = [shared](std::span<const mod::Component> have) {
    return shared->read(have);
  };
  return {};
}

BuildServiceValues asked_services(const BuildServeValues& v) {
  BuildServiceValues out;
  out.cache = v.cache.value_or(v.data + "/cache");
  out.ca_file = v.log.ca_file;
  out.wait = v.verifier_wait;
  return out;
}

// The other services that a build here waits for.
Status add_verifiers(buildd::ServiceOptions& options, const BuildServeValues& v, const Clock& clock,
                     const os::Stop& stop) {
  std::vector<std::string> all = v.verifiers;
  if (v.verify_only) {
    all.push_back(*v.verify_only);
    options.followed = [services = asked_services(v), service = split_build_service(*v.verify_only),
                        &clock,
                        &stop] { return open_build_service(services, service, clock, stop); };
  }
  std::vector<build::ServiceName> services;
  services.reserve(all.size());
  for (const std::string& text : all) services.push_back(split_build_service(text));
  GW_CHECK(build::check_different(services));
  for (const std::string& text : all) {
    GW_TRY(auto key, tlog::VerifierKey::parse(split_build_service(text).key));
    options.maker.verifiers.push_back(buildd::log_verifier(
        key.name(), [services = asked_services(v), service = split_build_service(text), &clock](
                        const os::Stop& until, const std::vector<net::HttpHeader>& headers) {
          return open_build_service(services, service, clock, until, headers);
        }));
    options.maker.verifiers.back().knows_private = v.verify_only == text;
    options.verifier_keys.push_back(std::move(key));
  }
  return {};
}

// ---- run ----

// Root gives every build a user of its own, of which there are so many: builds that shared one
// could signal each other. One more is for samples of old records.
void bound_builders(buildd::ServiceOptions& options, const Logger& log) {
  constexpr unsigned kMost = build::Cache::kNumbers / 2 - 1;
  if (options.builders <= kMost) return;
  log.warning("fewer_builders",
              {{"builders", kMost},
               {"hint", "as root builds are different users, of which there are no more"}});
  options.builders = kMost;
}

Result<int> run_serve(Context& ctx, const BuildServeValues& v) {
  GW_TRY(auto options, service_options(v));
  GW_TRY(const auto signer, buildd::SignerProcess::start("/proc/self/exe", v.key));
  const os::Notifier notifier = os::Notifier::from_environment();
  if (::geteuid() == 0 && !v.user) bound_builders(options, ctx.log);
  os::Stop stop;
  std::atomic<bool> lost = false;
  if (v.user) {
    GW_CHECK(os::become_user(*v.user));
    // From here on nothing in this process can get at the key.
    signer->give_up_key([&] {
      lost = true;
      stop.request();
    });
  }
  GW_TRY(const auto signals, os::SignalThread::start(stop, {}));
  GW_TRY(BuildParts parts,
         make_build_parts(
             v, {.cache = v.cache.value_or(v.data + "/cache"), .clock = ctx.clock, .stop = stop}));
  GW_CHECK(add_verifiers(options, v, ctx.clock, stop));
  GW_CHECK(add_vulnerabilities(options, v, stop));
  options.maker.is_private = [&parts](const std::string& module) {
    return parts.private_rules->is_private(module);
  };
  const build::ToolchainPlace place = toolchain_place(v, parts);
  const buildd::Toolchains::Source toolchains{
      [&] { return place.versions(); },
      [&](const std::string& version) { return place.find_any(version); }};
  GW_TRY(auto service,
         buildd::Service::start(
             std::move(options),
             {parts.cache, *parts.store, toolchains, signer->latest(), signer->checkpoint(),
              [&](const std::string& text) { return signer->sign_hop(text); },
              [&](const std::string& text) { return signer->sign_envelope(text); }, ctx.clock,
              ctx.log, stop}));
  service->run(notifier);
  if (lost) return unavailable_error("the signer is gone", "start the service again");
  return kExitDone;
}

// The process that serve starts to sign.
Command signer_command() {
  auto key = std::make_shared<std::string>();
  Command c("signer", "sign heads for gwtool build serve, at the other end of standard input");
  c.hidden = true;
  c.add(path_option("key", "FILE", key.get(), PathUse::kSecret, "the log's secret key").require());
  c.run = [key](Context& /*ctx*/) -> Result<int> {
    GW_CHECK(buildd::run_signer_process(STDIN_FILENO, *key));
    return kExitDone;
  };
  return c;
}

}  // namespace

void add_build_serve(Command& c) {
  auto v = std::make_shared<BuildServeValues>();
  Command serve("serve", "build on demand for others, and log every result");
  serve.doc =
      "Serves pages on which anybody gets reproducible binaries of any module. What nobody asked "
      "for before is built, twice, and its record is appended to a transparency log before anybody "
      "gets it.";
  add_serve_places(serve, v.get());
  add_build_places(serve, v.get());
  serve.add(path_option("cache", "DIR", &v->cache, PathUse::kState,
                        "verified modules, toolchains, proofs and build logs")
                .default_text("cache in --data"));
  add_build_cache_size(
      serve, v.get(),
      "What was used longest ago is removed: toolchains, compiled packages, logs. "
      "Modules stay, so that every record can be rebuilt when nobody else has them.");
  add_serve_rules(serve, v.get());
  serve.rules.push_back([v]() -> Status {
    // A proxy that is away comes back, a directory that is not there does not.
    if (v->toolchain != build::kModuleToolchain && v->toolchain != build::kLocalToolchain &&
        !os::is_directory(v->toolchain)) {
      return usage_error(v->toolchain + ": no directory", "--toolchain: module, local, or one");
    }
    if (v->witness_quorum > v->witnesses.size()) {
      return usage_error("--witness-quorum is more than there are witnesses");
    }
    if (v->tls_certificate.has_value() == v->tls_key.has_value()) return {};
    return usage_error("--tls-certificate and --tls-key belong together");
  });
  serve.run = [v](Context& ctx) { return run_serve(ctx, *v); };
  c.add(std::move(serve));
  c.add(signer_command());
}

}  // namespace gw::cmd
