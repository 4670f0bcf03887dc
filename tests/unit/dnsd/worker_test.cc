#include "dnsd/worker.h"

#include <catch2/catch.hpp>
#include <optional>

#include "dns/types.h"
#include "dnsd/sockets.h"
#include "support/dnsd/loopback_sockets.h"
#include "support/dnsd/served_apex.h"

namespace gw::dnsd {
namespace {

struct WorkerLab : ServedApex {
  std::vector<Endpoint> endpoints = bind();
  TcpLimits limits;
  ConnectionCounts counts{limits};
  os::Stop stop;
  std::optional<Worker> worker;

  WorkerLab() : ServedApex({.clock = &system_clock()}) {
    std::vector<WorkerSocket> sockets;
    for (const Endpoint& e : endpoints) {
      sockets.push_back({e.udp[0].get(), e.tcp[0].get(), e.address.is_wildcard()});
    }
    worker.emplace(serving, std::move(sockets), counts, stop);
  }
  static std::vector<Endpoint> bind() {
    auto made = bind_endpoints(
        {*os::SocketAddress::parse("127.0.0.1:0"), *os::SocketAddress::parse("[::1]:0")}, 1);
    REQUIRE(made);
    return std::move(*made);
  }
};

TEST_CASE("a worker answers at each of its addresses, by UDP and TCP") {
  WorkerLab lab;
  REQUIRE(lab.worker->start());
  for (const Endpoint& e : lab.endpoints) {
    LoopbackClient udp(e.address, SOCK_DGRAM);
    LoopbackClient tcp(e.address, SOCK_STREAM);
    REQUIRE(tcp.connected());
    for (std::uint16_t i = 1; i <= 3; ++i) {
      REQUIRE(udp.send(apex_query(i, dns::rrtype::kSoa)));
      CHECK(udp.receive().substr(0, 2) == u16(i));
      REQUIRE(tcp.send(framed_query(i, dns::rrtype::kTxt)));
      CHECK(tcp.receive_framed().substr(0, 2) == u16(i));
    }
  }
  lab.stop.request();
}

TEST_CASE("what had arrived when the stop came is answered, and then the thread ends") {
  WorkerLab lab;
  constexpr std::uint16_t kEach = 50;  // together more than a batch
  std::vector<LoopbackClient> clients;
  for (int i = 0; i < 4; ++i) clients.emplace_back(lab.endpoints[0].address, SOCK_DGRAM);
  LoopbackClient tcp(lab.endpoints[0].address, SOCK_STREAM);
  REQUIRE(tcp.send(framed_query(7, dns::rrtype::kNs)));
  for (std::uint16_t i = 0; i < kEach; ++i) {
    for (LoopbackClient& udp : clients) REQUIRE(udp.send(apex_query(i, dns::rrtype::kSoa)));
  }
  lab.stop.request();  // before it has begun: all of it is what had arrived
  REQUIRE(lab.worker->start());
  lab.worker.reset();  // waits for the thread
  for (std::uint16_t i = 0; i < kEach; ++i) {
    for (LoopbackClient& udp : clients) REQUIRE(udp.receive().substr(0, 2) == u16(i));
  }
  CHECK(lab.counts.total() == 0);
}

TEST_CASE("a worker that was never started ends at once") {
  WorkerLab lab;
  lab.worker.reset();
  CHECK_FALSE(lab.stop.requested());
}

}  // namespace
}  // namespace gw::dnsd
