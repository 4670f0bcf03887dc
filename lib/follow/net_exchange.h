// Exchanging heads over HTTP and files.
#pragma once

#include <memory>

#include "base/result.h"
#include "follow/options.h"
#include "net/http.h"

namespace gw::follow {

// fetch(): a URL with http:// or https://, else a file; at most 1 MB. post(): the signed note as
// text/plain; any 2xx status is a success. Contacts nobody yet; kUsage for bad HTTP options.
Result<std::unique_ptr<HeadExchange>> make_exchange(net::HttpOptions options);

}  // namespace gw::follow
