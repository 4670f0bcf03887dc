// What the go command accepts as the URL of a repository: what Go's net/url.Parse accepts, with a
// scheme that is not `file`. Pure, any thread.
#pragma once

#include <string_view>

#include "base/result.h"

namespace gw::vanity {

// kNotFound with the reason: no scheme, `file:`, control characters, a malformed host, port, user
// or percent-escape (RFC 3986 section 3, as net/url reads it).
Status check_repo_url(std::string_view url);

// The scheme in lower case, "" when there is none.
std::string url_scheme(std::string_view url);

// True for the schemes that the go command fetches from without --insecure: https, ssh and the
// version control systems' own over ssh.
bool is_secure_scheme(std::string_view scheme);

}  // namespace gw::vanity
