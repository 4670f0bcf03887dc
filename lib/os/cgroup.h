// A control group (version 2) for a program and all that it starts: limits that they share, and one
// way to end them all.
//
// Needs a directory of the cgroup2 file system that was delegated to us (os/cgroup_delegation.h). A
// limit whose controller is not there is in refusals(), never silently not set.
//
// One thread. Source: Linux Documentation/admin-guide/cgroup-v2.rst.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/result.h"
#include "os/child_calls.h"
#include "os/file.h"
#include "os/refusal.h"

namespace gw::os {

// Makes a group's directory: 0 or an errno value. The kernel puts the group's files there; tests do
// so where no kernel does.
using MakeGroup = std::function<int(const std::string& path)>;
int make_group_directory(const std::string& path);  // mkdir(2), for us alone

class Cgroup {
 public:
  struct Limits {
    std::optional<std::uint64_t> memory_bytes = {};  // swap is not to be used then
    std::optional<std::uint64_t> pids = {};          // processes and threads
  };
  // Which of its own limits it ran into.
  struct Reached {
    bool memory = false;  // something was killed for it
    bool pids = false;    // a process or thread was not made
  };

  // A new group below `parent`, empty, and locked against those who remove what is left of others.
  // kUsage: there is one of that name; kUnavailable: somebody removed it while it was made; kIo: it
  // cannot be made at all.
  static Result<Cgroup> make(const std::string& parent, const std::string& name,
                             const Limits& limits, const MakeGroup& maker = make_group_directory);
  Cgroup(Cgroup&& o) noexcept;
  Cgroup& operator=(Cgroup&&) = delete;
  ~Cgroup();  // kills what is in it and removes it

  const std::string& path() const { return path_; }
  const Refusals& refusals() const { return refusals_; }
  // Whether the kernel keeps that limit.
  bool limits_memory() const { return memory_; }
  bool limits_pids() const { return pids_; }
  Reached reached() const;

  // The child enters it: a write to a descriptor of ours. `part`: the call's.
  void plan_entry(CallList& early, Parts part) const;

  // SIGKILL to all in it, also those that are born meanwhile; returns when none is left. kIo.
  Status kill() const;

 private:
  Cgroup(std::string path, Fd lock) : path_(std::move(path)), lock_(std::move(lock)) {}
  bool limit(SandboxPart part, const char* file, std::uint64_t value);
  void set(const Limits& limits);
  std::string path_;  // empty: moved from
  Fd lock_;
  Fd procs_;
  Refusals refusals_;
  bool memory_ = false;
  bool pids_ = false;
};

// Removes a group that a dead process left; false when its maker is alive, or it cannot be removed.
// `kill`: what is left in it, too.
bool remove_dead_group(const std::string& path, bool kill);
// The lock that keeps others from that, as long as it is open. kUnavailable: another has it.
Result<Fd> lock_group(const std::string& path);

// Writes to a group's file: 0 or an errno value.
int write_group_file(const std::string& path, std::string_view text);

}  // namespace gw::os
