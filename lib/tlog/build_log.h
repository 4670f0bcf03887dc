// A build service's log: a record tells which bytes a build of one command gives.
//   MOD VER DIR GOOS GOARCH GOVER SIZE SUM VARIANT\n
// DIR is the command's directory below the module, `/` for its root; SIZE and SUM are the binary's;
// VARIANT is `stripped` or empty (the line then ends in a space). A key is the build's path on the
// service's pages: MOD@VER/[DIR/]GOOS-GOARCH-GOVER[-stripped]/ with its last slash, nothing
// escaped.
//
// Byte-compatible with gobuild's log, whose heads begin with the Go checksum database's line. Pure
// functions, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tlog/log_format.h"

namespace gw::tlog {

// lookup_path: "lookup/KEY". check_answer: the record must be regular and have that key.
extern const LogFormat kBuildLog;

// Views into the text it was parsed from.
struct BuildTarget {
  std::string_view module;
  std::string_view version;
  std::string_view dir;  // begins with a slash
  std::string_view goos;
  std::string_view goarch;
  std::string_view goversion;  // "go1.26.10"
  bool stripped = false;
  bool operator==(const BuildTarget&) const = default;
};
struct BuildRecord {
  BuildTarget target;
  std::uint64_t size = 0;  // of the uncompressed binary
  std::string_view sum;    // `0` and base64url of the first 20 bytes of its SHA-256
};

// Nothing when irregular. Regular: exactly one line of these nine fields; a valid module path; a
// version that can be part of a path; a clean directory; system and architecture of lower-case
// letters and digits; a Go version from 1.13 on in its one spelling (from 1.21 on with its `.0`,
// before without); canonical size and sum.
std::optional<BuildRecord> parse_build_record(std::string_view text);
std::string format_build_record(const BuildRecord& record);

// The same rules.
std::optional<BuildTarget> parse_build_key(std::string_view key);
std::string format_build_key(const BuildTarget& target);

// Where a service with this key name has its log, unless told otherwise: https://NAME/tlog, and on
// the local network, where names have no dot, http://NAME:8000/tlog.
std::string build_log_url(std::string_view name);

}  // namespace gw::tlog
