// The server's listening sockets.
//
// Every worker has sockets of its own for every address, all bound with SO_REUSEPORT, so that the
// kernel spreads the clients and no two workers touch one queue. Because SO_REUSEPORT would just as
// willingly share the clients with a second server of the same user, each address is first bound
// once without it: that fails when anybody else listens there.
#pragma once

#include <vector>

#include "base/result.h"
#include "os/address.h"
#include "os/file.h"

namespace gw::dnsd {

struct Endpoint {
  os::SocketAddress address;  // with the port that the kernel chose, if it was asked to
  std::vector<os::Fd> udp;    // one a worker, non-blocking
  std::vector<os::Fd> tcp;    // one a worker, listening, non-blocking
};

// kUsage: in use, not an address of this machine, privileges; the message names the address. kIo.
Result<std::vector<Endpoint>> bind_endpoints(const std::vector<os::SocketAddress>& addresses,
                                             unsigned workers);

}  // namespace gw::dnsd
