#include "os/control_socket.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "support/os/as_user.h"

using namespace gw;
using namespace gw::os;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

// A server on a thread of its own, in a directory that anybody may look into.
class Server {
 public:
  explicit Server(ControlOptions options = {}, ControlSocket::Handler handler = echo) {
    std::string name = (fs::temp_directory_path() / "gw-control-XXXXXX").string();
    dir_ = ::mkdtemp(name.data());
    ::chmod(dir_.c_str(), 0755);
    auto socket = ControlSocket::listen(*loop_, path(), std::move(options), std::move(handler));
    if (!socket) FAIL(socket.error().message);
    socket_ = *std::move(socket);
    thread_ = std::thread([this] { static_cast<void>(loop_->run().has_value()); });
  }
  ~Server() {
    loop_->stop();
    thread_.join();
    socket_.reset();
    CHECK_FALSE(fs::exists(path()));
    fs::remove_all(dir_);
  }
  std::string path() const { return dir_ + "/control"; }

  static std::string echo(const Peer& peer, const std::string& command) {
    return std::to_string(peer.uid) + " " + std::to_string(peer.pid) + " " + command;
  }

 private:
  std::string dir_;
  std::unique_ptr<Loop> loop_ = Loop::make().value();
  std::unique_ptr<ControlSocket> socket_;
  std::thread thread_;
};

Fd connect_to(const std::string& path) {
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) fd.reset();
  return fd;
}

void say(const Fd& fd, const std::string& text) {
  ::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL);
}

std::string hear(const Fd& fd) {
  std::string all;
  char buffer[4096];
  for (ssize_t n = 0; (n = ::recv(fd.get(), buffer, sizeof buffer, 0)) > 0;) {
    all.append(buffer, static_cast<std::size_t>(n));
  }
  return all;
}

const std::string kMe = std::to_string(::getuid()) + " " + std::to_string(::getpid()) + " ";

}  // namespace

TEST_CASE("control socket: a command, its peer, an answer") {
  const Server server;
  CHECK(ask_control(server.path(), "status").value() == kMe + "status");
  CHECK(ask_control(server.path(), "").value() == kMe);
  struct stat info {};
  REQUIRE(::lstat(server.path().c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
  // In pieces, and with more behind: only the first line counts.
  const Fd slow = connect_to(server.path());
  say(slow, "one ");
  CHECK(ask_control(server.path(), "between").value() == kMe + "between");
  say(slow, "two\nthree\n");
  CHECK(hear(slow) == kMe + "one two");
  // One that leaves again, and one that ends its line without a line's end.
  connect_to(server.path());
  const Fd cut = connect_to(server.path());
  say(cut, "status");
  ::shutdown(cut.get(), SHUT_WR);
  CHECK(hear(cut).empty());
  CHECK(ask_control(server.path(), "still here").value() == kMe + "still here");
}

TEST_CASE("control socket: too much, too slow, too many") {
  SECTION("a line") {
    const Server server({.max_command = 10});
    CHECK(ask_control(server.path(), "0123456789").value() == kMe + "0123456789");
    CHECK(ask_control(server.path(), "0123456789x").error().kind == ErrorKind::kUnavailable);
    const Fd endless = connect_to(server.path());
    say(endless, std::string(100, 'x'));
    CHECK(hear(endless).empty());
  }
  SECTION("silence") {
    const Server server({.timeout = 50ms});
    CHECK(hear(connect_to(server.path())).empty());
    const Fd half = connect_to(server.path());
    say(half, "stat");
    CHECK(hear(half).empty());
  }
  SECTION("a peer that does not read") {
    const Server server({.timeout = 50ms},
                        [](const Peer&, const std::string&) { return std::string(8 << 20, 'x'); });
    const Fd deaf = connect_to(server.path());
    say(deaf, "x\n");
    // The end of the connection is seen without reading what was sent.
    pollfd ended{deaf.get(), 0, 0};
    CHECK(::poll(&ended, 1, 60000) == 1);
    CHECK(hear(deaf).size() < (8 << 20));
  }
  SECTION("answers of any size, but not more than wanted") {
    const Server server(
        {}, [](const Peer&, const std::string& n) { return std::string(std::stoul(n), 'x'); });
    CHECK(ask_control(server.path(), "1000000").value().size() == 1000000);
    CHECK(ask_control(server.path(), "1000", 5s, 1000).value().size() == 1000);
    CHECK(ask_control(server.path(), "1001", 5s, 1000).error().kind == ErrorKind::kCorrupt);
    CHECK(ask_control(server.path(), "0").error().kind == ErrorKind::kUnavailable);
  }
  SECTION("connections: the others wait for a place") {
    const Server server({.max_connections = 2});
    Fd a = connect_to(server.path());
    Fd b = connect_to(server.path());
    const Fd c = connect_to(server.path());
    say(c, "third\n");
    CHECK(ask_control(server.path(), "fourth", 50ms).error().kind == ErrorKind::kUnavailable);
    say(a, "first\n");
    CHECK(hear(a) == kMe + "first");
    CHECK(hear(c) == kMe + "third");
    say(b, "second\n");
    CHECK(hear(b) == kMe + "second");
  }
}

TEST_CASE("control socket: who may ask") {
  SECTION("the file's mode") {
    const Server server;
    const auto ask = [&]() -> std::string {
      const auto answer = ask_control(server.path(), "x", 5s, 100, "start it");
      GW_EXPECT(!answer && answer.error().kind == ErrorKind::kUnavailable);
      GW_EXPECT(answer.error().hint.empty());
      GW_EXPECT(answer.error().message.find("Permission denied") != std::string::npos);
      return {};
    };
    if (!os_test::in_child(ask, os_test::kOrdinary)) {
      os_test::not_tried("a control socket and another user: that needs root");
    }
  }
  SECTION("the list of users") {
    const Server server({.mode = 0666, .users = {{::getuid()}}});
    CHECK(ask_control(server.path(), "x"));
    os_test::in_child(
        [&]() -> std::string {
          GW_EXPECT(ask_control(server.path(), "x").error().message ==
                    server.path() + ": the server does not answer");
          return {};
        },
        os_test::kOrdinary);
  }
  SECTION("the peer is the one that asks") {
    const Server server({.mode = 0666});
    os_test::in_child(
        [&]() -> std::string {
          GW_EXPECT(ask_control(server.path(), "x").value_or("") ==
                    "61234 " + std::to_string(::getpid()) + " x");
          return {};
        },
        os_test::kOrdinary);
  }
}

TEST_CASE("control socket: what is there already") {
  auto loop = Loop::make().value();
  const auto listen = [&](const std::string& path) {
    return ControlSocket::listen(*loop, path, {.flag = "--control"}, Server::echo);
  };
  const Server living;
  const auto second = listen(living.path());
  REQUIRE_FALSE(second);
  CHECK(second.error().kind == ErrorKind::kUsage);
  CHECK(second.error().message == living.path() + ": another server answers there");
  CHECK(second.error().hint == "stop it, or name another --control for this one");
  CHECK(ask_control(living.path(), "x"));

  const std::string other = living.path() + "2";
  std::ofstream(other) << "text";
  CHECK(listen(other).error().message == other + " exists and is no socket");
  CHECK(fs::file_size(other) == 4);
  fs::remove(other);
  // A dead server's.
  {
    Fd dead(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, other.data(), other.size());
    REQUIRE(::bind(dead.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  }
  for (const std::string& path : {other, living.path() + "3"}) {
    const auto nobody = ask_control(path, "x", 5s, 100, "start it");
    CHECK(nobody.error().kind == ErrorKind::kUnavailable);
    CHECK(nobody.error().hint == "start it");
  }
  {
    auto revived = listen(other);
    REQUIRE(revived);
    // Whose file somebody replaced: that one is not ours to remove.
    fs::remove(other);
    std::ofstream(other) << "text";
  }
  CHECK(fs::exists(other));
  fs::remove(other);
  CHECK(listen(std::string(200, 'x')).error().kind == ErrorKind::kUsage);
  CHECK(listen("").error().hint == "name another one with --control");
  CHECK(listen("/nonexistent/x").error().kind == ErrorKind::kIo);
}

TEST_CASE("control socket: who finds the queue full waits for a place") {
  std::string dir = (fs::temp_directory_path() / "gw-control-XXXXXX").string();
  REQUIRE(::mkdtemp(dir.data()) != nullptr);
  const std::string path = dir + "/control";
  auto loop = Loop::make().value();
  const auto socket = ControlSocket::listen(*loop, path, {}, Server::echo).value();
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  std::vector<Fd> others;
  for (;;) {
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) break;
    others.push_back(std::move(fd));
  }
  CHECK(errno == EAGAIN);
  const auto busy = ask_control(path, "x", 1ms, 100, "start it");
  CHECK(busy.error().message == path + ": the server does not answer");
  CHECK(busy.error().hint.empty());
  Result<std::string> answer = io_error("none");
  std::thread asks([&] {
    answer = ask_control(path, "x", 20s);
    loop->stop();
  });
  others.clear();
  CHECK(loop->run());
  asks.join();
  CHECK(answer.value() == kMe + "x");
  fs::remove_all(dir);
}

TEST_CASE("control socket: who is connected is served to the end") {
  std::string dir = (fs::temp_directory_path() / "gw-control-XXXXXX").string();
  REQUIRE(::mkdtemp(dir.data()) != nullptr);
  const std::string path = dir + "/control";
  auto loop = Loop::make().value();
  auto socket = ControlSocket::listen(*loop, path, {}, Server::echo).value();
  const Fd early = connect_to(path);
  const Fd silent = connect_to(path);
  CHECK(loop->run_once(20s));
  CHECK(loop->run_once(20s));  // each takes one
  std::thread asks([&] { say(early, "x\n"); });
  const Fd late = connect_to(path);
  say(late, "z\n");
  socket->finish(200ms);
  asks.join();
  CHECK(hear(early) == kMe + "x");
  socket.reset();
  CHECK(hear(silent).empty());
  CHECK(hear(late).empty());
  fs::remove_all(dir);
}

TEST_CASE("control socket: one that listens already") {
  std::string dir = (fs::temp_directory_path() / "gw-control-XXXXXX").string();
  REQUIRE(::mkdtemp(dir.data()) != nullptr);
  const std::string path = dir + "/control";
  auto loop = Loop::make().value();
  auto first = ControlSocket::listen(*loop, path, {}, Server::echo).value();
  const int kept = ::fcntl(first->fd(), F_DUPFD_CLOEXEC, 3);
  const Fd early = connect_to(path);
  say(early, "x\n");
  // As by exec(2), which runs no destructor that would remove the file.
  fs::rename(path, path + "2");
  first.reset();
  fs::rename(path + "2", path);
  const auto take = [&](int fd) {
    ControlOptions options;
    options.listening = fd;
    return ControlSocket::listen(*loop, path, std::move(options), Server::echo).value();
  };
  auto second = take(kept);
  CHECK(second->fd() == kept);
  CHECK(loop->run_once(20s));
  CHECK(loop->run_once(20s));
  CHECK(hear(early) == kMe + "x");
  // Where its file has gone nobody can come by it: another one is made.
  const int lost = ::fcntl(second->fd(), F_DUPFD_CLOEXEC, 3);
  fs::remove(path);
  second.reset();
  second = take(lost);
  const Fd late = connect_to(path);
  REQUIRE(late);
  say(late, "y\n");
  CHECK(loop->run_once(20s));
  CHECK(loop->run_once(20s));
  CHECK(hear(late) == kMe + "y");
  second.reset();
  CHECK_FALSE(fs::exists(path));
  fs::remove_all(dir);
}
