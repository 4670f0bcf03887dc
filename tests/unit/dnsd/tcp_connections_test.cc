// The connections of one worker, driven event by event, with send buffers so small that answers
// wait in the connection, and a clock that decides when there is budget to sign.
#include "dnsd/tcp_connections.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <memory>
#include <type_traits>

#include "dns/wire.h"
#include "support/dnsd/served_apex.h"

namespace gw::dnsd {
namespace {

class Client {
 public:
  explicit Client(const sockaddr_in& server, int buffer = 0)
      : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (buffer != 0) ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
    REQUIRE(::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&server), sizeof(server)) == 0);
  }
  void send(const std::string& bytes) {
    REQUIRE(::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(bytes.size()));
  }
  void reset() {
    const linger now{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    fd_ = os::Fd();
  }
  // Takes what is there; returns the ids of the answers that are whole now.
  std::vector<std::uint16_t> read() {
    std::array<char, 65536> buffer;
    for (;;) {
      const ssize_t n = ::recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (n == 0) closed_ = true;
      if (n <= 0) break;
      in_.append(buffer.data(), static_cast<std::size_t>(n));
    }
    std::vector<std::uint16_t> ids;
    while (in_.size() >= 2 && in_.size() >= 2U + dns::load_u16(in_.data())) {
      ids.push_back(dns::load_u16(in_.data() + 2));
      in_.erase(0, 2U + dns::load_u16(in_.data()));
    }
    return ids;
  }
  bool closed() const { return closed_; }

 private:
  os::Fd fd_;
  std::string in_;
  bool closed_ = false;
};

struct TcpLab : ServedApex {
  TcpLimits limits;
  ConnectionCounts counts;
  os::Fd epoll{::epoll_create1(EPOLL_CLOEXEC)};
  os::Fd listener{::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  sockaddr_in address{};
  std::optional<QueryHandler> handler;
  std::optional<TcpConnections> tcp;

  explicit TcpLab(unsigned per_network = 100, unsigned total = 1000)
      : limits{.total = total, .per_network = per_network, .idle = std::chrono::seconds(10)},
        counts(limits) {
    const int small = 1;  // the kernel's least; connections inherit it
    ::setsockopt(listener.get(), SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    REQUIRE(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(::listen(listener.get(), 16) == 0);
    REQUIRE(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    handler.emplace(serving);
    tcp.emplace(epoll.get(), std::vector<int>{listener.get()}, counts, *handler, clock);
  }
  // Every event there is at the moment, and a turn for each that waits for one, but no tick.
  void pump() {
    one_event_each();
    for (std::size_t n = tcp->waiting(); n != 0 && tcp->waiting() != 0; --n) tcp->take_turn();
  }
  void one_event_each() {
    std::array<epoll_event, 16> events;
    const int n = ::epoll_wait(epoll.get(), events.data(), events.size(), 1);
    for (int i = 0; i < n; ++i) {
      tcp->on_event(EpollTag::unpack(events[i].data.u64), events[i].events);
    }
  }
  std::vector<std::uint16_t> read(Client& client, std::size_t count) {
    std::vector<std::uint16_t> ids;
    for (int i = 0; i < 5000 && ids.size() < count && !client.closed(); ++i) {
      for (auto id : client.read()) ids.push_back(id);
      pump();
    }
    return ids;
  }
  // Uses the budget up; what the client sends next in need of a signature waits.
  Client spent() {
    Client client(address, 1);
    client.send(framed_query(1, dns::rrtype::kSoa, true));
    pump();
    REQUIRE(read(client, 1) == std::vector<std::uint16_t>{1});
    return client;
  }
  static constexpr int kLarge = 120;  // together well over any buffer here, below a batch's
  static std::string large_then_signed() {
    std::string all;
    for (int i = 0; i < kLarge; ++i) all += framed_query(100, dns::rrtype::kTxt);
    return all + framed_query(2, dns::rrtype::kNs, true);
  }
};

TEST_CASE("answers to a connection that is gone never reach another one") {
  TcpLab lab;
  Client honest(lab.address);
  for (std::uint16_t i = 1; i <= 50; ++i) {
    Client gone(lab.address);
    lab.pump();
    gone.send(framed_query(0xdead, dns::rrtype::kSoa));
    gone.reset();
    lab.pump();
    honest.send(framed_query(i, dns::rrtype::kSoa));
    REQUIRE(lab.read(honest, 1) == std::vector<std::uint16_t>{i});
  }
  for (int i = 0; i < 10; ++i) lab.pump();
  CHECK(lab.counts.total() == 1);
}

TEST_CASE("a connection waits for the budget and for its client at once, and goes") {
  TcpLab lab;
  Client client = lab.spent();
  client.send(TcpLab::large_then_signed());
  lab.pump();
  // Its answers drain while its next query still waits: it is put off a second time.
  REQUIRE(lab.read(client, TcpLab::kLarge).size() == TcpLab::kLarge);
  for (int i = 0; i < 10; ++i) lab.pump();
  client.reset();
  for (int i = 0; i < 10; ++i) lab.pump();
  CHECK(lab.counts.total() == 0);
  lab.clock.advance(std::chrono::seconds(1));
  CHECK(lab.tcp->tick() == -1);
}

TEST_CASE("a connection that waited for both is answered in order") {
  TcpLab lab;
  Client client = lab.spent();
  client.send(TcpLab::large_then_signed());
  lab.pump();
  lab.clock.advance(std::chrono::seconds(1));
  lab.tcp->tick();  // there is budget now, but the client has to take its answers first
  const auto ids = lab.read(client, TcpLab::kLarge + 1);
  REQUIRE(ids.size() == TcpLab::kLarge + 1);
  CHECK(ids.back() == 2);
  client.send(framed_query(3, dns::rrtype::kSoa));
  CHECK(lab.read(client, 1) == std::vector<std::uint16_t>{3});
}

TEST_CASE("what is no query keeps no connection alive") {
  TcpLab lab;
  Client client(lab.address);
  lab.pump();
  for (int i = 0; i < 4; ++i) {  // an empty message every three seconds
    client.send(std::string(2, '\0'));
    lab.pump();
    lab.clock.advance(std::chrono::seconds(3));
    lab.tcp->tick();
  }
  client.read();
  CHECK(client.closed());
  CHECK(lab.counts.total() == 0);
}

TEST_CASE("a network whose idle connections fill its share is not locked out") {
  TcpLab lab(3);
  std::vector<std::unique_ptr<Client>> idle;
  for (int i = 0; i < 3; ++i) {
    idle.push_back(std::make_unique<Client>(lab.address));
    lab.pump();
  }
  CHECK(lab.counts.total() == 3);
  lab.clock.advance(std::chrono::seconds(3));
  Client other(lab.address);
  lab.pump();
  other.send(framed_query(9, dns::rrtype::kNs));
  CHECK(lab.read(other, 1) == std::vector<std::uint16_t>{9});
  idle[0]->read();
  CHECK(idle[0]->closed());  // the one that was idle longest
  CHECK(lab.counts.total() == 3);
}

TEST_CASE("half a question and answers that nobody takes are given up soon") {
  TcpLab lab;
  Client half(lab.address);
  Client slow(lab.address);
  Client deaf(lab.address, 1);
  Client idle(lab.address);
  lab.pump();
  half.send(framed_query(1, dns::rrtype::kNs).substr(0, 5));
  const std::string one = framed_query(2, dns::rrtype::kNs);
  std::string all;
  for (int i = 0; i < TcpLab::kLarge; ++i) all += framed_query(100, dns::rrtype::kTxt);
  deaf.send(all);
  // An octet at a time is no progress.
  for (std::size_t i = 0; i < 2; ++i) {
    slow.send(one.substr(i, 1));
    for (int k = 0; k < 10; ++k) lab.pump();
    CHECK(lab.counts.total() == 4);
    lab.clock.advance(std::chrono::seconds(1));
    lab.tcp->tick();
  }
  CHECK(lab.counts.total() == 1);
  slow.read();
  CHECK(slow.closed());
  idle.send(one);
  CHECK(lab.read(idle, 1) == std::vector<std::uint16_t>{2});
  lab.clock.advance(std::chrono::seconds(20));
  lab.tcp->tick();
  CHECK(lab.counts.total() == 0);
  CHECK(lab.tcp->tick() == -1);
}

TEST_CASE("who takes its answers slowly gets them all") {
  TcpLab lab;
  Client client(lab.address, 1);
  lab.pump();
  std::string all;
  for (int i = 0; i < TcpLab::kLarge; ++i) all += framed_query(100, dns::rrtype::kTxt);
  client.send(all);
  std::size_t got = 0;
  for (int i = 0; i < 5000 && got < TcpLab::kLarge && !client.closed(); ++i) {
    if (i % 20 == 19) lab.clock.advance(std::chrono::seconds(1));
    lab.tcp->tick();
    got += client.read().size();
    lab.pump();
  }
  CHECK(got == TcpLab::kLarge);
}

TEST_CASE("when all places are taken the oldest goes, whatever it holds") {
  TcpLab lab(100, 3);
  Client half(lab.address);
  lab.pump();
  half.send("\0");
  lab.pump();
  lab.clock.advance(std::chrono::seconds(1));
  Client second(lab.address);
  lab.pump();
  lab.clock.advance(std::chrono::seconds(1));
  Client third(lab.address);
  lab.pump();
  lab.clock.advance(std::chrono::seconds(1));
  Client fourth(lab.address);
  lab.pump();
  lab.pump();
  CHECK(lab.counts.total() == 3);
  fourth.send(framed_query(4, dns::rrtype::kNs));
  CHECK(lab.read(fourth, 1) == std::vector<std::uint16_t>{4});
  half.read();
  CHECK(half.closed());
  // However young the others are, and who has just asked goes last.
  Client fifth(lab.address);
  lab.pump();
  fifth.send(framed_query(5, dns::rrtype::kNs));
  CHECK(lab.read(fifth, 1) == std::vector<std::uint16_t>{5});
  second.read();
  CHECK(second.closed());
  CHECK(lab.counts.total() == 3);
  fourth.send(framed_query(6, dns::rrtype::kNs));
  CHECK(lab.read(fourth, 1) == std::vector<std::uint16_t>{6});
}

TEST_CASE("a query that came with its connection is answered before the next is taken") {
  TcpLab lab(100, 2);
  Client asks(lab.address);
  asks.send(framed_query(1, dns::rrtype::kTxt));
  std::vector<std::unique_ptr<Client>> flood;
  for (int i = 0; i < 4; ++i) flood.push_back(std::make_unique<Client>(lab.address));
  lab.one_event_each();
  CHECK(lab.counts.total() == 2);  // the first one's place went to another
  CHECK(asks.read() == std::vector<std::uint16_t>{1});
}

TEST_CASE("of those that came with their queries no more are taken at once than one may ask") {
  TcpLab lab;
  std::vector<std::unique_ptr<Client>> clients;
  for (std::uint16_t i = 0; i <= TcpConnections::kTurn; ++i) {
    clients.push_back(std::make_unique<Client>(lab.address));
    clients.back()->send(framed_query(i, dns::rrtype::kTxt));
  }
  lab.one_event_each();
  CHECK(lab.counts.total() == TcpConnections::kTurn);
  lab.one_event_each();
  CHECK(lab.counts.total() == TcpConnections::kTurn + 1);
}

TEST_CASE("what one connection has in its pipeline takes turns with others") {
  TcpLab lab;
  Client greedy(lab.address);
  Client modest(lab.address);
  lab.pump();
  constexpr unsigned kMany = 300;
  std::string all;
  for (std::uint16_t i = 0; i < kMany; ++i) all += framed_query(i, dns::rrtype::kNs);
  greedy.send(all);
  modest.send(framed_query(7, dns::rrtype::kNs));
  lab.one_event_each();
  CHECK(lab.tcp->take_answered() == TcpConnections::kTurn + 1);
  CHECK(lab.tcp->waiting() == 1);
  CHECK(lab.tcp->tick() == 0);  // nobody is to sleep now
  CHECK(modest.read() == std::vector<std::uint16_t>{7});
  auto ids = greedy.read();
  CHECK(ids.size() == TcpConnections::kTurn);
  // Nothing more is read before what was is answered.
  lab.one_event_each();
  CHECK(lab.tcp->take_answered() == 0);
  lab.tcp->take_turn();
  CHECK(lab.tcp->take_answered() == TcpConnections::kTurn);
  for (const auto id : lab.read(greedy, kMany - ids.size())) ids.push_back(id);
  REQUIRE(ids.size() == kMany);
  CHECK(std::is_sorted(ids.begin(), ids.end()));
  CHECK(lab.tcp->waiting() == 0);
}

TEST_CASE("who leaves while it waits for its turn is forgotten") {
  TcpLab lab;
  Client client(lab.address);
  lab.pump();
  std::string all;
  for (std::uint16_t i = 0; i < 100; ++i) all += framed_query(i, dns::rrtype::kNs);
  client.send(all);
  lab.one_event_each();
  REQUIRE(lab.tcp->waiting() == 1);
  client.reset();
  for (int i = 0; i < 10; ++i) lab.one_event_each();
  CHECK(lab.tcp->waiting() == 0);
  CHECK(lab.counts.total() == 0);
}

TEST_CASE("at the end all that had arrived is answered") {
  TcpLab lab;
  Client client(lab.address);
  lab.pump();
  constexpr std::uint16_t kMany = 300;
  std::string all;
  for (std::uint16_t i = 0; i < kMany; ++i) all += framed_query(i, dns::rrtype::kNs);
  client.send(all);
  lab.one_event_each();
  REQUIRE(lab.tcp->waiting() == 1);
  lab.tcp->drain();
  CHECK(lab.read(client, kMany).size() == kMany);
}

TEST_CASE("the end does not wait for a connection that waited for both") {
  TcpLab lab;
  Client client = lab.spent();
  client.send(TcpLab::large_then_signed());
  lab.pump();
  CHECK(lab.tcp->drain() == 1);
  CHECK(lab.read(client, TcpLab::kLarge + 1).size() == TcpLab::kLarge + 1);
  for (int i = 0; i < 10; ++i) lab.pump();
  CHECK(lab.tcp->drain() == 0);
}

}  // namespace
}  // namespace gw::dnsd
