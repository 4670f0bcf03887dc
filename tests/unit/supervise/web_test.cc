#include "supervise/web.h"

#include <catch2/catch.hpp>
#include <thread>

#include "base/bytes.h"
#include "http/endpoint.h"
#include "os/stop.h"
#include "supervise/web_page.h"
#include "supervise/web_page_parts.h"
#include "support/http/client.h"
#include "support/temp_dir.h"

using namespace gw;
using namespace gw::supervise;

namespace {

http::Request request(const std::vector<http::Header>& headers) {
  http::Request r;
  r.method = "POST";
  r.host = "127.0.0.1:8000";
  r.headers = headers;
  return r;
}

std::string basic(const std::string& pair) { return "Basic " + encode_base64(pair); }

}  // namespace

TEST_CASE("who says that they know the password", "[web]") {
  CHECK(basic_password(request({{"authorization", basic("admin:a:b")}})) == "a:b");
  CHECK(basic_password(request({{"authorization", "basic  " + encode_base64("admin:x")}})) == "x");
  CHECK(basic_password(request({{"authorization", basic("admin:")}})) == "");
  for (const std::string& bad : {basic("root:x"), basic("admin"), std::string("Basic x"),
                                 std::string("Basic"), std::string("Bearer x"), std::string()}) {
    INFO(bad);
    CHECK_FALSE(basic_password(request({{"authorization", bad}})));
  }
  CHECK_FALSE(basic_password(request({})));
  CHECK(bearer_token(request({{"authorization", "Bearer abc"}})) == "abc");
  CHECK_FALSE(bearer_token(request({{"authorization", basic("admin:abc")}})));
  CHECK(equal_secrets("abc", "abc"));
  CHECK_FALSE(equal_secrets("abc", "abd"));
  CHECK_FALSE(equal_secrets("abc", "abcd"));
  CHECK_FALSE(equal_secrets("", "x"));
}

TEST_CASE("who sends it", "[web]") {
  const std::vector<std::string> proxies{"https://ops.example"};
  const auto sender = [&](const std::vector<http::Header>& headers) {
    return sender_of(request(headers), proxies);
  };
  CHECK(sender({}) == Sender::kProgram);
  CHECK(sender({{"user-agent", "curl/8"}}) == Sender::kProgram);
  CHECK(sender({{"origin", "http://127.0.0.1:8000"}}) == Sender::kBrowserHere);
  CHECK(sender({{"origin", "https://ops.example"}}) == Sender::kBrowserHere);
  CHECK(sender({{"origin", "https://ops.example"}, {"sec-fetch-site", "same-origin"}}) ==
        Sender::kBrowserHere);
  // others, and what looks like ours
  for (const char* origin : {"https://evil.example", "null", "", "https://127.0.0.1:8000",
                             "http://127.0.0.1", "http://127.0.0.1:8000.evil.example",
                             "https://ops.example.evil.example", "HTTP://127.0.0.1:8000"}) {
    INFO(origin);
    CHECK(sender({{"origin", origin}}) == Sender::kBrowserElse);
  }
  CHECK(sender({{"sec-fetch-site", "cross-site"}}) == Sender::kBrowserElse);
  CHECK(sender({{"sec-fetch-site", "same-site"}, {"origin", "https://ops.example"}}) ==
        Sender::kBrowserElse);
  // a browser that does not say is one all the same, and needs the token
  CHECK(sender({{"referer", "https://evil.example/"}}) == Sender::kBrowserHere);
  CHECK(sender({{"cookie", "a=b"}}) == Sender::kBrowserHere);
  CHECK(sender({{"sec-fetch-site", "none"}}) == Sender::kBrowserHere);
}

TEST_CASE("wrong guesses", "[web]") {
  FakeClock clock(from_unix(1700000000));
  Throttle throttle(clock);
  for (int i = 0; i < 10; ++i) {
    CHECK(throttle.allows("a"));
    throttle.wrong("a");
  }
  CHECK_FALSE(throttle.allows("a"));
  CHECK(throttle.allows("b"));
  clock.advance(std::chrono::seconds(61));
  CHECK(throttle.allows("a"));
  Throttle once(clock, 1);
  once.wrong("");
  CHECK_FALSE(once.allows(""));
}

TEST_CASE("where a page may be", "[web]") {
  WebOptions o;
  o.directory = "gw";
  const auto ok = [&](const char* admin, const char* metrics, const char* certificate = "") {
    o.admin = admin;
    o.metrics = metrics;
    o.certificate = certificate;
    return check_web_options(o).has_value();
  };
  CHECK(ok("", ""));
  CHECK(ok("127.0.0.1:8000", "[::1]:8000"));
  CHECK(ok("unix:/run/x", "127.0.0.1:1"));
  CHECK_FALSE(ok("0.0.0.0:8000", ""));
  CHECK_FALSE(ok("127.0.0.1:8000", "192.0.2.1:8000"));
  CHECK(ok("0.0.0.0:8000", "", "cert.pem"));
  CHECK_FALSE(ok("localhost:8000", ""));

  o = {"gw", "a", "b", "c", "d", "e", "f", os::Identity{1, 2, {2, 3}}, {"g"}, {{"h", "i"}}, {"j"}};
  CHECK(*parse_web_options(format_web_options(o)) == o);
  o.user.reset();
  CHECK(*parse_web_options(format_web_options(o)) == o);
  o.form_token = "f";
  o.listening = {3, 4};
  o.idle = std::chrono::milliseconds(5);
  CHECK(*parse_web_options(format_web_options(o)) == o);
  CHECK_FALSE(parse_web_options("{}"));
}

TEST_CASE("the host of an origin", "[web]") {
  for (const auto& [origin, host] : std::initializer_list<std::pair<const char*, const char*>>{
           {"https://ops.example.org", "ops.example.org"},
           {"http://ops.example.org:8080", "ops.example.org"},
           {"http://ops", "ops"},
           {"http://127.0.0.1:8000", "127.0.0.1"},
           {"https://[2001:db8::1]:8443", "[2001:db8::1]"},
           {"https://[::1]", "[::1]"},
           {"https://xn--bcher-kva.example", "xn--bcher-kva.example"}}) {
    INFO(origin);
    REQUIRE(host_of_origin(origin));
    CHECK(*host_of_origin(origin) == host);
  }
  for (const char* origin : {"",
                             "ops.example.org",
                             "https://",
                             "https:///",
                             "https://ops.example.org/",
                             "null",
                             "*",
                             "https://ops.example.org/admin",
                             "https://a@ops.example.org",
                             "https://ops.example.org:",
                             "https://ops.example.org:0",
                             "https://ops.example.org:65536",
                             "https://ops.example.org:x",
                             "https://ops.example.org:443",
                             "http://ops.example.org:80",
                             "https://Ops.example.org",
                             "HTTPS://ops.example.org",
                             "https://ops.example.org https://b.example",
                             "https://::1",
                             "https://[::1",
                             "ftp://ops.example.org",
                             "https://b\u00fccher.example"}) {
    INFO(origin);
    CHECK_FALSE(host_of_origin(origin));
  }
}

TEST_CASE("the page", "[web]") {
  PageParts p;
  p.form_token = "secret";
  p.links = {{"Logs & more", "https://logs.example/?a=1&b=\"2\""}};
  p.problem = "<script>alert(1)</script>";
  p.status = *parse_json(R"({"state":"running","package":"example.org/svc<b>","version":"v1.0.0",
      "go_version":"go1.26.8","automatic":false,"why_not":"paused: it's \"broken\"","paused":true,
      "planned":{"version":"v1.0.1","go_version":"go1.26.8","at":"2026-12-01T03:00:00+01:00"},
      "known":{"v1.0.1":"2026-11-30T00:00:00Z","v1.10.0":"2026-11-30T00:00:00Z","bad":"x"},
      "toolchains":{"cur":"go1.26.9","prev":"go1.25.9"},"previous":"svc-v0","may_go_back":true,
      "skipped":[{"version":"v0.9.0","go_version":""}]})");
  p.history = *parse_json(
      R"([{"time":"2026-11-29T00:00:00Z","what":"rolled-back","version":"v0.9.0","by":"schedule",
           "detail":"</td><img src=x onerror=alert(1)>"}])");
  const std::string html = format_page(p);
  for (const char* there :
       {"&lt;script&gt;alert(1)", "example.org/svc&lt;b&gt;", "v1.0.1 <small>go1.26.8",
        "it&#39;s &quot;broken&quot;", "Resume updates", "Skip this version", "go1.25.9",
        "&lt;/td&gt;&lt;img src=x", "Logs &amp; more", "?a=1&amp;b=&quot;2&quot;", "Roll back",
        "name=\"token\" value=\"secret\""}) {
    INFO(there);
    CHECK(html.find(there) != std::string::npos);
  }
  for (const char* not_there :
       {"<script", "<img", "style=", "onerror=alert(1)>", "value=\"bad\""}) {
    INFO(not_there);
    CHECK(html.find(not_there) == std::string::npos);
  }
  CHECK(html.find("v1.10.0") < html.rfind("value=\"v1.0.1\""));  // newest first
  // a page that may not go back does not offer it
  p.status["may_go_back"] = false;
  CHECK(format_page(p).find("Roll back") == std::string::npos);
  // what will happen when and why, as people say it
  p.status["paused"] = false;
  p.status["automatic"] = true;
  p.status["module"] = "github.com/example/svc";
  p.status["delay_seconds"] = 72U * 3600;
  p.status["jitter_seconds"] = 3600U;
  p.status["schedule"] = Json::array({"mo-fr 9-17", "sa"});
  p.now = parse_rfc3339("2026-11-30T01:30:00+01:00");
  const std::string planned = format_page(p);
  for (const char* there : {"Update planned", ">2026-12-01 03:00</time> (in 25 hours)",
                            ">2026-11-30 00:00</time> (30 minutes ago). A version waits until it "
                            "is 72 hours old, then for"
                            " the schedule (mo-fr 9-17, sa), then up to 60 minutes more,",
                            "https://github.com/example/svc/releases/tag/v1.0.1"}) {
    INFO(there);
    CHECK(planned.find(there) != std::string::npos);
  }
  // nothing is said of versions before somebody looked; trouble says what it was about
  p.status.erase("planned");
  p.status["why_no_update"] = "nobody has looked for versions yet";
  const std::string fresh = format_page(p);
  CHECK(fresh.find("Not known yet</p><p>Nobody has looked for versions yet.") != std::string::npos);
  p.status["why_no_update"] = "nothing is newer";
  p.status["checked"] = "2026-11-30T01:00:00+01:00";
  p.status["last_error"] = "status 404";
  const std::string checked = format_page(p);
  CHECK(checked.find("Nothing is newer.") != std::string::npos);
  CHECK(checked.find("<h3>Last trouble</h3>") != std::string::npos);
  p.history = *parse_json(
      R"([{"time":"2026-11-29T00:00:00Z","what":"failed","version":"v1.0.1",
           "go_version":"go1.26.8","by":"schedule","detail":"status 404"}])");
  CHECK(format_page(p).find("<h3>Update to v1.0.1 go1.26.8 failed <time") != std::string::npos);
  // a supervisor that does not answer
  PageParts none;
  none.problem = "no supervisor";
  CHECK(format_page(none).find("no supervisor") != std::string::npos);
  CHECK(page_style().find("prefers-color-scheme: dark") != std::string::npos);
}

TEST_CASE("where a page is", "[web]") {
  WebOptions o;
  CHECK(web_endpoints(o)->empty());
  o.metrics = "127.0.0.1:1";
  CHECK(web_endpoints(o)->size() == 1);
  o.admin = "unix:/run/x";
  REQUIRE(web_endpoints(o)->size() == 2);
  CHECK(web_endpoints(o)->front().format() == "unix:/run/x");
  o.admin = o.metrics;
  CHECK(web_endpoints(o)->size() == 1);
  o.admin = "nowhere";
  CHECK(web_endpoints(o).error().kind == ErrorKind::kUsage);
}

TEST_CASE("a page ends when nobody comes, and who comes then waits", "[web]") {
  const testing::TempDir dir;
  WebOptions o;
  o.directory = dir.path();
  o.admin = "unix:" + dir.path() + "/page";
  auto endpoint = web_endpoints(o)->front();
  const auto kept = http::listen_on(endpoint);
  REQUIRE(kept);
  o.listening = {kept->fd.get()};
  o.idle = std::chrono::milliseconds(1);
  const os::Stop never;
  const Logger log;
  CHECK(serve_web(o, system_clock(), log, never));
  const os::Fd late = http::test::connect_to(endpoint);
  http::test::send_all(late, "GET /style.css HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  o.idle = std::chrono::minutes(1);
  os::Stop stop;
  bool served = false;
  std::thread next([&] { served = static_cast<bool>(serve_web(o, system_clock(), log, stop)); });
  const std::string answer = http::test::read_until(late);
  stop.request();
  next.join();
  CHECK(served);
  CHECK(answer.starts_with("HTTP/1.1 200"));
}

TEST_CASE("times and counts of the page", "[web]") {
  using std::chrono::seconds;
  CHECK(page::length(seconds(1)) == "1 second");
  CHECK(page::length(seconds(119)) == "119 seconds");
  CHECK(page::length(seconds(120)) == "2 minutes");
  CHECK(page::length(seconds(72 * 3600)) == "72 hours");
  CHECK(page::length(seconds(73 * 3600)) == "3 days");
  CHECK(page::sentence("nothing is new") == "Nothing is new.");
}
