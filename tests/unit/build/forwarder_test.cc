#include "build/forwarder.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <latch>
#include <thread>

#include "http/endpoint.h"
#include "support/build/modules.h"

using namespace gw;
using namespace gw::build;
using namespace gw::testing;

namespace {

// Any thread; empty when nothing is answered.
std::string talk(std::uint16_t port, const std::string& request) {
  const os::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL) !=
          static_cast<ssize_t>(request.size())) {
    return "";
  }
  std::string reply;
  char buffer[65536];
  for (ssize_t n = 0; (n = ::read(fd.get(), buffer, sizeof buffer)) > 0;) {
    reply.append(buffer, static_cast<std::size_t>(n));
  }
  return reply;
}

// The headers of a connection's last request.
const std::string kLast = "Host: 127.0.0.1\r\nConnection: close\r\n\r\n";

struct Reply {
  int status;
  std::string body;
};
Reply get(std::uint16_t port, const std::string& path) {
  const std::string reply = talk(port, "GET " + path + " HTTP/1.1\r\n" + kLast);
  const std::size_t end = reply.find("\r\n\r\n");
  if (!reply.starts_with("HTTP/1.1 ") || end == std::string::npos) return {0, reply};
  return {std::stoi(reply.substr(9, 3)), reply.substr(end + 4)};
}

struct Served {
  Served() : forwarder(*modules.store, "a.b/main", "v1.0.0") {
    modules.add("a.b/main", "v1.0.0", {{"main.go", "package main\n"}});
    modules.add("a.b/Dep", "v1.2.3", {{"a.go", std::string(3'000'000, 'x')}});
    port = forwarder.serve().value();
  }
  Modules modules;
  Forwarder forwarder;
  std::uint16_t port = 0;
};

}  // namespace

TEST_CASE("verified files are answered, and what there is to ask for") {
  Served s;
  CHECK(get(s.port, "/a.b/main/@v/list").body == "v1.0.0\n");
  CHECK(get(s.port, "/a.b/main/@v/v1.0.0.info").body == R"({"Version":"v1.0.0"})");
  CHECK(get(s.port, "/a.b/!dep/@v/v1.2.3.mod").body == "module a.b/Dep\n");
  CHECK(get(s.port, "/a.b/%21dep/@v/v1.2.3.mod").body == "module a.b/Dep\n");
  const Reply zip = get(s.port, "/a.b/!dep/@v/v1.2.3.zip");
  CHECK(zip.status == 200);
  CHECK(zip.body == s.modules.proxy.files["a.b/!dep/@v/v1.2.3.zip"]);
  CHECK(!s.forwarder.error());
  CHECK(!s.forwarder.searched());
  REQUIRE(s.forwarder.zips().size() == 1);
  CHECK(s.forwarder.zips()[0].sum == s.modules.sums->find("a.b/Dep", "v1.2.3").value().zip);
  // The main module's info is not asked for: it is what is built.
  for (const std::string& path : s.modules.proxy.asked)
    CHECK(path.find(".info") == std::string::npos);
}

TEST_CASE("what is not there, or nothing of a module proxy, is not found") {
  Served s;
  for (const char* path :
       {"/a.b/other/@v/v1.0.0.info", "/a.b/other/@v/v1.0.0.mod", "/a.b/!dep/@v/list",
        "/a.b/!dep/@latest", "/a.b/main/@latest", "/", "/etc/passwd", "/../../etc/passwd",
        "/sumdb/sum.golang.org/latest", "/a.b/main/@v/x.zip", "/a.b/%2e%2e/@v/v1.0.0.mod"}) {
    INFO(path);
    CHECK(get(s.port, path).status == 404);
  }
  CHECK(!s.forwarder.error());
  CHECK(s.forwarder.searched());
  s.modules.proxy.failures.emplace("a.b/@v/v1.0.0.info", unavailable_error("down"));
  CHECK(get(s.port, "/a.b/@v/v1.0.0.info").status == 404);
  CHECK(!s.forwarder.error());
}

TEST_CASE("what is not plainly a request for a module's file gets none") {
  Served s;
  struct Case {
    std::string request;
    std::string reply;
  };
  const std::string get_mod = "GET /a.b/!dep/@v/v1.2.3.mod HTTP/1.1\r\n";
  const Case cases[] = {
      {"POST /a.b/!dep/@v/v1.2.3.mod HTTP/1.1\r\nContent-Length: 0\r\n" + kLast, "405"},
      {"DELETE /a.b/!dep/@v/v1.2.3.mod HTTP/1.1\r\n" + kLast, "405"},
      {"garbage\r\n\r\n", "400"},
      {"GET /a.b/!dep/@v/v1.2.3.mod HTTP/1.1\nHost: 127.0.0.1\n\n", "400"},
      {get_mod + "X: a\r\n b\r\n" + kLast, "400"},
      {get_mod + "\r\n", "400"},
      {"GET /%zz HTTP/1.1\r\n" + kLast, "400"},
      {get_mod + "Host: example.com\r\nConnection: close\r\n\r\n", "421"},
      {"GET /" + std::string(20'000, 'x') + " HTTP/1.1\r\n" + kLast, "414"},
      {get_mod + "X: " + std::string(20'000, 'x') + "\r\n" + kLast, "431"},
  };
  for (const Case& c : cases) {
    INFO(c.request.substr(0, 100));
    CHECK(talk(s.port, c.request).substr(0, 12) == "HTTP/1.1 " + c.reply);
  }
  CHECK(s.modules.proxy.asked.empty());
  CHECK(!s.forwarder.error());
  CHECK(talk(s.port, "HEAD /a.b/!dep/@v/v1.2.3.mod HTTP/1.1\r\n" + kLast).ends_with("\r\n\r\n"));
}

TEST_CASE("a connection asks again, for what can be told as well as for what cannot") {
  Served s;
  const std::string next = "Host: 127.0.0.1\r\n\r\n";
  const std::string replies = talk(s.port, "GET /a.b/!dep/@v/v1.2.3.zip HTTP/1.1\r\n" + next +
                                               "GET /etc/passwd HTTP/1.1\r\n" + next +
                                               "GET /a.b/main/@v/list HTTP/1.1\r\n" + kLast);
  const std::string zip = s.modules.proxy.files["a.b/!dep/@v/v1.2.3.zip"];
  const std::size_t first = replies.find(zip);
  REQUIRE(first != std::string::npos);
  CHECK(replies.substr(first + zip.size()).starts_with("HTTP/1.1 404 Not Found\r\n"));
  CHECK(replies.ends_with("\r\n\r\nv1.0.0\n"));
}

TEST_CASE("what went wrong is kept: the gravest, not the last") {
  Served s;
  s.modules.proxy.failures.emplace("a.b/!dep/@v/v1.2.3.mod", unavailable_error("down"));
  // The go command's log has this line.
  CHECK(talk(s.port, "GET /a.b/!dep/@v/v1.2.3.mod HTTP/1.1\r\n" + kLast)
            .starts_with("HTTP/1.1 502 Bad Gateway\r\n"));
  REQUIRE(s.forwarder.error());
  CHECK(s.forwarder.error()->kind == ErrorKind::kUnavailable);
  s.modules.proxy.files["a.b/!dep/@v/v1.2.3.zip"] = s.modules.proxy.files["a.b/main/@v/v1.0.0.zip"];
  const Reply zip = get(s.port, "/a.b/!dep/@v/v1.2.3.zip");
  CHECK(zip.status == 502);
  CHECK(s.forwarder.error()->kind == ErrorKind::kUntrusted);
  CHECK(get(s.port, "/a.b/!dep/@v/v1.2.3.mod").status == 502);
  CHECK(s.forwarder.error()->kind == ErrorKind::kUntrusted);
}

TEST_CASE("many ask at once, and some never finish") {
  Served s;
  std::vector<os::Fd> idle;
  for (int i = 0; i < 40; ++i) {  // more than threads
    idle.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(s.port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(idle.back().get(), reinterpret_cast<sockaddr*>(&address), sizeof address) ==
            0);
  }
  std::vector<std::thread> threads;
  std::atomic<int> good{0};
  for (int i = 0; i < 30; ++i) {
    threads.emplace_back([&, i] {
      const Reply r =
          get(s.port, i % 2 == 0 ? "/a.b/main/@v/v1.0.0.mod" : "/a.b/!dep/@v/v1.2.3.zip");
      if (r.status == 200) ++good;
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(good == 30);
  s.forwarder.stop();  // does not wait for them
}

TEST_CASE("an answer that waits for the network holds no other up") {
  struct Pair : ProxyFiles {
    // Answers when as many ask at once.
    Result<std::string> fetch(const mod::ProxyRequest& request) override {
      both.arrive_and_wait();
      return R"({"Version":")" + request.version + "\"}";
    }
    std::latch both{2};
  };
  Modules modules;
  Pair proxy;
  ModuleStore store(modules.store_dir.path(), proxy, *modules.sums, nullptr);
  Forwarder forwarder(store, "a.b/main", "v1.0.0");
  const std::uint16_t port = forwarder.serve().value();
  Reply first;
  std::thread other([&] { first = get(port, "/a.b/one/@v/v1.0.0.info"); });
  const Reply second = get(port, "/a.b/two/@v/v1.1.0.info");
  other.join();
  CHECK(first.body == R"({"Version":"v1.0.0"})");
  CHECK(second.body == R"({"Version":"v1.1.0"})");
}

TEST_CASE(
    "a listening socket that comes through a channel is served; one that never comes is none") {
  Modules modules;
  modules.add("a.b/main", "v1.0.0", {});
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  os::Fd theirs(ends[1]);
  {
    Forwarder forwarder(*modules.store, "a.b/main", "v1.0.0");
    forwarder.serve_from(os::Fd(ends[0]));
    http::Endpoint at{.address = os::SocketAddress::parse("127.0.0.1:0").value()};
    const auto listener = http::listen_on(at);
    char byte = 'x';
    iovec data{&byte, 1};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    const int fd = listener->fd.get();
    std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
    REQUIRE(::sendmsg(theirs.get(), &message, 0) == 1);
    CHECK(get(at.address.port(), "/a.b/main/@v/list").body == "v1.0.0\n");
  }
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  os::Fd other(ends[1]);
  Forwarder closed(*modules.store, "a.b/main", "v1.0.0");
  closed.serve_from(os::Fd(ends[0]));
  other.reset();
  Forwarder waiting(*modules.store, "a.b/main", "v1.0.0");
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  const os::Fd silent(ends[1]);
  waiting.serve_from(os::Fd(ends[0]));
  waiting.stop();
}
