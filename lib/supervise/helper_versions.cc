// The helper asks for versions: DNS, module proxies, and what authors say in go.mod.
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/result.h"
#include "build/resolve.h"
#include "dns/answer_text.h"
#include "dns/module_name.h"
#include "module/goversion.h"
#include "module/proxy.h"
#include "module/semver.h"
#include "net/resolver.h"
#include "supervise/helper.h"
#include "supervise/helper_parts.h"

namespace gw::supervise {

void add_problem(Discovered& found, const std::string& text) {
  if (found.problem.find(text) != std::string::npos) return;
  found.problem += (found.problem.empty() ? "" : "; ") + text;
}

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

namespace {

using namespace std::chrono_literals;

constexpr auto kSourceTime = 30s;

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

// What gwtool's own domain announces.
Status read_own(const std::vector<std::string>& texts, Discovered& found) {
  GW_TRY(const auto version, dns::parse_updates(texts));
  found.own_version = version.value_or("");
  return {};
}

// Module, toolchain and gwtool itself at once. Of the last nothing is no failure.
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
  std::vector<net::Question> questions{{module}, {toolchain}};
  if (!s.own_domain.empty()) {
    GW_TRY(std::string own, dns::updates_name(s.own_domain));
    questions.push_back({std::move(own)});
  }
  const auto answers = resolver.lookup(questions, clock.mono() + kSourceTime);
  if (answers.size() > 2) {
    const auto texts = texts_of(answers[2], s.need_secure);
    const Status read = texts ? read_own(*texts, found) : Status(texts.error());
    if (!read) add_problem(found, read.error().message);
  }
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

}  // namespace

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
    if (!proxy) add_problem(found, proxy.error().message);
  } else if (!dns) {
    return std::move(dns).error();
  }
  if (!dns && has_dns) add_problem(found, dns.error().message);
  if (auto go = ask_toolchains(job, found); !go && go.error().kind != ErrorKind::kNotFound) {
    add_problem(found, go.error().message);
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
      add_problem(found, read.error().message);
      // Nobody knows whether what is new was withdrawn: it waits for the next look.
      std::erase_if(found.versions, [&](const auto& v) { return !job.known.contains(v.first); });
    }
  }
  return found;
}

}  // namespace gw::supervise
