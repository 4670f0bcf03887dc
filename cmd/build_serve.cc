// gwtool build serve: the service.
#include <unistd.h>

#include <atomic>
#include <memory>

#include "base/text.h"
#include "build/cache.h"
#include "build_serve_options.h"
#include "build_service_group.h"
#include "buildd/hidden_paths.h"
#include "buildd/log_verifier.h"
#include "buildd/service.h"
#include "buildd/signer.h"
#include "http/endpoint.h"
#include "net/vulnerability_database.h"
#include "os/signals.h"
#include "os/systemd.h"
#include "os/user.h"

namespace gw::cmd {

namespace {

// ---- parts ----

Result<std::vector<buildd::Network>> networks(const std::vector<std::string>& texts) {
  std::vector<buildd::Network> out;
  for (const std::string& text : texts) {
    GW_TRY(auto network, buildd::Network::parse(text));
    out.push_back(std::move(network));
  }
  return out;
}

// Of files that messages of proxies, logs and toolchains may name.
std::vector<std::string> hidden_paths(const BuildServeValues& v) {
  return buildd::local_places(
      {v.proxy, v.private_proxy.value_or("")},
      {v.log.source.value_or(""), v.private_source.value_or(""), v.vuln.value_or(""), v.toolchain});
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
  out.rules.hidden_paths = hidden_paths(v);
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

// Who keeps the limits of builds.
void try_groups(build::BuildGroups& groups, const Logger& log) {
  groups.try_out();
  for (const std::string& lack : groups.lacks()) {
    log.warning("control_group", {{"error", lack}, {"hint", "what it lacks is kept by looking"}});
  }
  log.info("build_limits", {{"memory", groups.memory_by()}, {"processes", groups.processes_by()}});
}

Result<int> run_serve(Context& ctx, const BuildServeValues& v) {
  GW_TRY(auto options, service_options(v));
  // What is started before is in the way.
  auto groups = build::BuildGroups::take();
  GW_TRY(const auto signer, buildd::SignerProcess::start("/proc/self/exe", v.key));
  const os::Notifier notifier = os::Notifier::from_environment();
  if (::geteuid() == 0 && !v.user) bound_builders(options, ctx.log);
  os::Stop stop;
  std::atomic<bool> lost = false;
  if (v.user) {
    GW_TRY(const os::User user, os::find_user(*v.user));
    groups.give(user.identity);
    GW_CHECK(os::become_user(*v.user));
    // From here on nothing in this process can get at the key.
    signer->give_up_key([&] {
      lost = true;
      stop.request();
    });
  }
  try_groups(groups, ctx.log);
  options.maker.groups = &groups;
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
  add_serve_options(serve, v);
  serve.run = [v](Context& ctx) { return run_serve(ctx, *v); };
  c.add(std::move(serve));
  c.add(signer_command());
}

}  // namespace gw::cmd
