// From keys to binaries: one module version, any number of targets.
//
//   GW_TRY(auto builder, Builder::make(...));            // toolchain and sandbox are there
//   GW_TRY(Product product, builder.build(key));         // fetched, verified, compiled, looked at
//   GW_CHECK(product.save(dir, "age", ...));             // under its name, whole
//
// Keys of one module version share what was fetched and compiled, also with later Builders; nothing
// is shared between modules, as the go command believes what it finds in its caches, but the
// standard library, which is compiled where no module was seen.
//
// One thread. Errors of build(): kNotFound with a BuildFailure: it cannot be built, today or
// tomorrow; kUnavailable: a retry may help; kUntrusted: a module is not what the checksum database
// says; kIo.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/result.h"
#include "build/build_failure.h"
#include "build/cache.h"
#include "build/compile_progress.h"
#include "build/go_runner.h"
#include "build/key.h"
#include "build/module_store.h"
#include "build/product.h"
#include "build/std_cache.h"
#include "build/toolchain.h"
#include "os/dir.h"
#include "os/file.h"
#include "os/stop.h"

namespace gw::build {

// Whether one Builder may build both: they are of one module version and Go version.
bool may_share_builder(const Key& a, const Key& b);

class Builder {
 public:
  struct Options {
    SandboxMode sandbox = SandboxMode::kFull;
    BuildLimits limits = {};
    const BuildGroups* groups = nullptr;  // that builds run in; may be null
    // Builds again, to compare: with nothing that an earlier build compiled but the standard
    // library, and as another user when we are root.
    bool again = false;
    // Compiles the standard library with the rest, as if nothing were kept, and keeps nothing.
    bool own_library = false;
    // For people: what is done just now.
    std::function<void(std::string_view)> progress = nullptr;
    // The same in the place of it, several times a second while something is compiled: which
    // package, and how many of how many. For a terminal.
    std::function<void(std::string_view)> details = nullptr;
  };
  // All must outlive it.
  static Result<std::unique_ptr<Builder>> make(const Cache& cache, ModuleStore& store,
                                               const Toolchain& toolchain, Options options,
                                               const os::Stop& stop);

  // As GoRunner::lacks().
  const std::vector<std::string>& lacks() const { return runner_.lacks(); }

  // Keys of one module version only; the toolchain's Go version.
  Result<Product> build(const Key& key);

 private:
  struct Parts {
    WorkDirectory work;
    GoRunner runner;
    std::optional<StdCache> std = std::nullopt;
    std::string kept_as = {};
  };
  Builder(const Cache& cache, ModuleStore& store, Parts parts, Options options)
      : cache_(cache),
        store_(store),
        work_(std::move(parts.work)),
        runner_(std::move(parts.runner)),
        std_(std::move(parts.std)),
        kept_as_(std::move(parts.kept_as)),
        options_(std::move(options)) {}
  Status fetch(const Key& key, std::string& log);
  Status check_zips(const Forwarder& forwarder) const;
  void remark(const Forwarder& forwarder);
  Status check_sources(std::string_view commands) const;
  Status in_cache(Status done) const;
  Status take_packages(const Key& key) const;
  Status keep_packages(const Key& key) const;
  Status compile_std(const Key& key, std::string_view commands, std::string& log);
  Status compile(const Key& key, std::string& log);
  Status check_ran(const GoRan& ran, const Key& key, bool searched) const;
  Result<os::Fd> find_binary() const;
  void progress(std::string_view what) const {
    if (options_.progress) options_.progress(what);
  }
  // Of a compilation that begins; null when nobody wants to know as much.
  std::unique_ptr<CompileProgress> details(std::string what, std::size_t packages) const;

  const Cache& cache_;
  ModuleStore& store_;
  WorkDirectory work_;
  GoRunner runner_;
  const std::optional<StdCache> std_;  // of a toolchain of known content
  const std::string kept_as_;          // its name
  std::set<SumRemark> remarks_;        // of all that this build fetched
  std::size_t packages_ = 0;           // to compile, without those of the standard library
  const Options options_;
};

}  // namespace gw::build
