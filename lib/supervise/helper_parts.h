// What the parts of the helper share; its door is helper.h.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "build/proxy_client.h"
#include "module/gomod.h"
#include "net/http.h"
#include "supervise/messages.h"

namespace gw::supervise {

net::HttpOptions http_options(const Sources& sources);
// What went wrong beside what was found: all of it, as one may be the reason of another.
void add_problem(Discovered& found, const std::string& text);
// The versions that are newer than what runs, found now or known before; ascending.
std::vector<std::string> newer_versions(const Job& job, const Discovered& found);
Result<mod::GoMod> fetch_gomod(build::ProxyClient& proxy, const std::string& module,
                               const std::string& version);
// kIo: the supervisor does not read any more.
Status write_frame(int out, FrameKind kind, std::string_view payload);

// The newest go.mod files that are read in a check.
inline constexpr std::size_t kMaxGoMods = 20;

// helper_fixes.cc: what the vulnerability database says of what runs, and of what is newer.
Status find_vulnerabilities(const Job& job, Discovered& found);
// helper_builds.cc: what the build services say, the proofs, and the binary.
Status fetch(const Job& job, int out);

}  // namespace gw::supervise
