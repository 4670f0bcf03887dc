// Import paths: which are well formed, and which need no lookup at all.
//
// Problem: an import path comes from a person or a build and decides which host is asked what, so
// it is checked before anything is sent; and some hosts have fixed rules in the go command.
// The rules are those of module/path.h (x/mod's CheckImportPath), of domain names, and of the go
// command's table of known hosts (cmd/go/internal/vcs). Costs: one pass over the path.
//
// Pure functions, any thread; views must outlive the call only.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "vanity/go_import.h"

namespace gw::vanity {

// kUsage with the reason when `path` is not an import path whose first element is a domain name
// with a dot (letters, digits, "-" and "_"; non-ASCII names only in their xn-- form). At most 1024
// bytes.
Status check_import_path(std::string_view path);

// The domain alone, by the same rule: for `--list DOMAIN`.
Status check_import_domain(std::string_view domain);

// The first element: "example.org" of "example.org/x/foo".
std::string_view path_domain(std::string_view path);

// Where the go-import records of a path's domain are: "go-import." + the domain in lower case,
// without a final dot. Precondition: check_import_path(path).
std::string record_name(std::string_view path);

// What the go command knows without asking: github.com, bitbucket.org, hub.jazz.net/git,
// git.apache.org, git.openstack.org, chiselapp.com, and HOST/PATH.VCS[/...]. Nothing when a lookup
// is needed; kNotFound when the host is listed and the path does not fit it.
//
// One difference to the go command: its last rule is not anchored at the start, and finds
// "z.org/q.git" inside "a.org/x+y/z.org/q.git"; here a rule describes the whole path.
// Precondition: check_import_path(path).
Result<std::optional<GoImport>> find_static(std::string_view path);

}  // namespace gw::vanity
