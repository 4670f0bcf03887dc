// A zone's master file (RFC 1035 5; RFC 2308 4 for $TTL) as RRsets.
//
// The frame is read here: lines, parentheses, quotes, comments, $ORIGIN, $TTL, $INCLUDE, owners and
// TTLs that are left out. The rdata of each record goes to presentation.h. ldns's own file
// reader takes a relative $ORIGIN for an absolute one, knows no $INCLUDE, ends at lines of 10 KB
// and cannot tell on which line a record began.
//
// An error names file and line, and nothing is returned of a file that has one. Cost: about a
// microsecond a record of a usual form, some more for those that ldns reads. Pure but for the
// reader that is passed in: any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "dns/name.h"
#include "dns/record_list.h"

namespace gw::dns {

// A file that was read, and its name for messages and for what it includes.
struct ZoneFilePart {
  std::string name;
  std::string text;
};

struct ZoneFileOptions {
  std::string name;  // of the file, for messages
  // A TTL above it is lowered to it, with a warning.
  std::uint32_t max_ttl = 0x7fffffff;
  // More are an error; 0: any number.
  std::size_t max_records = 0;
  // Asked at each record: true means to give up, kUnavailable. Unset: nobody will.
  std::function<bool()> stopped = {};
  // What $INCLUDE reads: the name as written, and the name of the file it is written in. Unset:
  // $INCLUDE is an error.
  std::function<Result<ZoneFilePart>(const std::string& name, const std::string& from)> include;
};

struct ZoneFileText {
  RecordList records;                 // sorted; those of one set have one ttl
  std::vector<std::string> warnings;  // "FILE:LINE: …"
};

// kUsage, or the error of `include`. `origin`: a wire name.
Result<ZoneFileText> parse_zone_file(std::string_view text, NameView origin,
                                     const ZoneFileOptions& options);

// What a zone must have that is to be served on its own: NS at the apex, and an address for each
// name server inside it. kUsage.
class StaticZone;
Status check_servable(const StaticZone& zone);

}  // namespace gw::dns
