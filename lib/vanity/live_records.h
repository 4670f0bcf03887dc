// Records made of the meta tags that import paths have now, for `vanity-lookup zone --live`.
//
// What is printed replaces a domain's records: of a domain with a path that failed, nothing is
// made, and nothing at all when a path is malformed, which may have been meant for any of them.
//
// Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "vanity/go_import.h"
#include "vanity/lookup.h"

namespace gw::vanity {

struct LiveRecords {
  std::vector<GoImport> entries;      // each once, in the order of the paths
  std::vector<Error> errors;          // of paths, with their kinds as in PathResult
  std::vector<std::string> notes;     // paths that need no record
  std::vector<std::string> warnings;  // why there is less than was asked for
};

// `found`: lookups of paths without DNS.
LiveRecords live_records(std::vector<PathResult> found);

}  // namespace gw::vanity
