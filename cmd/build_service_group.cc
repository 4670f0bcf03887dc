#include "build_service_group.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/bytes.h"
#include "build/agreement.h"
#include "build_group.h"
#include "groups.h"
#include "net/source.h"
#include "tlog/note.h"

namespace gw::cmd {

Status check_build_service(std::string_view text) {
  const auto service = split_build_service(text);
  GW_TRY([[maybe_unused]] const auto key, tlog::VerifierKey::parse(service.key));
  return net::check_source(service.source);
}

Status check_checkpoint_key(std::string_view text) {
  GW_TRY(const auto key, tlog::VerifierKey::parse(text));
  if (key.name().ends_with("/tlog")) return {};
  return usage_error(quoted(key.name()) + ": not the name of a log's second key",
                     fmt::format("the one named {}/tlog: gwtool build genkey printed both, and so "
                                 "does the service's first page",
                                 key.name()));
}

void add_build_service(Command& c, BuildServiceValues* v) {
  c.add(text_option("log-key", "VKEY", &v->log_key, "the service's verifier key")
            .check(check_build_service)
            .require());
  c.add(
      text_option("source", "URL|DIR", &v->source, "where its log is (default from the key's name)")
          .check(net::check_source)
          .more("https://NAME/tlog, or http://NAME:8000/tlog for a name without a dot."));
  c.add(duration_option("wait", &v->wait, std::chrono::seconds(1), std::chrono::hours(6),
                        "how long to wait for a build that nobody asked for before"));
  add_ca_file(c, &v->ca_file);
  c.add(path_option("cache", "DIR", &v->cache, PathUse::kState, "where heads are remembered")
            .default_text("gwtool in $XDG_CACHE_HOME or ~/.cache"));
}

void add_build_services(Command& c, BuildServiceValues* v) {
  add_build_service(c, v);
  c.add(list_option("verifier", "VKEY[=URL]", &v->verifiers,
                    "another service, whose log must have the same record")
            .check(check_build_service)
            .more("URL is its log's, as with --source. Repeatable; all must agree, or as many as "
                  "--servers says."));
  c.add(
      text_option("servers", "K/N", &v->servers, "so many of the N services must say the same")
          .default_text("all")
          .check([](std::string_view text) -> Status {
            GW_TRY([[maybe_unused]] const auto servers, build::parse_servers(text));
            return {};
          })
          .more(
              "N counts the service itself and every --verifier. Those that cannot be asked, or "
              "say something else, are told; an answer that its log does not prove is an error."));
}

Result<std::size_t> wanted_servers(const BuildServiceValues& v, std::size_t count) {
  if (v.servers.empty()) return count;
  GW_TRY(const auto servers, build::parse_servers(v.servers));
  if (servers.second == count) return servers.first;
  return usage_error(fmt::format("--servers {}: {} are named", v.servers, count),
                     "the service itself and one --verifier for each other");
}

Result<std::unique_ptr<build::LogClient>> open_build_service(const BuildServiceValues& v,
                                                             const build::ServiceName& service,
                                                             const Clock& clock,
                                                             const os::Stop& stop,
                                                             std::vector<net::HttpHeader> headers) {
  GW_TRY(auto key, tlog::VerifierKey::parse(service.key));
  BuildPlaces places;
  places.cache = v.cache;
  GW_TRY(const std::string cache, build_cache_path(places));
  const std::string state = fmt::format("{}/builds/{}", cache, key.name());
  std::error_code failed;
  std::filesystem::create_directories(state, failed);
  if (failed) return io_error(fmt::format("making {}: {}", state, failed.message()));
  build::LogClientOptions options(std::move(key));
  options.source = service.source;
  options.state = state;
  options.http.ca_file = v.ca_file.value_or("");
  options.http.stop = &stop;
  options.wait = v.wait;
  options.headers = std::move(headers);
  return build::LogClient::make(std::move(options), clock);
}

}  // namespace gw::cmd
