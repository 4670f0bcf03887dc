// What the path of a service's page asks for.
//
//   /                                       home
//   /MOD                                    a module: its commands
//   /MOD@VER[/DIR]                          a version: its build, for the reader's machine
//   /MOD@VER/[DIR/]GOOS-GOARCH-GOVER[-stripped]/[SUM/]PAGE    a build, and what it has
//
// VER may be a query (latest, v1, a branch), GOVER `latest` or `go1.26.latest`. A build's path is
// its key in the log. Pure functions; a path comes from anybody.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "build/key.h"

namespace gw::buildd {

struct BuildPath {
  enum class Kind { kHome, kModule, kVersion, kBuild };
  Kind kind = Kind::kHome;
  // kBuild: version and Go version may be queries yet. kVersion: module, version and dir only.
  build::Key key;
  std::string sum;   // kBuild; empty without one
  std::string page;  // kBuild: behind the key or the sum: "", "log", a file's name
  // Its one spelling is another: with or without its last slash.
  bool misspelled = false;
};

// `path`: decoded, with its first slash. kNotFound with a hint for what is no page's path; kUsage
// for versions that mean nothing here (`upgrade`, `none`, comparisons).
Result<BuildPath> parse_build_path(std::string_view path);

// With its first slash.
std::string format_build_path(const BuildPath& path);
// "/KEY".
std::string build_page(const build::Key& key);

// `0` and 27 digits of base64url, in their one spelling.
bool is_binary_sum(std::string_view text);

// A page that every build has, but its files.
bool is_named_page(std::string_view page);
// Whether a build has such a page. Of a path with queries its file's name has these in it.
bool is_known_page(const BuildPath& path);

// The target that a reader's browser says it runs on; linux/amd64 when it says nothing.
build::Target guess_target(std::string_view user_agent);

}  // namespace gw::buildd
