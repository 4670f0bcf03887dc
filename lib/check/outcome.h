// What came of a question: the releases to report, how far they can be trusted, and what went
// wrong. Values that flow from Checker through Reported and Prover to the report.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "check/request.h"
#include "net/resolver.h"
#include "tlog/checkpoint.h"

namespace gw::check {

// A release's record in the log, proven.
struct Proof {
  std::uint64_t record = 0;  // its number
  std::string zip_sum;       // "h1:..."
  std::string gomod_sum;
  tlog::Checkpoint head;  // the head that its lookup came with
};

struct Release {
  std::string name;     // as reported: module path, "toolchain", or domain
  std::string version;  // "v1.2.3" or "go1.26.8"
  std::optional<WallTime> found =
      {};  // when the log's record was discovered; a domain's says nothing
  net::DnsSecurity security = net::DnsSecurity::kInsecure;
  // Where the log has it; empty for a domain's own announcement.
  std::string log_module = {}, log_version = {};
  std::string newest = {};  // of a module: its path's highest release, maybe of another major
  bool reported = false;    // by an earlier call, see Reported
  std::optional<Proof> proof = {};
  // What the module's authors say of it, where they were asked (retractions.h).
  struct Marks {
    bool known = false;
    std::optional<std::string> retracted = {};  // the reason, maybe ""
    std::string deprecated = {};
  };
  Marks marks = {};
  std::vector<Place> excluded = {};  // where go.mod files that require the module say so
};

// The version of a module that the caller has, as far as it is served: what its authors say of it
// matters most where nothing is newer.
struct Had {
  std::string module;           // that was looked up; the module around a package's path
  std::string newest;           // its highest release, maybe of another major
  Release::Marks marks = {};    // of that version
  bool retracted_told = false;  // by an earlier call, see Reported
  bool deprecated_told = false;
};

enum class Kind { kModule, kToolchain, kUpdates };

// One request's result. Several releases: later majors, a toolchain's release candidate. Errors and
// releases can come together (a later major could not be looked up).
struct Outcome {
  Kind kind = Kind::kModule;
  std::string name;                          // what was asked for
  std::optional<std::string> known;          // the version that the caller has
  std::optional<Had> had = {};               // of a module, with `known`
  std::optional<net::DnsSecurity> security;  // the weakest of the answers; none without an answer
  std::vector<Release> releases;
  std::vector<Error> errors;
  // Why there can be nothing newer, when that is no error (a pinned module without releases, or
  // without a name in DNS; one that is replaced), and what else its request said of it. The same
  // every day, so worth telling once.
  std::vector<std::string> notes;
  std::vector<Exclusions> excluded = {};  // of its request
  Places places;                          // where it was found, if in files
  bool noted = false;                     // told by an earlier call, see Reported
  bool recursed = false;                  // an answer came past a resolver that strips DNSSEC
  bool newer = false;  // some release is news: newer than what the caller had or was told
};

}  // namespace gw::check
