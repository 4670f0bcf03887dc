// What the HTTP server costs: CPU of its process for each request, and memory with idle
// connections. Its lines are those of the table in lib/http/server.cc.
//
//   bench_http [REQUESTS]
//
// Distribution: a page of 2 KB, asked for with a browser's headers (about 400 bytes) over
// connections that stay open; (a) one connection that waits for each answer, (b) 64 connections
// with a request on each before the first answer is read, (c) as b, 16 requests at a time on each.
// Memory is the proportional set size of the server's process with no connection, and with 1,000
// that have each had an answer. The client is another process, and not counted.
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#ifdef GW_BENCH_OTHER_SERVER
#include GW_BENCH_OTHER_SERVER
#else
#include "http/server.h"
#endif

using namespace gw;
using os::Fd;

namespace {

const std::string kRequest =
    "GET /page HTTP/1.1\r\nHost: builds.example.org\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
    "Accept: "
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n"
    "Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n"
    "Connection: keep-alive\r\nReferer: http://builds.example.org/\r\n"
    "Upgrade-Insecure-Requests: 1\r\nPriority: u=0, i\r\n\r\n";

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

#ifndef GW_BENCH_OTHER_SERVER
struct BenchServer {
  std::unique_ptr<http::Server> server;
  std::string address;

  explicit BenchServer(std::string page) {
    http::Router router;
    router.get("/page", [page](const http::Request&) { return http::Response{.body = page}; });
    http::ServerOptions options;
    options.listen = *http::Endpoint::parse("127.0.0.1:0", 0);
    options.limits.connections = options.limits.connections_per_address = 2000;
    auto started = http::Server::start(options, std::move(router));
    if (!started) std::exit(1);
    server = *std::move(started);
    address = server->endpoint().format();
  }
};
#endif

// The server in a process of its own.
struct Child {
  pid_t pid = -1;
  Fd stop;
  os::SocketAddress address;

  Child() {
    int up[2];
    int down[2];
    if (::pipe(up) != 0 || ::pipe(down) != 0) fail("pipe");
    std::fflush(stdout);
    pid = ::fork();
    if (pid == 0) {
      ::close(up[0]);
      ::close(down[1]);
      const BenchServer server(std::string(2048, 'x'));
      if (::write(up[1], server.address.data(), server.address.size()) < 0) std::exit(1);
      ::close(up[1]);
      char c = 0;
      while (::read(down[0], &c, 1) > 0) {
      }
      std::_Exit(0);
    }
    ::close(up[1]);
    ::close(down[0]);
    char text[100];
    const ssize_t n = ::read(up[0], text, sizeof text);
    ::close(up[0]);
    if (n <= 0) fail("the server");
    address = *os::SocketAddress::parse(std::string_view(text, static_cast<std::size_t>(n)));
    stop = Fd(down[1]);
  }

  // User and system, seconds.
  double cpu() const {
    // The tasks of a process that has just begun have numbers close to its own.
    double sum = 0;
    for (int task = pid; task < pid + 64; ++task) {
      std::ifstream stat("/proc/" + std::to_string(pid) + "/task/" + std::to_string(task) +
                         "/schedstat");
      double ns = 0;
      if (stat >> ns) sum += ns;
    }
    return sum / 1e9;
  }

  long pss_kb() const {
    std::ifstream in("/proc/" + std::to_string(pid) + "/smaps_rollup");
    std::string word;
    long kb = 0;
    while (in >> word) {
      if (word == "Pss:") in >> kb;
    }
    return kb;
  }
};

Fd connect_to(const os::SocketAddress& to) {
  Fd fd(::socket(to.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), to.data(), to.size()) != 0) fail("connect");
  return fd;
}

void send_all(const Fd& fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) fail("send");
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

void read_exactly(const Fd& fd, std::size_t size) {
  static char buffer[65536];
  while (size > 0) {
    const ssize_t n = ::read(fd.get(), buffer, std::min(size, sizeof buffer));
    if (n <= 0) fail("read");
    size -= static_cast<std::size_t>(n);
  }
}

std::size_t response_size(const os::SocketAddress& to) {
  const Fd fd = connect_to(to);
  send_all(fd, kRequest);
  std::string in;
  while (in.find("\r\n\r\n") == std::string::npos || in.size() < in.find("\r\n\r\n") + 4 + 2048) {
    char buffer[4096];
    const ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
    if (n <= 0) fail("read");
    in.append(buffer, static_cast<std::size_t>(n));
  }
  return in.size();
}

void bench(const char* name, unsigned connections, unsigned deep, unsigned requests) {
  const Child child;
  const std::size_t size = response_size(child.address);
  std::vector<Fd> fds;
  for (unsigned i = 0; i < connections; ++i) fds.push_back(connect_to(child.address));
  std::string batch;
  for (unsigned i = 0; i < deep; ++i) batch += kRequest;
  auto round = [&] {
    for (const Fd& fd : fds) send_all(fd, batch);
    for (const Fd& fd : fds) read_exactly(fd, size * deep);
  };
  round();
  const double before = child.cpu();
  const unsigned rounds = requests / (connections * deep);
  for (unsigned i = 0; i < rounds; ++i) round();
  const double used = child.cpu() - before;
  std::printf("%-40s %6.1f us\n", name, used * 1e6 / (rounds * connections * deep));
}

void bench_memory() {
  const Child child;
  const std::size_t size = response_size(child.address);
  const long idle = child.pss_kb();
  std::vector<Fd> fds;
  for (int i = 0; i < 1000; ++i) {
    fds.push_back(connect_to(child.address));
    send_all(fds.back(), kRequest);
    read_exactly(fds.back(), size);
  }
  const long full = child.pss_kb();
  const auto megabytes = [](long kibibytes) { return static_cast<double>(kibibytes) * 1.024e-3; };
  std::printf("%-40s %6.1f MB\n%-40s %6.1f MB\n", "memory, no connection", megabytes(idle),
              "memory, 1,000 idle connections", megabytes(full));
}

}  // namespace

int main(int argc, char** argv) {
  const unsigned requests = argc > 1 ? static_cast<unsigned>(std::atoi(argv[1])) : 200000;
  bench("a: 1 connection, 1 at a time", 1, 1, requests);
  bench("b: 64 connections, 1 at a time", 64, 1, requests);
  bench("c: 64 connections, 16 at a time", 64, 16, requests);
  bench_memory();
  return 0;
}
