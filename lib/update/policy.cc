#include "update/policy.h"

#include <fmt/format.h>

#include <algorithm>

#include "module/goversion.h"
#include "module/semver.h"

namespace gw::update {
namespace {

// Before Go 1.21 the first release of a minor had no patch number, so `go1.20.0` is no Go version
// to the parser; here it counts as `go1.20`.
std::optional<mod::GoVersion> parse_go(std::string_view text) {
  if (auto version = mod::parse_go_version(text)) return version;
  if (!text.ends_with(".0")) return std::nullopt;
  return mod::parse_go_version(text.substr(0, text.size() - 2));
}

bool is_newer_go(std::string_view a, std::string_view b) {
  return compare_go(a, b).value_or(0) > 0;
}

bool same_minor(std::string_view a, std::string_view b) {
  const auto x = parse_go(a);
  const auto y = parse_go(b);
  return x && y && x->minor == y->minor;
}

// A version of the list that may be considered at all.
struct Candidate {
  const std::string* text;
  mod::Semver version;
};

// Those of the running version's major, newest first.
std::vector<Candidate> candidates(const Situation& s, const mod::Semver& running) {
  std::vector<Candidate> out;
  for (const std::string& text : s.listed) {
    const auto version = mod::parse_semver(text);
    if (!version || version->major != running.major || mod::parse_pseudo_version(text)) continue;
    out.push_back({&text, *version});
  }
  std::sort(out.begin(), out.end(), [](const Candidate& a, const Candidate& b) {
    return mod::compare_semver(a.version, b.version) > 0;
  });
  return out;
}

bool permits(ModulePolicy policy, const mod::Semver& running, const mod::Semver& version) {
  const bool own_minor = version.minor == running.minor;
  if (policy == ModulePolicy::kManual || (policy == ModulePolicy::kPatch && !own_minor)) {
    return false;
  }
  if (version.is_release()) return true;
  return !running.is_release() && own_minor && version.patch == running.patch;
}

// The toolchain for a new module version.
std::string toolchain_for_new(const Policies& policies, const Situation& s) {
  if (policies.toolchain == ToolchainPolicy::kFollow &&
      is_newer_go(s.toolchains.cur, s.running.go_version)) {
    return s.toolchains.cur;
  }
  return choose_toolchain(policies.toolchain, s);
}

// The toolchain that is chosen for it, or the one that its go.mod asks for; nothing when the policy
// does not permit that.
std::optional<std::string> toolchain_for(const Policies& policies, const Situation& s,
                                         const std::string& version) {
  const std::string chosen = toolchain_for_new(policies, s);
  const auto line = s.go_lines.find(version);
  if (line == s.go_lines.end() || line->second.empty()) return chosen;
  return raise_toolchain(policies.toolchain, s, chosen, line->second);
}

// Whose minor version the policy keeps: a person's newer one beside it does not count.
const std::string& kept_go(const Situation& s) {
  return s.base_go.empty() ? s.running.go_version : s.base_go;
}

// Why the current toolchain is not taken, where it is newer.
std::string why_no_toolchain(ToolchainPolicy policy, const Situation& s) {
  const std::string& cur = s.toolchains.cur;
  const std::string& base = kept_go(s);
  if (!is_newer_go(cur, s.running.go_version)) return "";
  switch (policy) {
    case ToolchainPolicy::kManual:
      return cur + " is for a person to install";
    case ToolchainPolicy::kPatch:
      return fmt::format("{} is of another minor version of Go than {}", cur, base);
    case ToolchainPolicy::kFollow:
      return cur + " is taken with the next version of the module";
    case ToolchainPolicy::kSupported:
      if (s.toolchains.prev.empty()) break;
      return fmt::format("{} is not taken as long as {} is supported", cur,
                         same_minor(base, s.toolchains.prev) ? base : s.toolchains.prev);
    case ToolchainPolicy::kMinor:
      break;
  }
  return "";
}

std::string why_none(const Policies& policies, const Situation& s, const mod::Semver& running) {
  for (const std::string& text : s.listed) {
    const auto version = mod::parse_semver(text);
    if (!version || mod::compare_semver(*version, running) <= 0) continue;
    if (is_skipped(s.skips, {text, s.running.go_version})) return text + " is skipped";
    if (version->major != running.major) return text + " is of another major version";
    if (policies.module == ModulePolicy::kManual) return text + " is for a person to install";
    if (!version->is_release()) return text + " is a prerelease";
    if (version->minor != running.minor) return text + " is of another minor version";
  }
  const std::string why = why_no_toolchain(policies.toolchain, s);
  return why.empty() ? "nothing is newer" : why;
}

}  // namespace

std::string_view policy_name(ModulePolicy policy) {
  switch (policy) {
    case ModulePolicy::kPatch:
      return "patch";
    case ModulePolicy::kMinor:
      return "minor";
    case ModulePolicy::kManual:
      return "manual";
  }
  return "";
}

std::string_view policy_name(ToolchainPolicy policy) {
  switch (policy) {
    case ToolchainPolicy::kFollow:
      return "follow";
    case ToolchainPolicy::kSupported:
      return "supported";
    case ToolchainPolicy::kPatch:
      return "patch";
    case ToolchainPolicy::kMinor:
      return "minor";
    case ToolchainPolicy::kManual:
      return "manual";
  }
  return "";
}

bool is_skipped(const std::vector<Skip>& skips, const Target& target) {
  return std::any_of(skips.begin(), skips.end(), [&](const Skip& skip) {
    return skip.version == target.version &&
           (skip.go_version.empty() || skip.go_version == target.go_version);
  });
}

std::optional<int> compare_go(std::string_view a, std::string_view b) {
  const auto x = parse_go(a);
  const auto y = parse_go(b);
  if (!x || !y) return std::nullopt;
  return *x == *y ? 0 : *x < *y ? -1 : 1;
}

std::string choose_toolchain(ToolchainPolicy policy, const Situation& s) {
  const std::string& running = s.running.go_version;
  const std::string& base = kept_go(s);
  const SupportedToolchains& t = s.toolchains;
  std::string target;
  if (policy == ToolchainPolicy::kManual) {
    target = running;
  } else if (policy == ToolchainPolicy::kMinor || same_minor(base, t.cur)) {
    target = t.cur;
  } else if (same_minor(base, t.prev) || policy != ToolchainPolicy::kPatch) {
    target = t.prev;
  }
  return is_newer_go(target, running) ? target : running;
}

std::optional<std::string> raise_toolchain(ToolchainPolicy policy, const Situation& s,
                                           const std::string& chosen, std::string_view go_line) {
  const std::string needed = fmt::format("go{}", go_line);
  const auto will_do = [&](const std::string& go) {
    const auto order = compare_go(go, needed);
    return order && *order >= 0;
  };
  if (will_do(chosen)) return chosen;
  const std::string& base = kept_go(s);
  for (const std::string& go : {s.toolchains.prev, s.toolchains.cur}) {
    if (!will_do(go) || !is_newer_go(go, s.running.go_version)) continue;
    const bool permitted = policy != ToolchainPolicy::kManual &&
                           (policy != ToolchainPolicy::kPatch || same_minor(base, go));
    if (permitted) return go;
  }
  return std::nullopt;
}

Choice choose(const Policies& policies, const Situation& s) {
  const auto running = mod::parse_semver(s.running.version);
  if (!running) return {std::nullopt, "the running version is not a released one"};
  std::optional<Target> hit;
  std::string needs;
  for (const Candidate& c : candidates(s, *running)) {
    if (mod::compare_semver(c.version, *running) <= 0) break;
    if (!permits(policies.module, *running, c.version)) continue;
    const auto go = toolchain_for(policies, s, *c.text);
    if (is_skipped(s.skips, {*c.text, go.value_or("")})) continue;
    if (go) {
      hit = {*c.text, *go};
      if (!policies.every_version) break;
    } else if (needs.empty() || policies.every_version) {
      needs = fmt::format("{} needs Go {}, which the toolchain policy does not permit", *c.text,
                          s.go_lines.at(*c.text));
      // In turn: what comes after it waits for it.
      if (policies.every_version) hit.reset();
    }
  }
  if (hit) return {hit, "", needs};
  const Target rebuilt{s.running.version, choose_toolchain(policies.toolchain, s)};
  if (rebuilt.go_version != s.running.go_version) {
    if (!is_skipped(s.skips, rebuilt)) return {rebuilt, "", needs};
    return {std::nullopt, rebuilt.go_version + " is skipped"};
  }
  return {std::nullopt, needs.empty() ? why_none(policies, s, *running) : needs};
}

}  // namespace gw::update
