// What tells one toolchain from another: hashes of its files.
//
// One thread at a time.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "base/result.h"
#include "build/toolchain.h"
#include "os/dir.h"
#include "os/stop.h"

namespace gw::build {

// kUnavailable once it is requested. Null never is.
Status check_going(const os::Stop* stop);

// ---- of a module ----

inline constexpr std::string_view kGoMod = "go.mod";
// What a module's zip has in its place, below the top.
inline constexpr std::string_view kPackedGoMod = "_go.mod";

// Whether a toolchain module's file is a program: bin/*, pkg/tool/**, lib/*/go_*_*_exec.
bool is_program(std::string_view name);
// Every file below, with its name from the top. Links are kUntrusted, and what is too deep.
using FileVisit =
    std::function<Status(const os::Dir& dir, const std::string& base, const std::string& name)>;
Status visit_files(const os::Dir& root, const FileVisit& visit);
// The h1: sum of an unpacked toolchain. kUntrusted: a go.mod is not its _go.mod's copy, a link, a
// program that cannot be run. kUnavailable: stopped.
Result<std::string> hash_toolchain(int dir, std::string_view prefix,
                                   const os::Stop* stop = nullptr);

// ---- of a directory that is trusted as it is ----

// A hash of the files that builds with a GOROOT may read, wherever links in it lead. kUnavailable
// when there are more of them, or deeper, than any toolchain has, or stopped; kIo.
Result<std::string> hash_goroot(const std::string& goroot, const os::Stop* stop = nullptr);
// What KeptName compares, and when the last change was.
struct GorootMark {
  std::string text;
  WallTime changed{};
};
Result<GorootMark> mark_goroot(const std::string& goroot);

// ---- names ----

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

}  // namespace gw::build
