// The server's listening sockets.
//
// Every worker has sockets of its own for every address, all bound with SO_REUSEPORT, so that the
// kernel spreads the clients and no two workers touch one queue. Because SO_REUSEPORT would just as
// willingly share the clients with a second server of the same user, each address is first bound
// once without it: that fails when anybody else listens there.
#pragma once

#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "net/address.h"

namespace gw::serve {

struct Endpoint {
  net::SocketAddress address;  // with the port that the kernel chose, if it was asked to
  std::vector<Fd> udp;         // one a worker, non-blocking
  std::vector<Fd> tcp;         // one a worker, listening, non-blocking
};

// kUsage: in use, not an address of this machine, privileges; the message names the address. kIo.
Result<std::vector<Endpoint>> bind_endpoints(const std::vector<net::SocketAddress>& addresses,
                                             unsigned workers);

// Becomes this user of /etc/passwd, with the groups of /etc/group. kUsage: no such user, or not
// permitted. Does nothing when we are that user already.
Status become_user(const std::string& name);

}  // namespace gw::serve
