#include "build_serve_options.h"

#include "base/bytes.h"
#include "base/text.h"
#include "build_service_group.h"
#include "buildd/build_rate_limit.h"
#include "buildd/witnesses.h"
#include "dns/name.h"
#include "http/endpoint.h"
#include "module/path.h"
#include "net/vulnerability_database.h"
#include "os/file.h"

namespace gw::cmd {

namespace {

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
            .more("URL as with --verifier. A record gets into the log here when the bytes are the "
                  "same; what differs is "
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
            .more("URL is its log's, such as https://builds.example.net/tlog, where the key's "
                  "name does not say it. "
                  "Repeatable; all must agree, and then nothing is built twice here. Services may "
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

}  // namespace

void add_serve_options(Command& c, const std::shared_ptr<BuildServeValues>& v) {
  add_serve_places(c, v.get());
  add_build_places(c, v.get());
  c.add(path_option("cache", "DIR", &v->cache, PathUse::kState,
                    "verified modules, toolchains, proofs and build logs")
            .default_text("cache in --data"));
  add_build_cache_size(
      c, v.get(),
      "What was used longest ago is removed: toolchains, compiled packages, logs. "
      "Modules stay, so that every record can be rebuilt when nobody else has them.");
  add_serve_rules(c, v.get());
  c.rules.push_back([v]() -> Status {
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
}

}  // namespace gw::cmd
