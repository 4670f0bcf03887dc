// What a supervisor leaves to the one that takes its place by exec(2), in the same process: the
// service that runs, the sockets that it holds, and what the service manager told it.
//
// The state file stays where it is, under the same lock. Descriptors keep their numbers. One that
// is to take over says first whether it would, from the same text, in a process of its own.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "os/file.h"
#include "supervise/options.h"
#include "supervise/state.h"

namespace gw::supervise {

// Of the new one's environment: the descriptor of the text; with kHandoverCheck, only look at it.
inline constexpr const char* kHandoverVariable = "GWTOOL_HANDOVER";
inline constexpr const char* kHandoverCheck = "GWTOOL_HANDOVER_CHECK";
// What it says then, if it would.
inline constexpr const char* kHandoverAnswer = "gwtool takes over";

struct Handover {
  struct Socket {
    int fd = -1;
    std::string name;
  };
  std::string directory;
  std::string command;  // the service's path
  ServiceMark service;
  int lock = -1;
  std::vector<Socket> sockets;
  std::vector<Socket> pages;  // by the address that was given
  int control = -1;           // the control socket
  int relay = -1;             // of the service's notifications; -1: none
  std::string relay_address;
  // What its manager wants to hear of now, as the service asked for another one; nothing: what it
  // said.
  std::optional<std::chrono::microseconds> watchdog;
};
std::string format_handover(const Handover& handover);
// kUsage: not one that this gwtool understands.
Result<Handover> parse_handover(std::string_view text);

// Whether who has these options may take over. kUsage: another directory or service.
Status check_handover(const Handover& handover, const Options& options);

// Ours from now on, closed on exec.
os::Fd kept_descriptor(int fd);

// The one that this process was started with, if it was; takes it out of the environment. kUsage.
Result<std::optional<Handover>> take_handover();

}  // namespace gw::supervise
