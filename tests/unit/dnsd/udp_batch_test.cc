#include "dnsd/udp_batch.h"

#include <catch2/catch.hpp>
#include <set>

#include "dns/types.h"
#include "dnsd/sockets.h"
#include "support/dnsd/loopback_sockets.h"
#include "support/dnsd/served_apex.h"

namespace gw::dnsd {
namespace {

struct BatchLab : ServedApex {
  explicit BatchLab(const char* listen = "127.0.0.1:0") : endpoint(bind(listen)) {}
  static Endpoint bind(const char* listen) {
    auto made = bind_endpoints({*os::SocketAddress::parse(listen)}, 1);
    REQUIRE(made);
    return std::move(made->front());
  }
  unsigned serve() {
    return batch.serve(endpoint.udp[0].get(), endpoint.address.is_wildcard(), handler);
  }
  os::SocketAddress at(const char* ip) const {
    return *os::SocketAddress::parse(ip, endpoint.address.port());
  }

  Endpoint endpoint;
  QueryHandler handler{serving};
  UdpBatch batch;
};

std::uint16_t id_of(const std::string& message) {
  return static_cast<std::uint16_t>(256U * static_cast<unsigned char>(message[0]) +
                                    static_cast<unsigned char>(message[1]));
}

TEST_CASE("queries are taken 64 at a time, each answer goes to who asked") {
  BatchLab lab;
  CHECK(lab.serve() == 0);
  LoopbackClient one(lab.endpoint.address, SOCK_DGRAM);
  LoopbackClient other(lab.endpoint.address, SOCK_DGRAM);
  for (std::uint16_t i = 0; i < 70; ++i) {
    REQUIRE((i % 7 == 0 ? other : one).send(apex_query(i, dns::rrtype::kSoa)));
  }
  CHECK(lab.serve() == UdpBatch::kMessages);
  CHECK(lab.serve() == 70 - UdpBatch::kMessages);
  CHECK(lab.serve() == 0);
  std::set<unsigned> ids;
  for (int i = 0; i < 70; ++i) {
    const std::string answer = (i % 7 == 0 ? other : one).receive();
    REQUIRE(answer.size() > 12);
    CHECK((id_of(answer) % 7 == 0) == (i % 7 == 0));
    ids.insert(id_of(answer));
  }
  CHECK(ids.size() == 70);
}

TEST_CASE("what is no query gets nothing and holds up nothing") {
  BatchLab lab;
  LoopbackClient client(lab.endpoint.address, SOCK_DGRAM);
  std::string response = apex_query(3, dns::rrtype::kSoa);
  response[2] = '\x80';  // answering answers is how two servers would talk for ever
  for (const std::string& junk :
       {std::string(), std::string("x"), std::string(11, '\0'), response}) {
    REQUIRE(client.send(junk));
  }
  REQUIRE(client.send(apex_query(4, dns::rrtype::kSoa)));
  // Longer than any query: what was cut off is not guessed.
  REQUIRE(client.send(apex_query(5, dns::rrtype::kSoa) + std::string(5000, 'x')));
  REQUIRE(client.send(apex_query(6, dns::rrtype::kSoa)));
  CHECK(lab.serve() == 7);
  const std::string first = client.receive();
  REQUIRE(first.size() > 12);
  CHECK(id_of(first) == 4);
  const std::string second = client.receive();
  REQUIRE(second.size() >= 12);
  CHECK(id_of(second) == 5);
  CHECK((second[3] & 15) == 1);  // FORMERR
  CHECK(id_of(client.receive()) == 6);
}

TEST_CASE("bound to all addresses, an answer leaves from the one that was asked") {
  for (const bool v6 : {false, true}) {
    BatchLab lab(v6 ? "[::]:0" : "0.0.0.0:0");
    std::vector<const char*> asked{"127.0.0.1", "127.0.0.2", "127.0.0.3"};
    if (v6) asked = {"::1"};
    for (const char* ip : asked) {
      LoopbackClient client(lab.at(ip), SOCK_DGRAM);
      REQUIRE(client.send(apex_query(9, dns::rrtype::kNs)));
      CHECK(lab.serve() == 1);
      // The kernel lets nothing through that is from elsewhere.
      CHECK(id_of(client.receive() + "\0\0") == 9);
    }
  }
}

}  // namespace
}  // namespace gw::dnsd
