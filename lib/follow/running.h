// The follower of a database that runs now, and what it has given up: for `follow-tlog --status`.
//
// Source: proc_pid_status(5). The kernel tells of no_new_privs, seccomp and capabilities; whether
// Landlock is on it does not.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "base/json.h"

namespace gw::follow {

struct Running {
  pid_t pid = 0;
  bool no_new_privs = false;
  bool bounding_set_empty = false;
  bool seccomp = false;  // a filter is on
};

// Nothing when none runs, or when it cannot be seen: the lock file is its owner's to read, and
// /proc may hide other users' processes.
std::optional<Running> find_running(const std::string& db);

std::string format_running(const Running& running);  // one line
Json running_json(const Running& running);

}  // namespace gw::follow
