// DNS over TCP: a client that sends any bytes in any pieces. Each message, wherever its pieces end,
// is answered as it is over TCP by itself, in its order; what is no query has no answer; and what
// is left in the middle of a message is waited for.
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "dns/wire.h"
#include "dnsd/tcp_connections.h"
#include "fuzz/require.h"
#include "support/dnsd/served_apex.h"

namespace fuzz_dns_tcp {

using namespace gw;
using namespace gw::dnsd;

namespace {

constexpr std::size_t kMostInput = std::size_t{16} << 10;

struct Server : ServedApex {
  TcpLimits limits{.total = 8, .per_network = 8, .idle = std::chrono::seconds(10)};
  ConnectionCounts counts{limits};
  os::Fd epoll{::epoll_create1(EPOLL_CLOEXEC)};
  os::Fd listener{::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  sockaddr_in address{};
  std::optional<QueryHandler> handler, alone;
  std::optional<TcpConnections> tcp;

  // Unsigned: a fresh signature is another one each time, and slow.
  Server() : ServedApex({.has_key = false}) {
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    require(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
    require(::listen(listener.get(), 16) == 0);
    require(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    handler.emplace(serving);
    alone.emplace(serving);
    tcp.emplace(epoll.get(), std::vector<int>{listener.get()}, counts, *handler, clock);
  }
  bool pump() {
    std::array<epoll_event, 16> events;
    const int n = ::epoll_wait(epoll.get(), events.data(), events.size(), 0);
    for (int i = 0; i < n; ++i) {
      tcp->on_event(EpollTag::unpack(events[i].data.u64), events[i].events);
    }
    bool more = n > 0;
    for (std::size_t k = tcp->waiting(); k != 0 && tcp->waiting() != 0; --k, more = true) {
      tcp->take_turn();
    }
    return more;
  }
  // What each whole message in `bytes` is answered with, framed.
  std::string expected(std::string_view bytes) {
    std::string out;
    std::string answer(dns::kMaxMessage, '\0');
    const auto peer = *os::SocketAddress::parse("127.0.0.1:1");
    alone->begin_batch();
    while (bytes.size() >= 2) {
      const std::size_t size = dns::load_u16(bytes.data());
      if (bytes.size() - 2 < size) break;
      const auto made = alone->answer_tcp(bytes.substr(2, size), peer, false, answer);
      bytes.remove_prefix(2 + size);
      if (made.size == 0) continue;
      char length[2];
      dns::store_u16(length, static_cast<std::uint16_t>(made.size));
      out.append(length, 2).append(answer, 0, made.size);
    }
    alone->end_batch();
    return out;
  }
};

void read_some(int fd, std::string& out) {
  std::array<char, 65536> buffer;
  for (;;) {
    const ssize_t n = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (n <= 0) return;
    out.append(buffer.data(), static_cast<std::size_t>(n));
  }
}

}  // namespace

FUZZ_TARGET(dns_tcp)(const std::uint8_t* data, std::size_t size) {
  static Server server;
  if (size < 2 || size > kMostInput) return 0;
  // How long the pieces are in which it comes, by turns.
  const std::size_t pieces[2] = {1U + data[0], 1U + data[1] * 16U};
  std::string_view input(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::string expected = server.expected(input);
  const os::Fd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  require(::connect(client.get(), reinterpret_cast<const sockaddr*>(&server.address),
                    sizeof(server.address)) == 0);
  const linger at_once{.l_onoff = 1, .l_linger = 0};  // no port waits after thousands of runs
  ::setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  std::string got;
  for (unsigned turn = 0; !input.empty(); ++turn) {
    const std::string_view piece = input.substr(0, pieces[turn % 2]);
    require(::send(client.get(), piece.data(), piece.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(piece.size()));
    input.remove_prefix(piece.size());
    server.pump();
    read_some(client.get(), got);
  }
  ::shutdown(client.get(), SHUT_WR);
  // Loopback delivers at once; still, the kernel's threads may be behind for a moment.
  for (int i = 0; i < 100'000 && (server.pump() || got.size() < expected.size()); ++i) {
    read_some(client.get(), got);
  }
  read_some(client.get(), got);
  require(got == expected);
  while (server.counts.total() != 0 && server.pump()) {
  }
  return 0;
}

}  // namespace fuzz_dns_tcp
