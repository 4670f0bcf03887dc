// What vanity-lookup shows: lines for programs and people, and JSON. Pure functions.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "vanity/lookup.h"

namespace gw::vanity {

// "prefix vcs root[ subdir]", with `source` followed by "  # dns, secure". Where nothing protects
// what comes from the root, that is said too, for "tls" is about the page.
std::string format_found(const Found& found, bool source);

// A path's line among those of several: what was found, or "# PATH: why not", so that each line
// belongs to the path in its place, and the whole is a list of entries.
std::string format_result(const PathResult& result, bool source);

// {"results":[...],"domains":[...]}: one result a path, in order, and each domain that was asked.
Json results_json(std::span<const PathResult> results);

Json import_json(const GoImport& import);

// One domain: {"name":...,"state":...,"records":[...],"ignored":[...]}.
Json records_json(const DomainRecords& records);

// Notes of all results, each once, in order.
std::vector<std::string> all_notes(std::span<const PathResult> results);

// Import paths, one a line; "#" starts a comment, white space around and empty lines do not count.
std::vector<std::string> parse_path_list(std::string_view text);

// The records of `--list DOMAIN`, or why they cannot be shown: kUntrusted when bogus, kNotFound
// when there are none or they are not signed; `insecure` takes both.
Result<std::vector<GoImport>> listed_records(const DomainRecords& records, bool insecure);

}  // namespace gw::vanity
