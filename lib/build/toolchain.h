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

namespace gw::build {

struct Toolchain {
  std::string go_version;  // "go1.26.8"
  std::string goroot;      // absolute, without links
  // Directories outside that it needs: where links in it lead, and libraries of its programs.
  // Absolute, without links. None for one from a module.
  std::vector<std::string> others;
  // It is what the checksum database says: what it compiles can be kept by its version alone.
  bool verified = false;
  // As long as one of these lives, nobody takes it out of the cache (build/cache_trim.h).
  std::shared_ptr<const os::Fd> in_use = {};
};

// From the cache's directory `directory`, which exists, fetched and unpacked when it is not there.
// `platform`: "linux-amd64". kUntrusted: not what the checksum database says, with nothing kept, or
// changed in the cache. Else as ModuleStore.
Result<Toolchain> module_toolchain(ModuleStore& store, const std::string& directory,
                                   const std::string& go_version, std::string_view platform);

// A toolchain that nobody verified. `directory`: a GOROOT, or a directory of them named goX.Y.Z or
// goX.Y.Z.GOOS-GOARCH; `go_version`: the one that is wanted, empty for whichever it is. kUsage: it
// is another version, is none, or its go.env changes what is built.
Result<Toolchain> directory_toolchain(const std::string& directory, const std::string& go_version,
                                      std::string_view platform);

// The same, of the `go` that is found by `path`, a list as in PATH.
Result<Toolchain> local_toolchain(std::string_view path, const std::string& go_version);

// ---- for tests ----

// Whether a toolchain module's file is a program: bin/*, pkg/tool/**, lib/*/go_*_*_exec.
bool is_program(std::string_view name);
// The h1: sum of an unpacked toolchain. kUntrusted: a go.mod is not its _go.mod's copy, a link, a
// program that cannot be run.
Result<std::string> hash_toolchain(int dir, std::string_view prefix);

}  // namespace gw::build
