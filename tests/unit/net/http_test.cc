#include "net/http.h"

#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <cstdlib>

#include "module/gzip.h"
#include "net/http_url.h"
#include "support/net/test_server.h"

using namespace gw;
using namespace gw::net;
using namespace std::chrono_literals;
using test::Reply;
using test::request_path;
using test::respond;
using test::TestServer;

namespace {

HttpClient client(HttpOptions options = {}) {
  auto made = HttpClient::create(std::move(options));
  REQUIRE(made);
  return *std::move(made);
}

Result<HttpResponse> get(const std::string& url, HttpOptions options = {}) {
  return client(std::move(options)).fetch_one({.url = url, .timeout = 20s});
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// An address on which nobody listens: bound, so that nobody else gets it either.
class ClosedPort {
 public:
  ClosedPort() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    os::SocketAddress any = *os::SocketAddress::parse("127.0.0.1:0");
    REQUIRE(::bind(fd_.get(), any.data(), any.size()) == 0);
    sockaddr_storage bound{};
    socklen_t size = sizeof bound;
    ::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&bound), &size);
    address = *os::SocketAddress::from_sockaddr(reinterpret_cast<sockaddr*>(&bound), size);
  }
  os::SocketAddress address;

 private:
  os::Fd fd_;
};

}  // namespace

TEST_CASE("http: a request and its response") {
  TestServer server([](const std::string&) {
    return respond(200, "hello", "Content-Type:  text/plain \r\nX-Two: a\r\nX-Two: b\r\n");
  });
  auto response = get(server.url("/a/../b?c=d"));
  REQUIRE(response);
  CHECK(response->status == 200);
  CHECK(response->body == "hello");
  CHECK(contains(server.requests().at(0), "GET /a/../b?c=d HTTP/1.1\r\n"));
  CHECK(response->redirected_to.empty());
  REQUIRE(response->header("content-type") != nullptr);
  CHECK(*response->header("content-type") == "text/plain");
  CHECK(*response->header("x-two") == "a");
  CHECK(response->header("x-three") == nullptr);
  CHECK_FALSE(response->retry_after);
  std::string sent = server.requests().at(0);
  CHECK(sent.starts_with("GET /a/../b?c=d HTTP/1.1\r\nHost: " + server.address().format()));
  CHECK(contains(sent, "\r\nUser-Agent: gwtool/" GW_VERSION "\r\n"));
}

TEST_CASE("http: methods, headers and bodies") {
  TestServer server([](const std::string& request) {
    if (request.starts_with("HEAD")) return Reply{"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"};
    return respond(200, "ok");
  });
  HttpClient c = client();
  HttpRequest post{.url = server.url("/p"),
                   .method = "POST",
                   .headers = {{"Content-Type", "text/plain"}, {"X-Empty", ""}},
                   .body = std::string("a\0b", 3)};
  REQUIRE(c.fetch_one(post));
  std::string sent = server.requests().at(0);
  CHECK(sent.starts_with("POST /p HTTP/1.1\r\n"));
  CHECK(contains(sent, "\r\nContent-Type: text/plain\r\n"));
  CHECK(contains(sent, "\r\nX-Empty:\r\n"));
  CHECK(contains(sent, "\r\nContent-Length: 3\r\n"));
  CHECK(sent.ends_with(std::string("\r\n\r\na\0b", 7)));
  CHECK_FALSE(contains(sent, "Expect"));

  post.body.clear();
  REQUIRE(c.fetch_one(post));
  CHECK(contains(server.requests().at(1), "\r\nContent-Length: 0\r\n"));

  auto head = c.fetch_one({.url = server.url("/h"), .method = "HEAD"});
  REQUIRE(head);
  CHECK(head->body.empty());
  REQUIRE(c.fetch_one({.url = server.url("/u"), .method = "PUT", .body = "new"}));
  CHECK(server.requests().at(3).starts_with("PUT /u "));
  REQUIRE(c.fetch_one({.url = server.url("/d"), .method = "DELETE"}));
  CHECK(server.requests().at(4).starts_with("DELETE /d "));
  // A method of an earlier request does not stick to the handle.
  REQUIRE(c.fetch_one({.url = server.url("/g")}));
  CHECK(server.requests().at(5).starts_with("GET /g "));
}

TEST_CASE("http: what cannot be sent is refused before anything is") {
  TestServer server([](const std::string&) { return respond(200, ""); });
  using namespace std::string_literals;
  const HttpRequest cases[] = {
      {.url = ""},
      {.url = "127.0.0.1"},
      {.url = "ftp://127.0.0.1/"},
      {.url = "file:///etc/passwd"},
      {.url = "gopher://127.0.0.1/"},
      {.url = "https://"},
      {.url = "http:///path"},
      {.url = server.url("/a b")},
      {.url = server.url("/a\r\nX: y")},
      {.url = server.url("/a\0b"s)},
      {.url = server.url("/\xc3\xa4")},
      {.url = "http://127.0.0.1:99999/"},
      {.url = server.url("/" + std::string(9000, 'a'))},
      {.url = server.url("/"), .method = "GE T"},
      {.url = server.url("/"), .method = ""},
      {.url = server.url("/"), .headers = {{"X", "a\r\nY: b"}}},
      {.url = server.url("/"), .headers = {{"X", "a\0b"s}}},
      {.url = server.url("/"), .headers = {{"X Y", "a"}}},
      {.url = server.url("/"), .headers = {{"X:", "a"}}},
      {.url = server.url("/"), .headers = {{"", "a"}}},
  };
  HttpClient c = client();
  auto results = c.fetch(cases);
  REQUIRE(results.size() == std::size(cases));
  for (std::size_t i = 0; i < results.size(); ++i) {
    CAPTURE(i, cases[i].url, cases[i].method);
    REQUIRE(!results[i]);
    CHECK(results[i].error().kind == ErrorKind::kUsage);
  }
  CHECK(server.requests().empty());
}

TEST_CASE("http: options that are wrong") {
  const HttpOptions cases[] = {
      {.ca_file = "/nonexistent/ca.pem"},
      {.connect_to = {"a:1:b"}},
      {.connect_to = {""}},
      {.connect_to = {"a:1:b:2:c"}},
      {.connect_to = {"a:1:[::1:2"}},
      {.connect_to = {"a:1:b :2"}},
      {.dns_servers = "localhost"},
      {.dns_servers = "192.0.2.1,x"},
  };
  for (const HttpOptions& options : cases) {
    auto made = HttpClient::create(options);
    REQUIRE(!made);
    CHECK(made.error().kind == ErrorKind::kUsage);
  }
  CHECK(HttpClient::create({.connect_to = {"a:1:[::1]:2", "::[::1]:", ":::8080"},
                            .dns_servers = "192.0.2.1,[2001:db8::1]:53,192.0.2.2:5353"}));
}

TEST_CASE("http: many at once, in their order, over few connections") {
  TestServer server([](const std::string& request) {
    std::string path = request_path(request);
    // Later ones answer sooner.
    auto n = std::stoul(path.substr(1));
    Reply reply = respond(n % 7 == 3 ? 404 : 200, "body of " + path);
    reply.delay = std::chrono::milliseconds(n % 5 == 0 ? 20 : 0);
    return reply;
  });
  HttpClient c = client({.max_connections = 6});
  std::vector<HttpRequest> requests;
  for (int i = 0; i < 300; ++i) {
    requests.push_back({.url = server.url("/" + std::to_string(i))});
  }
  for (int round = 0; round < 2; ++round) {
    auto results = c.fetch(requests);
    REQUIRE(results.size() == requests.size());
    for (std::size_t i = 0; i < results.size(); ++i) {
      CAPTURE(i);
      REQUIRE(results[i]);
      CHECK(results[i]->body == "body of /" + std::to_string(i));
      CHECK(results[i]->status == (i % 7 == 3 ? 404 : 200));
    }
  }
  CHECK(server.most_at_once() <= 6);
  CHECK(server.most_at_once() >= 2);
  CHECK(server.connections() <= 6);
  CHECK(c.connections() == server.connections());
  CHECK(c.fetch({}).empty());
}

TEST_CASE("http: the time of a request begins when it is sent, not while it waits its turn") {
  TestServer server([](const std::string&) {
    Reply reply = respond(200, "slow");
    reply.delay = 60ms;
    return reply;
  });
  HttpClient c = client({.max_connections = 1});
  std::vector<HttpRequest> requests(10, {.url = server.url("/"), .timeout = 400ms});
  for (auto& r : c.fetch(requests)) CHECK(r);
}

TEST_CASE("http: sizes are bounded while bytes arrive") {
  const std::string chunk(64 << 10, 'x');
  TestServer server([&](const std::string& request) {
    std::string path = request_path(request);
    if (path == "/exact") return respond(200, std::string(1000, 'x'));
    if (path == "/declared") return respond(200, std::string(1001, 'x'));
    if (path == "/missing") return respond(404, std::string(5000, 'y'));
    if (path == "/until-close") {
      return Reply{.bytes = "HTTP/1.1 200 OK\r\n\r\n" + std::string(5000, 'x'), .close = true};
    }
    if (path == "/endless") {
      return Reply{.bytes = "HTTP/1.1 200 OK\r\n\r\n" + chunk, .repeat = 1 << 20};
    }
    if (path == "/endless-header") {
      return Reply{.bytes = "HTTP/1.1 200 OK\r\nX: " + std::string(200 << 10, 'x')};
    }
    std::string headers = "HTTP/1.1 200 OK\r\n";
    // Few bytes, and much to keep.
    if (path == "/tiny-headers") {
      for (int i = 0; i < 600; ++i) headers += "a:\r\n";
      return Reply{.bytes = headers + "Content-Length: 0\r\n\r\n"};
    }
    for (int i = 0; i < 300; ++i) headers += "X: " + std::string(1000, 'x') + "\r\n";
    return Reply{.bytes = headers};
  });
  HttpClient c = client();
  auto fetch = [&](const char* path) {
    return c.fetch_one({.url = server.url(path), .max_body = 1000, .timeout = 20s});
  };
  CHECK(fetch("/exact")->body.size() == 1000);
  for (const char* path : {"/declared", "/until-close", "/endless"}) {
    CAPTURE(path);
    auto r = fetch(path);
    REQUIRE(!r);
    CHECK(r.error().kind == ErrorKind::kUntrusted);
    CHECK(r.error().message == server.url(path) + ": body larger than 1000 bytes");
  }
  auto missing = fetch("/missing");
  REQUIRE(missing);
  CHECK(missing->status == 404);
  CHECK(missing->body.size() == 1000);
  for (const char* path : {"/endless-header", "/endless-headers", "/tiny-headers"}) {
    CAPTURE(path);
    auto r = fetch(path);
    REQUIRE(!r);
    CHECK(r.error().kind == ErrorKind::kUnavailable);
    CHECK(dynamic_cast<const gw::net::LargeHeaders*>(r.error().detail.get()) != nullptr);
  }
  // The client goes on working.
  CHECK(fetch("/exact"));
}

TEST_CASE("http: a body is given as it comes, and read as far as it is wanted") {
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nabc</head>";
  TestServer server([&](const std::string& request) {
    const std::string path = request_path(request);
    if (path == "/held") return Reply{.bytes = head, .hold = true};
    if (path == "/cut") return Reply{.bytes = head, .close = true};
    return respond(200, "abc</head>rest");
  });
  HttpClient c = client({.max_connections = 1});
  for (const char* path : {"/held", "/cut", "/whole", "/whole"}) {
    CAPTURE(path);
    std::string got;
    int status = 0;
    HttpRequest request{.url = server.url(path), .timeout = 60s};
    request.take = [&](const HttpResponse& response, std::string_view bytes) {
      status = response.status;
      got += bytes;
      return got.find("</head>") == got.npos;
    };
    auto r = c.fetch_one(request);
    REQUIRE(r);
    CHECK(status == 200);
    CHECK(r->body.empty());
    CHECK(got.starts_with("abc</head>"));
    CHECK(r->took > Duration::zero());
  }
  // A connection is used again where all of the response had come.
  CHECK(server.connections() == 3);
  // Who wants all of it is told that it did not come.
  HttpRequest request{.url = server.url("/cut"), .timeout = 20s};
  request.take = [](const HttpResponse&, std::string_view) { return true; };
  CHECK(contains(c.fetch_one(request).error().message, "cut short after 10 bytes"));
}

TEST_CASE("http: requests that lead to others") {
  TestServer server([](const std::string& request) {
    return respond(request_path(request) == "/3" ? 404 : 200, request_path(request));
  });
  HttpClient c = client();
  std::vector<std::string> seen(6);
  c.fetch_each({{.url = server.url("/1")}, {.url = "ftp://x/"}},
               [&](std::size_t place, Result<HttpResponse> result) -> std::vector<HttpRequest> {
                 REQUIRE(place < seen.size());
                 seen[place] = result ? result->body : result.error().message;
                 if (place == 0) return {{.url = server.url("/2")}, {.url = server.url("/3")}};
                 if (seen[place] == "/3") return {{.url = server.url("/4")}};
                 return {};
               });
  CHECK(seen[0] == "/1");
  CHECK(contains(seen[1], "bad URL"));
  CHECK(seen[2] == "/2");
  CHECK(seen[3] == "/3");
  CHECK(seen[4] == "/4");
  CHECK(seen[5].empty());
  // A stop ends what would follow, too.
  os::Stop stop;
  stop.request();
  HttpClient stopped = client({.stop = &stop});
  int told = 0;
  stopped.fetch_each({{.url = server.url("/1")}},
                     [&](std::size_t, const Result<HttpResponse>& result) {
                       CHECK(!result);
                       return ++told < 3 ? std::vector<HttpRequest>{{.url = server.url("/1")}}
                                         : std::vector<HttpRequest>();
                     });
  CHECK(told == 3);
}

TEST_CASE("http: compressed bodies as Go reads them") {
  std::string two = mod::gzip("one ") + mod::gzip("two");
  std::string damaged = mod::gzip("damaged");
  damaged[damaged.size() - 6] ^= 1;  // of the checksum
  struct Case {
    std::string encoding;
    std::string body;
    std::string unpacked;  // as far as it is one
    const char* fault;
  };
  const Case cases[] = {
      {"gzip", mod::gzip("plain"), "plain", ""},
      {"GZIP", two, "one two", ""},
      {"gzip", mod::gzip("garbage") + "behind", "garbage", "the compressed body is damaged"},
      {"gzip", damaged, "damaged", "the compressed body is damaged"},
      {"gzip", mod::gzip("cut").substr(0, 20), "", "the compressed body is cut short"},
      {"gzip", "not at all", "", "the compressed body is damaged"},
      // Nobody asked for these: they are what they are.
      {"br", "<meta>", "<meta>", ""},
      {"zstd", "x", "x", ""},
      {"", "x", "x", ""},
  };
  const Case* now = nullptr;
  TestServer server([&](const std::string& request) {
    CHECK(contains(request, "Accept-Encoding: gzip\r\n"));
    return respond(200, now->body, "Content-Encoding: " + now->encoding + "\r\n");
  });
  HttpClient c = client();
  for (const Case& one : cases) {
    CAPTURE(one.encoding, one.unpacked, one.fault);
    now = &one;
    auto r = c.fetch_one({.url = server.url(), .accept_gzip = true});
    CHECK(r.has_value() == (*one.fault == '\0'));
    if (r) CHECK(r->body == one.unpacked);
    if (!r) CHECK(r.error().message == server.url() + ": " + one.fault);
    std::string got;
    HttpRequest request{.url = server.url(), .accept_gzip = true};
    request.take = [&](const HttpResponse&, std::string_view bytes) {
      got += bytes;
      return true;
    };
    (void)c.fetch_one(request);
    if (!one.unpacked.empty()) CHECK(got == one.unpacked);
  }
}

TEST_CASE("http: a server that does not answer is asked no more than it must be") {
  std::vector<HttpRequest> requests;
  SECTION("nobody listens") {
    ClosedPort closed;
    requests.assign(100, {.url = "http://" + closed.address.format() + "/", .timeout = 20s});
    HttpClient c = client({.ask_dead_again = false});
    for (auto& r : c.fetch(requests)) {
      REQUIRE(!r);
      CHECK(contains(r.error().message, "failed to connect"));
    }
    CHECK(c.connections() == 0);
  }
  SECTION("somebody listens, and never answers") {
    TestServer server([](const std::string&) { return Reply{.hold = true}; });
    requests.assign(100, {.url = server.url("/"), .timeout = 300ms});
    HttpClient c = client({.ask_dead_again = false});
    for (auto& r : c.fetch(requests)) {
      REQUIRE(!r);
      CHECK(r.error().kind == ErrorKind::kUnavailable);
      CHECK(contains(r.error().message, "no complete answer within 0.300 s"));
    }
    // As many as may be under way at once, and those that got the places of the first to end.
    CHECK(server.requests().size() < 30);
    CHECK(!c.fetch_one(requests[0]));
    CHECK(server.requests().size() < 30);
  }
  SECTION("some answers are late") {
    TestServer server([](const std::string& request) {
      if (request_path(request) == "/late") return Reply{.hold = true};
      return respond(200, "");
    });
    for (int i = 0; i < 40; ++i) {
      requests.push_back({.url = server.url(i % 10 == 0 ? "/late" : "/"), .timeout = 1s});
    }
    HttpClient c = client({.ask_dead_again = false});
    const auto results = c.fetch(requests);
    for (std::size_t i = 0; i < results.size(); ++i) CHECK(results[i].has_value() == (i % 10 != 0));
  }
}

TEST_CASE("http: responses that are none") {
  struct Case {
    const char* path;
    Reply reply;
    const char* says;
  };
  const std::string head = "HTTP/1.1 200 OK\r\n";
  const Case cases[] = {
      {"/version",
       {.bytes = "HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n", .close = true},
       "HTTP version"},
      {"/cut", {.bytes = head + "Content-Length: 10\r\n\r\nfour", .close = true}, "cut short"},
      {"/cut-chunk",
       {.bytes = head + "Transfer-Encoding: chunked\r\n\r\n8\r\nfour", .close = true},
       ""},
      {"/bad-chunk",
       {.bytes = head + "Transfer-Encoding: chunked\r\n\r\nzz\r\nfour", .close = true},
       ""},
      {"/nothing", {.bytes = "", .close = true}, "closed without an answer"},
      {"/noise", {.bytes = "SSH-2.0-x\r\n\r\n", .close = true}, ""},
      {"/negative", {.bytes = head + "Content-Length: -1\r\n\r\n", .close = true}, ""},
      {"/headers-only", {.bytes = head + "X: y", .close = true}, ""},
  };
  TestServer server([&](const std::string& request) {
    for (const Case& c : cases) {
      if (request_path(request) == c.path) return c.reply;
    }
    return respond(200, "fine");
  });
  HttpClient c = client();
  for (const Case& k : cases) {
    CAPTURE(k.path);
    auto r = c.fetch_one({.url = server.url(k.path), .timeout = 20s});
    REQUIRE(!r);
    CHECK(r.error().kind == ErrorKind::kUnavailable);
    CHECK(r.error().message.starts_with(server.url(k.path) + ": "));
    CHECK(contains(r.error().message, k.says));
  }
  CHECK(c.fetch_one({.url = server.url("/x")})->body == "fine");
}

TEST_CASE("http: time is bounded") {
  TestServer server([](const std::string& request) {
    if (request_path(request) == "/drip") {
      return Reply{.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nfour", .hold = true};
    }
    return Reply{.hold = true};
  });
  auto begin = system_clock().mono();
  SECTION("no answer") {
    auto r = client().fetch_one({.url = server.url("/"), .timeout = 120ms});
    REQUIRE(!r);
    CHECK(r.error().kind == ErrorKind::kUnavailable);
    CHECK(contains(r.error().message, "no complete answer within 0.120 s, 0 bytes received"));
  }
  SECTION("half an answer") {
    auto r = client().fetch_one({.url = server.url("/drip"), .timeout = 120ms});
    REQUIRE(!r);
    CHECK(contains(r.error().message, "within 0.120 s, 4 bytes received"));
  }
  SECTION("the deadline of everything") {
    HttpClient c = client({.deadline = begin + 120ms, .max_connections = 1});
    std::vector<HttpRequest> requests(3, {.url = server.url("/"), .timeout = 20s});
    auto results = c.fetch(requests);
    for (auto& r : results) {
      REQUIRE(!r);
      CHECK(r.error().kind == ErrorKind::kUnavailable);
    }
    CHECK(contains(results[2].error().message, "time is over"));
  }
  SECTION("stalled") {
    auto r = get(server.url("/drip"), {.stall_timeout = 1s});
    REQUIRE(!r);
    CHECK(contains(r.error().message, "stalled for 1 s, 4 bytes received"));
  }
  CHECK(system_clock().mono() - begin < 10s);
}

TEST_CASE("http: a stop ends what is under way and what waits") {
  os::Stop stop;
  TestServer server([&](const std::string&) {
    stop.request();
    return Reply{.hold = true};
  });
  HttpClient c = client({.max_connections = 2, .stop = &stop});
  std::vector<HttpRequest> requests(5, {.url = server.url("/"), .timeout = 60s});
  auto begin = system_clock().mono();
  for (auto& r : c.fetch(requests)) {
    REQUIRE(!r);
    CHECK(r.error().kind == ErrorKind::kUnavailable);
    CHECK(contains(r.error().message, "stopped"));
  }
  CHECK(system_clock().mono() - begin < 10s);
  CHECK(!c.fetch_one(requests[0]));
}

TEST_CASE("http: nobody listens") {
  ClosedPort closed;
  auto r = get("http://" + closed.address.format() + "/");
  REQUIRE(!r);
  CHECK(r.error().kind == ErrorKind::kUnavailable);
  CHECK(contains(r.error().message, "http://" + closed.address.format() + "/: failed to connect"));
  CHECK_FALSE(r.error().message.ends_with('.'));
}

TEST_CASE("http: redirects") {
  std::string self;
  TestServer server([&](const std::string& request) {
    std::string path = request_path(request);
    if (path == "/end") return respond(200, "end");
    if (path == "/file") return respond(302, "", "Location: file:///etc/passwd\r\n");
    if (path == "/loop") return respond(301, "again", "Location: /loop\r\n");
    auto n = std::stoi(path.substr(1));
    return respond(307, "no", "Location: /" + (n == 1 ? "end" : std::to_string(n - 1)) + "\r\n");
  });
  HttpClient c = client();
  auto fetch = [&](const char* path, int most) {
    return c.fetch_one({.url = server.url(path), .max_redirects = most});
  };
  auto untouched = fetch("/3", 0);
  REQUIRE(untouched);
  CHECK(untouched->status == 307);
  CHECK(*untouched->header("location") == "/2");
  CHECK(untouched->body == "no");
  CHECK(untouched->redirected_to.empty());

  auto followed = fetch("/3", 3);
  REQUIRE(followed);
  CHECK(followed->body == "end");
  CHECK(followed->redirected_to == server.url("/end"));
  CHECK(followed->header("location") == nullptr);

  auto too_many = fetch("/3", 2);
  REQUIRE(!too_many);
  CHECK(contains(too_many.error().message, "more than 2 redirects"));
  CHECK_FALSE(fetch("/loop", 9));
  auto file = fetch("/file", 9);
  REQUIRE(!file);
  CHECK(file.error().kind == ErrorKind::kUnavailable);
  CHECK_FALSE(contains(file.error().message, "root:"));
}

TEST_CASE("http: credentials go to their host and never into a message") {
  TestServer other([](const std::string&) { return respond(500, "no"); });
  TestServer server([&](const std::string&) {
    return respond(302, "", "Location: " + other.url("/x") + "\r\n");
  });
  std::string url = "http://user:secret@" + server.address().format() + "/";
  HttpRequest request{.url = url, .max_redirects = 3};
  auto r = client().fetch_one(request);
  REQUIRE(r);
  CHECK(contains(server.requests().at(0), "Authorization: Basic dXNlcjpzZWNyZXQ="));
  CHECK_FALSE(contains(other.requests().at(0), "Authorization"));
  CHECK(r->redirected_to == other.url("/x"));
  auto error = require_ok(std::move(r), request);
  REQUIRE(!error);
  CHECK_FALSE(contains(error.error().message, "secret"));
  CHECK(
      contains(error.error().message, "/, redirected to \"" + other.url("/x") + "\": status 500"));
  request.timeout = -1s;
  CHECK_FALSE(contains(client().fetch_one(request).error().message, "secret"));
  request.url += " ";
  CHECK_FALSE(contains(client().fetch_one(request).error().message, "secret"));
}

TEST_CASE("http: statuses as errors") {
  struct Case {
    int status;
    std::string headers;
    ErrorKind kind;
    const char* says;
  };
  const Case cases[] = {
      {404, "Content-Type: text/plain\r\n", ErrorKind::kNotFound, "status 404: \"not \\x01here\""},
      {410, "", ErrorKind::kNotFound, "status 410"},
      {500, "Content-Type: text/html\r\n", ErrorKind::kUnavailable, "status 500"},
      {503, "Retry-After: 7\r\n", ErrorKind::kUnavailable, "after 7 s"},
      {429, "Retry-After: 999999999\r\n", ErrorKind::kUnavailable, "after 86400 s"},
      {503, "Retry-After: Fri, 31 Dec 9999 23:59:59 GMT\r\n", ErrorKind::kUnavailable,
       "after 86400 s"},
      {403, "", ErrorKind::kUnavailable, "status 403"},
      {204, "", ErrorKind::kUnavailable, "status 204"},
      {302, "Location: https://u:p@elsewhere/\r\n", ErrorKind::kUnavailable,
       "redirect to \"https://elsewhere/\""},
  };
  for (const Case& c : cases) {
    CAPTURE(c.status);
    TestServer server(
        [&](const std::string&) { return respond(c.status, "not \001here\nmore", c.headers); });
    HttpRequest request{.url = server.url("/x")};
    auto body = require_ok(client().fetch_one(request), request);
    REQUIRE(!body);
    CHECK(body.error().kind == c.kind);
    CHECK(contains(body.error().message, c.says));
    CHECK(body.error().message.starts_with(server.url("/x") + ": "));
    CHECK_FALSE(contains(body.error().message, "more"));
  }
  TestServer fine([](const std::string&) { return respond(200, "yes"); });
  HttpRequest request{.url = fine.url()};
  CHECK(*require_ok(client().fetch_one(request), request) == "yes");
}

TEST_CASE("http: interim responses are passed over") {
  TestServer server([](const std::string&) {
    Reply r = respond(200, "final", "X-A: 2\r\n");
    r.bytes = "HTTP/1.1 103 Early Hints\r\nX-A: 1\r\nX-B: 1\r\n\r\n" + r.bytes;
    return r;
  });
  auto r = get(server.url());
  REQUIRE(r);
  CHECK(r->status == 200);
  CHECK(*r->header("x-a") == "2");
  CHECK(r->header("x-b") == nullptr);
}

TEST_CASE("http: a kept connection that the server closed is opened anew") {
  TestServer server([](const std::string&) {
    Reply reply = respond(200, "once");
    reply.close = true;
    return reply;
  });
  HttpClient c = client();
  for (int i = 0; i < 5; ++i) CHECK(c.fetch_one({.url = server.url()}));
  CHECK(server.connections() == 5);
}

TEST_CASE("http: --connect-to and proxies of the environment") {
  TestServer server([](const std::string&) { return respond(200, "here"); });
  std::string port = std::to_string(server.address().port());
  auto r =
      get("http://log.example.org/x", {.connect_to = {"log.example.org:80:127.0.0.1:" + port}});
  REQUIRE(r);
  CHECK(contains(server.requests().at(0), "\r\nHost: log.example.org\r\n"));
  CHECK(r->redirected_to.empty());

  ::setenv("http_proxy", server.url().c_str(), 1);
  auto proxied = get("http://log.example.org/y");
  ::setenv("NO_PROXY", "127.0.0.1", 1);
  auto direct = get(server.url("/z"));
  ::unsetenv("http_proxy");
  ::unsetenv("NO_PROXY");
  REQUIRE(proxied);
  CHECK(server.requests().at(1).starts_with("GET http://log.example.org/y HTTP/1.1\r\n"));
  REQUIRE(direct);
  CHECK(server.requests().at(2).starts_with("GET /z HTTP/1.1\r\n"));
}

TEST_CASE("http: a name is looked up where told, and a lookup that fails is an error") {
  ClosedPort closed;
  HttpOptions options{.dns_servers = closed.address.format()};
  auto r = client(options).fetch_one({.url = "http://host.example.org/", .timeout = 3s});
  REQUIRE(!r);
  CHECK(r.error().kind == ErrorKind::kUnavailable);
  CHECK(contains(r.error().message, "http://host.example.org/: "));
}

TEST_CASE("http: where CA files are looked for") {
  ::setenv("SSL_CERT_FILE", "/nonexistent/from-env.pem", 1);
  auto env = find_ca_file("");
  REQUIRE(!env);
  CHECK(contains(env.error().message, "/nonexistent/from-env.pem"));
  ::setenv("SSL_CERT_FILE", "/dev/null", 1);
  CHECK(*find_ca_file("") == "/dev/null");
  CHECK(*find_ca_file("/dev/zero") == "/dev/zero");
  ::unsetenv("SSL_CERT_FILE");
  auto named = find_ca_file("/nonexistent/named.pem");
  REQUIRE(!named);
  CHECK(named.error().kind == ErrorKind::kUsage);
  CHECK(contains(named.error().message, "/nonexistent/named.pem"));
  auto system = find_ca_file("");
  if (!system) CHECK(contains(system.error().message, "/etc/ssl/cert.pem"));
}

TEST_CASE("http: who waits is told that nothing comes, and again after something did") {
  std::atomic<int> told = 0;
  std::atomic<int> before = 0;
  // Answers only once that was told anew.
  test::TestServer server([&](const std::string&) {
    told.wait(before.load());
    return test::respond(200, "late");
  });
  HttpOptions options;
  options.quiet = [&] {
    ++told;
    told.notify_all();
  };
  auto http = HttpClient::create(std::move(options)).value();
  for (int i = 0; i < 2; ++i) {
    before = told.load();
    const auto response = http.fetch_one({.url = server.url("/x")});
    if (!response) {  // the server waits no longer
      ++told;
      told.notify_all();
    }
    REQUIRE(response);
    CHECK(response->body == "late");
    CHECK(told > before);
  }
}

TEST_CASE("http: URLs without their credentials") {
  CHECK(redact_url("https://u:p@h/x@y") == "https://h/x@y");
  CHECK(redact_url("https://u@v:p@h:1") == "https://h:1");
  CHECK(redact_url("https://h/a@b") == "https://h/a@b");
  CHECK(redact_url("https://h?a@b") == "https://h?a@b");
  CHECK(redact_url("nonsense") == "nonsense");
}
