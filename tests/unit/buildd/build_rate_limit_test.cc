#include "buildd/build_rate_limit.h"

#include <catch2/catch.hpp>

using namespace gw;
using namespace gw::buildd;
using os::SocketAddress;

namespace {

SocketAddress address(const std::string& text) { return SocketAddress::parse(text, 0).value(); }

// How many pass in a row.
int count(BuildRateLimit& limits, const std::string& text, bool supported = true) {
  int n = 0;
  while (limits.take(address(text), supported).count() == 0) ++n;
  return n;
}

constexpr WallTime kStart{std::chrono::seconds(21600 * 80000)};

}  // namespace

TEST_CASE("limits: an address and the networks around it", "[limits]") {
  FakeClock clock(kStart);
  BuildRateLimit limits(clock);
  CHECK(count(limits, "192.0.2.1") == 10);
  CHECK(count(limits, "192.0.2.2") == 10);
  CHECK(count(limits, "192.0.2.3") == 0);  // 20 for the /24
  CHECK(count(limits, "192.0.3.1") == 10);
  CHECK(limits.take(address("192.0.2.1"), true) == std::chrono::seconds(60));
  clock.advance(std::chrono::seconds(60));
  CHECK(count(limits, "192.0.2.1") == 10);
  clock.advance(std::chrono::seconds(60));
  CHECK(count(limits, "192.0.2.1") == 0);  // 20 in ten minutes
  CHECK(limits.take(address("192.0.2.1"), true) == std::chrono::seconds(480));
  clock.advance(std::chrono::seconds(480));
  CHECK(count(limits, "192.0.2.1") == 10);  // 30 in an hour
  clock.advance(std::chrono::seconds(60));
  CHECK(count(limits, "192.0.2.1") == 0);
  // Older Go versions have their own.
  CHECK(count(limits, "198.51.100.1", false) == 2);
  CHECK(count(limits, "198.51.100.2", false) == 1);
  CHECK(count(limits, "198.51.100.2", true) == 10);
  // One /64 is one address; IPv4 in IPv6 is IPv4.
  CHECK(count(limits, "[2001:db8::1]") == 10);
  CHECK(count(limits, "[2001:db8::2]") == 0);
  CHECK(count(limits, "[2001:db8:0:1::2]") == 10);
  CHECK(count(limits, "[2001:db8:0:2::2]") == 0);  // 20 for the /48
  CHECK(count(limits, "[::ffff:192.0.2.1]") == 0);
}

TEST_CASE("limits: memory is bounded", "[limits]") {
  FakeClock clock(kStart);
  BuildRateLimit limits(clock);
  for (int i = 0; i < 60'000; ++i) {
    const std::string text =
        "[2001:db8:" + std::to_string(i % 9000) + ":" + std::to_string(i / 9000) + "::1]";
    CHECK(limits.take(address(text), true).count() >= 0);
  }
  CHECK(count(limits, "203.0.113.1") == 10);
}

TEST_CASE("limits: networks, and who asks behind a proxy", "[limits]") {
  const Network network = Network::parse("192.0.2.128/25").value();
  CHECK(network.contains(address("192.0.2.200")));
  CHECK_FALSE(network.contains(address("192.0.2.100")));
  CHECK_FALSE(network.contains(address("[2001:db8::1]")));
  CHECK(Network::parse("2001:db8::/33").value().contains(address("[2001:db8:7fff::1]")));
  CHECK_FALSE(Network::parse("2001:db8::/33").value().contains(address("[2001:db8:8000::1]")));
  CHECK(Network::parse("0.0.0.0/0").value().contains(address("192.0.2.1")));
  CHECK(Network::parse("127.0.0.1").value().contains(address("127.0.0.1")));
  for (const char* bad : {"192.0.2.0/33", "192.0.2.0/", "x/8", "192.0.2.0/-1"}) {
    CHECK_FALSE(Network::parse(bad));
  }
  const std::vector<Network> proxies = {Network::parse("127.0.0.0/8").value()};
  const auto peer = address("127.0.0.1");
  const auto client = [&](const std::optional<SocketAddress>& from,
                          const std::vector<std::string_view>& lines) {
    return client_address(from, lines, proxies);
  };
  const std::string_view hops = "198.51.100.7, 192.0.2.1 , 127.0.0.9";
  CHECK(client(peer, {hops})->format_ip() == "192.0.2.1");
  CHECK(client(std::nullopt, {hops})->format_ip() == "192.0.2.1");
  // A proxy may add a line: what the client says of itself comes first.
  CHECK(client(peer, {"198.51.100.7", "192.0.2.1", "127.0.0.9"})->format_ip() == "192.0.2.1");
  CHECK(client(peer, {"nonsense", "192.0.2.1"})->format_ip() == "192.0.2.1");
  // Nobody else is believed.
  CHECK(client(address("192.0.2.9"), {hops})->format_ip() == "192.0.2.9");
  CHECK(client_address(peer, std::vector{hops}, {})->format_ip() == "127.0.0.1");
  CHECK(client(peer, {})->format_ip() == "127.0.0.1");
  CHECK(client(peer, {"127.0.0.9"})->format_ip() == "127.0.0.1");
  CHECK_FALSE(client(peer, {"198.51.100.7, nonsense"}));
  CHECK_FALSE(client(std::nullopt, {}));
}

TEST_CASE("limits: those whose address cannot be told count together", "[limits]") {
  FakeClock clock(kStart);
  BuildRateLimit limits(clock);
  int n = 0;
  while (limits.take(std::nullopt, true).count() == 0) ++n;
  CHECK(n == 10);
  CHECK(count(limits, "192.0.2.1") == 10);
}
