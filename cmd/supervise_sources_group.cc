// The options of gwtool supervise about who knows versions and who builds.
#include <fmt/format.h>

#include "build/agreement.h"
#include "build/client.h"
#include "dns/module_name.h"
#include "dns/name.h"
#include "module/proxy.h"
#include "net/source.h"
#include "net/vulnerability_database.h"
#include "supervise_group.h"
#include "tlog/note.h"

namespace gw::cmd {

void add_supervise_sources(Command& c, const std::shared_ptr<SuperviseValues>& v) {
  c.add(text_option("dns", "ZONE|off", &v->dns, "the zone that tells of new versions")
            .check([](std::string_view text) -> Status {
              if (text == kSwitchedOff) return {};
              return dns::check_name_text(text, dns::NameUse::kDomain);
            })
            .more("One that serve-dns, or gopherwatch, serves."));
  c.add(choice_option<bool>("dnssec", "MODE", &v->need_secure,
                            {{"require", true, "an answer that is not signed does not count"},
                             {"prefer", false, "it counts; one that does not verify never does"}},
                            "what answers of DNS must be"));
  add_resolver_place(c, v.get());
  c.add(text_option("proxy", "LIST|off", &v->proxy, "module proxies to ask for all versions")
            .check([](std::string_view text) -> Status {
              if (text == kSwitchedOff) return {};
              GW_TRY([[maybe_unused]] const auto list, mod::parse_proxy_entries(text));
              return {};
            })
            .more("As GOPROXY. Asked when DNS does not answer, or when a newer version that the "
                  "policy does not want may hide one that it does."));
  c.add(text_option("toolchain-proxy", "LIST", &v->toolchain_proxy,
                    "module proxies to ask for Go's versions")
            .default_text("those of --proxy")
            .check([](std::string_view text) -> Status {
              GW_TRY([[maybe_unused]] const auto list, mod::parse_proxy_entries(text));
              return {};
            })
            .more("Asked when DNS does not say them."));
  c.add(text_option("build-key", "VKEY", &v->build_key, "the build service's verifier key")
            .check([](std::string_view text) -> Status {
              GW_TRY([[maybe_unused]] const auto key, tlog::VerifierKey::parse(text));
              return {};
            })
            .more("Without it, or --build local, nothing is installed by itself."));
  c.add(text_option("build-url", "URL", &v->build_url,
                    "the build service's address (default https:// and the key's name)")
            .check([](std::string_view text) -> Status {
              GW_TRY([[maybe_unused]] const auto base, build::service_base(text, "a"));
              return {};
            }));
  add_ca_file(c, &v->ca_file);
}

namespace {

// Other services than that of --build-key, and what is known of what runs.
void add_other_sources(Command& c, const std::shared_ptr<SuperviseValues>& v) {
  c.add(list_option("verifier", "VKEY[=URL]", &v->options.sources.verifiers,
                    "another build service, whose log must have the same record")
            .check([](std::string_view text) -> Status {
              const auto service = build::split_build_service(text);
              GW_TRY(const auto key, tlog::VerifierKey::parse(service.key));
              GW_TRY([[maybe_unused]] const auto base,
                     build::service_base(service.source, key.name()));
              return {};
            })
            .more("Repeatable; all must agree, or as many as --build-servers says. The binary is "
                  "fetched from any of those that do."));
  c.add(
      text_option("build-servers", "K/N", &v->build_servers,
                  "so many of the N build services must say the same")
          .default_text("all")
          .check([](std::string_view text) -> Status {
            GW_TRY([[maybe_unused]] const auto servers, build::parse_servers(text));
            return {};
          })
          .more("N counts that of --build-key and every --verifier. One that its log proves a liar "
                "stops the update, whatever the others say."));
  c.rules.push_back([v]() -> Status {
    const auto& others = v->options.sources.verifiers;
    if (!others.empty() && !v->build_key) return usage_error("--verifier needs --build-key");
    std::vector<build::ServiceName> services;
    if (v->build_key) services.push_back({*v->build_key, ""});
    for (const std::string& text : others) services.push_back(build::split_build_service(text));
    GW_CHECK(build::check_different(services));
    if (!v->build_servers) return {};
    GW_TRY(const auto servers, build::parse_servers(*v->build_servers));
    v->options.sources.servers = servers.first;
    if (v->build_key && servers.second == others.size() + 1) return {};
    return usage_error(fmt::format("--build-servers {}: {} are named", *v->build_servers,
                                   others.size() + (v->build_key ? 1 : 0)),
                       "that of --build-key, and one --verifier for each other");
  });
  c.add(text_option("own-updates", "DOMAIN", &v->options.sources.own_domain,
                    "a domain that announces gwtool's versions")
            .check([](std::string_view text) -> Status {
              GW_TRY([[maybe_unused]] const std::string name, dns::updates_name(text));
              return {};
            })
            .more("Asked with --dns. A newer one is told; gwtool itself is installed by packages, "
                  "and taken over from the disk."));
  c.add(text_option("vuln", "URL|DIR", &v->options.sources.vulnerabilities,
                    "a vulnerability database to look into, such as https://vuln.go.dev")
            .check(net::check_vulnerability_place)
            .more("In the form of Go's. What runs is matched by its build information, module by "
                  "module, at each look for versions; an update that mends something does not wait "
                  "for --delay. It is not signed: who serves it can hurry an update that the "
                  "policies want, and no more."));
}

// Builds of our own, and what they are made from.
void add_local_builds(Command& c, const std::shared_ptr<SuperviseValues>& v) {
  supervise::LocalBuilds* o = &v->options.local;
  c.add(choice_option<bool>("build", "WHERE", &o->wanted,
                            {{"service", false, "by the build service of --build-key"},
                             {"local", true, "on this machine, as gwtool build does it"}},
                            "where new binaries are built")
            .more("local: modules and toolchain are fetched and verified by the Go checksum "
                  "database, and compiled in a sandbox, when a version is found, before it is "
                  "due."));
  c.add(text_option("build-proxy", "LIST", &o->proxy, "module proxies for --build local")
            .check([](std::string_view text) -> Status {
              GW_TRY([[maybe_unused]] const auto list, mod::parse_proxy_entries(text));
              return {};
            }));
  c.add(text_option("log-key", "VKEY", &v->log_key,
                    "the Go checksum database's verifier key, for --build local")
            .default_text("sum.golang.org's")
            .check([](std::string_view text) -> Status {
              GW_TRY([[maybe_unused]] const auto key, tlog::VerifierKey::parse(text));
              return {};
            }));
  c.add(text_option("source", "URL|DIR", &v->log_source,
                    "where its files are (default the proxies, and https:// and the key's name)")
            .check(net::check_source));
  c.add(text_option("toolchain", "module|local|DIR", &o->toolchain,
                    "where the Go toolchain of --build local comes from")
            .more("As for gwtool build: downloaded and verified; the go command in PATH; a GOROOT, "
                  "or a directory of them named after their versions."));
  c.add(choice_option<std::string>("sandbox", "MODE", &o->sandbox,
                                   {{"full", "full", "all of it, or nothing is built"},
                                    {"partial", "partial", "what the kernel grants"},
                                    {"off", "off", "none"}},
                                   "what the go command of --build local is kept from"));
  c.add(path_option("cache", "DIR", &v->cache, PathUse::kState,
                    "verified modules and toolchains of --build local")
            .default_text("DIR/build/cache")
            .more("As root it has to be the builder's to write. Of init it is gwtool build's, as "
                  "root one that goes again."));
  c.add(text_option("builder-user", "NAME|UID", &v->builder_user, "build as this user")
            .more("Needs root. Nobody else's; without it a number that nobody has."));
  c.rules.push_back([v]() -> Status {
    if (!v->options.local.wanted || (!v->build_key && !v->build_url)) return {};
    return usage_error("--build local and a build service exclude each other");
  });
}

}  // namespace

void add_supervise_builds(Command& c, const std::shared_ptr<SuperviseValues>& v) {
  add_other_sources(c, v);
  add_local_builds(c, v);
}

}  // namespace gw::cmd
