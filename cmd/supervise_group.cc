#include "supervise_group.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "build/agreement.h"
#include "build/client.h"
#include "dns/module_name.h"
#include "dns/name.h"
#include "frame/settings.h"
#include "http/endpoint.h"
#include "module/proxy.h"
#include "net/http.h"
#include "net/resolver.h"
#include "net/vulnerability_database.h"
#include "os/file.h"
#include "os/user.h"
#include "supervise/local_zone.h"
#include "tlog/note.h"

namespace gw::cmd {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using update::ModulePolicy;
using update::ToolchainPolicy;

constexpr std::string_view kSwitchedOff = "off";

void add_policies(Command& c, DecisionValues* v) {
  c.add(choice_option<ModulePolicy>(
      "module-policy", "POLICY", &v->policies.module,
      {{"patch", ModulePolicy::kPatch, "the newest release of the same minor version"},
       {"minor", ModulePolicy::kMinor, "the newest release of the same major version"},
       {"manual", ModulePolicy::kManual, "none by itself"}},
      "which module versions are installed by themselves"));
  c.add(choice_option<ToolchainPolicy>(
      "toolchain-policy", "POLICY", &v->policies.toolchain,
      {{"follow", ToolchainPolicy::kFollow,
        "as supported, and new module versions with the current Go"},
       {"supported", ToolchainPolicy::kSupported,
        "the newest patch of its minor, then of the previous supported one"},
       {"patch", ToolchainPolicy::kPatch, "the newest patch of its minor"},
       {"minor", ToolchainPolicy::kMinor, "the current Go"},
       {"manual", ToolchainPolicy::kManual, "none by itself"}},
      "which Go toolchains are taken by themselves"));
  c.add(flag_option("every-version", &v->policies.every_version,
                    "install each release in turn, none is left out")
            .more("For services that migrate their data from one release to the next."));
}

void add_update(Command& c, const std::shared_ptr<SuperviseValues>& v) {
  supervise::Options* o = &v->options;
  c.add(duration_option("interval", &o->interval, minutes(1), hours(24 * 30),
                        "pause between two looks for new versions"));
  c.add(duration_option("first-check", &o->first_check, seconds(0), hours(24),
                        "how long after the start the first look is"));
  c.add(flag_option("monitor", &o->monitor, "look for new versions, install none by itself"));
  c.add(text_option("before", "COMMAND", &o->before, "run this before each update")
            .more("By /bin/sh, while the old version still runs: a backup, a veto. 0: go on; 75: "
                  "try later; anything else: never this version. GW_OLD and GW_NEW are the files, "
                  "GW_VERSION and GW_GO_VERSION what is to be installed."));
  c.add(duration_option("trial", &v->trial, milliseconds(10), hours(1),
                        "how long a new version must run to be kept"));
  c.add(
      text_option("ready", "HOW", &v->ready, "how a new version shows that it is ready")
          .check([](std::string_view text) -> Status {
            GW_TRY([[maybe_unused]] const auto readiness, supervise::parse_readiness(text));
            return {};
          })
          .more("Instead of --trial. notify: it says READY=1 to its NOTIFY_SOCKET, as services of "
                "systemd do. http://ADDR/PATH: the answer's status is from 200 to 299. "
                "tcp:ADDR:PORT or tcp:unix:PATH: it accepts a connection. exec:COMMAND, or a "
                "command alone, run by /bin/sh with GW_PID: it ends with 0. All but notify are "
                "tried each second."));
  c.add(flag_option("overlap", &o->overlap, "start a new version beside the old one")
            .more("With --listen or a socket unit, and --ready notify or a command: the old one "
                  "answers until the new one is ready, and goes on where that fails. Not for "
                  "services that lock a file."));
  c.rules.push_back([v]() -> Status {
    if (!v->options.overlap) return {};
    GW_TRY(const auto ready, supervise::parse_readiness(v->ready.value_or("")));
    if (ready.by == supervise::ReadyBy::kNotify || ready.by == supervise::ReadyBy::kCommand) {
      return {};
    }
    return usage_error("--overlap needs --ready notify, or a command",
                       "by an address the old version would answer for the new one");
  });
  c.add(duration_option("ready-timeout", &o->ready_timeout, milliseconds(100), hours(1),
                        "how long a new version may take to become ready"));
  c.add(custom_option(
            "ready-passes", "N",
            [o](std::string_view text) -> Status {
              const auto n = parse_decimal(text);
              if (!n || *n == 0 || *n > 1000) return usage_error("from 1 to 1000");
              o->ready_passes = static_cast<unsigned>(*n);
              return {};
            },
            "so many times in a row")
            .default_text("3"));
  c.add(duration_option("stop-timeout", &o->stop_timeout, milliseconds(10), hours(24),
                        "how long the service may take to end before it is killed"));
  c.add(text_option("on-event", "COMMAND", &o->on_event, "run this when something happened")
            .more("By /bin/sh, with GW_EVENT, GW_VERSION, GW_GO_VERSION and GW_MESSAGE."));
  c.add(text_option("event-url", "URL", &o->event_url, "post JSON there when something happened")
            .check(net::check_url)
            .more("With event, time, host, package, version, go_version, by and message."));
  c.add(
      list_option("event", "NAME", &o->events, "of these alone --on-event and --event-url tell")
          .default_text("all")
          .check([](std::string_view text) -> Status {
            constexpr std::array kEvents{"updated",     "failed",    "untrusted",  "skipped",
                                         "rolled-back", "cancelled", "vulnerable", "exited"};
            if (std::find(kEvents.begin(), kEvents.end(), text) != kEvents.end()) return {};
            return usage_error(gw::quoted(text) + " is no event",
                               "updated, failed, untrusted, skipped, rolled-back, cancelled, "
                               "vulnerable, exited");
          })
          .more(
              "updated, failed, untrusted, skipped, rolled-back, cancelled, vulnerable (something "
              "new is known of what runs) or exited (within a day after an update). "
              "Repeatable."));
}

Status check_page_address(std::string_view text) {
  GW_TRY([[maybe_unused]] const auto endpoint, http::Endpoint::parse(text, 8000));
  return {};
}

void add_service(Command& c, const std::shared_ptr<SuperviseValues>& v) {
  c.add(text_option("user", "NAME|UID", &v->user, "run the service as this user")
            .more("Needs root, which stays with the supervisor. The directories of the binary and "
                  "of --dir must not be the user's to write."));
  c.add(list_option("groups", "NAME|GID", &v->groups, "with these groups, the first its own one")
            .more("Instead of those that the user is in; a user who is in no file needs them."));
  c.add(text_option("helper-user", "NAME|UID", &v->helper_user,
                    "look for versions and fetch as this user")
            .more("Needs root. Not the service's user, nor one that others use: it may connect "
                  "anywhere. Without it a number that nobody has, when --user is given."));
  c.add(text_option("page-user", "NAME|UID", &v->page_user, "serve the page as this user")
            .more("Needs root. Neither the service's user nor the helper's; without it a number "
                  "that nobody has. The supervisor looks at the password itself, and does not go "
                  "back to an older version for the page."));
  c.add(list_option("listen", "ADDR:PORT|unix:PATH", &v->options.listen,
                    "hold this socket open for the service")
            .check([](std::string_view text) -> Status {
              GW_CHECK(check_page_address(text));
              if (text.starts_with("unix:") || os::SocketAddress::parse(text)) return {};
              return usage_error(gw::quoted(text) + " has no port");
            })
            .more("For one that takes sockets from systemd (LISTEN_FDS): while it is exchanged, "
                  "connections wait and none is refused. Repeatable; after those that systemd "
                  "gave."));
  c.add(list_option("ambient-capability", "NAME", &v->ambient,
                    "a capability that it has without being root")
            .check([](std::string_view text) -> Status {
              GW_TRY([[maybe_unused]] const int number, os::parse_capability(text));
              return {};
            }));
  c.add(list_option("limit", "NAME=N", &v->limits, "a resource limit, such as nofile=4096")
            .check([](std::string_view text) -> Status {
              GW_TRY([[maybe_unused]] const auto limit, os::parse_resource_limit(text));
              return {};
            }));
  c.add(flag_option("no-new-privileges", &v->options.no_new_privileges,
                    "nothing that it runs can gain privileges")
            .more("A file's capabilities, too, are without effect then."));
}

// NAME=URL
Result<std::pair<std::string, std::string>> parse_link(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == 0 || equals == text.npos) return usage_error("not NAME=URL: " + gw::quoted(text));
  GW_CHECK(net::check_url(text.substr(equals + 1)));
  return std::pair(std::string(text.substr(0, equals)), std::string(text.substr(equals + 1)));
}

void add_page(Command& c, const std::shared_ptr<SuperviseValues>& v) {
  c.add(
      text_option("admin-listen", "ADDR:PORT|unix:PATH", &v->admin, "serve a web page there")
          .check(check_page_address)
          .more("What runs, what will be installed when and why, and buttons; /json, and webhooks "
                "with --webhook-token-file. For the user admin with the password. On loopback or "
                "a Unix socket; elsewhere only with --certificate."));
  c.add(text_option("metrics-listen", "ADDR:PORT|unix:PATH", &v->metrics,
                    "serve /metrics and /service-version there")
            .check(check_page_address)
            .more("Without a password. May be the same address."));
  c.add(path_option("password-file", "FILE", &v->password, PathUse::kSecret,
                    "the page's password, a line")
            .default_text("DIR/password, made when missing"));
  c.add(path_option("webhook-token-file", "FILE", &v->token, PathUse::kSecret,
                    "the bearer token of webhooks, a line")
            .more("POST /notify and /notifytoolchain of the page's address look for new versions: "
                  "at once, and after 5 and 15 minutes."));
  c.add(list_option("admin-origin", "ORIGIN", &v->origins,
                    "the page's address in browsers, behind a proxy")
            .check([](std::string_view text) -> Status {
              GW_TRY([[maybe_unused]] const auto host, supervise::host_of_origin(text));
              return {};
            })
            .more("Such as https://ops.example.org. What another site's page sends is refused."));
  c.add(list_option("admin-name", "NAME", &v->options.web.names,
                    "a host's name by which page and metrics may be asked for")
            .check([](std::string_view text) { return dns::check_host_text(text); })
            .more("Besides addresses, localhost and the hosts of --admin-origin; other names get "
                  "421, so that no web page of somebody else's reads them by a name that it lets "
                  "lead here. With --certificate no name is looked at."));
  c.add(list_option("link", "NAME=URL", &v->links, "a link to show on the page")
            .check([](std::string_view text) -> Status {
              GW_TRY([[maybe_unused]] const auto link, parse_link(text));
              return {};
            }));
  c.add(path_option("certificate", "FILE", &v->certificate, PathUse::kInput,
                    "serve both with TLS, by this certificate"));
  c.add(path_option("certificate-key", "FILE", &v->certificate_key, PathUse::kSecret,
                    "the certificate's key"));
  c.rules.push_back([v]() -> Status {
    if (v->certificate.has_value() != v->certificate_key.has_value()) {
      return usage_error("--certificate and --certificate-key need each other");
    }
    return {};
  });
}

Result<os::User> user_of(const SuperviseValues& v) {
  auto user = os::find_user(v.user);
  const auto uid = parse_decimal(v.user);
  if (!user && (!uid || v.groups.empty() || *uid > 0xfffffffe)) {
    return std::move(user).error().in("--user");
  }
  os::User out = user ? *std::move(user) : os::User{v.user, "/", {static_cast<uid_t>(*uid), 0, {}}};
  if (v.groups.empty()) return out;
  out.identity.groups.clear();
  for (const std::string& name : v.groups) {
    auto gid = os::find_group(name);
    if (!gid) return std::move(gid).error().in("--groups");
    if (out.identity.groups.empty()) out.identity.gid = *gid;
    out.identity.groups.push_back(*gid);
  }
  auto& groups = out.identity.groups;
  std::sort(groups.begin(), groups.end());
  groups.erase(std::unique(groups.begin(), groups.end()), groups.end());
  return out;
}

Result<std::optional<os::User>> other_user(const std::string& name, const std::string& option) {
  if (name.empty()) return std::optional<os::User>();
  auto user = os::find_user(name);
  if (!user) return std::move(user).error().in(option);
  return std::optional<os::User>(*std::move(user));
}

// All of them are different people.
Status read_other_users(const SuperviseValues& v, supervise::Options& out) {
  GW_TRY(out.helper_user, other_user(v.helper_user, "--helper-user"));
  GW_TRY(out.page_user, other_user(v.page_user, "--page-user"));
  GW_TRY(out.builder_user, other_user(v.builder_user, "--builder-user"));
  const auto same = [](const std::optional<os::User>& a, const std::optional<os::User>& b) {
    return a && b && a->identity.uid == b->identity.uid;
  };
  if (same(out.helper_user, out.user)) {
    return usage_error("--helper-user is --user", "the service must not be able to act as it");
  }
  if (same(out.page_user, out.user)) {
    return usage_error("--page-user is --user", "the service must not be able to act as it");
  }
  for (const auto* user : {&out.user, &out.page_user, &out.helper_user}) {
    if (same(out.builder_user, *user)) return usage_error("--builder-user is another's, too");
  }
  if (out.builder_user && out.builder_user->identity.uid == 0) {
    return usage_error("--builder-user is root");
  }
  if (same(out.page_user, out.helper_user)) return usage_error("--page-user is --helper-user");
  return {};
}

}  // namespace

void add_supervise_dir(Command& command, std::string* out) {
  command.add(path_option("dir", "DIR", out, PathUse::kState,
                          "the directory of the supervisor's state, lock and control socket")
                  .inherit());
}

void add_time_zone(Command& command, std::optional<std::string>* out) {
  command.add(text_option("time-zone", "ZONE", out, "the time zone of the schedule")
                  .default_text("the machine's")
                  .check([](std::string_view text) -> Status {
                    GW_TRY([[maybe_unused]] const auto zone,
                           supervise::named_zone(std::string(text)));
                    return {};
                  })
                  .more("Such as Europe/Amsterdam, or a rule as in TZ.")
                  .inherit());
}

Result<update::TimeZone> zone_of(const std::optional<std::string>& name) {
  if (name) return supervise::named_zone(*name);
  return supervise::local_zone(process_environment()("TZ"));
}

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
  c.add(text_option("resolver", "ADDR[@PORT]", &v->resolver,
                    "the DNS server to ask (default the system's)")
            .check(net::check_resolver_address));
  c.add(path_option("trust-anchor", "FILE", &v->trust_anchor, PathUse::kInput,
                    "DS or DNSKEY records to trust instead of the built-in root keys"));
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
                    "where its files are (default the proxies, and https:// and the key's name)"));
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

void add_decisions(Command& c, DecisionValues* v) {
  add_policies(c, v);
  c.add(duration_option("delay", &v->timing.delay, seconds(0), hours(24 * 365),
                        "how old a version must be to be installed by itself"));
  c.add(list_option("schedule", "DAYS HOURS", &v->schedule, "when updates may be installed")
            .default_text("always")
            .check([](std::string_view text) -> Status {
              const std::string item(text);
              GW_TRY([[maybe_unused]] const auto parsed, update::Schedule::parse({&item, 1}));
              return {};
            })
            .more("Such as 'mo-fr 9-17', 'sa,su' or '22-24'. Repeatable: whenever one of them says "
                  "so."));
  add_time_zone(c, &v->time_zone);
  c.add(list_option("blackout", "DATE[/DATE]", &v->blackouts, "days without updates")
            .check([](std::string_view text) -> Status {
              GW_TRY([[maybe_unused]] const auto parsed, update::parse_blackout(text));
              return {};
            })
            .more("Such as 2026-12-24/2027-01-02. Repeatable."));
  c.add(duration_option("jitter", &v->timing.jitter, seconds(0), hours(24),
                        "updates begin up to so much later, each host at a moment of its own"));
  c.add(duration_option("grace", &v->timing.grace, seconds(0), hours(24 * 30),
                        "pause after an update that succeeded"));
}

Result<update::Schedule> DecisionValues::make_schedule() const {
  GW_TRY(auto out, update::Schedule::parse(schedule));
  GW_TRY(auto zone, zone_of(time_zone));
  out.set_zone(std::move(zone));
  std::vector<update::Blackout> days;
  for (const std::string& text : blackouts) {
    GW_TRY(const auto blackout, update::parse_blackout(text));
    days.push_back(blackout);
  }
  out.set_blackouts(std::move(days));
  return out;
}

void add_supervise(Command& c, const std::shared_ptr<SuperviseValues>& v) {
  c.add(positionals("COMMAND", &v->options.command, true,
                    "the service, a path with a slash, and its arguments")
            .on_command_line_only());
  add_supervise_dir(c, &v->dir);
  add_supervise_sources(c, v);
  add_supervise_builds(c, v);
  add_decisions(c, &v->decisions);
  add_update(c, v);
  add_page(c, v);
  add_service(c, v);
}

Result<supervise::Options> supervise_options(const SuperviseValues& v) {
  supervise::Options out = v.options;
  out.directory = v.dir;
  out.policies = v.decisions.policies;
  out.timing = v.decisions.timing;
  GW_TRY(out.schedule, v.decisions.make_schedule());
  out.trial = v.trial;
  GW_TRY(out.ready, supervise::parse_readiness(v.ready.value_or("")));
  out.sources.dns = v.dns == kSwitchedOff ? "" : v.dns;
  out.sources.need_secure = v.need_secure;
  out.sources.resolver = v.resolver.value_or("");
  out.sources.trust_anchor = v.trust_anchor.value_or("");
  out.sources.proxy = v.proxy == kSwitchedOff ? "" : v.proxy;
  out.sources.toolchain_proxy = v.toolchain_proxy.value_or("");
  out.sources.build_key = v.build_key.value_or("");
  out.sources.build_url = v.build_url.value_or("");
  out.sources.ca_file = v.ca_file.value_or("");
  out.local.log_key = v.log_key.value_or("");
  // It works in a directory of its own.
  const auto absolute = [](const std::string& place) {
    const bool path = place.find("://") == place.npos && place.find('/') != place.npos;
    return path ? os::real_path(place) : place;
  };
  const auto& database = out.sources.vulnerabilities;
  if (!database.empty() && database.find("://") == database.npos) {
    out.sources.vulnerabilities = os::real_path(database);
  }
  out.local.log_source = absolute(v.log_source.value_or(""));
  out.local.toolchain = absolute(out.local.toolchain);
  if (v.cache) out.local.cache = os::real_path(*v.cache);
  out.web.admin = v.admin.value_or("");
  out.web.metrics = v.metrics.value_or("");
  out.web.password_file = v.password.value_or("");
  out.web.token_file = v.token.value_or("");
  out.web.certificate = v.certificate.value_or("");
  out.web.certificate_key = v.certificate_key.value_or("");
  out.web.origins = v.origins;
  for (const std::string& text : v.links) {
    GW_TRY(auto link, parse_link(text));
    out.web.links.push_back(std::move(link));
  }
  if (!v.user.empty()) {
    GW_TRY(out.user, user_of(v));
  } else if (!v.groups.empty()) {
    return usage_error("--groups needs --user");
  }
  GW_CHECK(read_other_users(v, out));
  for (const std::string& text : v.ambient) {
    GW_TRY(const int number, os::parse_capability(text));
    out.ambient.push_back(number);
  }
  for (const std::string& text : v.limits) {
    GW_TRY(const auto limit, os::parse_resource_limit(text));
    out.limits.push_back(limit);
  }
  return out;
}

}  // namespace gw::cmd
