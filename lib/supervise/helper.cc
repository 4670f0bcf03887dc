#include "supervise/helper.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "build/client.h"
#include "build/proxy_client.h"
#include "build/resolve.h"
#include "dns/answer_text.h"
#include "dns/module_name.h"
#include "module/gomod.h"
#include "module/goversion.h"
#include "module/proxy.h"
#include "module/semver.h"
#include "net/http.h"
#include "net/resolver.h"
#include "net/source.h"
#include "supervise/proof.h"
#include "supervise/readiness.h"

namespace gw::supervise {
namespace {

using namespace std::chrono_literals;

constexpr auto kSourceTime = 30s;
constexpr std::size_t kMaxGoMods = 20;  // a check; the newest ones
constexpr auto kBuildTime = 10min;      // a service builds while one waits

net::HttpOptions http_options(const Sources& sources) {
  net::HttpOptions options;
  options.ca_file = sources.ca_file;
  return options;
}

// The texts of an answer that counts.
Result<std::vector<std::string>> texts_of(const Result<net::DnsAnswer>& answer, bool need_secure) {
  if (!answer) return answer.error();
  if (answer->security == net::DnsSecurity::kBogus) {
    return untrusted_error("the DNS answer does not verify: " + answer->why_bogus);
  }
  if (need_secure && answer->security != net::DnsSecurity::kSecure) {
    return untrusted_error("the DNS answer is not signed", "--dnssec prefer takes it");
  }
  std::vector<std::string> out;
  for (const std::string& rdata : answer->data) {
    GW_TRY(std::string text, net::join_txt(rdata));
    out.push_back(std::move(text));
  }
  return out;
}

Status read_module(const std::vector<std::string>& texts, Discovered& found) {
  for (const std::string& text : texts) {
    GW_TRY(const auto versions, dns::parse_module_answer(text));
    for (const dns::ModuleVersion& v : versions) found.versions[v.version] = {v.found};
  }
  return {};
}

Status read_toolchains(const std::vector<std::string>& texts, Discovered& found) {
  for (const std::string& text : texts) {
    GW_TRY(const auto versions, dns::parse_toolchain_answer(text));
    for (const dns::ToolchainVersion& v : versions) {
      if (v.kind == dns::ToolchainKind::kNext) continue;
      auto& which =
          v.kind == dns::ToolchainKind::kCurrent ? found.toolchains.cur : found.toolchains.prev;
      which = v.version;
      found.toolchain_times[v.version] = v.found;
    }
  }
  return {};
}

// Module and toolchain at once.
Status ask_dns(const Job& job, const Clock& clock, Discovered& found) {
  const Sources& s = job.sources;
  GW_TRY(const auto names, dns::ModuleNames::in_zone(s.dns));
  GW_TRY(const auto path, mod::ModulePath::parse(job.key.module));
  GW_TRY(const std::string module, names.of_module(path));
  GW_TRY(const std::string toolchain, names.of_toolchain());
  net::ResolverOptions options;
  options.resolver = s.resolver;
  options.trust_anchor_file = s.trust_anchor;
  options.recurse = s.resolver.empty();
  GW_TRY(auto resolver, net::Resolver::create(std::move(options)));
  const std::vector<net::Question> questions{{module}, {toolchain}};
  const auto answers = resolver.lookup(questions, clock.mono() + kSourceTime);
  GW_TRY(const auto go, texts_of(answers[1], s.need_secure));
  GW_CHECK(read_toolchains(go, found));
  GW_TRY(const auto own, texts_of(answers[0], s.need_secure));
  return read_module(own, found);
}

Status ask_proxy(const Job& job, Discovered& found) {
  GW_TRY(auto proxy, build::ProxyClient::create(job.sources.proxy, http_options(job.sources)));
  GW_TRY(const std::string list,
         proxy->fetch({mod::ProxyRequest::Kind::kList, job.key.module, ""}));
  for (std::string& version : mod::parse_version_list(job.key.module, list)) {
    found.versions.try_emplace(std::move(version));
  }
  return {};
}

// Go's own versions, where DNS says nothing of them: the newest release, and that of the minor
// before it.
Status ask_toolchains(const Job& job, Discovered& found) {
  const Sources& s = job.sources;
  const std::string& list = s.toolchain_proxy.empty() ? s.proxy : s.toolchain_proxy;
  if (list.empty() || !found.toolchains.cur.empty()) return {};
  GW_TRY(auto proxy, build::ProxyClient::create(list, http_options(s)));
  GW_TRY(const std::string answer,
         proxy->fetch({mod::ProxyRequest::Kind::kList, std::string(mod::kToolchainModule), ""}));
  const std::string platform =
      fmt::format("{}-{}", build::host_target().goos, build::host_target().goarch);
  for (std::string& go :
       build::go_releases(mod::parse_version_list(mod::kToolchainModule, answer), platform)) {
    const auto version = mod::parse_go_version(go);
    const auto newest = mod::parse_go_version(found.toolchains.cur);
    if (!version) continue;
    if (!newest) {
      found.toolchains.cur = std::move(go);
    } else if (version->minor != newest->minor) {
      found.toolchains.prev = std::move(go);
      break;
    }
  }
  return {};
}

// The versions that are newer than what runs, found now or known before; ascending.
std::vector<std::string> newer_versions(const Job& job, const Discovered& found) {
  std::vector<std::string> out;
  const auto running = mod::parse_semver(job.key.version);
  const auto take = [&](const std::string& text) {
    const auto version = mod::parse_semver(text);
    if (running && version && mod::compare_semver(*version, *running) > 0) out.push_back(text);
  };
  for (const auto& [version, seen] : found.versions) take(version);
  for (const auto& [version, line] : job.known) {
    if (!found.versions.contains(version)) take(version);
  }
  std::sort(out.begin(), out.end(), [](const std::string& a, const std::string& b) {
    return mod::compare_semver(*mod::parse_semver(a), *mod::parse_semver(b)) < 0;
  });
  return out;
}

Result<mod::GoMod> fetch_gomod(build::ProxyClient& proxy, const std::string& module,
                               const std::string& version) {
  GW_TRY(const std::string text, proxy.fetch({mod::ProxyRequest::Kind::kMod, module, version}));
  return mod::parse_gomod(text, mod::GoModMode::kLax);
}

// What authors say in go.mod: the newest one's word counts for all versions, as to what is
// withdrawn; and each says which Go it needs. It is not proven here, and need not be: it can only
// keep a version from being installed, or have it built with a newer toolchain.
Status read_gomods(const Job& job, Discovered& found) {
  const std::vector<std::string> versions = newer_versions(job, found);
  const std::string newest = build::newest_version(versions);
  if (newest.empty()) return {};
  GW_TRY(auto proxy, build::ProxyClient::create(job.sources.proxy, http_options(job.sources)));
  GW_TRY(const mod::GoMod gomod, fetch_gomod(*proxy, job.key.module, newest));
  if (gomod.module) found.deprecated = gomod.module->deprecated;
  std::size_t asked = 0;
  for (auto at = versions.rbegin(); at != versions.rend(); ++at) {
    if (build::is_retracted(gomod.retract, *at)) {
      found.retracted.push_back(*at);
      found.versions.erase(*at);
      continue;
    }
    const auto known = job.known.find(*at);
    if (known != job.known.end() && !known->second.empty()) continue;
    const bool same_major =
        mod::parse_semver(*at)->major == mod::parse_semver(job.key.version)->major;
    if (!same_major || ++asked > kMaxGoMods) continue;
    const auto own =
        *at == newest ? Result<mod::GoMod>(gomod) : fetch_gomod(*proxy, job.key.module, *at);
    if (own && own->go) found.go_lines[*at] = own->go->text;
  }
  return {};
}

bool has_newer(const Job& job, const Discovered& found) {
  const auto running = mod::parse_semver(job.key.version);
  return running &&
         std::any_of(found.versions.begin(), found.versions.end(), [&](const auto& entry) {
           const auto version = mod::parse_semver(entry.first);
           return version && mod::compare_semver(*version, *running) > 0;
         });
}

// DNS has one release a major: a newer one that the policy does not want may hide one that it does.
bool may_hide_some(const Job& job, const Discovered& found) {
  if (!has_newer(job, found)) return false;
  update::Situation situation;
  situation.running = {job.key.version, job.key.go_version};
  for (const auto& [version, seen] : found.versions) situation.listed.push_back(version);
  const update::Policies policies{job.policies.module, update::ToolchainPolicy::kManual, false};
  return job.policies.every_version || !update::choose(policies, situation).target;
}

// ---- builds ----

Status write_frame(int out, FrameKind kind, std::string_view payload) {
  const int error = write_all(out, format_frame(kind, payload));
  return error == 0 ? Status() : errno_error("writing to the supervisor", error);
}

Status fetch(const Job& job, int out) {
  const Sources& s = job.sources;
  GW_TRY(auto key, tlog::VerifierKey::parse(s.build_key));
  GW_TRY(const std::string base, build::service_base(s.build_url, key.name()));
  GW_TRY(const auto source, log_source(s, base));
  RecordingSource recording(*source);
  tlog::Client client(recording, std::move(key), tlog::kBuildLog);
  const auto build = build::prove_build(client, job.key, job.head);
  // Also of what does not verify: the supervisor sees for itself, and keeps the evidence.
  if (build || build.error().kind == ErrorKind::kUntrusted) {
    GW_CHECK(write_frame(out, FrameKind::kProof, format_proof(recording.files())));
  }
  if (!build) return build.error();
  if (job.kind == Job::Kind::kProve) return {};
  GW_TRY(auto http, net::HttpClient::create(http_options(s)));
  return build::download(http, base, *build, [&](std::string_view bytes) -> Status {
    while (!bytes.empty()) {
      const std::string_view piece = bytes.substr(0, kMaxData);
      GW_CHECK(write_frame(out, FrameKind::kData, piece));
      bytes.remove_prefix(piece.size());
    }
    return {};
  });
}

}  // namespace

Result<std::unique_ptr<tlog::TileSource>> log_source(const Sources& sources,
                                                     const std::string& base) {
  GW_TRY(const auto key, tlog::VerifierKey::parse(sources.build_key));
  net::SourceOptions options;
  options.log_name = key.name();
  options.source = base + "/tlog";
  options.http = http_options(sources);
  options.http.stall_timeout = kBuildTime;
  options.timeout = kBuildTime;
  return net::make_source(options);
}

Result<Discovered> discover(const Job& job, const Clock& clock) {
  Discovered found;
  const bool has_dns = !job.sources.dns.empty();
  Status dns = has_dns ? ask_dns(job, clock, found) : not_found_error("DNS is not asked");
  // What DNS said before it failed is no answer.
  if (!dns) found = {};
  const bool has_proxy = !job.sources.proxy.empty();
  const bool listed = has_proxy && (!dns || may_hide_some(job, found));
  if (listed) {
    Status proxy = ask_proxy(job, found);
    if (!proxy && !dns) return has_dns ? dns.error() : proxy.error();
    if (!proxy) found.problem = proxy.error().message;
  } else if (!dns) {
    return std::move(dns).error();
  }
  if (!dns && has_dns) found.problem = dns.error().message;
  if (auto go = ask_toolchains(job, found); !go && go.error().kind != ErrorKind::kNotFound) {
    found.problem = go.error().message;
  }
  if (has_proxy) {
    auto read = read_gomods(job, found);
    // What DNS named was withdrawn: something older may be the newest that was not.
    if (read && !listed && dns && !found.retracted.empty() && ask_proxy(job, found)) {
      auto retracted = std::exchange(found.retracted, {});
      read = read_gomods(job, found);
      if (!read) found.retracted = std::move(retracted);
    }
    if (!read && read.error().kind != ErrorKind::kNotFound) {
      found.problem = read.error().message;
      // Nobody knows whether what is new was withdrawn: it waits for the next look.
      std::erase_if(found.versions, [&](const auto& v) { return !job.known.contains(v.first); });
    }
  }
  return found;
}

namespace {

Status post_event(const Job& job) {
  GW_TRY(auto http, net::HttpClient::create(http_options(job.sources)));
  net::HttpRequest request;
  request.url = job.where;
  request.method = "POST";
  request.headers = {{"Content-Type", "application/json"}};
  request.body = job.body;
  request.timeout = std::chrono::milliseconds(job.timeout_ms);
  GW_TRY(const net::HttpResponse response, http.fetch_one(request));
  if (response.status >= 200 && response.status < 300) return {};
  return unavailable_error(
      fmt::format("{}: status {}", net::redact_url(job.where), response.status));
}

}  // namespace

Status help(const Job& job, int out, const Clock& clock) {
  if (job.kind == Job::Kind::kTell) return post_event(job);
  if (job.kind == Job::Kind::kReady) {
    GW_TRY(const Readiness readiness, parse_readiness(job.where));
    return try_readiness(readiness, std::chrono::milliseconds(job.timeout_ms));
  }
  if (job.kind == Job::Kind::kDiscover) {
    auto found = discover(job, clock);
    if (found) return write_frame(out, FrameKind::kAnswer, format_discovered(*found));
    return write_frame(out, FrameKind::kError, format_error(found.error()));
  }
  if (auto fetched = fetch(job, out); !fetched) {
    return write_frame(out, FrameKind::kError, format_error(fetched.error()));
  }
  return {};
}

}  // namespace gw::supervise
