#include "buildd/now_and_then.h"

#include <catch2/catch.hpp>

#include "os/file.h"
#include "support/temp_dir.h"

using namespace gw;
using namespace gw::buildd;
using namespace gw::testing;

namespace {

struct NowAndThenLab {
  NowAndThen start() { return {dir.file("done"), every, clock, logger}; }
  std::string kept() { return os::read_file(dir.file("done"), 100).value(); }

  TempDir dir;
  std::chrono::seconds every{100};
  FakeClock clock{from_unix(1'800'000'000)};
  std::vector<std::string> said;
  Logger logger{LogLevel::kError, [this](std::string_view line) { said.emplace_back(line); }};
};

}  // namespace

TEST_CASE("now and then: the first start begins to count", "[now_and_then]") {
  NowAndThenLab lab;
  CHECK(lab.start().left() == std::chrono::seconds(100));
  CHECK(lab.kept() == "1800000000\n");
  lab.clock.advance(std::chrono::seconds(30));
  CHECK(lab.start().left() == std::chrono::seconds(70));
  CHECK(lab.kept() == "1800000000\n");
}

TEST_CASE("now and then: what is late is due, and done() begins anew", "[now_and_then]") {
  NowAndThenLab lab;
  (void)lab.start();
  lab.clock.advance(std::chrono::seconds(1000));
  NowAndThen when = lab.start();
  CHECK(when.left() == std::chrono::seconds(0));
  when.done();
  CHECK(when.left() == std::chrono::seconds(100));
  CHECK(lab.kept() == "1800001000\n");
}

TEST_CASE("now and then: no time, or one to come, is as if it were done now", "[now_and_then]") {
  for (const char* text : {"1800000001\n", "never\n", "", "99999999999999999999\n"}) {
    INFO(text);
    NowAndThenLab lab;
    REQUIRE(os::write_file_atomic(lab.dir.file("done"), text, 0644));
    CHECK(lab.start().left() == std::chrono::seconds(100));
    CHECK(lab.kept() == "1800000000\n");
  }
}

TEST_CASE("now and then: what cannot be kept is told", "[now_and_then]") {
  NowAndThenLab lab;
  const NowAndThen when(lab.dir.file("no/done"), lab.every, lab.clock, lab.logger);
  CHECK(when.left() == std::chrono::seconds(100));
  REQUIRE(lab.said.size() == 1);
  CHECK(lab.said[0].find("no/done") != std::string::npos);
}
