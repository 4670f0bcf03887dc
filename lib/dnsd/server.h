// The DNS server: the zone of modules, answered from the follower's database, and ordinary zones
// from files; either may be missing.
//
// start() does what can fail, in an order in which a failure leaves nothing behind: read the keys,
// bind, become the user, open and load database and zones, start the workers. run() then watches
// them and the reload request until it is told to stop. Answering never waits for either.
//
// One thread owns it; status() may be called from any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/result.h"
#include "dnsd/connection_counts.h"
#include "dnsd/reload_request.h"
#include "dnsd/served_file.h"
#include "dnsd/served_modules.h"
#include "os/address.h"
#include "os/confine.h"
#include "os/stop.h"
#include "os/systemd.h"

namespace gw::dnsd {

struct ServerOptions {
  std::optional<ModuleOptions> modules;
  std::vector<FileZoneOptions> files;
  std::vector<os::SocketAddress> listen;
  std::optional<os::SocketAddress> metrics;
  std::vector<std::string> metrics_names = {};  // by which it may be asked, besides addresses
  std::string status_socket;                    // empty: none
  std::string user;                             // empty: stay who we are
  os::Confinement confinement;                  // what the process has given up: for status()
  std::string id;                               // NSID and id.server; empty: not told
  // How a follower in this process is, for status(); called from any thread.
  std::function<std::string()> following;
  unsigned workers = 0;  // 0: one a core
  std::size_t cache_bytes = std::size_t{48} << 20;
  std::optional<std::uint32_t> rate_limit;  // unset: 200, but not for loopback; 0: none
  // Secrets of DNS cookies, shared by the servers of an address, read again on a reload; empty: one
  // of our own, a new one each day.
  std::string cookie_secret_file = {};
  // Fresh signatures a second; 0: no limit; none: a twentieth of what the machine can make.
  std::optional<std::uint32_t> signing_limit = {};
  TcpLimits tcp;
};

class Server {
 public:
  // Called in start() once the sockets are bound and the user is changed, before the database is
  // opened: where a follower in this process begins.
  using AfterBind = std::function<Status()>;

  // Everything given outlives it. Errors keep their kinds; usage for options that cannot be.
  static Result<std::unique_ptr<Server>> start(ServerOptions options, const Logger& log,
                                               const Clock& clock,
                                               const AfterBind& after_bind = {});
  // What start() would say of the keys, the secrets and the zone files. Binds and writes nothing;
  // the database is not opened. Root is options.user afterwards, if there is one; others cannot
  // tell what that one may read.
  static Status check_files(ServerOptions options, const Logger& log, const Clock& clock);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Serves until the stop, then answers what has arrived and returns. With each request keys and
  // zone files are read again; what cannot be read leaves the old one in use.
  void run(const os::Stop& stop, ReloadRequest& reload, const os::Notifier& notifier);

  // The addresses served, with the ports that the kernel chose.
  std::vector<os::SocketAddress> addresses() const;
  Json status() const;

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace gw::dnsd
