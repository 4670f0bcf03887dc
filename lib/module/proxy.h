// The module proxy's protocol without its network: what GOPROXY says, what is asked for under which
// path, and what the answers mean.
//
// An answer is a stranger's: its length is bounded by the caller (max_answer_bytes()) before it
// comes here, and everything in it is checked against what was asked. Proof of content is the
// checksum database's affair: `h1:` sums, module/dirhash.h and module/zip.h. Sources:
// go.dev/ref/mod (goproxy-protocol), cmd/go's internal/modfetch/proxy.go; where this is stricter,
// it says so.
//
// All functions are pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace gw::mod {

// ---- Where to ask ----

struct ProxyEntry {
  enum class Kind : std::uint8_t { kUrl, kFile, kDirect, kOff };
  Kind kind = Kind::kUrl;
  // kUrl: http or https, without final slashes. kFile: a directory's absolute path. Else empty.
  std::string place;
  // The next entry is asked after any error, not only after 404 and 410 ("|", not ",").
  bool after_any = false;
  bool operator==(const ProxyEntry&) const = default;
};

// A list as in GOPROXY: entries divided by "," or "|", "direct" and "off" end it, `parse_address`
// reads the others. Its errors, and kUsage for an empty list.
using AddressParser = Result<ProxyEntry> (*)(std::string_view address);
Result<std::vector<ProxyEntry>> parse_proxy_list(std::string_view list,
                                                 AddressParser parse_address);

// The same with addresses as the go command takes them: one without a scheme that is no word is
// https. kUsage, naming the entry, for anything else than http, https and file URLs, for those with
// a query or fragment, and for an empty list.
Result<std::vector<ProxyEntry>> parse_proxy_entries(std::string_view list);

// ---- What to ask for ----

struct ProxyRequest {
  enum class Kind : std::uint8_t { kList, kLatest, kInfo, kMod, kZip };
  Kind kind = Kind::kList;
  std::string module;
  // Of kInfo, kMod and kZip; of kInfo it may be a query: a branch, a commit, "v1".
  std::string version;
  bool operator==(const ProxyRequest&) const = default;
};

// "golang.org/x/mod/@v/v0.33.0.info", below a proxy's URL: escaped, no slash in front. kUsage for a
// module or version that cannot be, and for a kMod or kZip of a version that is not canonical.
Result<std::string> format_proxy_path(const ProxyRequest& request);
// The inverse, of a path that has been percent-decoded; kUsage for whatever format_proxy_path()
// would not have written.
Result<ProxyRequest> parse_proxy_path(std::string_view path);

// More than this of an answer means nothing good: 4 MiB of list, 64 KiB of info, 16 MiB of go.mod,
// 500 MiB of zip.
std::uint64_t max_answer_bytes(ProxyRequest::Kind kind);

// ---- What the answers say ----

// The list of versions, ascending, each once: of every line the first word, where that is a
// canonical version that fits the module and no pseudo-version. Other lines are ignored, as by the
// go command, which takes "v1.2" and versions of other majors too, and fails later.
std::vector<std::string> parse_version_list(std::string_view module, std::string_view answer);

// For a module without tagged versions whose proxy knows no @latest: the newest version of the list
// by the time behind it, or else by the time in a pseudo-version. Nothing when there is none.
std::optional<std::string> find_latest_by_time(std::string_view module, std::string_view answer);

struct VersionInfo {
  std::string version;           // canonical, fits the module
  std::optional<WallTime> time;  // of the commit
};
// The answer to kInfo or kLatest: JSON with Version and maybe Time; Origin and others are ignored.
// kUntrusted when malformed, when the version does not fit the module, and when another than the
// canonical version that was asked for came back.
Result<VersionInfo> parse_version_info(const ProxyRequest& request, std::string_view answer);

// The answer to kMod against the sum that the checksum database has for it ("h1:..."). kUntrusted.
// From here on the text is what the module's author published.
Status verify_gomod(std::string_view answer, std::string_view sum);

}  // namespace gw::mod
