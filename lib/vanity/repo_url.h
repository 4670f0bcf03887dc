// What the go command accepts as a URL and as the root of a repository. Pure, any thread.
//
// Sources: net/url of Go 1.26 (Parse, parseHost), cmd/go/internal/vcs (validateRepoRoot),
// cmd/go/internal/modfetch (newProxyRepo) and its codehost (newGitRepo, newVCSRepo).
#pragma once

#include <string_view>

#include "base/result.h"

namespace gw::vanity {

// A URL as net/url reads it, with a scheme that is not `file`. kNotFound with the reason: no
// scheme, `file:`, control characters, a malformed host, port, user or percent-escape (RFC 3986
// section 3).
Status check_repo_url(std::string_view url);

// The same, and something that the go command can fetch from with this system: a host behind "://",
// for `mod` by http or https, for the others by a scheme that they know; never git's `ext`, which
// runs a command. Precondition: is_known_vcs().
Status check_repo_root(std::string_view vcs, std::string_view root);

// The scheme in lower case, "" when there is none.
std::string url_scheme(std::string_view url);

// True for the schemes that protect what comes on its way: https, ssh and the version control
// systems' own over ssh. The go command fetches from others, too.
bool is_secure_scheme(std::string_view scheme);

}  // namespace gw::vanity
