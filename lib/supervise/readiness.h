// How a service that was just started is known to be ready.
//
//   notify                     it says READY=1 to its NOTIFY_SOCKET
//   http://… https://…         a GET of that has a status from 200 to 299
//   tcp:ADDR:PORT|tcp:unix:PATH  a connection is accepted there
//   exec:COMMAND, COMMAND      the command, run by /bin/sh, ends with 0
//
// All but notify are tried from a process of their own, again and again.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.h"

namespace gw::supervise {

enum class ReadyBy { kNothing, kNotify, kHttp, kTcp, kCommand };

struct Readiness {
  ReadyBy by = ReadyBy::kNothing;
  std::string what = {};  // the URL, address or command
};
// Empty: kNothing. kUsage.
Result<Readiness> parse_readiness(std::string_view text);

// One try, of kHttp and kTcp. kUnavailable: not ready.
Status try_readiness(const Readiness& readiness, std::chrono::milliseconds timeout);

}  // namespace gw::supervise
