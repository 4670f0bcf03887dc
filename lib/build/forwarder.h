// The module proxy that a fetch sees: an HTTP server on one loopback port which answers with
// verified files and nothing else.
//
// The go command decides which modules a build needs, by asking for them; every answer is one of
// build/module_store.h's, so what it unpacks is what the checksum database knows. Its sandbox has
// no network but this port.
// - go.mods and zips: verified. An unknown one is 404, anything else that fails 502, and the error
//   is kept: what the go command makes of it is not what went wrong. That is also so with private
//   modules that are refused.
// - Version infos: what there is to ask for; also of the longer paths that the go command tries,
//   not of those around the main module.
// - Lists: of the main module its one version, so that no log depends on the day; else 404, and
//   that somebody looks for modules that no go.mod names is remembered.
//
// http/server.h takes the requests, within its limits: what asks is a sandbox. Only who asks by an
// address is answered, as a page in a browser on the machine does not. Threads of its own answer;
// made and ended by one thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "build/module_store.h"
#include "http/server.h"
#include "os/file.h"
#include "os/stop.h"
#include "os/thread.h"

namespace gw::build {

class Forwarder {
 public:
  // `module`, `version`: the one that is built. Both must outlive this.
  Forwarder(ModuleStore& store, std::string module, std::string version);
  ~Forwarder();
  Forwarder(const Forwarder&) = delete;
  Forwarder& operator=(const Forwarder&) = delete;

  // Answers on a port of 127.0.0.1 that the kernel chooses: which one. Once.
  Result<std::uint16_t> serve();
  // Answers on the listening socket that arrives at `channel` (SCM_RIGHTS), from a child that made
  // it in a network of its own; one that never comes is none. Once.
  void serve_from(os::Fd channel);
  // Ends all threads.
  void stop();

  // What went wrong first, other than that something is not there; the gravest kind of it.
  std::optional<Error> error() const;

  // Whether versions of another module were asked for: the go command does so only for an import
  // that no go.mod covers.
  bool searched() const { return searched_.load(); }

  // The zips that were answered, with their proven sums.
  struct Zip {
    std::string module;
    std::string version;
    std::string sum;
  };
  std::vector<Zip> zips() const;

 private:
  Status start(int listener);
  http::Response answer(std::string_view path);
  http::Response answer_zip(const mod::ProxyRequest& request);
  http::Response failed(Error error);

  ModuleStore& store_;
  const std::string module_;
  const std::string version_;
  os::Stop stop_;
  os::Thread waiting_;
  std::unique_ptr<http::Server> server_;  // of the thread that waits, until it has ended
  mutable Mutex mutex_;
  std::optional<Error> error_ GW_GUARDED_BY(mutex_);
  std::vector<Zip> zips_ GW_GUARDED_BY(mutex_);
  std::atomic<bool> searched_{false};
};

}  // namespace gw::build
