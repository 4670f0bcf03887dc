#include "check/checker.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <span>
#include <utility>

#include "check/answer.h"
#include "check/major_walk.h"
#include "check/select.h"
#include "dns/answer_text.h"
#include "dns/module_name.h"
#include "module/path.h"
#include "module/semver.h"

namespace gw::check {
namespace {

// A malformed record beside a good one is noted: the good one is enough.
Result<std::vector<dns::ModuleVersion>> module_versions(const std::vector<std::string>& texts,
                                                        const std::string& path, Outcome& outcome) {
  std::vector<dns::ModuleVersion> all;
  std::optional<Error> malformed;
  for (const auto& text : texts) {
    auto versions = dns::parse_module_answer(text);
    if (!versions) {
      malformed = std::move(versions).error();
      continue;
    }
    std::move(versions->begin(), versions->end(), std::back_inserter(all));
  }
  if (!malformed) return all;
  if (all.empty()) return *std::move(malformed);
  outcome.notes.push_back(passed_over(path, *malformed));
  return all;
}

// One name to look up, and which outcome it belongs to.
struct Ask {
  std::size_t outcome;
  mod::ModulePath path;
  bool later_major;
};

// What is looked up at once.
struct Round {
  std::vector<Ask> asks;
  std::vector<net::Question> questions;
};

// A name server that is out of reach has nothing to say about any of a module's majors: once is
// enough.
void add_error(Outcome& outcome, Error error) {
  const auto same = [&](const Error& e) { return e.kind == error.kind; };
  if (std::any_of(outcome.errors.begin(), outcome.errors.end(), same)) return;
  outcome.errors.push_back(std::move(error));
}

// Reads the answer for one path into its outcome; the path's latest release, if it has one.
std::optional<std::string> read_module(const Ask& ask, const Result<net::DnsAnswer>& answer,
                                       const CheckerOptions& options, Outcome& outcome) {
  const std::string& path = ask.path.text();
  auto texts = accept_answer(answer, options.policy, outcome);
  if (!texts) {
    add_error(outcome, std::move(texts).error().in(path));
    return std::nullopt;
  }
  const auto versions = module_versions(*texts, path, outcome);
  if (!versions) {
    add_error(outcome, versions.error().in(path));
    return std::nullopt;
  }
  const dns::ModuleVersion* latest = dns::latest_version(*versions);
  if (latest == nullptr) return std::nullopt;
  const auto known = ask.later_major ? std::nullopt : outcome.known;
  if (known) outcome.had = {path, latest->version};
  for (const dns::ModuleVersion* v : select_releases(*versions, known)) {
    add_release(outcome, {.name = path,
                          .version = v->version,
                          .found = v->found,
                          .log_module = path,
                          .log_version = v->version,
                          .newest = latest->version});
    for (const Exclusions& of_file : outcome.excluded) {
      for (const Exclusion& e : *of_file) {
        if (e.version == v->version) outcome.releases.back().excluded.push_back(e.place);
      }
    }
  }
  return latest->version;
}

// A version that no module with this path can have, compared with those that it has, would look
// like the newest one. With --major it says from which major on.
Status check_known(const mod::ModulePath& path, const std::optional<std::string>& known) {
  const auto parts = mod::split_path_version(path.text());
  if (!known || !parts || mod::major_matches(*known, parts->major)) return {};
  return usage_error(fmt::format("{}: version {} cannot be one of this module: should be {}",
                                 path.text(), *known,
                                 parts->major.empty() ? "v0 or v1" : parts->major.substr(1)));
}

// False: the outcome is that error instead of releases.
bool keep_if_known(const mod::ModulePath& path, Outcome& outcome) {
  auto known = check_known(path, outcome.known);
  if (known) return true;
  outcome.releases.clear();
  outcome.had.reset();
  outcome.newer = false;
  outcome.errors.push_back(std::move(known).error());
  return false;
}

// The paths that a walk asks for next.
void add_majors(std::size_t index, MajorWalk& walk, const dns::ModuleNames& zone, Round& round) {
  for (mod::ModulePath& path : walk.next_round()) {
    auto name = zone.of_module(path);
    if (!name) return walk.stop();
    round.asks.push_back({index, std::move(path), true});
    round.questions.push_back({std::move(*name)});
  }
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

namespace {

// The modules that an import path may be a package of, the longest first; not the path itself.
std::vector<mod::ModulePath> modules_around(const mod::ModulePath& path) {
  constexpr std::size_t kMost = 10;  // elements below the module's root
  std::vector<mod::ModulePath> out;
  std::string_view rest = path.text();
  for (std::size_t slash; out.size() < kMost && (slash = rest.rfind('/')) != rest.npos;) {
    rest = rest.substr(0, slash);
    if (rest.find('/') == rest.npos) break;
    auto module = mod::ModulePath::parse(rest);
    if (module) out.push_back(*std::move(module));
  }
  return out;
}

// Who pins a commit knows that there may be no release.
bool pins_commit(const Outcome& outcome) {
  const auto known = outcome.known ? mod::parse_semver(*outcome.known) : std::nullopt;
  return known && !known->is_release();
}

// What is not answered for any path of the request.
void add_none(Outcome& outcome, const std::string& dns_base) {
  std::string none = fmt::format("{}: no release known at {}", outcome.name, dns_base);
  if (pins_commit(outcome)) {
    outcome.notes.push_back(std::move(none));
  } else {
    outcome.errors.push_back(not_found_error(std::move(none)));
  }
}

// Hands out the answers in the questions' order, some hundreds at a time: 4,000 of 64 KB are not
// kept beside each other.
void look_up(net::Resolver& resolver, const Round& round, MonoTime deadline,
             const std::function<void(const Ask&, const Result<net::DnsAnswer>&)>& take) {
  constexpr std::size_t kAtOnce = 256;
  const std::span<const net::Question> all(round.questions);
  for (std::size_t begin = 0; begin < all.size(); begin += kAtOnce) {
    const auto some = all.subspan(begin, std::min(kAtOnce, all.size() - begin));
    const auto answers = resolver.lookup(some, deadline);
    for (std::size_t k = 0; k < some.size(); ++k) take(round.asks[begin + k], answers[k]);
  }
}

}  // namespace

std::vector<Outcome> Checker::modules(std::span<const ModuleRequest> requests) {
  std::vector<Outcome> outcomes(requests.size());
  std::vector<std::optional<MajorWalk>> walks(requests.size());
  std::vector<bool> has_release(requests.size());
  const auto zone = dns::ModuleNames::in_zone(options_.dns_base);
  Round round;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const ModuleRequest& request = requests[i];
    outcomes[i].name = request.path;
    outcomes[i].known = request.known;
    outcomes[i].notes = request.notes;
    outcomes[i].places = request.places;
    outcomes[i].excluded = request.excluded;
    if (request.problem) outcomes[i].errors.push_back(*request.problem);
    if (request.problem || !request.asked) continue;
    auto name = zone ? zone->of_module(*request.module) : zone.error();
    if (!name) {
      if (request.known) {
        outcomes[i].notes.push_back(name.error().message);
      } else {
        outcomes[i].errors.push_back(std::move(name).error());
      }
      continue;
    }
    round.asks.push_back({i, *request.module, false});
    round.questions.push_back({std::move(*name)});
    if (!options_.major) continue;
    add_majors(i, walks[i].emplace(*request.module, request.known), *zone, round);
  }
  std::vector<std::size_t> asked;
  for (const Ask& ask : round.asks) {
    if (!ask.later_major) asked.push_back(ask.outcome);
  }
  while (!round.asks.empty()) {
    look_up(*resolver_, round, options_.deadline, [&](const Ask& ask, const auto& answer) {
      auto& walk = walks[ask.outcome];
      const auto latest = read_module(ask, answer, options_, outcomes[ask.outcome]);
      if (latest) has_release[ask.outcome] = true;
      if (latest && !walk && !keep_if_known(ask.path, outcomes[ask.outcome])) return;
      if (walk && ask.later_major) walk->answered(latest.has_value());
      if (walk && !ask.later_major && latest) walk->has_release(*latest);
    });
    round = {};
    for (std::size_t i = 0; i < walks.size(); ++i) {
      if (walks[i]) add_majors(i, *walks[i], *zone, round);
    }
  }
  std::erase_if(asked,
                [&](std::size_t i) { return has_release[i] || !outcomes[i].errors.empty(); });
  look_around(requests, asked, outcomes);
  return outcomes;
}

void Checker::look_around(std::span<const ModuleRequest> requests,
                          std::span<const std::size_t> missing, std::vector<Outcome>& outcomes) {
  const auto zone = dns::ModuleNames::in_zone(options_.dns_base);
  Round round;
  for (const std::size_t i : missing) {
    if (!requests[i].maybe_package || pins_commit(outcomes[i])) continue;
    for (mod::ModulePath& module : modules_around(*requests[i].module)) {
      auto name = zone->of_module(module);
      if (!name) continue;
      round.asks.push_back({i, std::move(module), false});
      round.questions.push_back({std::move(*name)});
    }
  }
  std::vector<bool> found(outcomes.size());
  look_up(*resolver_, round, options_.deadline, [&](const Ask& ask, const auto& answer) {
    Outcome& outcome = outcomes[ask.outcome];
    if (found[ask.outcome] || !outcome.errors.empty()) return;
    if (!read_module(ask, answer, options_, outcome)) return;
    found[ask.outcome] = true;
    if (!keep_if_known(ask.path, outcome)) return;
    outcome.notes.push_back(fmt::format("{}: a package of {}, which is what is looked up",
                                        outcome.name, ask.path.text()));
  });
  for (const std::size_t i : missing) {
    if (!found[i] && outcomes[i].errors.empty()) add_none(outcomes[i], options_.dns_base);
  }
}

}  // namespace gw::check
