// The go command in its sandbox: the only place where a build runs a program.
//
// What it sees, when the kernel grants all: a root with the toolchain at /go, read-only, a private
// directory /build, from which nothing can be run, /dev/null and its own /proc; another user than
// root, no capabilities, no network, no other process, a constant host name. A fetch has one port
// on a loopback interface of its own, which ends in a Forwarder of ours. So neither the machine nor
// its files can reach the bytes of a binary or the log of a build, and what is built cannot reach
// them.
//
// One thread. Sources: os/sandbox.h; what is refused is told, never passed over.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "build/build_group.h"
#include "build/build_guard.h"
#include "build/compile_progress.h"
#include "build/forwarder.h"
#include "build/go_command.h"
#include "build/guarded_run.h"
#include "build/key.h"
#include "build/toolchain.h"
#include "os/process.h"
#include "os/sandbox.h"
#include "os/stop.h"

namespace gw::build {

enum class SandboxMode : std::uint8_t {
  kFull,     // all of it, or nothing runs
  kPartial,  // what the kernel grants
  kOff,      // as the caller, with the network: only the environment is ours
};

// Who builds when we are root: numbers of nobody's, of which builds at the same time take different
// ones.
inline constexpr uid_t kFirstBuildUser = 65520;
inline constexpr uid_t kBuildUsers = 14;

struct RunnerOptions {
  SandboxMode mode = SandboxMode::kFull;
  BuildLimits limits = {};
  uid_t user = kFirstBuildUser;         // when we are root
  const BuildGroups* groups = nullptr;  // that runs are in; may be null, borrowed
};

class GoRunner {
 public:
  // `work`: an empty directory of the caller's, absolute, which is all the go command can write to
  // and stays the caller's to remove. In kFull, kUsage with what the kernel refused.
  static Result<GoRunner> make(const RunnerOptions& options, Toolchain toolchain,
                               const std::string& work, const os::Stop& stop);

  // What a kPartial sandbox lacks, for people: "network namespace: unshare: Operation not
  // permitted".
  const std::vector<std::string>& lacks() const { return lacks_; }

  // Output and errors of the go command come in one, in their order. kUnavailable: stopped. A
  // build's time begins with its fetch. `progress`: for who looks on; may be null.
  Result<GoRan> fetch(const Key& key, Forwarder& forwarder);
  Result<GoRan> build(const Key& key, CompileProgress* progress = nullptr);
  // Compiles packages of the standard library, in the build cache that is for nothing else and was
  // made by build_cache().
  Result<GoRan> compile_std(const Key& key, const std::vector<std::string>& packages,
                            CompileProgress* progress = nullptr);

  // The build cache of the key's target, empty at first; or a new one for its standard library
  // alone.
  Result<os::Dir> build_cache(const Key& key, bool std_only) const;
  // Lets the go command write to what we put into a build cache.
  Status give(const os::Dir& cache) const;

  // Where the go command keeps modules, unpacked, and what it downloaded.
  std::string module_directory() const { return work_ + "/mod"; }
  std::string download_directory() const { return module_directory() + "/cache/download"; }
  // Where build() left the binary: the one file below, in any depth.
  std::string output_directory() const;
  // A path that the go command named, as ours.
  std::string host_path(std::string_view seen) const;

 private:
  GoRunner(const RunnerOptions& options, Toolchain toolchain, std::string work,
           const os::Stop& stop)
      : mode_(options.mode),
        limits_(options.limits),
        user_(options.user),
        groups_(options.groups),
        toolchain_(std::move(toolchain)),
        work_(std::move(work)),
        stop_(&stop) {}
  Status prepare();
  Result<os::Dir> make_build_cache(const Key& key, bool std_only) const;
  Status probe();
  bool granted(os::SandboxPart part) const { return (refused_ & os::bit(part)) == 0; }
  os::SandboxPolicy policy(bool fetches, int tell_to) const;
  Duration timeout() const;
  os::Spawn spawn() const;
  GoPlaces places() const;
  struct Command {
    std::vector<std::string> argv;
    std::string proxy;
    Forwarder* isolated = nullptr;  // behind the port of a network of its own
    bool std_only = false;
    CompileProgress* progress = nullptr;
  };
  Result<GoRan> run(Command command, const Key& key);

  SandboxMode mode_;
  BuildLimits limits_;
  uid_t user_;
  const BuildGroups* groups_;
  Toolchain toolchain_;
  std::string work_;
  const os::Stop* stop_;
  os::Parts refused_ = 0;
  bool other_user_ = false;
  std::vector<std::string> lacks_;
  unsigned builds_ = 0;
  std::optional<MonoTime> deadline_;  // of the build that was fetched for
};

}  // namespace gw::build
