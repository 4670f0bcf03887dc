// The control group that this process was given to make others in.
//
// Whoever gave it said so: systemd marks a unit's group that has Delegate=yes with an extended
// attribute; and an ordinary user may own the group that nobody else is in. A group that root may
// write because root may write everything was given by nobody, and is left alone.
//
// In version 2 a group that passes controllers on has no processes of its own. So this process
// moves to a leaf below, gwtool-N, once and for good, and makes build-N beside it:
//
//   x.service/            cgroup.subtree_control: memory pids
//     gwtool-812/         this process, and what it starts without a group
//     build-812-1/        one run of a program
//
// Several processes may do so in one group. Each holds locks on its own; what has none is of a dead
// process, and is removed by the next one that comes.
//
// Any thread, but take(). Sources: Linux Documentation/admin-guide/cgroup-v2.rst, systemd's
// Control Group APIs and Delegation (systemd.io/CGROUP_DELEGATION).
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "os/cgroup.h"
#include "os/file.h"
#include "os/user.h"

namespace gw::os {

// Where a process is in the tree of control groups.
struct CgroupPlace {
  std::string mount = {};  // of the cgroup2 file system
  std::string group = {};  // "/system.slice/x.service"
  MakeGroup maker = make_group_directory;
};
// Ours. kNotFound: there is no version 2 here.
Result<CgroupPlace> own_cgroup();

class CgroupDelegation {
 public:
  // Nothing when none was given to us. kIo: one was, but cannot be used, as on a read-only mount.
  // Call it before there are children: those that are in the group stay where they are, and with
  // them no limit can be set.
  static Result<std::optional<CgroupDelegation>> take(CgroupPlace place);
  CgroupDelegation(CgroupDelegation&& o) noexcept;
  CgroupDelegation& operator=(CgroupDelegation&&) = delete;
  ~CgroupDelegation() = default;

  // For a process that will become another user: who may make groups then. kIo.
  Status give(const Identity& who) const;

  // A new group, of a name that no other has. kIo.
  Result<Cgroup> make(const Cgroup::Limits& limits) const;

  const std::string& path() const { return path_; }

 private:
  CgroupDelegation(std::string path, MakeGroup maker)
      : path_(std::move(path)), maker_(std::move(maker)) {}
  Status move_to_leaf();
  void remove_dead() const;
  std::string path_;
  MakeGroup maker_;
  Fd leaf_;  // its lock; none: we were in one already
  mutable std::atomic<std::uint64_t> made_ = 0;
};

}  // namespace gw::os
