// System calls that a filter of SeccompPolicy::kTell refuses, told of as they are made.
//
// The kernel stops the caller and asks the listener, which came through a socket from the child
// that installed the filter. Every call gets the same error, so nothing is decided by arguments,
// which another thread of the caller could change meanwhile: the filter has decided, this only
// hears of it. When the listener is closed, refused calls fail with ENOSYS.
//
// One thread. Source: seccomp_unotify(2).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "os/file.h"

namespace gw::os {

struct RefusedSystemCall {
  int number = 0;
  // Made by the door for programs of another architecture (32-bit, x32), whose numbers are others.
  bool foreign = false;
  std::array<std::uint64_t, 6> arguments{};
};
// "ptrace", "socket (netlink)".
std::string refused_call_text(const RefusedSystemCall& call);

class RefusedCalls {
 public:
  // `channel`: our end of a HandOver. Callers get `error`, an errno value.
  RefusedCalls(Fd channel, int error) : fd_(std::move(channel)), error_(error) {}

  // Readable when there is something for answer(); -1: there will be nothing more.
  int fd() const { return fd_.get(); }
  // Takes what is there without waiting. Nothing: it was the listener itself, or the caller is
  // gone.
  std::optional<RefusedSystemCall> answer();

 private:
  void take_listener();
  Fd fd_;
  const int error_;
  bool listening_ = false;  // fd_ is the listener
  std::vector<std::uint64_t> request_;
  std::vector<std::uint64_t> response_;
};

}  // namespace gw::os
