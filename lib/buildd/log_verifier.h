// Another build service as a verifier: its log must have the same record.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "build/log_client.h"
#include "buildd/maker.h"
#include "net/http.h"
#include "os/stop.h"

namespace gw::buildd {

// A client of its log, which sends these headers and waits no longer than until the stop is
// requested. Called for each question, on any thread: several builds may end at the same time.
using OpenLog = std::function<Result<std::unique_ptr<build::LogClient>>(
    const os::Stop& stop, const std::vector<net::HttpHeader>& headers)>;

// `name`: its key's, which every error begins with. Asks for the key, which makes it build what it
// has not built yet.
Verifier log_verifier(std::string name, OpenLog open);

}  // namespace gw::buildd
