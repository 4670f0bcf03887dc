// Site's rules: who may ask for which build, and how often.
#include <fmt/format.h>

#include <algorithm>

#include "base/metrics.h"
#include "base/text.h"
#include "build/resolve.h"
#include "buildd/site.h"
#include "buildd/site_answers.h"

namespace gw::buildd {

namespace {

constexpr std::chrono::minutes kAdmittedFor{10};
constexpr std::size_t kMaxAdmitted = 100'000;

}  // namespace

bool is_allowed(std::string_view module, const std::vector<std::string>& allowed) {
  return allowed.empty() || std::any_of(allowed.begin(), allowed.end(), [&](const auto& prefix) {
           return module == prefix || (module.starts_with(prefix) && module[prefix.size()] == '/');
         });
}

// Nothing: it cannot be told.
std::optional<os::SocketAddress> Site::client_of(const http::Request& request) const {
  return client_address(request.peer, headers_of(request, "x-forwarded-for"), rules_.proxies);
}

// A stranger's question to the module proxy holds one of the threads for pages.
Status Site::may_ask(const Visit& visit) {
  if (!rules_.limits) return {};
  const auto wait = questions_.take(client_of(visit.request), true);
  if (wait.count() == 0) return {};
  metric_add(Metric::kBuildRefused, BuildRefusal::kRate);
  return too_many(wait);
}

// What a query means, in place of it.
Status Site::resolve(const Visit& visit, build::Key& key) {
  GW_CHECK(may_ask(visit));
  if (build::is_version_query(key.version)) {
    auto version = parts_.catalog.resolve(key.module, key.version);
    if (!version) return as_client_error(std::move(version).error());
    key.version = *std::move(version);
  }
  if (build::is_go_query(key.go_version)) {
    auto version = parts_.toolchains.resolve(key.go_version);
    if (!version) return as_client_error(std::move(version).error());
    key.go_version = *std::move(version);
  }
  return build::check_key(key);
}

Status Site::check_reader(const http::Request& request) const {
  const std::string* agent = request.header("user-agent");
  const std::string lower = agent == nullptr ? "" : to_lower(*agent);
  const bool bot =
      std::any_of(rules_.refused_agents.begin(), rules_.refused_agents.end(),
                  [&](const auto& part) { return lower.find(part) != std::string::npos; });
  const auto address = client_of(request);
  const bool network =
      address && std::any_of(rules_.refused_networks.begin(), rules_.refused_networks.end(),
                             [&](const auto& n) { return n.contains(*address); });
  if (!bot && !network) return {};
  metric_add(Metric::kBuildRefused, BuildRefusal::kClient);
  return refused("builds are not made for you here");
}

// Whether builds of the module are made here, and for whoever asks.
Status Site::check_asker(const Visit& visit, const std::string& module) const {
  if (!is_allowed(module, rules_.allowed_modules)) {
    metric_add(Metric::kBuildRefused, BuildRefusal::kModule);
    return refused("this service does not build that module");
  }
  return check_reader(visit.request);
}

Status Site::count(const Visit& visit, const build::Key& key) {
  if (!rules_.limits || visit.verifier) return {};
  const auto wait =
      limits_.take(client_of(visit.request), parts_.toolchains.is_supported(key.go_version));
  if (wait.count() == 0) return {};
  metric_add(Metric::kBuildRefused, BuildRefusal::kRate);
  return too_many(wait);
}

// Whether the key was admitted a short while ago; the build that is asked for uses that up.
bool Site::was_admitted(const std::string& name, Asks asks) {
  const MutexLock lock(mutex_);
  const auto found = admitted_.find(name);
  if (found == admitted_.end()) return false;
  const bool lately = parts_.clock.mono() - found->second < kAdmittedFor;
  if (!lately || asks == Asks::kBuild) admitted_.erase(found);
  return lately;
}

// Whether a build that nobody made yet may be asked for. From cheap to dear.
Status Site::admit(const Visit& visit, const build::Key& key, Asks asks) {
  GW_CHECK(check_asker(visit, key.module));
  // The one that is followed may ask before it has logged it.
  if (rules_.verify_only && !visit.verifier) {
    metric_add(Metric::kBuildRefused, BuildRefusal::kModule);
    return refused("this service builds nothing but what another one has logged");
  }
  if (Status s = parts_.toolchains.check(key.go_version); !s) {
    return as_client_error(std::move(s).error());
  }
  const std::string name = build::format_key(key);
  if (was_admitted(name, asks)) return {};
  GW_CHECK(count(visit, key));
  if (Status s = parts_.catalog.check_command(key.module, key.version, key.dir); !s) {
    return as_client_error(std::move(s).error());
  }
  if (asks == Asks::kBuild) return {};
  const MonoTime now = parts_.clock.mono();
  const MutexLock lock(mutex_);
  if (admitted_.size() >= kMaxAdmitted) {
    std::erase_if(admitted_, [&](const auto& e) { return now - e.second >= kAdmittedFor; });
  }
  if (admitted_.size() < kMaxAdmitted) admitted_[name] = now;
  return {};
}

// Whether what is in the log may be built once more, because its files have made room for others.
// Its Go version may be one that is no longer offered, and a failure of the key is no reason
// against it: it was built.
Status Site::admit_again(const Visit& visit, const build::Key& key) {
  GW_CHECK(check_asker(visit, key.module));
  return count(visit, key);
}

}  // namespace gw::buildd
