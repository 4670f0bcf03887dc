#include "vanity/live_records.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "vanity/import_path.h"
#include "vanity/site_config.h"

namespace gw::vanity {

namespace {

std::string domain_of(std::string_view path) { return to_lower(path_domain(path)); }

}  // namespace

LiveRecords live_records(std::vector<PathResult> found) {
  LiveRecords out;
  std::set<std::string> incomplete;  // domains
  bool malformed = false;
  const auto fail = [&](const PathResult& r, Error error) {
    incomplete.insert(domain_of(r.path));
    malformed = malformed || error.kind == ErrorKind::kUsage;
    out.errors.push_back(std::move(error));
  };
  for (PathResult& r : found) {
    if (!r.result) {
      fail(r, std::move(r.result).error());
    } else if (r.result->source == Source::kStatic) {
      out.notes.push_back(r.path + ": left out, known hosts need no record");
    } else if (Status s = check_entries({r.result->import}); !s) {
      // "x/" is a prefix for meta tags, and none for records.
      fail(r,
           not_found_error(fmt::format("{}: its tag is no record: {}", r.path, s.error().message)));
    } else if (std::find(out.entries.begin(), out.entries.end(), r.result->import) ==
               out.entries.end()) {
      // Several paths below one prefix have the same tag; that is no mistake.
      out.entries.push_back(std::move(r.result->import));
    }
  }
  if (malformed) {  // "https://d.org/x"
    out.warnings.emplace_back(
        "nothing is printed: a malformed path may have been meant for any domain");
    out.entries.clear();
    return out;
  }
  const std::size_t left_out = std::erase_if(
      out.entries, [&](const GoImport& e) { return incomplete.contains(domain_of(e.prefix)); });
  if (left_out > 0) {
    out.warnings.emplace_back(
        "nothing is printed for a domain with a path that failed: its records are one set");
  }
  return out;
}

}  // namespace gw::vanity
