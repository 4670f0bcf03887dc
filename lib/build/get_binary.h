// One binary of build services, taken only when all of this holds: a service knows a build that the
// request may mean, its record has the sum that was asked for, enough services have the same
// record, the bytes are those of that record, and they say of themselves that they are that build.
//
//   GW_TRY(const FetchedBinary got, get_binary(services, {candidate_keys(asked), sum, check},
//   told));
//
// Nothing is written. One thread calls; services are asked as build/services.h says. Errors:
// kUntrusted when one of these does not hold, whoever is at fault; else those of
// build/build_service.h, and what `check` gives.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "build/client.h"
#include "build/key.h"
#include "build/services.h"

namespace gw::build {

// What a package may mean, as its module is a part of its path: keys that differ in where the
// module ends, the longest module first. `asked`: with the whole path as its module; a directory of
// its own says where that ends.
std::vector<Key> candidate_keys(const Key& asked);

struct WantedBinary {
  std::vector<Key> keys;  // in the order in which they are asked for; versions may be queries
  std::string sum;        // that it must have; empty: what the log says
  // Of what a query turned out to be, before a service is asked to build it: an error ends it.
  std::function<Status(const Key&)> check;
};

// For people. All are called on the caller's thread, and are there.
struct GetTold {
  std::function<void(const Key&)> asking;
  std::function<void(const ProvenBuild&)> downloading;
  Warn warn;
};

struct FetchedBinary {
  ProvenBuild build;
  std::string bytes;
  std::size_t logs = 0;  // that have the record
};
Result<FetchedBinary> get_binary(const Services& services, const WantedBinary& wanted,
                                 const GetTold& told);

}  // namespace gw::build
