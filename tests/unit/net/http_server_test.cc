#include "net/http_server.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>

#include "base/metrics.h"
#include "os/file.h"

using namespace gw;
using namespace gw::net;
using namespace std::chrono_literals;

namespace {

// A kernel may take a part of what is sent and, asked again at once, the rest.
std::atomic<bool> short_sends{false};

}  // namespace

// In the place of libc's, for the whole test binary.
extern "C" ssize_t send(int fd, const void* bytes, std::size_t size, int flags) {
  if (short_sends && size > 1) size--;
  return ::sendto(fd, bytes, size, flags, nullptr, 0);
}

namespace {

os::SocketAddress loopback() { return *os::SocketAddress::parse("127.0.0.1:0"); }

ServerResponse echo(const ServerRequest& r) {
  ServerResponse out;
  out.body = r.method + " " + r.path + " [" + r.query + "] " + r.body;
  if (const std::string* x = r.header("x-test")) out.body += " " + *x;
  if (r.path == "/peer") out.body = r.peer.format_ip();
  if (r.path == "/teapot") out.status = 418;
  if (r.path == "/large") out.body = std::string(1 << 20, 'x');
  out.headers = {{"X-Also", "this"}};
  return out;
}

std::unique_ptr<HttpServer> start(HttpServerOptions options = {}, ServerHandler handler = echo) {
  options.listen = loopback();
  auto server = HttpServer::start(std::move(options), std::move(handler));
  REQUIRE(server);
  return *std::move(server);
}

os::Fd connect_to(const HttpServer& server) {
  os::Fd fd(::socket(server.address().family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(::connect(fd.get(), server.address().data(), server.address().size()) == 0);
  return fd;
}

void send_all(const os::Fd& fd, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t n = ::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

// Everything until the server closes, or until `enough` shows up.
std::string read_until(const os::Fd& fd, std::string_view enough = "\1never\1") {
  std::string out;
  pollfd p{fd.get(), POLLIN, 0};
  std::size_t searched = 0;
  while (out.find(enough, searched) == std::string::npos && ::poll(&p, 1, 20000) > 0) {
    searched = std::max(out.size(), enough.size()) - enough.size();
    char buffer[65536];
    ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
    if (n <= 0) break;
    out.append(buffer, static_cast<std::size_t>(n));
  }
  return out;
}

// One request on a connection of its own.
std::string ask(const HttpServer& server, const std::string& request) {
  os::Fd fd = connect_to(server);
  send_all(fd, request);
  return read_until(fd);
}

std::string get(const HttpServer& server, const std::string& target) {
  return ask(server, "GET " + target + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("http server: requests and responses") {
  auto server = start({.methods = {"GET", "HEAD", "POST"}});
  std::string r = get(*server, "/a%20b/c?d=e%20f");
  CHECK(r.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(r.ends_with("\r\n\r\nGET /a b/c [d=e%20f] "));
  CHECK(contains(r, "\r\nContent-Type: text/plain; charset=utf-8\r\n"));
  CHECK(contains(r, "\r\nX-Also: this\r\n"));
  CHECK(get(*server, "/teapot").starts_with("HTTP/1.1 418 "));
  CHECK(get(*server, "/peer").ends_with("127.0.0.1"));
  CHECK(contains(get(*server, "/large"), "\r\nContent-Length: 1048576\r\n"));

  std::string head = ask(*server, "HEAD /h HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  CHECK(contains(head, "\r\nContent-Length: 11\r\n"));
  CHECK(head.ends_with("\r\n\r\n"));

  std::string post = ask(*server,
                         "POST /p HTTP/1.1\r\nHost: x\r\nX-Test: yes\r\nContent-Length: 4\r\n"
                         "Connection: close\r\n\r\nbody");
  CHECK(post.ends_with("POST /p [] body yes"));

  // A client that waits to be asked for its body.
  os::Fd fd = connect_to(*server);
  send_all(fd, "POST /e HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
  CHECK(read_until(fd, "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
  send_all(fd, "body");
  CHECK(contains(read_until(fd, "[] body"), "200 OK"));
}

TEST_CASE("http server: several requests on one connection, also sent at once") {
  auto server = start();
  os::Fd fd = connect_to(*server);
  for (int i = 0; i < 3; i++) {
    send_all(fd, "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(contains(read_until(fd, "[] "), "GET /" + std::to_string(i) + " "));
  }
  send_all(fd,
           "\r\nGET /4 HTTP/1.1\r\nHost: x\r\n\r\nGET /5 HTTP/1.1\r\nHost: x\r\nConnection: "
           "close\r\n\r\n");
  std::string both = read_until(fd);
  CHECK(contains(both, "GET /4 "));
  CHECK(contains(both, "GET /5 "));

  // More than the kernel's buffers take, so that the second waits until the first is read.
  os::Fd large = connect_to(*server);
  std::string request = "GET /large HTTP/1.1\r\nHost: x\r\n\r\n";
  for (int i = 0; i < 20; i++) send_all(large, request);
  send_all(large, "GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  std::string all = read_until(large);
  CHECK(all.size() > std::size_t{20} << 20);
  CHECK(all.ends_with("GET /last [] "));
}

TEST_CASE("http server: requests that wait are answered however the kernel takes a response") {
  auto server = start({.idle_timeout = 1s});
  os::Fd fd = connect_to(*server);
  std::string requests;
  for (int i = 0; i < 3; i++) requests += "GET /teapot HTTP/1.1\r\nHost: x\r\n\r\n";
  short_sends = true;
  send_all(fd, requests + "GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  std::string all = read_until(fd);
  short_sends = false;
  CHECK(all.ends_with("GET /last [] "));
}

TEST_CASE("http server: what is refused") {
  auto server = start({.max_headers = 2000, .max_body = 100});
  struct Case {
    std::string request;
    const char* status;
  };
  const std::string host = "Host: x\r\n";
  const Case cases[] = {
      {"POST /x HTTP/1.1\r\n" + host + "Content-Length: 2\r\n\r\nhi", "405"},
      {"DELETE /x HTTP/1.1\r\n" + host + "\r\n", "405"},
      {"FROB /x HTTP/1.1\r\n" + host + "\r\n", "501"},
      {"get /x HTTP/1.1\r\n" + host + "\r\n", "501"},
      {"GET /x HTTP/2.0\r\n" + host + "\r\n", "505"},
      {"GET /x\r\n\r\n", "400"},
      {"GET /x HTTP/1.1\r\n\r\n", "400"},
      {"GET /x HTTP/1.1\r\n" + host + host + "\r\n", "400"},
      {"GET /a%00b HTTP/1.1\r\n" + host + "\r\n", "400"},
      {"GET /a%2 HTTP/1.1\r\n" + host + "\r\n", "400"},
      {"GET x HTTP/1.1\r\n" + host + "\r\n", "400"},
      {"GET * HTTP/1.1\r\n" + host + "\r\n", "400"},
      {"GET /x#y HTTP/1.1\r\n" + host + "\r\n", "400"},
      {"GET /x  HTTP/1.1\r\n" + host + "\r\n", "400"},
      {"GET /x HTTP/1.1\r\n" + host + "X : y\r\n\r\n", "400"},
      {"GET /x HTTP/1.1\r\n" + host + "X: y\r\n z\r\n\r\n", "400"},
      {"GET /x HTTP/1.1\r\n" + host + "X: y\nZ: a\r\n\r\n", "400"},
      {"GET /x HTTP/1.1\r\n" + host + "no colon\r\n\r\n", "400"},
      {"GET /x HTTP/1.1\r\n" + host + "X: " + std::string(3000, 'x') + "\r\n\r\n", "431"},
      {"GET /x HTTP/1.1\r\n" + host + std::string(5000, 'x'), "431"},
      {"GET /x HTTP/1.1\r\n" + host + "Content-Length: 101\r\n\r\n" + std::string(101, 'x'), "413"},
      {"GET /x HTTP/1.1\r\n" + host + "Content-Length: -1\r\n\r\n", "400"},
      {"GET /x HTTP/1.1\r\n" + host + "Content-Length: 1, 1\r\n\r\nx", "400"},
      {"GET /x HTTP/1.1\r\n" + host + "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", "400"},
      {"GET /x HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "411"},
      {"GET /x HTTP/1.1\r\n" + host +
           "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
       "400"},
      {"nonsense\r\n\r\n", "400"},
      {std::string("\x16\x03\x01\x00\r\n\r\n", 8), "400"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.request);
    std::string r = ask(*server, c.request);
    CAPTURE(r);
    CHECK_FALSE(contains(r, " 200 "));
    CHECK(r.starts_with(std::string("HTTP/1.1 ") + c.status));
  }
  CHECK(
      contains(ask(*server, "DELETE /x HTTP/1.1\r\nHost: x\r\n\r\n"), "\r\nAllow: GET, HEAD\r\n"));
  CHECK(contains(get(*server, "/still"), "GET /still"));
}

TEST_CASE("http server: a silent client is closed, and so is one that sends a byte now and then") {
  auto server = start({.idle_timeout = 1s});
  auto begin = system_clock().mono();
  os::Fd silent = connect_to(*server);
  CHECK(read_until(silent).empty());
  CHECK(system_clock().mono() - begin < 10s);

  begin = system_clock().mono();
  os::Fd slow = connect_to(*server);
  send_all(slow, "GET / HTTP/1.1\r\nHost: x\r\nX: ");
  pollfd p{slow.get(), POLLIN, 0};
  while (::poll(&p, 1, 300) == 0 && system_clock().mono() - begin < 15s) send_all(slow, "x");
  CHECK(system_clock().mono() - begin < 10s);
}

TEST_CASE("http server: connections are bounded, and those that wait get their turn") {
  auto server = start({.idle_timeout = 10s, .max_connections = 3});
  std::vector<os::Fd> holders;
  for (int i = 0; i < 3; i++) {
    holders.push_back(connect_to(*server));
    // An answer shows that this connection was taken.
    send_all(holders.back(), "GET /h HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(contains(read_until(holders.back(), "[] "), "200"));
  }
  os::Fd waiting = connect_to(*server);  // by the kernel, which has room in its queue
  send_all(waiting, "GET /w HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  pollfd p{waiting.get(), POLLIN, 0};
  CHECK(::poll(&p, 1, 100) == 0);
  holders.pop_back();
  CHECK(contains(read_until(waiting), "GET /w"));
  holders.clear();
  for (int i = 0; i < 10; i++) CHECK(contains(get(*server, "/again"), "GET /again"));
}

TEST_CASE("http server: it ends while clients are connected, in the middle of an answer too") {
  auto server = start(
      {}, [](const ServerRequest&) { return ServerResponse{.body = std::string(64 << 20, 'x')}; });
  os::Fd idle = connect_to(*server);
  os::Fd busy = connect_to(*server);
  send_all(busy, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(contains(read_until(busy, "\r\n\r\n"), "200 OK"));
  server.reset();
  CHECK(read_until(idle).empty());
  read_until(busy);
}

TEST_CASE("http server: addresses that cannot be listened on") {
  auto server = start();
  for (const char* text : {"192.0.2.1:0", ""}) {
    os::SocketAddress taken = *text == '\0' ? server->address() : *os::SocketAddress::parse(text);
    auto second = HttpServer::start({.listen = taken}, echo);
    REQUIRE(!second);
    CHECK(second.error().kind == ErrorKind::kUsage);
    CHECK(second.error().message.starts_with("listening on " + taken.format() + ": "));
  }
  auto v6 = HttpServer::start({.listen = *os::SocketAddress::parse("[::1]:0")}, echo);
  if (v6) CHECK(contains(get(**v6, "/six"), "GET /six"));
}

TEST_CASE("http server: metrics and health") {
  std::string problem;
  int refreshed = 0;
  auto server = start({}, metrics_handler([&] { return problem; }, [&] { refreshed++; }));
  metric_set(Metric::kBuildInfo, 1);
  std::string metrics = get(*server, "/metrics");
  CHECK(contains(metrics, "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
  CHECK(contains(metrics, "\ngwtool_build_info 1\n"));
  CHECK(refreshed == 1);
  CHECK(get(*server, "/healthz").ends_with("\r\n\r\nok\n"));
  problem = "head is 7 h old";
  std::string sick = get(*server, "/healthz");
  CHECK(sick.starts_with("HTTP/1.1 503 "));
  CHECK(sick.ends_with("\r\n\r\nhead is 7 h old\n"));
  CHECK(get(*server, "/other").starts_with("HTTP/1.1 404 "));
}
