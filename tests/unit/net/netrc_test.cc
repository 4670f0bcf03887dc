#include "net/netrc.h"

#include <catch2/catch.hpp>

using gw::net::Netrc;

TEST_CASE("a netrc file is read as the go command reads it") {
  // From cmd/go/internal/auth's test.
  const Netrc file = Netrc::parse(R"(
machine incomplete
password none

machine api.github.com
  login user
  password pwd

machine incomlete.host
  login justlogin

machine test.host
login user2
password pwd2

machine oneline login user3 password pwd3

machine ignore.host macdef ignore
  login nobody
  password nothing

machine hasmacro.too macdef ignore-next-lines login user4 password pwd4
  login nobody
  password nothing

default
login anonymous
password gopher@golang.org

machine after.default
login oops
password too-late-in-file
)");
  const auto basic = [&](const char* host) { return file.authorization(host); };
  CHECK(basic("api.github.com") == "Basic dXNlcjpwd2Q=");
  CHECK(basic("test.host") == "Basic dXNlcjI6cHdkMg==");
  CHECK(basic("oneline") == "Basic dXNlcjM6cHdkMw==");
  CHECK(basic("hasmacro.too") == "Basic dXNlcjQ6cHdkNA==");
  for (const char* host : {"incomplete", "incomlete.host", "ignore.host", "default",
                           "after.default", "github.com", "", "API.github.com"}) {
    CAPTURE(host);
    CHECK(basic(host).empty());
  }
  CHECK(Netrc().authorization("test.host").empty());
}
