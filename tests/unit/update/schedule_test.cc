#include "update/schedule.h"

#include <catch2/catch.hpp>

#include "base/time_range.h"
#include "support/temp_dir.h"
#include "update/time_zone.h"

using namespace gw;
using namespace gw::update;

namespace {

constexpr const char* kAmsterdam = "CET-1CEST,M3.5.0,M10.5.0/3";

WallTime at_minute(const char* text) { return *parse_rfc3339(text); }

Schedule schedule(const std::vector<std::string>& items, const char* rule = kAmsterdam) {
  Schedule out = *Schedule::parse(items);
  out.set_zone(*TimeZone::parse_rule(rule));
  return out;
}

std::string next(const std::vector<std::string>& items, const char* from) {
  const Schedule s = schedule(items);
  const auto slot = s.next(at_minute(from));
  return slot ? s.zone().format(slot->start) : "never";
}

std::string slot(const std::vector<std::string>& items, const char* from) {
  const Schedule s = schedule(items);
  const auto found = s.next(at_minute(from));
  return s.zone().format(found->start) + " " + s.zone().format(*found->end);
}

}  // namespace

TEST_CASE("the next slot", "[schedule]") {
  const char* monday = "2024-10-07T22:39:30+02:00";
  CHECK(next({}, monday) == "2024-10-07T22:39:30+02:00");
  CHECK(next({"tu-th,sa"}, monday) == "2024-10-08T00:00:00+02:00");
  CHECK(next({"8-9"}, monday) == "2024-10-08T08:00:00+02:00");
  CHECK(next({"we 10-12", "mo 23-24"}, monday) == "2024-10-07T23:00:00+02:00");
  CHECK(next({"mo-fr 9-17"}, "2024-10-11T17:00:00+02:00") == "2024-10-14T09:00:00+02:00");
  CHECK(next({"mo-fr 9-17"}, "2024-10-11T16:59:59+02:00") == "2024-10-11T16:59:59+02:00");
  CHECK(next({"fr 7-8,12-13"}, "2024-10-11T08:00:00+02:00") == "2024-10-11T12:00:00+02:00");
  CHECK(next({"sa-mo 1-2"}, "2024-10-12T02:00:00+02:00") == "2024-10-13T01:00:00+02:00");
  CHECK(next({"sa-mo 1-2"}, "2024-10-14T02:00:00+02:00") == "2024-10-19T01:00:00+02:00");
  CHECK(next({"mo 22-23"}, monday) == monday);
  CHECK(next({"mo"}, "2024-10-08T00:00:00+02:00") == "2024-10-14T00:00:00+02:00");
}

TEST_CASE("a slot's end", "[schedule]") {
  CHECK(slot({"mo 9-17"}, "2024-10-07T10:30:00+02:00") ==
        "2024-10-07T10:30:00+02:00 2024-10-07T17:00:00+02:00");
  // over midnight, and over the end of the week
  CHECK(slot({"sa 22-24", "su 0-3"}, "2024-10-07T00:00:00+02:00") ==
        "2024-10-12T22:00:00+02:00 2024-10-13T03:00:00+02:00");
  CHECK(slot({"sa-mo"}, "2024-10-09T00:00:00+02:00") ==
        "2024-10-12T00:00:00+02:00 2024-10-15T00:00:00+02:00");
  CHECK_FALSE(schedule({}).next(at_minute("2024-10-07T00:00:00Z"))->end);
}

TEST_CASE("clocks put forward and back", "[schedule]") {
  // 2024-03-31: 02:00 becomes 03:00
  CHECK(next({"su 2-3"}, "2024-03-31T00:30:00+01:00") == "2024-03-31T03:00:00+02:00");
  CHECK(slot({"su 2-3"}, "2024-03-31T00:30:00+01:00") ==
        "2024-03-31T03:00:00+02:00 2024-03-31T04:00:00+02:00");
  CHECK(slot({"su 1-5"}, "2024-03-31T00:30:00+01:00") ==
        "2024-03-31T01:00:00+01:00 2024-03-31T05:00:00+02:00");
  // 2024-10-27: 03:00 becomes 02:00
  CHECK(slot({"su 2-3"}, "2024-10-27T00:30:00+02:00") ==
        "2024-10-27T02:00:00+02:00 2024-10-27T02:00:00+01:00");
  CHECK(next({"su 2-3"}, "2024-10-27T02:30:00+01:00") == "2024-11-03T02:00:00+01:00");
  CHECK(slot({"su 1-4"}, "2024-10-27T00:30:00+02:00") ==
        "2024-10-27T01:00:00+02:00 2024-10-27T04:00:00+01:00");
  CHECK(slot({"su 3-4"}, "2024-10-27T00:30:00+02:00") ==
        "2024-10-27T03:00:00+01:00 2024-10-27T04:00:00+01:00");
  CHECK(next({"su 3-4"}, "2024-10-27T02:30:00+02:00") == "2024-10-27T03:00:00+01:00");
}

TEST_CASE("leap days and ends of years", "[schedule]") {
  CHECK(next({"th"}, "2024-02-28T12:00:00+01:00") == "2024-02-29T00:00:00+01:00");
  CHECK(next({"fr"}, "2024-02-29T12:00:00+01:00") == "2024-03-01T00:00:00+01:00");
  CHECK(next({"mo"}, "2023-02-28T12:00:00+01:00") == "2023-03-06T00:00:00+01:00");
  CHECK(next({"we"}, "2024-12-31T12:00:00+01:00") == "2025-01-01T00:00:00+01:00");
  CHECK(next({"we 0-1"}, "1969-12-30T12:00:00+01:00") == "1969-12-31T00:00:00+01:00");
}

TEST_CASE("the end of time", "[schedule]") {
  CHECK(next({}, "9999-12-31T23:59:59Z") == "9999-12-31T23:59:59Z");
  CHECK(next({"fr 22-24"}, "9999-12-31T12:00:00+01:00") == "9999-12-31T22:00:00+01:00");
  CHECK(next({"sa"}, "9999-12-31T12:00:00+01:00") == "9999-12-31T23:00:00Z");  // local: 10000
  CHECK(next({"mo"}, "9999-12-31T12:00:00+01:00") == "never");
  CHECK_FALSE(schedule({"fr 22-24"}, "UTC0").next(at_minute("9999-12-31T12:00:00Z"))->end);
  CHECK_FALSE(schedule({}).next(kLastTime + std::chrono::seconds(1)));
  Schedule blacked = schedule({}, "UTC0");
  blacked.set_blackouts({*parse_blackout("9999-12-31")});
  CHECK_FALSE(blacked.next(at_minute("9999-12-31T12:00:00Z")));
}

TEST_CASE("blackouts", "[schedule]") {
  Schedule s = schedule({"mo-fr 9-17"});
  s.set_blackouts({*parse_blackout("2024-12-23/2025-01-01"), *parse_blackout("2025-01-02")});
  CHECK(s.zone().format(s.next(at_minute("2024-12-21T00:00:00Z"))->start) ==
        "2025-01-03T09:00:00+01:00");
  Schedule always = schedule({});
  always.set_blackouts({*parse_blackout("2024-12-23")});
  CHECK(always.zone().format(always.next(at_minute("2024-12-23T10:00:00Z"))->start) ==
        "2024-12-24T00:00:00+01:00");
  CHECK(always.next(at_minute("2024-12-20T10:00:00Z"))->start == at_minute("2024-12-20T10:00:00Z"));
  CHECK(always.next(at_minute("2024-12-20T10:00:00Z"))->end == at_minute("2024-12-22T23:00:00Z"));
  always.set_blackouts({*parse_blackout("2024-12-23/2054-01-01")});
  CHECK_FALSE(always.next(at_minute("2024-12-23T10:00:00Z")));
  for (const char* bad :
       {"", "2024-13-01", "2024-12-24/2024-12-23", "2024-1-1", "2024-12-24/", "2023-02-29",
        "2024-12-24/2024-12-25/2024-12-26", "2024-12-24T00:00:00Z"}) {
    INFO(bad);
    CHECK_FALSE(parse_blackout(bad));
  }
}

TEST_CASE("what is no schedule", "[schedule]") {
  for (const char* bad :
       {"mo 9",     "mo 9-9",  "mo 17-9", "mo 9-25", "MO",    "monday", "mo-we-fr", "mo,",
        "mo  9-17", "9-17 mo", "",        " ",       "mo ",   " mo",    "mo 9-17 ", "mo 9-17 18",
        "9",        "9-",      "-9",      "09-17",   "24-25", "mo,mo",  "mo-we,tu", "9-12,11-13",
        "9-17,",    "mo:9-17", "mo;tu",   "9-17-18", "+9-17"}) {
    INFO(bad);
    const auto parsed = Schedule::parse(std::vector<std::string>{bad});
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().kind == ErrorKind::kUsage);
  }
  CHECK(Schedule::parse(std::vector<std::string>{"0-24", "su-sa", "fr-th 0-1,23-24"}));
}

TEST_CASE("rules of zones", "[zone]") {
  const auto offset = [](const char* rule, const char* when) {
    return TimeZone::parse_rule(rule)->offset_at(at_minute(when));
  };
  CHECK(offset("UTC0", "2024-07-01T00:00:00Z") == 0);
  CHECK(offset("<+0530>-5:30", "2024-07-01T00:00:00Z") == 19800);
  CHECK(offset(kAmsterdam, "2024-03-31T00:59:59Z") == 3600);
  CHECK(offset(kAmsterdam, "2024-03-31T01:00:00Z") == 7200);
  CHECK(offset(kAmsterdam, "2024-10-27T00:59:59Z") == 7200);
  CHECK(offset(kAmsterdam, "2024-10-27T01:00:00Z") == 3600);
  // the south, where summer is over the new year; a time of day without an hour of change
  const char* sydney = "AEST-10AEDT,M10.1.0,M4.1.0/3";
  CHECK(offset(sydney, "2024-01-01T00:00:00Z") == 39600);
  CHECK(offset(sydney, "2024-07-01T00:00:00Z") == 36000);
  CHECK(offset("LHST-10:30LHDT-11,M10.1.0,M4.1.0", "2024-01-01T00:00:00Z") == 39600);
  // days of the year, with and without leap days; times before midnight
  CHECK(offset("XXX0YYY,J60,J300", "2024-02-29T12:00:00Z") == 0);
  CHECK(offset("XXX0YYY,J60,J300", "2024-03-01T02:00:00Z") == 3600);
  CHECK(offset("XXX0YYY,59,300", "2024-02-29T02:00:00Z") == 3600);
  CHECK(offset("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2024-03-31T00:59:59Z") == -7200);
  CHECK(offset("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2024-03-31T01:00:00Z") == -3600);
  for (const char* bad :
       {"", "CET", "C1", "CET-1CEST", "CET-1CEST,M3.5.0", "CET-1CEST,M3.5.0,M13.5.0",
        "CET-1CEST,M3.6.0,M10.5.0", "CET-1CEST,M3.5.7,M10.5.0", "CET-25",
        "CET-1CEST,M3.5.0,M10.5.0x", "<CET-1", "CET-1CEST,J0,J300", "CET1:60",
        "CET-1CEST,M3.5.0/168,M10.5.0"}) {
    INFO(bad);
    CHECK_FALSE(TimeZone::parse_rule(bad));
  }
}

TEST_CASE("local times", "[zone]") {
  const TimeZone zone = *TimeZone::parse_rule(kAmsterdam);
  const auto moment = [&](const char* local) {
    return format_rfc3339(zone.at_local(to_unix(at_minute((std::string(local) + "Z").c_str()))));
  };
  CHECK(moment("2024-07-01T12:00:00") == "2024-07-01T10:00:00Z");
  CHECK(moment("2024-03-31T02:30:00") == "2024-03-31T01:00:00Z");  // is left out
  CHECK(moment("2024-10-27T02:30:00") == "2024-10-27T00:30:00Z");  // comes twice
  CHECK(moment("2024-10-27T03:00:00") == "2024-10-27T02:00:00Z");
  CHECK(TimeZone().format(at_minute("2024-10-27T03:00:00Z")) == "2024-10-27T03:00:00Z");
  CHECK(TimeZone::parse_rule("XXX3:30")->format(at_minute("2024-10-27T03:00:00Z")) ==
        "2024-10-26T23:30:00-03:30");
  // What local time cannot say in RFC 3339 is said in UTC.
  CHECK(zone.format(kLastTime) == "9999-12-31T23:59:59Z");
  CHECK(zone.format(kLastTime - std::chrono::hours(1)) == "9999-12-31T23:59:59+01:00");
  CHECK(TimeZone::parse_rule("XXX3:30")->format(kFirstTime) == "0000-01-01T00:00:00Z");
  CHECK(TimeZone::parse_rule("LMT-0:19:32")->format(at_minute("1930-01-01T00:00:00Z")) ==
        "1930-01-01T00:00:00Z");
}

namespace {

void append_be(std::string& out, std::int64_t value, int bytes) {
  for (int i = bytes - 1; i >= 0; --i) {
    out += static_cast<char>(static_cast<std::uint64_t>(value) >> (8U * static_cast<unsigned>(i)));
  }
}

std::string block(int time_size, const std::vector<std::pair<std::int64_t, int>>& changes,
                  const std::vector<std::int32_t>& offsets) {
  std::string out = "TZif2" + std::string(15, '\0');
  for (const std::size_t n : {std::size_t{0}, std::size_t{0}, std::size_t{0}, changes.size(),
                              offsets.size(), std::size_t{4}}) {
    append_be(out, static_cast<std::int64_t>(n), 4);
  }
  for (const auto& [when, type] : changes) append_be(out, when, time_size);
  for (const auto& [when, type] : changes) append_be(out, type, 1);
  for (const std::int32_t offset : offsets) {
    append_be(out, offset, 4);
    append_be(out, 0, 2);
  }
  return out + std::string("XXX\0", 4);
}

}  // namespace

TEST_CASE("a zone's file", "[zone]") {
  const std::string old = block(4, {}, {0});
  const std::string file =
      old + block(8, {{1000, 1}, {2000, 2}}, {-60, 3600, 7200}) + "\nCET-1CEST,M3.5.0,M10.5.0/3\n";
  const TimeZone zone = *TimeZone::parse_file(file);
  CHECK(zone.offset_at(from_unix(999)) == -60);
  CHECK(zone.offset_at(from_unix(1000)) == 3600);
  CHECK(zone.offset_at(from_unix(1999)) == 3600);
  CHECK(zone.offset_at(at_minute("2054-07-01T00:00:00Z")) == 7200);  // by the rule
  const auto without = TimeZone::parse_file(old + block(8, {{1000, 1}}, {0, 60}) + "\n\n");
  CHECK(without->offset_at(at_minute("2054-07-01T00:00:00Z")) == 60);
  for (std::size_t n = 0; n < file.size(); ++n) {
    INFO(n);
    CHECK_FALSE(TimeZone::parse_file(std::string_view(file).substr(0, n)));
  }
  CHECK_FALSE(TimeZone::parse_file(old + block(8, {{1000, 3}}, {0}) + "\n\n"));
  CHECK_FALSE(TimeZone::parse_file(old + block(8, {{1000, 0}, {1000, 0}}, {0}) + "\n\n"));
}
