// What the go command is kept from while it builds: the sandbox's policy, as plain data, and what
// of the kernel it depends on.
//
// Stateless; any thread.
#pragma once

#include <cstdint>
#include <string>

#include "build/toolchain.h"
#include "os/child_calls.h"
#include "os/sandbox.h"

namespace gw::build {

// Of the loopback interface of a network where nobody else is.
inline constexpr std::uint16_t kProxyPort = 8080;

// What there is for a go command, and under which names it sees it.
struct GoView {
  const Toolchain& toolchain;
  std::string goroot;     // as it sees the toolchain
  std::string work;       // all that it can write to
  std::string seen_work;  // as it sees that
  bool proc = false;      // a /proc of its own is granted
  bool required = false;  // all parts, or nothing runs
  bool fetches = false;   // it has a network of its own to speak to us
  int tell_to = -1;       // a descriptor: where we are told of calls that were refused
};
os::SandboxPolicy go_policy(const GoView& of);

// The child's end of the channel and what it sends through it: a listening socket of its own
// network. The cases of failure belong to the network's part.
void plan_listener(int channel, os::Parts needs, os::CallList& early);

// Since Linux 5.14 a user namespace has a count of processes of its own.
bool counts_in_namespaces();
// Whether another user can get to a path: every directory above lets everybody through.
bool is_reachable(const std::string& path);

}  // namespace gw::build
