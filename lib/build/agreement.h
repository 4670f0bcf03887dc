// What several build services say of one build, each proven by its own log: whether enough of them
// say the same.
//
// A service that cannot be asked, or that got another result, is no proof of anything wrong, and is
// told of; one whose answer its log does not prove is, whatever the others say. So is a record that
// enough say, beside another one that as many say. Pure.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "build/client.h"

namespace gw::build {

struct ServiceAnswer {
  std::string name;  // of the service, for messages
  Result<ProvenBuild> build;
};

struct Agreement {
  ProvenBuild build;
  std::vector<std::size_t> by;        // of the answers, ascending
  std::vector<std::string> warnings;  // what others said
};
// `wanted`: at least 1, and not more than there are answers. kUntrusted: records differ, or one is
// not proven; else the error of a service that did not answer, where too few did.
Result<Agreement> find_agreement(const std::vector<ServiceAnswer>& answers, std::size_t wanted);

// "2/3": two of three. kUsage: not K/N with 1 <= K <= N <= 100.
Result<std::pair<std::size_t, std::size_t>> parse_servers(std::string_view text);

// "VKEY" or "VKEY=URL". A key ends with base64, whose padding is an equals sign, too.
struct ServiceName {
  std::string key;
  std::string source;
};
ServiceName split_build_service(std::string_view text);
// kUsage: two of them have the same key or name, so that one would count twice.
Status check_different(const std::vector<ServiceName>& services);

}  // namespace gw::build
