// URLs of http and https: whether one can be asked for, and its parts, as curl reads them.
//
// Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "net/http_proxy.h"

namespace gw::net {

// kUsage unless `url` is absolute, http or https, with a host, no control characters or spaces.
Status check_url(std::string_view url);

// A URL that paths are added to, without its final slashes. kUsage as check_url(), and for a query
// or a fragment, in which they would end up.
Result<std::string> base_url(std::string_view url);

// `url` without user name and password, for messages.
std::string redact_url(std::string_view url);

// Of URLs that check_url() takes.

// "https://host:443": what shares connections.
std::string url_origin(const std::string& url);
// The proxy for `url`, "" when it is asked directly.
std::string url_proxy(const std::string& url, const ProxySettings& proxies);
// In lower case, without the brackets of an address.
std::string url_host(const std::string& url);

}  // namespace gw::net
