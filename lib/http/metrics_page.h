// The two pages that every daemon has.
#pragma once

#include <functional>
#include <string>

#include "http/router.h"

namespace gw::http {

// /metrics (Prometheus text) and /healthz: 200 "ok", or 503 with the text that `health` returns
// when it is not empty. `refresh` runs before the metrics are formatted, to set gauges; both may be
// null, and are called on the server's thread.
void add_metrics_page(Router& router, std::function<std::string()> health = nullptr,
                      std::function<void()> refresh = nullptr);

}  // namespace gw::http
