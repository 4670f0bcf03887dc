// The supervised program as a process: how it is started, known again, and ended.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "os/process.h"
#include "os/systemd.h"
#include "supervise/options.h"
#include "supervise/state.h"

namespace gw::supervise {

// What the service manager has for the service, by us.
struct Handed {
  std::vector<os::HandedSocket> sockets = {};  // LISTEN_FDS
  std::string notify = {};                     // NOTIFY_SOCKET; empty: nobody listens
  std::chrono::microseconds watchdog{};        // WATCHDOG_USEC; 0: none
};

// `file`: the binary itself; the service sees the name that it was called by. It has its own
// process group, our standard streams, our environment but for who it is, and ends when our thread
// does.
os::Spawn service_spawn(const Options& options, const std::string& file, const Handed& handed);

// Which process this is, also for a later start. Nothing when it is gone.
std::optional<ServiceMark> mark_of(pid_t pid);

// A service that a supervisor left behind when it was killed: told to end, and made to after
// `timeout`. Another process of the same number is left alone. True when there was one.
Result<bool> end_leftover(const ServiceMark& mark, std::chrono::milliseconds timeout);

}  // namespace gw::supervise
