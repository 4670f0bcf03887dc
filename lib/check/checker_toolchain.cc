// The checker's other questions: Go's own releases, and what a domain announces.
#include <fmt/format.h>
#include <sys/utsname.h>

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/text.h"
#include "check/answer.h"
#include "check/checker.h"
#include "dns/answer_text.h"
#include "dns/module_name.h"
#include "module/goversion.h"

namespace gw::check {

struct Checker::Served {
  std::optional<dns::ToolchainVersion> current, previous, next;
};

// Notes the answer's state in `outcome`.
Result<Checker::Served> Checker::ask_toolchains(Outcome& outcome) {
  const auto zone = dns::ModuleNames::in_zone(options_.dns_base);
  const auto name = zone ? zone->of_toolchain() : zone.error();
  if (!name) return name.error();
  const auto answer = resolver_->lookup_one({*name}, options_.deadline);
  GW_TRY(const auto texts, accept_answer(answer, options_.policy, outcome));
  Served served;
  std::optional<Error> malformed;
  for (const auto& text : texts) {
    const auto versions = dns::parse_toolchain_answer(text);
    if (!versions) {
      malformed = versions.error();
      continue;
    }
    for (const auto& v : *versions) {
      auto& slot = v.kind == dns::ToolchainKind::kCurrent    ? served.current
                   : v.kind == dns::ToolchainKind::kPrevious ? served.previous
                                                             : served.next;
      if (!slot) slot = v;
    }
  }
  if (!served.current && malformed) return *std::move(malformed);
  if (!served.current) return not_found_error("no release known at " + options_.dns_base);
  if (malformed) outcome.notes.push_back(passed_over("toolchain", *malformed));
  return served;
}

void Checker::report_toolchain(const Served& served, Outcome& outcome) const {
  const auto known = outcome.known ? mod::parse_go_version(*outcome.known) : std::nullopt;
  const auto report = [&](const dns::ToolchainVersion& v) {
    if (outcome.known && !(known < mod::parse_go_version(v.version))) return;
    add_release(outcome,
                {.name = "toolchain",
                 .version = v.version,
                 .found = v.found,
                 .log_module = std::string(mod::kToolchainModule),
                 .log_version = fmt::format("v0.0.1-{}.{}", v.version, options_.platform)});
  };
  const auto previous =
      served.previous ? mod::parse_go_version(served.previous->version) : std::nullopt;
  const bool of_previous = known && previous && known->minor == previous->minor;
  report(of_previous ? *served.previous : *served.current);
  if (options_.next && served.next) report(*served.next);
}

namespace {

Outcome toolchain_outcome(std::optional<std::string> known) {
  Outcome outcome;
  outcome.kind = Kind::kToolchain;
  outcome.name = "toolchain";
  outcome.known = std::move(known);
  return outcome;
}

}  // namespace

Outcome Checker::toolchain(const std::optional<std::string>& known) {
  Outcome outcome = toolchain_outcome(known);
  const auto served = ask_toolchains(outcome);
  if (served) {
    report_toolchain(*served, outcome);
  } else {
    outcome.errors.push_back(Error(served.error()).in("toolchain"));
  }
  return outcome;
}

std::vector<Outcome> Checker::toolchains(std::span<const ToolchainRequest> requests) {
  std::vector<Outcome> outcomes;
  const auto asked = [](const ToolchainRequest& r) { return r.asked; };
  std::optional<Result<Served>> served;
  Outcome answered;
  if (std::any_of(requests.begin(), requests.end(), asked)) served = ask_toolchains(answered);
  for (const ToolchainRequest& request : requests) {
    Outcome& outcome = outcomes.emplace_back(toolchain_outcome(request.known));
    outcome.notes = request.notes;
    outcome.places = request.places;
    if (!request.asked) continue;
    outcome.security = answered.security;
    outcome.recursed = answered.recursed;
    if (*served) {
      report_toolchain(**served, outcome);
    } else {
      outcome.errors.push_back(Error(served->error()).in("toolchain"));
    }
  }
  return outcomes;
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
  const auto texts = accept_answer(answer, options_.policy, outcome);
  if (!texts) return fail(texts.error());
  const auto version = dns::parse_updates(*texts);
  if (!version) return fail(version.error());
  if (!*version) return fail(not_found_error("no version announced at " + *name));
  if (!known || is_newer(**version, *known))
    add_release(outcome, {.name = domain, .version = **version});
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
