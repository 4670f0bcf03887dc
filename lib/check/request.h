// What a call of check asks about: `PATH[@VERSION]`, from arguments or from a list that somebody
// wrote or a tool of Go's printed.
//
// Everything is checked before the first packet; a bad entry of a list carries its error along, so
// that the others still get their answers. Pure functions, linear in the text.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "module/path.h"

namespace gw::check {

// Where a module or a version was found: "go.mod:12", or "/usr/bin/age" as a whole.
struct Place {
  std::string file;
  std::size_t line = 0;  // 0: not in a line
  bool operator==(const Place&) const = default;
};
std::string format_place(const Place& place);

// The first places; that there are more is counted, so that no hostile files take all memory.
struct Places {
  static constexpr std::size_t kMost = 100;
  std::vector<Place> first;
  std::size_t more = 0;

  void add(Place place);
};

// A version of a module that a go.mod excludes.
struct Exclusion {
  std::string version;
  Place place;
};
// What one go.mod excludes of a module, each version once: shared by all that it requires of it.
using Exclusions = std::shared_ptr<const std::vector<Exclusion>>;

struct ModuleRequest {
  std::string path;                       // as given, also when it is no module path
  std::optional<mod::ModulePath> module;  // the same, unless that is the problem
  std::optional<std::string> known;       // the version the caller has: canonical semver
  std::optional<Error> problem;           // kUsage; nothing is looked up then
  // What is to be known of it besides: that it is replaced, or was built from a working tree.
  std::vector<std::string> notes = {};
  std::vector<Exclusions> excluded = {};  // by the go.mod files that it is from
  bool asked = true;                      // false: nothing can be newer, and a note says why
  bool maybe_package = false;  // a person wrote it, who may mean a package inside a module
  Places places = {};          // of those that were found in files
};

// `github.com/mjl-/mox` or `github.com/mjl-/mox@v0.0.14`; "+dirty" is noted and taken off.
ModuleRequest parse_module_request(std::string_view text);

// A module as a tool names it, path and version apart. A version that is none is noted and not
// asked for ("" and "(devel)": built from a directory); "+dirty" is noted and taken off.
ModuleRequest module_request(std::string_view path, std::string_view version);

// A module that another one, or a directory (no version), takes the place of: the first is noted
// only, as nothing of it is used, and the other one is asked for.
std::vector<ModuleRequest> replaced_requests(std::string_view path, std::string_view version,
                                             std::string_view with, std::string_view with_version);

// More modules than this in one call are refused, so that no list takes all memory.
inline constexpr std::size_t kMostModules = 50'000;
Error too_many_modules();  // kUsage

struct RequestList {
  std::vector<ModuleRequest> requests;
  std::size_t main_modules = 0;  // left out: they have no version
};

// One request a line; `#` starts a comment, as does `//` behind a blank, empty lines and white
// space around do not count. A line is
//   PATH[@VERSION]
//   PATH VERSION [=> PATH [VERSION]]    as `go list -m all`, also with -u, prints it; with
//                                       [NEWER], (retracted), (deprecated) behind either
//   dep PATH VERSION ...                as `go version -m` does: mod, dep and => count
// Where lines have the second form, a path alone is the main module and left out. What is said
// again, as of several programs, counts once.
// Problems name the line. kUsage: more than kMostModules.
Result<RequestList> parse_request_list(std::string_view text);
// "standard input: 12 modules, 1 main module left out".
std::string list_summary(const RequestList& list);

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
