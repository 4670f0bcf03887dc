// One thread that answers: UDP in batches, TCP beside it, one epoll loop.
//
// Half of a plain answer's cost is the kernel's, so the loop is built around few system calls: one
// wait, one recvmmsg and one sendmmsg serve up to 64 queries. Replies of a socket bound to a
// wildcard leave from the address that was asked (IP_PKTINFO).
#pragma once

#include <memory>
#include <vector>

#include "dnsd/query_handler.h"
#include "dnsd/tcp_connections.h"
#include "dnsd/udp_batch.h"
#include "os/stop.h"
#include "os/thread.h"

namespace gw::dnsd {

// A worker's part of an Endpoint; the descriptors are the caller's and outlive the worker.
struct WorkerSocket {
  int udp = -1;
  int tcp = -1;
  bool wildcard = false;
};

class Worker {
 public:
  // Everything given outlives it.
  Worker(const Serving& serving, std::vector<WorkerSocket> sockets, ConnectionCounts& counts,
         const os::Stop& stop);
  ~Worker();  // waits for the end of the thread: request the stop first
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // kIo when its epoll, kUnavailable when its thread cannot be had.
  Status start();

 private:
  void run();
  void look_at_udp(TcpConnections& tcp, QueryHandler& handler);
  void drain(TcpConnections& tcp, QueryHandler& handler);

  const Serving& serving_;
  std::vector<WorkerSocket> sockets_;
  ConnectionCounts& counts_;
  const os::Stop& stop_;
  os::Fd epoll_;
  std::unique_ptr<UdpBatch> batch_;
  unsigned tcp_answers_ = 0;  // since UDP was looked at
  os::Thread thread_;
};

}  // namespace gw::dnsd
