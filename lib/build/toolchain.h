// Go toolchains: as modules, verified like any other, or as a directory that the caller trusts.
//
// A toolchain module (golang.org/toolchain@v0.0.1-goX.GOOS-GOARCH) becomes a directory of the cache
// once; whenever it is used, all its files are hashed and compared with the checksum database
// again (0.3 s of CPU), because the go command never does. What differs from the zip is only what
// has to: programs are executable, and each `_go.mod` has a copy named go.mod beside it.
//
// Source: cmd/go/internal/toolchain/select.go. One thread; several processes may share a cache.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
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

// What is kept of a toolchain's work is kept under this name: the version of one that is what the
// checksum database says, else the version and a hash of all its files as they are now (0.3 s of
// CPU), whatever kept_as says. Empty when not all can be read, or it was stopped: then nothing is
// kept.
std::string kept_name(const Toolchain& toolchain, const os::Stop* stop = nullptr);

// The kept name of one toolchain as it is now, each time it is asked for: its files are read again
// only when one may have been changed since. What tells that is each file's name, device, inode,
// size, and the times of its last modification and change, which nobody can set back. A change
// that was less than two seconds old may have been followed by another one in the same tick of the
// clock, and is not relied on. A tenth of the time that reading takes.
//
// One thread at a time.
class KeptName {
 public:
  using Read = std::function<std::string(const Toolchain&)>;
  // `clock` must outlive it. `read`: kept_name(), but for tests.
  explicit KeptName(
      const Clock& clock, Read read = [](const auto& t) { return kept_name(t); })
      : clock_(clock), read_(std::move(read)) {}
  std::string of(const Toolchain& toolchain);

 private:
  const Clock& clock_;
  const Read read_;
  std::string mark_;  // of the files that name_ is of; empty: not to be relied on
  std::string name_;
};

// ---- for tests ----

// Whether a toolchain module's file is a program: bin/*, pkg/tool/**, lib/*/go_*_*_exec.
bool is_program(std::string_view name);
// A hash of the files that builds with a GOROOT may read, wherever links in it lead. kUnavailable
// when there are more of them, or deeper, than any toolchain has, or stopped; kIo.
Result<std::string> hash_goroot(const std::string& goroot, const os::Stop* stop = nullptr);
// What KeptName compares, and when the last change was.
struct GorootMark {
  std::string text;
  WallTime changed{};
};
Result<GorootMark> mark_goroot(const std::string& goroot);
// The h1: sum of an unpacked toolchain. kUntrusted: a go.mod is not its _go.mod's copy, a link, a
// program that cannot be run. kUnavailable: stopped.
Result<std::string> hash_toolchain(int dir, std::string_view prefix,
                                   const os::Stop* stop = nullptr);

}  // namespace gw::build
