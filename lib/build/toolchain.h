// Go toolchains: as modules, verified like any other, or as a directory that the caller trusts.
//
// A toolchain module (golang.org/toolchain@v0.0.1-goX.GOOS-GOARCH) becomes a directory of the cache
// once; whenever it is used, all its files are hashed and compared with the checksum database
// again (0.3 s of CPU), because the go command never does. What differs from the zip is only what
// has to: programs are executable, and each `_go.mod` has a copy named go.mod beside it.
//
// Source: cmd/go/internal/toolchain/select.go. One thread; several processes may share a cache.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "build/module_store.h"
#include "os/file.h"
#include "os/stop.h"

namespace gw::build {

struct Toolchain {
  std::string go_version;  // "go1.26.8"
  std::string goroot;      // absolute, without links
  // Directories outside that it needs: where links in it lead, and libraries of its programs.
  // Absolute, without links. None for one from a module.
  std::vector<std::string> others;
  // The name that tells it from others, as kept_name() says. Empty: not known yet.
  std::string kept_as = {};
  // As long as one of these lives, nobody takes it out of the cache (build/cache_trim.h).
  std::shared_ptr<const os::Fd> in_use = {};
  std::string sum = {};  // "h1:..." of a verified one
};

// Where toolchain modules come from, and where they lie: in a directory that exists.
struct ToolchainCache {
  ModuleStore& store;
  std::string directory;
  const os::Stop* stop = nullptr;  // ends unpacking and hashing, too; may be null
};

// Fetched and unpacked when it is not in the cache. `platform`: "linux-amd64". kUntrusted: not what
// the checksum database says, with nothing kept, or changed in the cache. kUnavailable: stopped,
// with nothing kept of what was not unpacked yet. Else as ModuleStore.
Result<Toolchain> module_toolchain(const ToolchainCache& cache, const std::string& go_version,
                                   std::string_view platform);

// A toolchain that nobody verified. `directory`: a GOROOT, or a directory of them named goX.Y.Z or
// goX.Y.Z.GOOS-GOARCH; `go_version`: the one that is wanted, empty for whichever it is. kUsage: it
// is another version, is none, or its go.env changes what is built.
Result<Toolchain> directory_toolchain(const std::string& directory, const std::string& go_version,
                                      std::string_view platform);

// The same, of the `go` that is found by `path`, a list as in PATH.
Result<Toolchain> local_toolchain(std::string_view path, const std::string& go_version);

}  // namespace gw::build
