// What a call of check asks about: `PATH[@VERSION]`, from arguments or a list.
//
// Everything is checked before the first packet; a bad entry of a list carries its error along, so
// that the others still get their answers. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "module/path.h"

namespace gw::check {

struct ModuleRequest {
  std::string path;                       // as given, also when it is no module path
  std::optional<mod::ModulePath> module;  // the same, unless that is the problem
  std::optional<std::string> known;       // the version the caller has: canonical semver
  std::optional<Error> problem;           // kUsage; nothing is looked up then
};

// `github.com/mjl-/mox` or `github.com/mjl-/mox@v0.0.14`.
ModuleRequest parse_module_request(std::string_view text);

// One request a line; `#` starts a comment, empty lines and white space around do not count.
// Problems name the line.
std::vector<ModuleRequest> parse_request_list(std::string_view text);

// kUsage unless canonical: `v1.2.3`, with a prerelease or +incompatible if need be.
Status check_module_version(std::string_view version);
// kUsage unless a domain of letters, digits, - and _, with room for the names that are asked for.
Status check_domain(std::string_view domain);
// kUsage unless a Go version: `go1.26.8`, `go1.27rc1`.
Status check_go_version(std::string_view version);

// Whether the release `candidate` is newer than `known`, both canonical. A +incompatible version
// counts by its number, as for the go command once it takes such versions at all: whether it does
// is the server's to say, by answering with them or not.
bool is_newer(std::string_view candidate, std::string_view known);

}  // namespace gw::check
