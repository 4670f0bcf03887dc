// Modules on the disk, verified: a module proxy's files, of which every go.mod and zip has the sum
// that the checksum database has for it.
//
// Whatever is asked for comes from the store, or from the proxies and then into the store; either
// way it is compared with its proven sum each time, so that neither a proxy nor an edited cache is
// believed. From here on the bytes are what the module's author published.
//
// Any thread. Files appear whole or not at all; several processes may share a store.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/result.h"
#include "build/proxy_client.h"
#include "build/sums.h"
#include "module/byte_source.h"
#include "module/proxy.h"
#include "os/file.h"

namespace gw::build {

// For progress: a file that came from a proxy. Called by any thread.
using OnFetched = std::function<void(const mod::ProxyRequest& request, std::uint64_t bytes)>;

class ModuleStore {
 public:
  // `directory` exists. All must outlive this.
  ModuleStore(std::string directory, ProxyFiles& proxy, SumSource& sums, OnFetched on_fetched);

  // kNotFound: no proxy has it, or the checksum database has no record of it (which then is what
  // the message says). kUntrusted: it does not have its sum; nothing of it is kept. Else as
  // ProxyFiles and ModuleSums.
  Result<std::string> gomod(const std::string& module, const std::string& version);
  // An open file, its position at the start. kNotFound with a BuildFailure: what the log knows is
  // no zip that anybody may unpack.
  Result<os::Fd> zip(const std::string& module, const std::string& version);

  // Unverified, and never kept: what there is to ask for.
  Result<mod::VersionInfo> info(const std::string& module, const std::string& query);
  Result<mod::VersionInfo> latest(const std::string& module);
  Result<std::string> list(const std::string& module);

  SumSource& sums() { return sums_; }

 private:
  Result<std::string> fetch(const mod::ProxyRequest& request);
  Result<std::string> sum_of(const mod::ProxyRequest& request, const mod::ByteSource& bytes);

  const std::string directory_;
  ProxyFiles& proxy_;
  SumSource& sums_;
  const OnFetched on_fetched_;
};

}  // namespace gw::build
