#include "supervise/local_zone.h"

#include <catch2/catch.hpp>

#include "base/clock.h"
#include "os/file.h"

using namespace gw;
using namespace gw::supervise;

TEST_CASE("zones by name and by rule", "[zone]") {
  const WallTime summer = *parse_rfc3339("2024-07-01T00:00:00Z");
  CHECK(named_zone("CET-1CEST,M3.5.0,M10.5.0/3")->offset_at(summer) == 7200);
  CHECK(local_zone("<+05>-5").offset_at(summer) == 18000);
  CHECK(local_zone("").offset_at(summer) == 0);
  CHECK(local_zone("no such zone").offset_at(summer) == 0);
  for (const char* bad : {"", "Mars/Base", "../../etc/passwd", "/etc/passwd", "Europe"}) {
    INFO(bad);
    const auto zone = named_zone(bad);
    REQUIRE_FALSE(zone);
    CHECK(zone.error().kind == ErrorKind::kUsage);
  }
  if (!os::file_exists("/usr/share/zoneinfo/Europe/Amsterdam")) {
    WARN("no zones on this machine: only rules were tried");
    return;
  }
  CHECK(named_zone("Europe/Amsterdam")->offset_at(summer) == 7200);
  CHECK(local_zone(":Europe/Amsterdam").offset_at(summer) == 7200);
  // far ahead, by the rule at the file's end
  CHECK(named_zone("Europe/Amsterdam")->offset_at(*parse_rfc3339("2090-01-01T00:00:00Z")) == 3600);
  CHECK(named_zone("Europe/Amsterdam")->offset_at(*parse_rfc3339("1900-01-01T00:00:00Z")) > 0);
}
