// Several build services asked for one build: which of them may fail, and when what one of them
// says is taken.
//
//   GW_TRY(const FirstAnswer first, first_answer(services, ask, warn));  // one of them knows it
//   GW_TRY(const Agreed agreed, agree(services, first, warn));           // enough say the same
//   GW_TRY(const std::string bytes, fetch_agreed(agreed));               // and one has the bytes
//
// As many may fail as are not needed; an answer that its log does not prove is an error whatever
// the others say. What the answers come to is build/agreement.h's. One thread calls; agree() asks
// each service on a thread of its own. Errors: as build/build_service.h.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "build/build_service.h"
#include "build/client.h"

namespace gw::build {

struct Services {
  std::vector<std::unique_ptr<BuildService>> all;  // in the order in which they are asked
  std::size_t wanted = 0;  // that say the same: at least 1, and not more than there are
};

// Told of a service that failed, or said something else, and was not needed.
using Warn = std::function<void(const std::string& message)>;

struct FirstAnswer {
  ProvenBuild build;
  std::size_t by = 0;  // of Services::all
};
// Asks one service after the other until one knows. kUntrusted and kUsage end it at once. Where so
// many failed that not enough are left, the last error; of kNotFound the first one.
Result<FirstAnswer> first_answer(const Services& services,
                                 const std::function<Result<ProvenBuild>(BuildService&)>& ask,
                                 const Warn& warn);

// What enough services say.
struct Agreed {
  ProvenBuild build;
  std::vector<BuildService*> by;  // in their order; at least one, of the Services'
};
// All but the one that answered already are asked for its build at once: each may have to build it
// first. The record may be another one than the first answer's. kUntrusted: as find_agreement().
Result<Agreed> agree(const Services& services, const FirstAnswer& first, const Warn& warn);

// From the first one that has it; the last error. kUntrusted, naming it: one sends other bytes than
// it has logged, and no other is asked.
Result<std::string> fetch_agreed(const Agreed& agreed);

}  // namespace gw::build
