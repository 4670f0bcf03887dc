// The rdata of SVCB and HTTPS records (RFC 9460), from text, and whether wire rdata is one.
//
// ldns reads the escapes of lists once where appendix A wants them read twice (once of the
// character-string, once of the list in it), and takes keys twice.
//
// Pure: any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "dns/name.h"

namespace gw::dns {

// `text`: priority, target and parameters as in a master file, separated by blanks; a relative
// target is completed with `origin`. kUsage also for what appendix D.3 calls failures.
Result<std::string> parse_svcb(std::string_view text, NameView origin);

// The wire form of RFC 9460 2.2, with the values of the keys that it defines.
bool is_svcb(std::string_view rdata);

}  // namespace gw::dns
