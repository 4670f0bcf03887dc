// The part of a supervisor that speaks to the network: a process of its own, for one job, which
// writes frames (messages.h) and ends.
//
// It holds no secret, writes no file and decides nothing: it gathers what the supervisor then
// verifies. So a fault in what reads strangers' answers is not one in what may replace a service.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "supervise/messages.h"
#include "tlog/source.h"

namespace gw::supervise {

// Does the job and writes to `out`. Its errors are written, too: what it returns is only whether
// that could be done (kIo), but for kReady and kTell, which write nothing.
Status help(const Job& job, int out, const Clock& clock);

// The kernel did not take the list of calls (helper_calls.h): said to who reads `out`, if anybody
// does.
Status tell_refused(const Job& job, int out, const Error& why);

// The parts: for tests, and for who sets a service up. No vulnerability database is asked: help()
// does so when the answer has been written, and writes another one.
Result<Discovered> discover(const Job& job, const Clock& clock);
// The build service's log. `base`: build::service_base().
Result<std::unique_ptr<tlog::TileSource>> log_source(const Sources& sources,
                                                     const std::string& base);

}  // namespace gw::supervise
