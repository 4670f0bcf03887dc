// From what a person writes to what is built: `MODULE[/DIR][@VERSION]` to a module, a canonical
// version and a directory in it.
//
// As the go command does it: of the module paths that the path may begin with, the longest that
// exists at that version and has the package. A canonical version is what it is; `latest` (nothing)
// leaves retracted versions out, and +incompatible ones when the newest compatible one has a
// go.mod, and takes a prerelease only when there is no release; `v1` and `v1.2` are the newest of
// those; anything else (a branch, a commit) is what the proxy says. Sources: go.dev/ref/mod
// (version-queries), cmd/go/internal/modload/query.go.
//
// One thread a call; errors: kUsage for what cannot be asked, kNotFound, else the store's.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "build/module_store.h"
#include "module/gomod.h"

namespace gw::build {

struct Request {
  std::string path;   // of the command, or a module's
  std::string query;  // "latest", "v1.2.3", "v1", "main"
};

// kUsage: no import path with a host in it; `upgrade`, `patch`, `none` and comparisons, which mean
// something to a module that has requirements only.
Result<Request> parse_request(std::string_view text);

struct Resolved {
  std::string module;
  std::string version;
  std::string dir;  // "/" or "/cmd/x"
};
Result<Resolved> resolve(ModuleStore& store, const Request& request);

// Whether anything must be asked to know which version, or which Go version, is meant: "latest",
// "v1", a branch; "latest", "go1.26.latest". Pure.
bool is_version_query(std::string_view version);
bool is_go_query(std::string_view go_version);

// The version of the module that the query means.
Result<std::string> resolve_version(ModuleStore& store, const std::string& module,
                                    const std::string& query);

// Which release of Go is wanted. All empty: the newest.
struct GoQuery {
  std::string line = {};         // "go1.26": one of its releases
  std::string stop_before = {};  // a version; none from it on
};
// "go1.26" of "go1.26.latest"; empty for another text.
std::string go_line_of_latest(std::string_view text);
bool matches(const GoQuery& query, std::string_view go_version);

// "go1.26.8" for `latest`: the newest release that the module proxy has for this machine.
// `platform`: "linux-amd64".
Result<std::string> resolve_go_version(ModuleStore& store, std::string_view platform,
                                       const GoQuery& query = {});

// Pure parts, for tests.
//
// Module paths that a package of this path may be in, longest first.
std::vector<std::string> candidate_modules(std::string_view path);
// Whether a version was withdrawn by its module's author.
bool is_retracted(const std::vector<mod::GoModRetract>& retractions, std::string_view version);
// Of ascending versions the newest release, or else the newest; empty when there is none.
std::string newest_version(const std::vector<std::string>& versions);
// Of toolchains `v0.0.1-goX.PLATFORM`, the releases for the platform as "goX", newest first.
std::vector<std::string> go_releases(const std::vector<std::string>& versions,
                                     std::string_view platform);

}  // namespace gw::build
