// A build service as its clients see it: what its log proves of a build, and the binaries that
// belong to that. The network's end of whatever decides by it: LogClient is one, tests put others
// in its place.
//
// One thread at a time. Errors: kNotFound: the service has no such build, and says that it cannot
// be made; kUnavailable: a retry may help; kUntrusted: its log does not prove what it says; kIo.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "build/client.h"
#include "build/key.h"

namespace gw::build {

class BuildService {
 public:
  virtual ~BuildService() = default;
  // Of its log's key.
  virtual std::string name() const = 0;
  // What the service takes `latest` and other queries for; nothing but find() makes it true. The
  // result has the request's module, directory, target and variant. `query`: "MOD@latest/...".
  virtual Result<Key> resolve(const Key& query) = 0;
  // Waits for a build.
  virtual Result<ProvenBuild> find(const Key& key) = 0;
  // The uncompressed binary; its sum is the record's.
  virtual Result<std::string> fetch(const ProvenBuild& found) = 0;
  // The same by a record, which the caller has proven.
  virtual Result<std::string> fetch_record(std::string_view record) = 0;
  // Whether the file that is served as it is has the record's sum, too: fetch() takes the packed
  // one. Files that somebody else serves may be packed ones alone.
  virtual Status check_unpacked(std::string_view record) = 0;
};

}  // namespace gw::build
