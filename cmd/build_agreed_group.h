// What several build services say of one build: enough of them must say the same.
//
// One thread calls; the services are asked on threads of their own. Errors as build/log_client.h.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "build/log_client.h"
#include "build_service_group.h"
#include "os/stop.h"

namespace gw::cmd {

using Clients = std::vector<std::unique_ptr<build::LogClient>>;

struct Services {
  Clients clients;         // the first one is the service itself, the others are verifiers
  std::size_t wanted = 0;  // that say the same
};

// The services that are asked: --log-key's first, and every --verifier. kUsage: one is named twice.
Result<Services> open_services(const BuildServiceValues& v, const Clock& clock,
                               const os::Stop& stop);

// What enough services say.
struct Agreed {
  build::ProvenBuild found;
  std::vector<build::LogClient*> by;
};

// What the one at `from` says, if enough say the same, and no others have as many for another. All
// are asked at once: each may have to build it first. `known`: what that one said already.
Result<Agreed> agree(Context& ctx, const Services& services, const build::ProvenBuild& known,
                     std::size_t from);

// Asks one service after the other until one knows, where not all have to.
Result<std::pair<build::ProvenBuild, std::size_t>> first_answer(
    Context& ctx, const Services& services,
    const std::function<Result<build::ProvenBuild>(build::LogClient&)>& ask);

// From the first one that has it. Who sends other bytes than it has logged is told of.
Result<std::string> fetch_agreed(const Agreed& agreed);

}  // namespace gw::cmd
