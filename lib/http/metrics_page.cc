#include "http/metrics_page.h"

#include <utility>

#include "base/metrics.h"

namespace gw::http {

void add_metrics_page(Router& router, std::function<std::string()> health,
                      std::function<void()> refresh) {
  router.get("/metrics", [refresh = std::move(refresh)](const Request& /*request*/) {
    if (refresh) refresh();
    metric_set(Metric::kBuildInfo, 1);  // 1 while there is somebody to say so
    Response out;
    out.content_type = "text/plain; version=0.0.4; charset=utf-8";
    out.body = format_metrics();
    return out;
  });
  router.get("/healthz", [health = std::move(health)](const Request& /*request*/) {
    const std::string problem = health ? health() : "";
    return problem.empty() ? text_response(200, "ok") : text_response(503, problem);
  });
}

}  // namespace gw::http
