// The server over real sockets: what the connection's own tests (connection_test.cc,
// hostile_test.cc) cannot show.
#include "http/server.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <condition_variable>
#include <filesystem>
#include <future>
#include <thread>

#include "base/metrics.h"
#include "http/file_response.h"
#include "http/host_names.h"
#include "http/metrics_page.h"
#include "support/http/client.h"

using namespace gw;
using namespace gw::http;
using namespace gw::http::test;
using namespace std::chrono_literals;

namespace {

Response echo(const Request& r) {
  Response out;
  out.body = r.method + " " + r.path + " [" + r.query + "] " + r.body;
  return out;
}

Router echo_router() {
  Router router;
  router.get("/*", echo);
  router.post("/*", echo);
  router.get("/peer", [](const Request& r) {
    return text_response(200, r.peer ? r.peer->format_ip() : "none");
  });
  router.get("/large", [](const Request&) { return Response{.body = std::string(1 << 20, 'x')}; });
  return router;
}

ServerOptions loopback() {
  ServerOptions options;
  options.listen = *Endpoint::parse("127.0.0.1:0", 0);
  return options;
}

std::unique_ptr<Server> start(ServerOptions options, Router router) {
  auto server = Server::start(std::move(options), std::move(router));
  if (!server) FAIL(server.error().message);
  return *std::move(server);
}

std::string get(const Server& server, const std::string& target) {
  return ask(server.endpoint(),
             "GET " + target + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
}

struct ServedDirectory {
  std::string path = std::filesystem::temp_directory_path() / "gw-server-XXXXXX";
  ServedDirectory() { REQUIRE(::mkdtemp(path.data()) != nullptr); }
  ~ServedDirectory() { std::filesystem::remove_all(path); }
};

// Something that one thread waits for and another opens.
struct Gate {
  void open() {
    const std::lock_guard lock(mutex);
    is_open = true;
    changed.notify_all();
  }
  bool wait() {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, 20s, [&] { return is_open; });
  }
  std::mutex mutex;
  std::condition_variable changed;
  bool is_open = false;
};

// Until nobody listens at the path, and in the place of whoever did.
std::unique_ptr<Server> start_next(const ServerOptions& options) {
  auto server = Server::start(options, echo_router());
  const MonoTime until = system_clock().mono() + 20s;
  while (!server && system_clock().mono() < until) {
    std::this_thread::yield();
    server = Server::start(options, echo_router());
  }
  return server ? *std::move(server) : nullptr;
}

}  // namespace

TEST_CASE("http server: requests over TCP, one after another and at once") {
  auto server = start(loopback(), echo_router());
  CHECK(get(*server, "/a%20b?c=d").ends_with("\r\n\r\nGET /a b [c=d] "));
  CHECK(get(*server, "/peer").ends_with("127.0.0.1\n"));
  CHECK(contains(get(*server, "/large"), "\r\nContent-Length: 1048576\r\n"));

  const Fd fd = connect_to(server->endpoint());
  for (int i = 0; i < 3; ++i) {
    send_all(fd, "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(contains(read_until(fd, "[] "), "GET /" + std::to_string(i) + " "));
  }
  // More than the kernel's buffers take, so that the second waits until the first is read.
  for (int i = 0; i < 20; ++i) send_all(fd, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
  send_all(fd, "GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const std::string all = read_until(fd);
  CHECK(all.size() > std::size_t{20} << 20);
  CHECK(all.ends_with("GET /last [] "));
}

TEST_CASE("http server: what no route has") {
  Router router;
  router.get("/page", echo);
  router.post("/form", echo);
  auto server = start(loopback(), std::move(router));
  CHECK(get(*server, "/other").starts_with("HTTP/1.1 404 "));
  const std::string refused = get(*server, "/form");
  CHECK(refused.starts_with("HTTP/1.1 405 "));
  CHECK(contains(refused, "\r\nAllow: POST\r\n"));
  const std::string posted = ask(server->endpoint(),
                                 "POST /page HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n"
                                 "Connection: close\r\n\r\nx");
  CHECK(contains(posted, "\r\nAllow: GET, HEAD\r\n"));
}

TEST_CASE("http server: a refusal is read, though more comes than was looked at") {
  auto server = start(loopback(), echo_router());
  const Fd fd = connect_to(server->endpoint());
  send_all(fd, "NONSENSE\r\n\r\n" + std::string(100000, 'x'));
  CHECK(read_until(fd).starts_with("HTTP/1.1 400 "));
}

TEST_CASE("http server: a client that closes in the middle of an answer is forgotten") {
  Router router = echo_router();
  router.get("/huge", [](const Request&) { return Response{.body = std::string(64 << 20, 'x')}; });
  auto server = start(loopback(), std::move(router));
  std::vector<Fd> leaving;
  for (int i = 0; i < 10; ++i) {
    leaving.push_back(connect_to(server->endpoint()));
    send_all(leaving.back(), "GET /huge HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(contains(read_until(leaving.back(), "\r\n\r\n"), "200 OK"));
  }
  CHECK(server->connections() == 10);
  leaving.clear();
  const Fd other = connect_to(server->endpoint());
  const MonoTime until = system_clock().mono() + 20s;
  do {
    send_all(other, "GET /other HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(contains(read_until(other, "[] "), "GET /other"));
  } while (server->connections() > 1 && system_clock().mono() < until);
  CHECK(server->connections() == 1);
}

TEST_CASE("http server: a Unix socket") {
  const ServedDirectory dir;
  ServerOptions options;
  options.listen.unix_path = dir.path + "/s";
  auto server = start(options, echo_router());
  CHECK(get(*server, "/peer").ends_with("none\n"));
  CHECK_FALSE(Server::start(options, echo_router()));
  server.reset();
  CHECK_FALSE(os::file_exists(options.listen.unix_path));
}

TEST_CASE("http server: the next one at a Unix socket's path, before the last has ended") {
  const ServedDirectory dir;
  ServerOptions options;
  options.listen.unix_path = dir.path + "/s";
  Router router;
  Gate asked;
  std::optional<Reply> held;
  router.add({.pattern = "/held", .handler = [&](const Request&, Reply reply) {
                held = std::move(reply);
                asked.open();
              }});
  auto last = start(options, std::move(router));
  const Fd waits = connect_to(last->endpoint());
  send_all(waits, "GET /held HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  REQUIRE(asked.wait());
  std::thread ends([&] {
    last->stop(20s);
    last.reset();
  });
  const auto next = start_next(options);
  CHECK(next);
  held->send(text_response(200, "done"));
  CHECK(contains(read_until(waits), "done"));
  ends.join();
  CHECK(os::file_exists(options.listen.unix_path));
}

TEST_CASE("http server: addresses that cannot be listened on") {
  auto server = start(loopback(), echo_router());
  for (const std::string& text : {std::string("192.0.2.1:0"), server->endpoint().format()}) {
    ServerOptions options;
    options.listen = *Endpoint::parse(text, 0);
    auto second = Server::start(options, echo_router());
    REQUIRE_FALSE(second);
    CHECK(second.error().kind == ErrorKind::kUsage);
    CHECK(second.error().message.starts_with("listening on " + text + ": "));
  }
  ServerOptions v6;
  v6.listen = *Endpoint::parse("[::1]:0", 0);
  auto six = Server::start(v6, echo_router());
  if (six) CHECK(contains(get(**six, "/six"), "GET /six"));
}

namespace {

// A route whose answers are kept back, with how many there are.
struct Held {
  void add(Router& router) {
    router.add({.pattern = "/hold", .handler = [this](const Request&, Reply reply) {
                  const std::lock_guard lock(mutex);
                  replies.push_back(std::move(reply));
                  changed.notify_all();
                }});
  }
  bool wait_for(std::size_t count) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, 20s, [&] { return replies.size() >= count; });
  }
  void answer(std::size_t which) { replies.at(which).send(text_response(200, "held")); }

  std::mutex mutex;
  std::condition_variable changed;
  std::vector<Reply> replies;
};

constexpr std::string_view kHold = "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n";

}  // namespace

TEST_CASE("http server: connections are bounded, and those that wait get their turn") {
  ServerOptions options = loopback();
  options.limits.connections = 3;
  Held held;
  Router router = echo_router();
  held.add(router);
  auto server = start(options, std::move(router));
  std::vector<Fd> holders;
  for (std::size_t i = 0; i < 3; ++i) {
    holders.push_back(connect_to(server->endpoint()));
    send_all(holders.back(), kHold);
    REQUIRE(held.wait_for(i + 1));
  }
  const Fd waiting = connect_to(server->endpoint());  // by the kernel, which has room in its queue
  send_all(waiting, "GET /w HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  CHECK(server->connections() == 3);
  pollfd p{waiting.get(), POLLIN, 0};
  CHECK(::poll(&p, 1, 0) == 0);
  SECTION("one ends") {
    holders.pop_back();
    CHECK(contains(read_until(waiting), "GET /w"));
  }
  SECTION("one has its answer, and asks for nothing more") {
    held.answer(0);
    CHECK(contains(read_until(holders[0]), "held"));  // and is closed for who waits
    CHECK(contains(read_until(waiting), "GET /w"));
  }
}

TEST_CASE("http server: connections of one address are bounded") {
  ServerOptions options = loopback();
  options.limits.connections_per_address = 2;
  Held held;
  Router router = echo_router();
  held.add(router);
  auto server = start(options, std::move(router));
  std::vector<Fd> holders;
  for (std::size_t i = 0; i < 2; ++i) {
    holders.push_back(connect_to(server->endpoint()));
    send_all(holders.back(), kHold);
    REQUIRE(held.wait_for(i + 1));
  }
  CHECK(read_until(connect_to(server->endpoint())).empty());  // closed
  CHECK(get(*server, "/third").empty());
  // Another address of this machine is another client.
  const Fd other = connect_to(server->endpoint(), "127.0.0.2");
  send_all(other, "GET /other HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  CHECK(contains(read_until(other), "GET /other"));
  // Who closes one may open another, as soon as the server has seen it.
  holders.pop_back();
  std::string again;
  const MonoTime until = system_clock().mono() + 20s;
  while (again.empty() && system_clock().mono() < until) again = get(*server, "/again");
  CHECK(contains(again, "GET /again"));
}

TEST_CASE("http server: half of a request, many times, keeps nobody waiting") {
  ServerOptions options = loopback();
  const bool of_one_address = GENERATE(false, true);
  (of_one_address ? options.limits.connections_per_address : options.limits.connections) = 4;
  options.limits.header_time = options.limits.idle_time = 1h;
  auto server = start(options, echo_router());
  std::vector<Fd> halves;
  const Fd asked = connect_to(server->endpoint());
  send_all(asked, "GET /asked HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(contains(read_until(asked, "[] "), "/asked"));
  for (int i = 0; i < 80; ++i) {
    halves.push_back(connect_to(server->endpoint()));
    send_all(halves.back(), i % 2 == 0 ? "GET /half HTTP/1.1\r\nHo" : "");
  }
  CHECK(get(*server, "/whole").ends_with("GET /whole [] "));
  // The oldest went first.
  CHECK(read_until(asked).empty());
  CHECK(read_until(halves[0]).empty());
  send_all(halves[79], "GET /late HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  CHECK(contains(read_until(halves[79]), "GET /late"));
}

TEST_CASE("http server: by which names it may be asked") {
  ServerOptions options = loopback();
  options.names = {"Metrics.example.org"};
  auto server = start(options, echo_router());
  const auto status = [&](const std::string& request) {
    return ask(server->endpoint(), request).substr(0, 12);
  };
  for (const std::string host :
       {"127.0.0.1", "127.0.0.1:9100", "[::1]:9100", "[2001:db8::1]", "192.0.2.1", "localhost",
        "LocalHost:1", "localhost.", "metrics.example.org", "metrics.EXAMPLE.org.:9100"}) {
    INFO(host);
    CHECK(status("GET / HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n") ==
          "HTTP/1.1 200");
  }
  CHECK(status("GET / HTTP/1.0\r\n\r\n") == "HTTP/1.1 200");
  for (const std::string host :
       {"rebind.example", "127.0.0.1.rebind.example", "localhost.rebind.example:9100", "[x]", "[]",
        "x.metrics.example.org", "1", "[::1", "localhost:1:2", ":80"}) {
    INFO(host);
    const std::string line =
        status("GET / HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n");
    CHECK((line == "HTTP/1.1 421" || line == "HTTP/1.1 400"));
  }
  // The name that counts is the target's, if it has one.
  CHECK(status("GET http://rebind.example/ HTTP/1.1\r\nHost: localhost\r\n"
               "Connection: close\r\n\r\n") == "HTTP/1.1 421");

  const ServedDirectory dir;
  ServerOptions local;
  local.listen.unix_path = dir.path + "/s";
  local.names.emplace();
  auto other = start(local, echo_router());
  CHECK(contains(get(*other, "/x"), "GET /x"));
}

TEST_CASE("http server: slow requests hold up nobody") {
  Gate gate;
  Router router = echo_router();
  router.add({.pattern = "/slow",
              .handler =
                  [&](const Request& r, const Reply& reply) {
                    CHECK(gate.wait());
                    reply.send(echo(r));
                  },
              .slow = true});
  ServerOptions options = loopback();
  options.workers = 1;
  options.slow_waiting = 1;
  auto server = start(options, std::move(router));
  const std::string slow = "GET /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  const Fd first = connect_to(server->endpoint());
  send_all(first, slow);
  const Fd second = connect_to(server->endpoint());
  send_all(second, slow);
  CHECK(contains(get(*server, "/fast"), "GET /fast"));
  // One runs and one waits at most: of three more, one at least is too many.
  int refused = 0;
  std::vector<Fd> more;
  for (int i = 0; i < 3; ++i) {
    more.push_back(connect_to(server->endpoint()));
    send_all(more.back(), slow);
    CHECK(contains(get(*server, "/fast"), "GET /fast"));  // it was looked at
    pollfd p{more.back().get(), POLLIN, 0};
    if (::poll(&p, 1, 0) == 0) continue;
    const std::string answer = read_until(more.back());
    CHECK(answer.starts_with("HTTP/1.1 503 "));
    CHECK(contains(answer, "\r\nRetry-After: 5\r\n"));
    ++refused;
  }
  CHECK(refused >= 1);
  gate.open();
  CHECK(contains(read_until(first), "GET /slow"));
}

TEST_CASE("http server: a client that leaves cancels what a worker does for it") {
  Gate begun;
  Gate left;
  Router router;
  router.add({.pattern = "/slow",
              .handler =
                  [&](const Request&, const Reply& reply) {
                    begun.open();
                    while (!reply.gone()) std::this_thread::yield();
                    left.open();
                  },
              .slow = true});
  auto server = start(loopback(), std::move(router));
  Fd fd = connect_to(server->endpoint());
  send_all(fd, "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
  REQUIRE(begun.wait());
  fd.reset();
  CHECK(left.wait());
}

TEST_CASE("http server: an event stream fed by another thread") {
  std::promise<Stream> made;
  Router router;
  router.add({.pattern = "/events", .handler = [&](const Request&, const Reply& reply) {
                made.set_value(reply.stream({.content_type = "text/event-stream"}));
              }});
  auto server = start(loopback(), std::move(router));
  const Fd fd = connect_to(server->endpoint());
  send_all(fd, "GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
  const Stream stream = made.get_future().get();
  for (int i = 0; i < 100; ++i) CHECK(stream.send_event("n", std::to_string(i)));
  const std::string events = read_until(fd, "data: 99\n");
  for (int i = 0; i < 100; ++i) CHECK(contains(events, "data: " + std::to_string(i) + "\n"));
  stream.end();
  CHECK(read_until(fd, "0\r\n\r\n").ends_with("0\r\n\r\n"));
}

TEST_CASE("http server: files and their parts") {
  const ServedDirectory dir;
  std::string content;
  for (int i = 0; i < 1000000; ++i) content += std::to_string(i);
  REQUIRE(os::create_file(dir.path + "/f", content, 0644));
  Router router;
  router.get("/f", [&](const Request& r) { return file_response(r, *open_file(dir.path + "/f")); });
  auto server = start(loopback(), std::move(router));
  CHECK(get(*server, "/f").ends_with("\r\n\r\n" + content));
  const std::string part =
      ask(server->endpoint(),
          "GET /f HTTP/1.1\r\nHost: x\r\nRange: bytes=5000000-\r\nConnection: close\r\n\r\n");
  CHECK(part.starts_with("HTTP/1.1 206 "));
  CHECK(part.ends_with("\r\n\r\n" + content.substr(5000000)));
}

TEST_CASE("http server: time runs out by the clock too") {
  ServerOptions options = loopback();
  options.limits.header_time = 200ms;
  options.limits.idle_time = 100ms;
  auto server = start(options, echo_router());
  CHECK(read_until(connect_to(server->endpoint())).empty());
  const Fd slow = connect_to(server->endpoint());
  send_all(slow, "GET / HTTP/1.1\r\nHost: x\r\nX: ");
  CHECK(read_until(slow).starts_with("HTTP/1.1 408 "));
  const Fd idle = connect_to(server->endpoint());
  send_all(idle, "GET /idle HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(read_until(idle).ends_with("GET /idle [] "));
}

TEST_CASE("http server: a graceful end") {
  Gate gate;
  Gate begun;
  Router router = echo_router();
  router.add({.pattern = "/slow",
              .handler =
                  [&](const Request& r, const Reply& reply) {
                    begun.open();
                    CHECK(gate.wait());
                    reply.send(echo(r));
                  },
              .slow = true});
  auto server = start(loopback(), std::move(router));
  const Endpoint endpoint = server->endpoint();
  const Fd idle = connect_to(endpoint);
  send_all(idle, "GET /i HTTP/1.1\r\nHost: x\r\n\r\n");
  read_until(idle, "[] ");
  Fd busy = connect_to(endpoint);
  send_all(busy, "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
  REQUIRE(begun.wait());
  std::thread stopper([&] { server->stop(20s); });
  CHECK(read_until(idle).empty());  // closed: it takes no more
  CHECK(ask(endpoint, "GET / HTTP/1.1\r\nHost: x\r\n\r\n").empty());
  gate.open();
  const std::string answer = read_until(busy);
  busy.reset();
  stopper.join();
  CHECK(contains(answer, "\r\nConnection: close\r\n"));
  CHECK(answer.ends_with("GET /slow [] "));
  CHECK(server->connections() == 0);
  server->stop(1s);
}

namespace {

// The server hears of a connection's end a little later than who ended it.
void pause_once_quiet(Server& server) {
  while (!server.pause()) std::this_thread::yield();
}

}  // namespace

TEST_CASE("http server: a socket that somebody else keeps") {
  const ServedDirectory dir;
  for (const std::string& where : {std::string("127.0.0.1:0"), "unix:" + dir.path + "/socket"}) {
    ServerOptions options;
    options.listen = *Endpoint::parse(where, 0);
    const auto kept = listen_on(options.listen);
    REQUIRE(kept);
    options.listening = kept->fd.get();
    const std::string request = "GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    {
      // Not before it is told to.
      options.paused = true;
      Fd early = connect_to(options.listen);
      send_all(early, request);
      const auto server = start(options, echo_router());
      CHECK(server->pause());
      CHECK(server->taken() == 0);
      server->resume();
      CHECK(contains(read_until(early), "GET /a"));
      // Not while somebody is connected, who may ask at any moment.
      Fd open = connect_to(server->endpoint());
      send_all(open, "GET /b HTTP/1.1\r\nHost: x\r\n\r\n");
      CHECK(contains(read_until(open, "/b []"), "200 OK"));
      CHECK_FALSE(server->pause());
      send_all(open, request);
      CHECK(contains(read_until(open), "GET /a"));
      CHECK(server->taken() == 2);
      open.reset();
      early.reset();
      pause_once_quiet(*server);
      Fd late = connect_to(server->endpoint());
      send_all(late, request);
      pollfd waiting{kept->fd.get(), POLLIN, 0};
      CHECK(::poll(&waiting, 1, 20000) == 1);
      CHECK(server->taken() == 2);
      server->resume();
      CHECK(contains(read_until(late), "GET /a"));
      late.reset();
      pause_once_quiet(*server);
    }
    options.paused = false;
    // What comes when it has gone is the next one's.
    const Fd late = connect_to(options.listen);
    REQUIRE(late);
    send_all(late, request);
    const auto next = start(options, echo_router());
    CHECK(contains(read_until(late), "GET /a"));
  }
}

TEST_CASE("http server: an end that does not wait for what does not end") {
  Gate asked;
  std::optional<Reply> kept;
  Router router;
  router.get("/large", [](const Request&) { return Response{.body = std::string(64 << 20, 'x')}; });
  router.add({.pattern = "/never", .handler = [&](const Request&, const Reply& reply) {
                kept = reply;
                asked.open();
              }});
  auto server = start(loopback(), std::move(router));
  const Fd never = connect_to(server->endpoint());
  send_all(never, "GET /never HTTP/1.1\r\nHost: x\r\n\r\n");
  const Fd busy = connect_to(server->endpoint());
  send_all(busy, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(contains(read_until(busy, "\r\n\r\n"), "200 OK"));
  REQUIRE(asked.wait());
  server->stop(10ms);
  CHECK(kept->gone());
  server.reset();
  kept->send({});  // to nobody
  CHECK(read_until(never).empty());
}

TEST_CASE("http server: metrics and health") {
  std::string problem;
  int refreshed = 0;
  Router router;
  add_metrics_page(
      router, [&] { return problem; }, [&] { ++refreshed; });
  auto server = start(loopback(), std::move(router));
  metric_set(Metric::kBuildInfo, 0);  // whatever another test left
  const std::string metrics = get(*server, "/metrics");
  CHECK(contains(metrics, "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
  CHECK(contains(metrics, "\ngwtool_build_info 1\n"));
  CHECK(refreshed == 1);
  CHECK(get(*server, "/healthz").ends_with("\r\n\r\nok\n"));
  problem = "head is 7 h old";
  const std::string sick = get(*server, "/healthz");
  CHECK(sick.starts_with("HTTP/1.1 503 "));
  CHECK(sick.ends_with("\r\n\r\nhead is 7 h old\n"));
  CHECK(get(*server, "/other").starts_with("HTTP/1.1 404 "));
}
