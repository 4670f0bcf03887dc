// Tries out each Go toolchain before anything that it makes is published.
//
// A toolchain that is what the checksum database says can still be bad: one whose compiler gives
// other bytes in another directory, or that does not work on this machine, would fail every build,
// or worse, some of them after their records are in the log. So a small module of our own, which
// imports nothing but the standard library, is built twice for each of a few targets: as any other
// build, and in another directory, as another user when we are root, with the standard library
// compiled anew. The result is remembered by the toolchain's sum, in a file; what was in the way
// and is not the toolchain's fault (a full disk, a stop) is tried again.
//
// Any thread; those who want the same toolchain wait for each other (toolchains.h).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/result.h"
#include "build/cache.h"
#include "build/go_runner.h"
#include "build/toolchain.h"
#include "os/stop.h"

namespace gw::buildd {

class ToolchainGate {
 public:
  // Builds the keys' programs and returns their sums; `second`: to compare.
  using Build = std::function<Result<std::vector<std::string>>(
      const build::Toolchain& toolchain, const std::vector<build::Key>& keys, bool second)>;
  // `file`: what is remembered, read at once. What cannot be read is nothing: all is tried again.
  ToolchainGate(std::string file, Build build, const Clock& clock, const Logger& logger);

  // May it be used? Tries it out when nobody has. kUntrusted: it failed, now or earlier;
  // kUnavailable: it could not be tried.
  Status pass(const build::Toolchain& toolchain);

  struct Tried {
    std::string go_version;
    std::string sum;
    bool passed = false;
    std::string at;       // RFC 3339
    std::string message;  // why it failed
  };
  // By Go versions; the last one of each.
  std::optional<Tried> find(std::string_view go_version) const;
  std::vector<Tried> all() const;
  // It is tried out again when somebody wants it. False: nothing is known of it.
  Result<bool> forget(std::string_view go_version);

 private:
  Status try_out(const build::Toolchain& toolchain) const;
  Status compare(const build::Toolchain& toolchain, const std::vector<build::Key>& keys) const;
  Status remember(Tried tried);
  Status save() const GW_REQUIRES(mutex_);

  const std::string file_;
  const Build build_;
  const Clock& clock_;
  const Logger& logger_;
  mutable Mutex mutex_;
  std::vector<Tried> tried_ GW_GUARDED_BY(mutex_);
};

// All must outlive what is made of it.
struct GateParts {
  const build::Cache& cache;
  build::SandboxMode sandbox;
  build::BuildLimits limits;
  const build::BuildGroups* groups;  // may be null
  const os::Stop& stop;
};
// The real one: with the embedded module, in the sandbox.
ToolchainGate::Build gate_build(GateParts parts);

// What is built.
std::vector<build::Key> gate_keys(const std::string& go_version);
// The module's zip, as a proxy would have it. For tests.
std::string gate_zip();

}  // namespace gw::buildd
