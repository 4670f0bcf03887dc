// The operator's listener: metrics, health, what waits, what failed. Not for the public.
#pragma once

#include <functional>

#include "base/clock.h"
#include "buildd/ledger.h"
#include "buildd/queue.h"
#include "http/router.h"

namespace gw::buildd {

struct AdminParts {
  Ledger& ledger;
  BuildQueue& queue;
  const Clock& clock;
  std::function<void()> set_gauges;
};

//   GET  /metrics, /healthz
//   GET  /pending            JSON: builds that wait and run
//   GET  /failures           JSON: failures that are remembered
//   POST /failures/forget    key=KEY of a form, or all of them
//   POST /build              the body's lines are keys: they are built when there is nothing else
//   to
//                            do for a builder, as if a reader had asked
//   POST /drain              takes no more builds; those under way end
void add_admin_routes(http::Router& router, AdminParts parts);

}  // namespace gw::buildd
