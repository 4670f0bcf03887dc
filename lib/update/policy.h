// Which version of a module, built with which Go toolchain, a service is to be moved to.
//
// The policies are an operator's: how far an update may go without a person. What is listed is a
// stranger's: in any order, old or odd; nothing here ever leads to an older module version or an
// older toolchain than what runs. Versions are text as in module/semver.h and module/goversion.h;
// what is none of them is passed over. All functions are pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gw::update {

enum class ModulePolicy {
  kPatch,   // the same major and minor
  kMinor,   // the same major
  kManual,  // never by itself
};
enum class ToolchainPolicy {
  kFollow,     // as kSupported; a new module version is built with the current one
  kSupported,  // the newest patch of its minor; once that is supported no more, the previous minor
  kPatch,      // the newest patch of its minor, as long as there are any
  kMinor,      // the current one
  kManual,     // never by itself
};
std::string_view policy_name(ModulePolicy policy);
std::string_view policy_name(ToolchainPolicy policy);

// The newest releases of the two supported minors; empty when not known.
struct SupportedToolchains {
  std::string cur;
  std::string prev;
};

struct Target {
  std::string version;     // of the module
  std::string go_version;  // "go1.26.8"
  bool operator==(const Target&) const = default;
};

// What is not to be installed: a version that failed, or that a person does not want.
struct Skip {
  std::string version;
  std::string go_version;  // empty: whatever builds it
  bool operator==(const Skip&) const = default;
};
bool is_skipped(const std::vector<Skip>& skips, const Target& target);

struct Policies {
  ModulePolicy module = ModulePolicy::kPatch;
  ToolchainPolicy toolchain = ToolchainPolicy::kFollow;
  // Each release in turn, for services that migrate data; else the newest one.
  bool every_version = false;
};

struct Situation {
  Target running;
  // The toolchain of the last scheduled update, whose minor is kept; empty: the running one's.
  std::string base_go = {};
  std::vector<std::string> listed = {};
  SupportedToolchains toolchains = {};
  std::vector<Skip> skips = {};
  // The Go that a listed version says it needs, as in go.mod ("1.24"), where that is known.
  std::map<std::string, std::string> go_lines = {};
};

struct Choice {
  std::optional<Target> target;  // differs from the running one
  std::string reason;            // why there is none; empty when there is one
  std::string held_back = {};    // what is newer than the target, and why it is not that
};
Choice choose(const Policies& policies, const Situation& situation);

// The toolchain alone: the one that the policy leads to, or the running one. Never older than that.
std::string choose_toolchain(ToolchainPolicy policy, const Situation& situation);

// For a module version whose go.mod says that it needs `go_line` ("1.24", "1.24.2"): the toolchain
// to take, which is `chosen` when that will do, or else the oldest one that does and that the
// policy permits. Nothing: none does.
std::optional<std::string> raise_toolchain(ToolchainPolicy policy, const Situation& situation,
                                           const std::string& chosen, std::string_view go_line);

// -1, 0, 1; nothing when either is no Go version. go1.20 and go1.20.0 are equal.
std::optional<int> compare_go(std::string_view a, std::string_view b);

}  // namespace gw::update
