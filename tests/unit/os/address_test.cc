#include "os/address.h"

#include <arpa/inet.h>
#include <sys/un.h>

#include <catch2/catch.hpp>

using gw::ErrorKind;
using gw::os::SocketAddress;

TEST_CASE("address: what is taken, and how it is written again") {
  struct Case {
    const char* text;
    const char* formatted;
  };
  const Case cases[] = {
      {"192.0.2.1:53", "192.0.2.1:53"},
      {"192.0.2.1@5353", "192.0.2.1:5353"},
      {"0.0.0.0:0", "0.0.0.0:0"},
      {"[::1]:53", "[::1]:53"},
      {"[::1]@53", "[::1]:53"},
      {"::1@65535", "[::1]:65535"},
      {"[2001:DB8:0:0::1]:1", "[2001:db8::1]:1"},
      {"[::ffff:192.0.2.1]:53", "[::ffff:192.0.2.1]:53"},
      {"[fe80::1%lo]:53", "[fe80::1%lo]:53"},
      {"fe80::1%lo@53", "[fe80::1%lo]:53"},
      {"[fe80::1%4242]:53", "[fe80::1%4242]:53"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    auto address = SocketAddress::parse(c.text);
    REQUIRE(address);
    CHECK(address->format() == c.formatted);
    CHECK(*SocketAddress::parse(address->format()) == *address);
  }
}

TEST_CASE("address: without a port") {
  for (const char* text : {"192.0.2.1", "::1", "[::1]"}) {
    CAPTURE(text);
    auto address = SocketAddress::parse(text, 53);
    REQUIRE(address);
    CHECK(address->port() == 53);
    auto none = SocketAddress::parse(text);
    REQUIRE(!none);
    CHECK(none.error().message.find("no port") != std::string::npos);
  }
  CHECK(SocketAddress::parse("192.0.2.1:5", 53)->port() == 5);
}

TEST_CASE("address: what is refused") {
  using namespace std::string_literals;
  const std::string cases[] = {
      "",
      ":53",
      "@53",
      "localhost:53",
      "192.0.2.1:",
      "192.0.2:53",
      "192.0.2.1:-1",
      "192.0.2.1:+53",
      "192.0.2.1: 53",
      "192.0.2.1:65536",
      "192.0.2.1:053",
      "192.0.2.1:53x",
      "192.0.2.1@53@53",
      "[::1",
      "[::1]x53",
      "[192.0.2.1]:53",
      "[]:53",
      "::1",
      "[::1]",
      "::1:53:zz@1",
      "[fe80::1%no-such-interface]:53",
      "192.0.2.1%lo:53",
      "192.0.2.1:53\0"s,
      "192.0.2.1\0:53"s,
      " 192.0.2.1:53",
      "0x7f.0.0.1:53",
      "[fe80::1%]:53",
      "[fe80::1%0]:53",
      "*:53",
  };
  for (const std::string& text : cases) {
    CAPTURE(text);
    auto address = SocketAddress::parse(text);
    REQUIRE(!address);
    CHECK(address.error().kind == ErrorKind::kUsage);
    CHECK(address.error().message.starts_with("bad address"));
  }
}

TEST_CASE("address: properties") {
  auto parse = [](const char* text) { return *SocketAddress::parse(text, 1); };
  CHECK(parse("127.1.2.3").is_loopback());
  CHECK(parse("::1").is_loopback());
  CHECK(parse("::ffff:127.0.0.1").is_loopback());
  CHECK_FALSE(parse("::ffff:128.0.0.1").is_loopback());
  CHECK_FALSE(parse("128.0.0.1").is_loopback());
  CHECK_FALSE(parse("::2").is_loopback());
  CHECK(parse("0.0.0.0").is_wildcard());
  CHECK(parse("::").is_wildcard());
  CHECK_FALSE(parse("::1").is_wildcard());
  CHECK(parse("192.0.2.1").ip_bytes() == std::string_view("\xc0\x00\x02\x01", 4));
  CHECK_FALSE(parse("192.0.2.1") == parse("192.0.2.2"));
  CHECK_FALSE(parse("::") == parse("0.0.0.0"));
  CHECK_FALSE(parse("fe80::1%1") == parse("fe80::1%2"));
  SocketAddress a = parse("::1");
  a.set_port(99);
  CHECK(a.format() == "[::1]:99");
}

TEST_CASE("address: from the kernel's form") {
  auto v6 = *SocketAddress::parse("[2001:db8::1]:53");
  CHECK(SocketAddress::from_sockaddr(v6.data(), v6.size()) == v6);
  auto v4 = *SocketAddress::parse("192.0.2.1:53");
  CHECK(SocketAddress::from_sockaddr(v4.data(), v4.size()) == v4);
  CHECK_FALSE(SocketAddress::from_sockaddr(v6.data(), v6.size() - 1));
  CHECK_FALSE(SocketAddress::from_sockaddr(v4.data(), 1));
  CHECK_FALSE(SocketAddress::from_sockaddr(nullptr, 0));
  sockaddr_un local{};
  local.sun_family = AF_UNIX;
  CHECK_FALSE(SocketAddress::from_sockaddr(reinterpret_cast<sockaddr*>(&local), sizeof local));
}
