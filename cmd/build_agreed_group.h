// The build services that a call names, for what is decided by several (build/services.h).
#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "build/services.h"
#include "build_service_group.h"
#include "os/stop.h"

namespace gw::cmd {

// The service itself, --log-key's, and then every --verifier. kUsage: one is named twice.
Result<build::Services> open_services(const BuildServiceValues& v, const Clock& clock,
                                      const os::Stop& stop);

// Warns, as they come.
build::Warn warn_in(Context& ctx);

}  // namespace gw::cmd
