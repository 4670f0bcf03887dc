#include <catch2/catch.hpp>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/result.h"
#include "base/time_range.h"

using namespace gw;

namespace {

Result<int> half(int n) {
  if (n % 2 != 0) return usage_error("odd", "give an even number");
  return n / 2;
}
Result<int> quarter(int n) {
  GW_TRY(int h, half(n));
  GW_TRY(int q, half(h));
  return q;
}

}  // namespace

TEST_CASE("errors travel with their context") {
  CHECK(quarter(8).value() == 2);
  auto r = quarter(6);
  REQUIRE_FALSE(r);
  Error e = std::move(r).error().in("inner").in("outer");
  CHECK(e.message == "outer: inner: odd");
  CHECK(e.hint == "give an even number");
  CHECK(e.kind == ErrorKind::kUsage);
}

TEST_CASE("a log line is one line whatever it holds") {
  std::string out;
  Logger log(LogLevel::kInfo, [&](std::string_view line) { out += line; });
  log.debug("dropped");
  log.info("followed",
           {{"log", "sum.golang.org"}, {"size", 5}, {"bad", "a b\n\"=\xff"}, {"empty", ""}});
  CHECK(out ==
        "level=info event=followed log=sum.golang.org size=5 bad=\"a b\\x0a\\\"=\\xff\" "
        "empty=\"\"\n");
}

TEST_CASE("a one-shot command's log is messages") {
  std::vector<std::pair<LogLevel, std::string>> out;
  const Logger log = Logger::messages(LogLevel::kInfo, [&](LogLevel level, std::string_view text) {
    out.emplace_back(level, text);
  });
  log.debug("dropped");
  log.info("first");
  log.warning("trying again", {{"reason", "no such file"}, {"size", 5}});
  log.error("alarm command", unavailable_error("it ended with 1"));
  REQUIRE(out.size() == 3);
  CHECK(out[0] == std::pair(LogLevel::kInfo, std::string("first")));
  CHECK(out[1] ==
        std::pair(LogLevel::kWarning, std::string("trying again: reason=\"no such file\" size=5")));
  CHECK(out[2] == std::pair(LogLevel::kError, std::string("alarm command: it ended with 1")));
}

TEST_CASE("an error's JSON has a hint only where the error has one") {
  CHECK(format_json(error_json(not_found_error("no such module"))) ==
        R"({"kind":"not_found","message":"no such module"})");
  CHECK(format_json(error_json(io_error("disk \"full\"", "make room"))) ==
        R"({"kind":"io","message":"disk \"full\"","hint":"make room"})");
}

TEST_CASE("JSON is parsed without exceptions, in order, to a bounded depth") {
  CHECK(format_json(*parse_json(R"({"b":1,"a":[true,null]})")) == R"({"b":1,"a":[true,null]})");
  CHECK_FALSE(parse_json("{"));
  CHECK_FALSE(parse_json("[1] x"));
  CHECK_FALSE(parse_json(std::string(100000, '[')));
  CHECK(parse_json(R"(["[[[[[[[["])", 2));
  CHECK(format_json(Json("\xff")) == "\"\xef\xbf\xbd\"");
}

TEST_CASE("times are RFC 3339 in UTC") {
  CHECK(format_rfc3339(from_unix(0)) == "1970-01-01T00:00:00Z");
  CHECK(format_rfc3339(from_unix(0x6802a84d)) == "2025-04-18T19:30:21Z");
}

TEST_CASE("RFC 3339 times are read whole or not at all") {
  CHECK(parse_rfc3339("1970-01-01T00:00:00Z") == from_unix(0));
  CHECK(parse_rfc3339("2025-04-18T19:30:21Z") == from_unix(0x6802a84d));
  CHECK(parse_rfc3339("2025-04-18T19:30:21.999999999Z") == from_unix(0x6802a84d));
  CHECK(parse_rfc3339("2025-04-18T21:30:21+02:00") == from_unix(0x6802a84d));
  CHECK(parse_rfc3339("2025-04-18T14:00:21-05:30") == from_unix(0x6802a84d));
  CHECK(format_rfc3339(*parse_rfc3339("2024-02-29T23:59:59Z")) == "2024-02-29T23:59:59Z");
  CHECK(format_rfc3339(*parse_rfc3339("0001-01-01T00:00:00Z")) == "0001-01-01T00:00:00Z");
  CHECK(format_rfc3339(kFirstTime) == "0000-01-01T00:00:00Z");
  CHECK(format_rfc3339(kLastTime) == "9999-12-31T23:59:59Z");
  CHECK(parse_rfc3339("0000-01-01T00:00:00Z") == kFirstTime);
  CHECK(parse_rfc3339("9999-12-31T23:59:59Z") == kLastTime);
  for (const char* bad : {"",
                          "2025",
                          "2025-04-18",
                          "2025-04-18T19:30:21",
                          "2025-04-18 19:30:21Z",
                          "2025-04-18T19:30Z",
                          "2025-4-18T19:30:21Z",
                          "2025-02-29T00:00:00Z",
                          "2025-13-01T00:00:00Z",
                          "2025-00-01T00:00:00Z",
                          "2025-04-18T24:00:00Z",
                          "2025-04-18T19:60:00Z",
                          "2025-04-18T19:30:60Z",
                          "2025-04-18T19:30:21z",
                          "2025-04-18T19:30:21.Z",
                          "2025-04-18T19:30:21+0200",
                          "2025-04-18T19:30:21+24:00",
                          "2025-04-18T19:30:21Zx",
                          "+025-04-18T19:30:21Z",
                          "9999-12-31T23:00:00-01:00",
                          "0000-01-01T00:59:59+01:00",
                          " 2025-04-18T19:30:21Z"}) {
    INFO(bad);
    CHECK(!parse_rfc3339(bad));
  }
}

TEST_CASE("metrics are exposed from the table") {
  metric_set(Metric::kBuildInfo, 1);
  CHECK(format_metrics().find("# TYPE gwtool_build_info gauge\ngwtool_build_info 1\n") !=
        std::string::npos);
  metric_add(Metric::kFollowRounds, RoundResult::kUntrusted, 2);
  metric_add(Metric::kFollowRounds, RoundResult::kDone);
  metric_add(Metric::kFollowRounds, RoundResult::kUntrusted);
  CHECK(metric_total(Metric::kFollowRounds) == 4);
  CHECK(format_metrics().find("# HELP gwtool_follow_rounds_total Rounds of asking the log for "
                              "news, by their end.\n"
                              "# TYPE gwtool_follow_rounds_total counter\n"
                              "gwtool_follow_rounds_total{result=\"done\"} 1\n"
                              "gwtool_follow_rounds_total{result=\"unavailable\"} 0\n"
                              "gwtool_follow_rounds_total{result=\"untrusted\"} 3\n"
                              "gwtool_follow_rounds_total{result=\"failed\"} 0\n") !=
        std::string::npos);
}

TEST_CASE("a metric is added to from many threads, and a gauge is the last value") {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([] {
      for (int i = 0; i < 1000; ++i) metric_add(Metric::kServeTruncated);
    });
  }
  for (std::thread& t : threads) t.join();
  CHECK(metric_total(Metric::kServeTruncated) == 4000);
  metric_set(Metric::kServeNames, NameKind::kAll, 7);
  std::thread([] { metric_set(Metric::kServeNames, NameKind::kAll, 5); }).join();
  CHECK(metric_total(Metric::kServeNames) == 5);
}
