// Where a redirect leads: references resolved against the URL they came from.
#pragma once

#include <string>
#include <string_view>

namespace gw::vanity {

// `reference` against the absolute URL `base` (RFC 3986 section 5.2, strict), without its fragment,
// and with spaces and what is not ASCII in path and query escaped. Any bytes may be in both; the
// result is to be checked before it is used.
std::string resolve_reference(std::string_view base, std::string_view reference);

// "user:password" of "http://user:password@host/", "" when there is none.
std::string_view url_credentials(std::string_view url);

// "host" of "https://user@host:443/path", an IPv6 address without its brackets; "" when there is
// none.
std::string_view url_host(std::string_view url);

}  // namespace gw::vanity
