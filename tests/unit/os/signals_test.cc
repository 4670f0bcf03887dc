#include "os/signals.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "os/stop.h"
#include "os/systemd.h"

using namespace gw;
using namespace gw::os;
using namespace std::chrono_literals;

namespace {

// The service manager's end of NOTIFY_SOCKET. `name` as in the environment: a path or "@…".
Fd listen_as_manager(const std::string& name) {
  Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un addr{};
  addr.sun_family = AF_UNIX;
  std::memcpy(addr.sun_path, name.data(), name.size());
  if (name[0] == '@') addr.sun_path[0] = '\0';
  auto size = offsetof(sockaddr_un, sun_path) + name.size() + (name[0] == '@' ? 0 : 1);
  REQUIRE(::bind(fd.get(), reinterpret_cast<sockaddr*>(&addr), static_cast<socklen_t>(size)) == 0);
  return fd;
}

std::string receive(const Fd& fd) {
  char buffer[4096];
  ssize_t n = ::recv(fd.get(), buffer, sizeof buffer, MSG_DONTWAIT);
  return n < 0 ? "nothing" : std::string(buffer, static_cast<std::size_t>(n));
}

// Runs `body` in a child, since signals and their masks belong to the whole process; returns its
// wait status.
template <class F>
int in_child(F body) {
  pid_t pid = ::fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    ::alarm(20);
    ::_exit(body());
  }
  int status = 0;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  return status;
}

bool readable(int fd) {
  pollfd p{fd, POLLIN, 0};
  return ::poll(&p, 1, 0) == 1;
}

}  // namespace

TEST_CASE("stop: the request is seen by every kind of waiting") {
  Stop stop;
  CHECK_FALSE(stop.requested());
  CHECK_FALSE(readable(stop.fd()));
  CHECK_FALSE(stop.wait_for(0s));
  CHECK_FALSE(stop.wait_for(-5s));
  CHECK_FALSE(stop.wait_for(3ms));
  std::thread other([&] { CHECK(stop.wait_for(60s)); });
  stop.request();
  other.join();
  CHECK(stop.requested());
  stop.request();
  CHECK(readable(stop.fd()));
  CHECK(stop.wait_for(0s));
  CHECK(readable(stop.fd()));
}

TEST_CASE("signals: SIGTERM and SIGINT request the stop, the rest runs callbacks") {
  for (int signal : {SIGTERM, SIGINT}) {
    int status = in_child([signal] {
      Stop stop;
      std::atomic<int> hangups{0};
      std::atomic<int> users{0};
      auto thread =
          SignalThread::start(stop, {.hangup = [&] { ++hangups; }, .user1 = [&] { ++users; }});
      if (!thread) return 1;
      ::kill(::getpid(), SIGHUP);
      while (hangups == 0) std::this_thread::yield();
      ::kill(::getpid(), SIGUSR1);
      while (users == 0) std::this_thread::yield();
      if (stop.requested() || (*thread)->stopped_by() != 0) return 2;
      ::kill(::getpid(), signal);
      if (!stop.wait_for(10s)) return 3;
      if ((*thread)->stopped_by() != signal) return 4;
      ::kill(::getpid(), SIGPIPE);
      return hangups == 1 && users == 1 ? 0 : 5;
    });
    CHECK(status == 0);
  }
}

TEST_CASE("signals: a second request ends the process as if it were not handled") {
  int status = in_child([] {
    Stop stop;
    auto thread = SignalThread::start(stop, {});
    if (!thread) return 1;
    ::kill(::getpid(), SIGTERM);
    if (!stop.wait_for(10s)) return 2;
    ::kill(::getpid(), SIGTERM);
    for (;;) ::pause();
  });
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGTERM);
}

TEST_CASE("signals: without a callback SIGHUP keeps its effect") {
  int status = in_child([] {
    Stop stop;
    auto thread = SignalThread::start(stop, {});
    if (!thread) return 1;
    ::kill(::getpid(), SIGHUP);
    for (;;) ::pause();
  });
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGHUP);
}

TEST_CASE("notify: messages over a path and an abstract name") {
  std::string dir = std::filesystem::temp_directory_path() / "gw-notify-XXXXXX";
  REQUIRE(::mkdtemp(dir.data()) != nullptr);
  const std::string names[] = {dir + "/notify", "@gwtool-test-" + std::to_string(::getpid())};
  for (const std::string& name : names) {
    CAPTURE(name);
    Fd manager = listen_as_manager(name);
    Notifier notifier(name, 10s);
    REQUIRE(notifier.active());
    CHECK(notifier.ready());
    CHECK(receive(manager) == "READY=1\n");
    CHECK(notifier.ready("serving\nMAINPID=1"));
    CHECK(receive(manager) == "READY=1\nSTATUS=serving MAINPID=1\n");
    CHECK(notifier.status("at 5"));
    CHECK(receive(manager) == "STATUS=at 5\n");
    CHECK(notifier.reloading());
    std::string reloading = receive(manager);
    CHECK(reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="));
    CHECK(reloading.size() > 31);
    CHECK(notifier.stopping());
    CHECK(receive(manager) == "STOPPING=1\n");
    CHECK(notifier.watchdog());
    CHECK(receive(manager) == "WATCHDOG=1\n");
    CHECK(notifier.watchdog_interval() == 5s);
  }
  // Nobody listens any more.
  std::filesystem::remove_all(dir);
  CHECK_FALSE(Notifier(names[0]).ready());
  CHECK_FALSE(Notifier(names[1]).ready());
}

TEST_CASE("notify: a manager that does not read never blocks us") {
  std::string name = "@gwtool-full-" + std::to_string(::getpid());
  Fd manager = listen_as_manager(name);
  Notifier notifier(name);
  int sent = 0;
  while (notifier.status("x") && sent < 100000) ++sent;
  CHECK(sent < 100000);
}

TEST_CASE("notify: nobody to tell") {
  CHECK_FALSE(Notifier().active());
  CHECK(Notifier().ready());
  CHECK_FALSE(Notifier().watchdog_interval());
  for (const char* name : {"", "/", "@", "relative", "vsock:2:1"}) {
    CAPTURE(name);
    CHECK_FALSE(Notifier(name).active());
  }
  CHECK_FALSE(Notifier(std::string(200, '/')).active());
}

TEST_CASE("notify: the environment is read once and not passed on") {
  struct Case {
    const char* usec;
    std::string pid;
    std::int64_t interval;  // 0: none
  };
  const Case cases[] = {
      {"3000000", std::to_string(::getpid()), 1500000},
      {"3000000", "", 1500000},
      {"3000000", "1", 0},
      {"0", "", 0},
      {"-5", "", 0},
      {"3s", "", 0},
      {"99999999999999999999", "", 0},
      {"18446744073709551615", "", 0},
  };
  for (const Case& c : cases) {
    CAPTURE(c.usec, c.pid);
    ::setenv("NOTIFY_SOCKET", "/run/notify", 1);
    ::setenv("WATCHDOG_USEC", c.usec, 1);
    if (c.pid.empty()) {
      ::unsetenv("WATCHDOG_PID");
    } else {
      ::setenv("WATCHDOG_PID", c.pid.c_str(), 1);
    }
    Notifier notifier = Notifier::from_environment();
    CHECK(notifier.active());
    CHECK(notifier.watchdog_interval().value_or(0us).count() == c.interval);
    CHECK(std::getenv("NOTIFY_SOCKET") == nullptr);
    CHECK(std::getenv("WATCHDOG_USEC") == nullptr);
    CHECK(std::getenv("WATCHDOG_PID") == nullptr);
  }
  CHECK_FALSE(Notifier::from_environment().active());
}

TEST_CASE("heartbeat: fed until the limit after the last sign of life") {
  const std::string name = "@gw-heartbeat-" + std::to_string(::getpid());
  const Fd manager = listen_as_manager(name);
  const auto fed = [&] {
    pollfd p{manager.get(), POLLIN, 0};
    return ::poll(&p, 1, 2000) == 1 && receive(manager) == "WATCHDOG=1\n";
  };
  const Notifier notifier(name, 10ms);
  {
    Heartbeat heart(notifier, 1h);
    for (int i = 0; i < 5; ++i) CHECK(fed());
  }
  while (receive(manager) != "nothing") continue;
  {
    Heartbeat heart(notifier, 0ms);  // over at once
    Stop never;
    CHECK_FALSE(never.wait_for(40ms));
    CHECK(receive(manager) == "nothing");
  }
  {
    const Notifier unasked(name);  // nobody asked for a watchdog
    const Heartbeat heart(unasked, 1h);
    Stop never;
    CHECK_FALSE(never.wait_for(20ms));
  }
  CHECK(receive(manager) == "nothing");
}
