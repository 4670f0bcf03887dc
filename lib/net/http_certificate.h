// What a server's certificate must be beyond what curl asks of it. Part of the HTTP client.
#pragma once

#include <curl/curl.h>

namespace gw::net {

// From now on this transfer accepts only certificates that name hosts or addresses as alternative
// names of their subject. Where there is none curl goes by the subject's common name, as nobody has
// for years (RFC 9525 section 6.4.4), the go command neither.
void require_alternative_names(CURL* easy);

}  // namespace gw::net
