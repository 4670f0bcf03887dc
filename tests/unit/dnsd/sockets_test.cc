#include "dnsd/sockets.h"

#include <sys/socket.h>

#include <catch2/catch.hpp>

namespace gw::dnsd {
namespace {

os::SocketAddress address(const char* text) { return *os::SocketAddress::parse(text); }

os::SocketAddress bound_to(const os::Fd& fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
  REQUIRE(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&storage), &size) == 0);
  return *os::SocketAddress::from_sockaddr(reinterpret_cast<sockaddr*>(&storage), size);
}

TEST_CASE("each worker has both sockets of each address, on one port that the kernel chose") {
  const auto endpoints = bind_endpoints({address("127.0.0.1:0"), address("127.0.0.2:0")}, 3);
  REQUIRE(endpoints);
  REQUIRE(endpoints->size() == 2);
  for (const Endpoint& e : *endpoints) {
    CHECK(e.address.port() != 0);
    REQUIRE(e.udp.size() == 3);
    REQUIRE(e.tcp.size() == 3);
    for (unsigned w = 0; w < 3; ++w) {
      CHECK(bound_to(e.udp[w]) == e.address);
      CHECK(bound_to(e.tcp[w]) == e.address);
      int listens = 0;
      socklen_t size = sizeof(listens);
      ::getsockopt(e.tcp[w].get(), SOL_SOCKET, SO_ACCEPTCONN, &listens, &size);
      CHECK(listens == 1);
      // A worker never waits in them.
      char byte = 0;
      CHECK(::recv(e.udp[w].get(), &byte, 1, 0) == -1);
      CHECK(::accept(e.tcp[w].get(), nullptr, nullptr) == -1);
    }
  }
}

TEST_CASE("an address is not shared with another server, though it would share") {
  const auto first = bind_endpoints({address("127.0.0.1:0")}, 2);
  REQUIRE(first);
  const os::SocketAddress taken = first->front().address;
  const auto second = bind_endpoints({address("127.0.0.2:0"), taken}, 1);
  REQUIRE_FALSE(second);
  CHECK(second.error().kind == ErrorKind::kUsage);
  CHECK(second.error().message.find("listening on " + taken.format() + " (udp): ") == 0);
  CHECK(second.error().hint.find("--listen") != std::string::npos);

  // Nor is one that has TCP only.
  os::Fd tcp(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const os::SocketAddress any = address("127.0.0.3:0");
  REQUIRE(::bind(tcp.get(), any.data(), any.size()) == 0);
  REQUIRE(::listen(tcp.get(), 1) == 0);
  const auto third = bind_endpoints({bound_to(tcp)}, 1);
  REQUIRE_FALSE(third);
  CHECK(third.error().message.find("(tcp)") != std::string::npos);
}

TEST_CASE("a wildcard and an address of the same port go together") {
  auto some = bind_endpoints({address("127.0.0.1:0")}, 1);
  REQUIRE(some);
  os::SocketAddress one = some->front().address;
  some->clear();
  os::SocketAddress all = address("0.0.0.0:0");
  all.set_port(one.port());
  const auto both = bind_endpoints({all, one}, 2);
  REQUIRE(both);
  CHECK(both->at(0).address.is_wildcard());
  CHECK(both->at(1).address == one);
}

TEST_CASE("what cannot be listened on is named, with what to do") {
  const auto foreign = bind_endpoints({address("192.0.2.1:5353")}, 1);
  REQUIRE_FALSE(foreign);
  CHECK(foreign.error().kind == ErrorKind::kUsage);
  CHECK(foreign.error().message.find("192.0.2.1:5353 (udp)") != std::string::npos);
  CHECK(foreign.error().hint == "this machine has no such address");
}

}  // namespace
}  // namespace gw::dnsd
