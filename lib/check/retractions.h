// What the authors of modules have taken back, or given up: the newest go.mod of a module says it,
// and DNS does not.
//
// As the go command (cmd/go/internal/modload, CheckRetractions): the go.mod of a path's highest
// release has the word for all its versions, also when that release is itself retracted. It comes
// from a module proxy and is not proven here: it can only add a mark.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "check/outcome.h"
#include "module/proxy.h"
#include "net/http.h"

namespace gw::check {

struct RetractionOptions {
  std::vector<mod::ProxyEntry> proxies;  // as in GOPROXY; `direct` has no go.mod to give here
  net::HttpOptions http;
};

// Marks the releases of modules and the versions that are had (where anything of their paths is
// served), each path asked for once and all at once. A path of which no
// go.mod comes gets an error in its outcome: kNotFound, kUnavailable, kCorrupt. kUsage: nobody to
// ask.
Status mark_retracted(std::vector<Outcome>& outcomes, const RetractionOptions& options);

// What a go.mod says of one version.
struct Marks {
  std::optional<std::string> retracted;  // the reason, maybe ""
  std::string deprecated;                // the module's, "" when it is not
};
// kCorrupt when the text is no go.mod. Pure.
Result<Marks> read_marks(std::string_view gomod, std::string_view version);

}  // namespace gw::check
