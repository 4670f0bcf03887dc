// The operator's listener: metrics, health, what waits, what failed. Not for the public.
#pragma once

#include <functional>

#include "base/clock.h"
#include "buildd/ledger.h"
#include "buildd/notes.h"
#include "buildd/queue.h"
#include "buildd/toolchain_gate.h"
#include "http/router.h"

namespace gw::buildd {

struct AdminParts {
  Ledger& ledger;
  BuildQueue& queue;
  ToolchainGate* gate;  // may be null
  const Clock& clock;
  std::function<void()> set_gauges;
  Notes& notes;
};

//   GET  /metrics, /healthz
//   GET  /pending            JSON: builds that wait and run
//   GET  /failures           JSON: failures that are remembered
//   POST /failures/forget    key=KEY of a form, or all of them
//   POST /build              the body's lines are keys: they are built when there is nothing else
//   to
//                            do for a builder, as if a reader had asked
//   GET  /toolchains         JSON: those that were tried out, and what came out
//   POST /toolchains/forget  go=VERSION of a form: it is tried again when somebody wants it
//   GET  /notes              what the first page says of the service, as text
//   POST /notes              the body is that from now on; an empty one: the option's text again
//   POST /drain              takes no more builds; those under way end
void add_admin_routes(http::Router& router, AdminParts parts);

}  // namespace gw::buildd
