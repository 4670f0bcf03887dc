// A control group (version 2) for a program and all that it starts: limits that they share, and one
// way to end them all.
//
// Needs a directory of the cgroup2 file system that we may write: root's, or one that systemd
// delegated (Delegate=yes). A limit whose controller is not there is in refusals(), never silently
// not set.
//
// One thread. Source: Linux Documentation/admin-guide/cgroup-v2.rst.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "os/file.h"
#include "os/refusal.h"

namespace gw::os {

class Cgroup {
 public:
  struct Limits {
    std::optional<std::uint64_t> memory_bytes = {};  // swap is not to be used then
    std::optional<std::uint64_t> pids = {};          // processes and threads
  };

  // The directory of our own group. kUnavailable: there is no version 2 here.
  static Result<std::string> own_directory();

  // A new group below `parent`, empty. kIo: it cannot be made at all.
  static Result<Cgroup> make(const std::string& parent, const std::string& name,
                             const Limits& limits);
  Cgroup(Cgroup&& o) noexcept;
  Cgroup& operator=(Cgroup&&) = delete;
  ~Cgroup();  // kills what is in it and removes it

  const std::string& path() const { return path_; }
  const Refusals& refusals() const { return refusals_; }

  // For the child: what it writes "0" to, to be in it. The write is judged by our rights, not its.
  int procs() const { return procs_.get(); }

  // SIGKILL to all in it, also those that are born meanwhile; returns when none is left. kIo.
  Status kill();

 private:
  Cgroup(std::string path, Fd procs) : path_(std::move(path)), procs_(std::move(procs)) {}
  void limit(SandboxPart part, const char* file, std::uint64_t value);
  std::string path_;  // empty: moved from
  Fd procs_;
  Refusals refusals_;
};

}  // namespace gw::os
