// What is wrong with the go-import records of a domain, or will be soon.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "vanity/lookup.h"

namespace gw::vanity {

struct Finding {
  std::string domain;
  bool error = false;  // lookups fail or ignore it; else it works, and is not good
  std::string text;
};

// Each entry by itself: what zone warns of beside what its text says of the sets.
std::vector<Finding> lint_single_entries(std::span<const GoImport> entries);

// Entries in themselves, before they are published or after: prefixes that are no import paths (a
// trailing slash) or of several domains, unusable fields, duplicates and contradictions, insecure
// roots, credentials, record sets that need TCP.
std::vector<Finding> lint_entries(std::span<const GoImport> entries);

// The published records of domains: all of the above, records that are ignored, an unsigned zone,
// and signatures of the records and of the zone's keys near their expiry. A domain that is bogus or
// cannot be asked is the error; kUntrusted before kUnavailable.
struct DomainLint {
  std::string domain;
  Status status = {};
  std::vector<Finding> findings = {};
};
std::vector<DomainLint> lint_domains(std::span<const std::string> domains, TxtLookups& dns,
                                     const LookupOptions& options, const Clock& clock);

// "DOMAIN: error: TEXT" or "DOMAIN: warning: TEXT".
std::string format_finding(const Finding& finding);
Json findings_json(std::span<const Finding> findings);

}  // namespace gw::vanity
