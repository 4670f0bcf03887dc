#include "check/checker.h"

#include <fmt/format.h>
#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/bytes.h"
#include "dns/answer_text.h"
#include "dns/module_name.h"
#include "module/goversion.h"
#include "module/path.h"

namespace gw::check {
namespace {

// A later major exists only below an earlier one, so the walk ends by itself; this bounds what a
// zone with a wildcard can make us ask.
constexpr unsigned kMaxMajors = 64;

// The joined TXT records of an answer, when the policy lets it count. Notes its state in `outcome`.
Result<std::vector<std::string>> accept(const Result<net::DnsAnswer>& answer, Policy policy,
                                        Outcome& outcome) {
  if (!answer) return answer.error();
  if (!outcome.security || answer->security > *outcome.security) {
    outcome.security = answer->security;
  }
  outcome.recursed = outcome.recursed || answer->recursed;
  if (answer->security == net::DnsSecurity::kBogus) {
    return untrusted_error("the DNS answer does not verify (bogus): " + answer->why_bogus);
  }
  if (policy == Policy::kRequire && answer->security != net::DnsSecurity::kSecure) {
    return untrusted_error("the DNS answer is not signed (insecure), and DNSSEC is required");
  }
  std::vector<std::string> texts;
  for (const auto& rdata : answer->data) {
    GW_TRY(std::string text, net::join_txt(rdata));
    texts.push_back(std::move(text));
  }
  return texts;
}

Result<std::vector<dns::ModuleVersion>> module_versions(const std::vector<std::string>& texts) {
  std::vector<dns::ModuleVersion> all;
  for (const auto& text : texts) {
    GW_TRY(auto versions, dns::parse_module_answer(text));
    std::move(versions.begin(), versions.end(), std::back_inserter(all));
  }
  return all;
}

void add_release(Outcome& outcome, Release release) {
  release.security = outcome.security.value_or(net::DnsSecurity::kInsecure);
  outcome.releases.push_back(std::move(release));
  outcome.newer = outcome.known.has_value();
}

// One name to look up, and which outcome it belongs to.
struct Ask {
  std::size_t outcome;
  mod::ModulePath path;
  bool later_major;
};

// Where a request's walk through later majors stands.
struct Walk {
  std::optional<mod::ModulePath> next;  // the next path to ask for
  bool over = false;                    // a path without a release was seen
  bool any = false;                     // some path has a release
  unsigned step = 1;                    // how many paths to ask for in the next round
  unsigned asked = 0;
};

// Reads the answer for one path into its outcome; true when the path has a release.
bool read_module(const Ask& ask, const Result<net::DnsAnswer>& answer,
                 const CheckerOptions& options, Outcome& outcome) {
  auto texts = accept(answer, options.policy, outcome);
  if (!texts) {
    outcome.errors.push_back(std::move(texts).error().in(ask.path.text()));
    return false;
  }
  const auto versions = module_versions(*texts);
  if (!versions) {
    outcome.errors.push_back(versions.error().in(ask.path.text()));
    return false;
  }
  const dns::ModuleVersion* latest = dns::latest_version(*versions);
  if (latest == nullptr) {
    return false;
  }
  if (ask.later_major || !outcome.known || is_newer(latest->version, *outcome.known)) {
    const std::string& path = ask.path.text();
    add_release(outcome, {path, latest->version, latest->found, {}, path, latest->version});
  }
  return true;
}

// The paths that a walk asks for in one round.
void step(std::size_t index, Walk& walk, const dns::ModuleNames& zone, std::vector<Ask>& asks,
          std::vector<std::string>& names) {
  for (unsigned i = 0; i < walk.step && !walk.over && walk.next; ++i) {
    auto name = zone.of_module(*walk.next);
    if (!name || ++walk.asked > kMaxMajors) {  // the next one's name may be too long
      walk.next.reset();
      return;
    }
    asks.push_back({index, *walk.next, true});
    names.push_back(std::move(*name));
    walk.next = walk.next->next_major();
  }
  walk.step *= 2;
}

}  // namespace

std::string_view policy_name(Policy policy) {
  switch (policy) {
    case Policy::kRequire:
      return "require";
    case Policy::kPrefer:
      return "prefer";
    case Policy::kOff:
      return "off";
  }
  return "";
}

std::vector<Outcome> Checker::modules(std::span<const ModuleRequest> requests) {
  std::vector<Outcome> outcomes(requests.size());
  std::vector<Walk> walks(requests.size());
  const auto zone = dns::ModuleNames::in_zone(options_.dns_base);
  std::vector<Ask> asks;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    outcomes[i].name = requests[i].path;
    outcomes[i].known = requests[i].known;
    if (requests[i].problem) {
      outcomes[i].errors.push_back(*requests[i].problem);
      continue;
    }
    auto name = zone ? zone->of_module(*requests[i].module) : zone.error();
    if (!name) {
      outcomes[i].errors.push_back(std::move(name).error().in(requests[i].path));
      continue;
    }
    asks.push_back({i, *requests[i].module, false});
    names.push_back(std::move(*name));
    if (options_.major) walks[i].next = requests[i].module->next_major();
    step(i, walks[i], *zone, asks, names);
  }
  while (!asks.empty()) {
    std::vector<net::Question> questions;
    questions.reserve(names.size());
    for (auto& name : names) questions.push_back({std::move(name)});
    const auto answers = resolver_->lookup(questions, options_.deadline);
    for (std::size_t k = 0; k < asks.size(); ++k) {
      const Ask& ask = asks[k];
      Walk& walk = walks[ask.outcome];
      if (ask.later_major && walk.over) continue;  // beyond the first gap nothing counts
      const bool exists = read_module(ask, answers[k], options_, outcomes[ask.outcome]);
      if (ask.later_major && !exists) walk.over = true;
      walk.any = walk.any || exists;
    }
    asks.clear();
    names.clear();
    for (std::size_t i = 0; i < walks.size(); ++i) step(i, walks[i], *zone, asks, names);
  }
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    if (walks[i].any || !outcomes[i].errors.empty()) continue;
    outcomes[i].errors.push_back(not_found_error(
        fmt::format("{}: no release known at {}", outcomes[i].name, options_.dns_base)));
  }
  return outcomes;
}

Outcome Checker::toolchain(const std::optional<std::string>& known) {
  Outcome outcome;
  outcome.kind = Kind::kToolchain;
  outcome.name = "toolchain";
  outcome.known = known;
  const auto fail = [&](Error error) {
    outcome.errors.push_back(std::move(error).in("toolchain"));
    return outcome;
  };
  const auto zone = dns::ModuleNames::in_zone(options_.dns_base);
  const auto name = zone ? zone->of_toolchain() : zone.error();
  if (!name) return fail(name.error());
  const auto answer = resolver_->lookup_one({*name}, options_.deadline);
  const auto texts = accept(answer, options_.policy, outcome);
  if (!texts) return fail(texts.error());
  std::array<std::optional<dns::ToolchainVersion>, 3> kinds;
  for (const auto& text : *texts) {
    const auto versions = dns::parse_toolchain_answer(text);
    if (!versions) return fail(versions.error());
    for (const auto& v : *versions) {
      auto& slot = kinds[static_cast<std::size_t>(v.kind)];
      if (!slot) slot = v;
    }
  }
  const auto& cur = kinds[static_cast<std::size_t>(dns::ToolchainKind::kCurrent)];
  const auto& prev = kinds[static_cast<std::size_t>(dns::ToolchainKind::kPrevious)];
  const auto& next = kinds[static_cast<std::size_t>(dns::ToolchainKind::kNext)];
  if (!cur) return fail(not_found_error("no release known at " + options_.dns_base));
  const auto report = [&](const dns::ToolchainVersion& v) {
    if (known && !(mod::parse_go_version(*known) < mod::parse_go_version(v.version))) return;
    add_release(outcome, {"toolchain",
                          v.version,
                          v.found,
                          {},
                          std::string(mod::kToolchainModule),
                          fmt::format("v0.0.1-{}.{}", v.version, options_.platform)});
  };
  const auto own = known ? mod::parse_go_version(*known) : std::nullopt;
  const bool of_previous = own && prev && mod::parse_go_version(prev->version) &&
                           own->minor == mod::parse_go_version(prev->version)->minor;
  report(of_previous ? *prev : *cur);
  if (options_.next && next) report(*next);
  return outcome;
}

Outcome Checker::updates(const std::string& domain, const std::optional<std::string>& known) {
  Outcome outcome;
  outcome.kind = Kind::kUpdates;
  outcome.name = domain;
  outcome.known = known;
  auto fail = [&](Error error) {
    outcome.errors.push_back(std::move(error).in(domain));
    return outcome;
  };
  const auto name = dns::updates_name(domain);
  if (!name) return fail(name.error());
  const auto answer = resolver_->lookup_one({*name}, options_.deadline);
  const auto texts = accept(answer, options_.policy, outcome);
  if (!texts) return fail(texts.error());
  const auto version = dns::parse_updates(*texts);
  if (!version) return fail(version.error());
  if (!*version) return fail(not_found_error("no version announced at " + *name));
  if (!known || is_newer(**version, *known))
    add_release(outcome, {domain, **version, {}, {}, {}, {}});
  return outcome;
}

std::string platform_of(std::string_view machine) {
  static constexpr std::pair<std::string_view, std::string_view> kMachines[] = {
      {"x86_64", "amd64"},    {"aarch64", "arm64"}, {"armv6l", "arm"},
      {"armv7l", "arm"},      {"armv8l", "arm"},    {"i386", "386"},
      {"i486", "386"},        {"i586", "386"},      {"i686", "386"},
      {"riscv64", "riscv64"}, {"s390x", "s390x"},   {"ppc64le", "ppc64le"},
      {"ppc64", "ppc64"},     {"mips64", "mips64"}, {"loongarch64", "loong64"},
  };
  for (const auto& [from, to] : kMachines) {
    if (machine == from) return "linux-" + std::string(to);
  }
  return "linux-" + std::string(machine);
}

std::string this_platform() {
  utsname name{};
  ::uname(&name);
  return platform_of(name.machine);
}

Status check_platform(std::string_view platform) {
  const std::size_t dash = platform.find('-');
  const auto word = [](std::string_view w) {
    return !w.empty() && std::all_of(w.begin(), w.end(), is_lower_or_digit);
  };
  if (dash != std::string_view::npos && word(platform.substr(0, dash)) &&
      word(platform.substr(dash + 1))) {
    return {};
  }
  return usage_error("bad platform " + quoted(platform),
                     "write it as GOOS-GOARCH, such as linux-amd64");
}

}  // namespace gw::check
