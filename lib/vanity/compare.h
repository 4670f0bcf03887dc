// Where TXT records and meta tags of import paths disagree, for the owner of a domain.
//
// DNS is asked first; paths whose domain is bogus or does not answer cause no HTTP request.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "vanity/lookup.h"

namespace gw::vanity {

struct Comparison {
  std::string path;
  // kNotFound, with the reason, is an answer here; another kind means that there is none.
  Result<Found> dns = Error{};
  Result<Found> http = Error{};  // a copy of `dns` when that was an error
  bool compared = false;         // both sides gave an answer
  bool same = false;
};

// One for each path, in order. Options as for Lookup; `dns` and `http` in them are overridden.
std::vector<Comparison> compare(const LookupOptions& options, TxtLookups* dns,
                                const NewPageFetcher& http, const Clock& clock,
                                std::span<const std::string> paths);

// Why there is nothing to agree or disagree on: a side that gave no answer, with its error, or
// kNotFound: the path could be found by neither. Else it is `same` or not.
Status check_compared(const Comparison& comparison);

// The prefixes of a domain's usable records, each once, in their order.
std::vector<std::string> record_prefixes(const DomainRecords& records);

// "PATH: dns ...; http ..."
std::string format_comparison(const Comparison& comparison);
Json comparison_json(std::span<const Comparison> comparisons);

}  // namespace gw::vanity
