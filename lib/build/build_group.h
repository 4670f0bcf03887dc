// The control groups that builds run in, where this process was given one to make others in: the
// kernel keeps their limits of memory and processes then, says which it was, and ends all of a
// build at once.
//
// To be given none is the ordinary case and nothing to tell. One that was given and cannot be used,
// or lacks a controller, is told in lacks(); what it does not limit a guard looks after
// (build/build_guard.h).
//
// Any thread, but take(), give() and try_out(). Sources: os/cgroup_delegation.h.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "build/build_guard.h"
#include "os/cgroup.h"
#include "os/cgroup_delegation.h"
#include "os/user.h"

namespace gw::build {

class BuildGroups {
 public:
  BuildGroups() = default;  // none
  // What this process was given. As the first thing that it does: before it has children, and is
  // another user.
  static BuildGroups take();
  static BuildGroups take(os::CgroupPlace place);
  // Before this process becomes that user. One that cannot be given is told and used no more.
  void give(const os::Identity& who);
  // As whoever makes builds: makes a group, and looks whether a child can enter it.
  void try_out();

  // What does not work although a group was given, for people.
  const std::vector<std::string>& lacks() const { return lacks_; }
  // Who keeps a limit, in one word: "cgroup" or "looking".
  std::string_view memory_by() const { return memory_ ? "cgroup" : "looking"; }
  std::string_view processes_by() const { return processes_ ? "cgroup" : "looking"; }
  bool limits_all() const { return memory_ && processes_; }

  // For one run of a program; nothing where there is none. kIo.
  Result<std::optional<os::Cgroup>> make(const BuildLimits& limits) const;

 private:
  std::optional<os::CgroupDelegation> given_;
  std::vector<std::string> lacks_;
  bool memory_ = false;
  bool processes_ = false;
};

// The limit that a group's programs ran into, if they did.
std::optional<Reason> reached_limit(const os::Cgroup& group);

}  // namespace gw::build
