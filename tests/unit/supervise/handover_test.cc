#include "supervise/handover.h"

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>

using namespace gw;
using namespace gw::supervise;

TEST_CASE("what a supervisor leaves is read back", "[handover]") {
  Handover h;
  h.directory = "/srv/gw";
  h.command = "./svc";
  h.service = {1234, 5678};
  h.lock = 7;
  h.sockets = {{8, "web"}, {9, ""}};
  h.pages = {{11, "127.0.0.1:8000"}};
  h.control = 12;
  h.relay = 10;
  h.relay_address = std::string("@\0\x01\xff", 4);
  h.watchdog = std::chrono::microseconds(200000);
  const auto back = parse_handover(format_handover(h));
  REQUIRE(back);
  CHECK(format_handover(*back) == format_handover(h));
  CHECK(back->relay_address == h.relay_address);
  CHECK(back->service.started == 5678);
  CHECK(back->pages[0].name == "127.0.0.1:8000");
  CHECK(back->control == 12);
  CHECK(back->watchdog == std::chrono::microseconds(200000));
  h.relay = -1;
  CHECK(parse_handover(format_handover(h))->relay == -1);
  h.control = -1;  // of an earlier one
  CHECK(parse_handover(format_handover(h))->control == -1);
  CHECK(parse_handover(
      R"({"handover":1,"directory":"d","command":"c","lock":3,"service":{"pid":12,"started":1}})"));
  for (const char* bad :
       {"", "{}", "[]", R"({"handover":0})", R"({"handover":3})", R"({"handover":2})",
        R"({"handover":1,"directory":"d","lock":3,"service":{"pid":1}})",
        R"({"handover":1,"directory":"d","service":{"pid":12}})",
        R"({"handover":1,"directory":"d","lock":3,"service":{"pid":12},"sockets":[{"fd":-1}]})",
        R"({"handover":1,"directory":"d","lock":3,"service":{"pid":12},"pages":[{"name":"x"}]})",
        R"({"handover":1,"directory":"d","lock":3,"service":{"pid":12},"relay":4})"}) {
    INFO(bad);
    CHECK_FALSE(parse_handover(bad));
  }
}

TEST_CASE("who may take over", "[handover]") {
  Handover h;
  h.directory = os::real_path("gw");
  h.command = "./svc";
  Options options;
  options.command = {"./svc", "a"};
  CHECK(check_handover(h, options));
  options.directory = "other";
  CHECK_FALSE(check_handover(h, options));
  options.directory = "gw";
  options.command = {"./other"};
  CHECK_FALSE(check_handover(h, options));
  const os::Fd fd = kept_descriptor(::open("/dev/null", O_RDONLY));
  CHECK((::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC) != 0);
}
