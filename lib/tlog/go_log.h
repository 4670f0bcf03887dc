// The Go checksum database and logs of its kind: a record has the sums of one module version.
//   M V h1:BASE64\n
//   M V/go.mod h1:BASE64\n
// A key is M@V. Sources: golang.org/x/mod/sumdb, go.dev/ref/mod#checksum-database. Pure functions;
// parsing is one pass without allocation (about 40 ns).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/crypto.h"
#include "base/result.h"
#include "tlog/log_format.h"
#include "tlog/record.h"

namespace gw::tlog {

// The verifier key of sum.golang.org.
inline constexpr std::string_view kGoLogKey =
    "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";

// lookup_path: "lookup/ESCAPED_PATH@ESCAPED_VERSION". check_answer: find_sums().
extern const LogFormat kGoLog;

inline constexpr std::size_t kSumBytes = 47;  // "h1:" and 44 characters

// Views into the record.
struct GoRecord {
  std::string_view module;
  std::string_view version;
  std::string_view zip_sum;    // "h1:..." of the module's zip
  std::string_view gomod_sum;  // "h1:..." of its go.mod
};

// Nothing when irregular. Regular: both lines name the same module and version, neither holds a
// space; the version starts with `v` and holds no slash; sums are canonical base64 of 32 bytes; the
// text is a valid record text. That the path is a valid module path and the version semver is not
// checked here.
std::optional<GoRecord> parse_go_record(std::string_view text);
// Whether a regular record may be of a module with this path: of what the log holds, not of what
// the go command takes (module/path.h).
bool is_record_module(std::string_view text);
std::string format_go_record(const GoRecord& record);

struct GoSums {  // views into the record
  std::string_view zip;
  std::string_view gomod;
};
// Of a regular record. Precondition: record.regular(), of a log of this form.
GoSums go_sums(const VerifiedRecord& record);

// Precondition: `record` is authenticated. kUntrusted unless it holds exactly one line of each kind
// for this module version, each with a well-formed h1 sum. Other lines may be there.
Result<GoSums> find_sums(std::string_view record, std::string_view module,
                         std::string_view version);

// "M@V".
std::string go_key(std::string_view module, std::string_view version);

// "h1:BASE64" <-> 32 bytes.
std::optional<Hash> parse_sum(std::string_view text);
std::string format_sum(const Hash& sum);

}  // namespace gw::tlog
