// Asks DNS which releases there are, and picks those that are newer than what the caller has.
//
// All names of a call are looked up at once; asking for later majors takes further rounds, each of
// them twice as far ahead. An answer counts only as the policy allows: one that should be signed
// and does not verify never does, unless validation is off.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "check/found_file.h"
#include "check/outcome.h"
#include "check/request.h"
#include "net/resolver.h"

namespace gw::check {

enum class Policy {
  kRequire,  // only what is proven: an unsigned answer is an error (kUntrusted)
  kPrefer,   // unsigned answers count and are marked; bogus ones are errors (kUntrusted)
  kOff,      // nothing is validated; the resolver must have been made so
};

std::string_view policy_name(Policy policy);  // "require", "prefer", "off"

struct CheckerOptions {
  std::string dns_base = "l.gopherwatch.org";  // the zone that serves the answers
  Policy policy = Policy::kPrefer;
  bool major = false;    // modules: ask for later majors' paths too
  bool next = false;     // toolchains: release candidates and betas too
  std::string platform;  // toolchains: GOOS-GOARCH of the record in the log
  MonoTime deadline;     // for all lookups together
};

// Errors in outcomes: kUsage (a path that has no name in DNS), kNotFound (no release known),
// kUntrusted (bogus, or unsigned and kRequire), kCorrupt (the answer is malformed), kUnavailable.
// One thread at a time; borrows the resolver.
class Checker {
 public:
  Checker(net::Resolver& resolver, CheckerOptions options)
      : resolver_(&resolver), options_(std::move(options)) {}

  // One outcome for each request, in order. With a known version only what is newer. A path without
  // releases that may be a package's is looked up at the module around it.
  std::vector<Outcome> modules(std::span<const ModuleRequest> requests);

  // Without a known version the current release; with one the newest of its own minor, or the
  // current one when that minor is no longer served. `known` must be a Go version.
  Outcome toolchain(const std::optional<std::string>& known);
  // One outcome for each, in order, by one lookup; none when nothing is asked for.
  std::vector<Outcome> toolchains(std::span<const ToolchainRequest> requests);

  // The version that a domain announces for its own software. `known` must be canonical.
  Outcome updates(const std::string& domain, const std::optional<std::string>& known);

 private:
  struct Served;
  Result<Served> ask_toolchains(Outcome& outcome);
  void report_toolchain(const Served& served, Outcome& outcome) const;
  // For those of which no release was found: at the modules around their paths.
  void look_around(std::span<const ModuleRequest> requests, std::span<const std::size_t> missing,
                   std::vector<Outcome>& outcomes);
  net::Resolver* resolver_;
  CheckerOptions options_;
};

// "linux-amd64": the platform of this machine as the log's toolchain records name it. That is GOOS
// and GOARCH; the archives to download are named otherwise (linux-armv6l).
std::string this_platform();
// Of a machine as uname(2) calls it.
std::string platform_of(std::string_view machine);
// kUsage unless GOOS-GOARCH in form.
Status check_platform(std::string_view platform);

}  // namespace gw::check
