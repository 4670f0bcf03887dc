#include "supervise/readiness.h"

#include <catch2/catch.hpp>

#include "http/endpoint.h"
#include "support/temp_dir.h"

using namespace gw;
using namespace gw::supervise;
using namespace std::chrono_literals;

TEST_CASE("ways to be ready", "[readiness]") {
  struct Way {
    const char* text;
    ReadyBy by;
    const char* what;
  };
  for (const Way& way : {Way{"", ReadyBy::kNothing, ""}, Way{"notify", ReadyBy::kNotify, ""},
                         Way{"http://x/health", ReadyBy::kHttp, "http://x/health"},
                         Way{"https://x", ReadyBy::kHttp, "https://x"},
                         Way{"tcp:127.0.0.1:80", ReadyBy::kTcp, "127.0.0.1:80"},
                         Way{"tcp:unix:/run/x", ReadyBy::kTcp, "unix:/run/x"},
                         Way{"exec:notify", ReadyBy::kCommand, "notify"},
                         Way{"exec: a:b", ReadyBy::kCommand, " a:b"},
                         Way{"exec:Notify", ReadyBy::kCommand, "Notify"},
                         Way{"curl -f http://x", ReadyBy::kCommand, "curl -f http://x"},
                         Way{"/opt/a:b c", ReadyBy::kCommand, "/opt/a:b c"},
                         Way{":", ReadyBy::kCommand, ":"},  // the shell's no-op
                         Way{": $GW_PID", ReadyBy::kCommand, ": $GW_PID"},
                         Way{"curl -f x", ReadyBy::kCommand, "curl -f x"}}) {
    INFO(way.text);
    const auto read = parse_readiness(way.text);
    REQUIRE(read);
    CHECK(read->by == way.by);
    CHECK(read->what == way.what);
  }
  for (const char* bad :
       {"tcp:", "tcp:x", "http://", "http:// x", "exec:", "exec: ", "tcp:127.0.0.1", "tcp:[::1]",
        "tcp:127.0.0.1:0", " ", "Notify", "notify ", " notify", "NOTIFY now", "unix:/run/x",
        "ftp://x", "HTTP://x", "https:/x", "TCP:127.0.0.1:80"}) {
    INFO(bad);
    CHECK_FALSE(parse_readiness(bad));
  }
}

TEST_CASE("a connection that is accepted", "[readiness]") {
  const testing::TempDir temp;
  for (const std::string& text : {std::string("127.0.0.1:0"), "unix:" + temp.file("socket")}) {
    auto endpoint = *http::Endpoint::parse(text, 0);
    auto listener = http::listen_on(endpoint);
    REQUIRE(listener);
    const Readiness there{ReadyBy::kTcp, endpoint.format()};
    CHECK(try_readiness(there, 10s));
    listener->fd.reset();
    const auto gone = try_readiness(there, 10s);
    REQUIRE_FALSE(gone);
    CHECK(gone.error().kind == ErrorKind::kUnavailable);
  }
  CHECK_FALSE(try_readiness({ReadyBy::kTcp, "unix:/" + std::string(200, 'x')}, 1s));
  CHECK_FALSE(try_readiness({ReadyBy::kNotify, ""}, 1s));
}
