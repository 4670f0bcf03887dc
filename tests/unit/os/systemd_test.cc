#include "os/systemd.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "base/text.h"
#include "os/notify_relay.h"
#include "os/process.h"
#include "support/os/as_user.h"

using namespace gw;
using namespace gw::os;
using namespace std::chrono_literals;

namespace {

// A datagram to "@name", with a descriptor if `fd` is one.
bool send_to(const std::string& name, const std::string& text, int fd = -1) {
  const Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path + 1, name.data() + 1, name.size() - 1);
  iovec data{const_cast<char*>(text.data()), text.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_name = &address;
  message.msg_namelen = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  if (fd >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof fd);
    std::memcpy(CMSG_DATA(c), &fd, sizeof fd);
  }
  return ::sendmsg(socket.get(), &message, MSG_NOSIGNAL) >= 0;
}

}  // namespace

TEST_CASE("notify relay: what is passed on") {
  const auto relayed = [](std::string_view text, bool stopping_too = false) {
    return relayed_lines(parse_notification(text), stopping_too);
  };
  CHECK(relayed("READY=1") == "READY=1\n");
  CHECK(relayed("READY=1\nMAINPID=7\nSTATUS=a=b c\n") == "READY=1\nSTATUS=a=b c\n");
  CHECK(relayed("STOPPING=1\n").empty());
  CHECK(relayed("STOPPING=1\n", true) == "STOPPING=1\n");
  CHECK(relayed("RELOADING=1\nMONOTONIC_USEC=77\n") == "RELOADING=1\nMONOTONIC_USEC=77\n");
  CHECK(relayed("WATCHDOG=1\nWATCHDOG_USEC=5\nEXTEND_TIMEOUT_USEC=6") ==
        "WATCHDOG=1\nWATCHDOG_USEC=5\nEXTEND_TIMEOUT_USEC=6\n");
  CHECK(relayed("WATCHDOG=trigger") == "WATCHDOG=trigger\n");
  for (const char* none : {"", "\n\n", "READY", "READY=0", "READY=11", " READY=1", "ready=1",
                           "FDSTORE=1\nFDNAME=x", "BARRIER=1", "WATCHDOG_USEC=-1",
                           "WATCHDOG_USEC=99999999999999999999", "STATUS=\xff", "X=READY=1"}) {
    CAPTURE(none);
    CHECK(relayed(none).empty());
  }
  // What is relayed says the same when it is parsed again.
  const std::string all = relayed("STATUS=x\nSTOPPING=1\nREADY=1\nWATCHDOG=1\n", true);
  CHECK(relayed(all, true) == all);
}

TEST_CASE("notify relay: a child is heard, and known by its pid") {
  auto loop = Loop::make().value();
  std::vector<Notification> heard;
  auto relay = NotifyRelay::make(*loop, [&](const Notification& n) { heard.push_back(n); }).value();
  REQUIRE(relay->address().starts_with("@"));
  // The Notifier of another process of ours is the service here.
  const auto body = [&]() -> std::string {
    ::setenv("NOTIFY_SOCKET", relay->address().c_str(), 1);
    const Notifier notifier = Notifier::from_environment();
    GW_EXPECT(notifier.ready("going on"));
    GW_EXPECT(notifier.relay("") && notifier.relay("WATCHDOG=1\n"));
    return {};
  };
  os_test::in_child(body);
  while (heard.size() < 2) REQUIRE(loop->run_once());
  CHECK((heard[0].ready && heard[0].status == "going on"));
  CHECK(heard[0].pid != ::getpid());
  CHECK(heard[0].uid == ::getuid());
  CHECK((heard[1].watchdog && !heard[1].ready && heard[1].pid == heard[0].pid));
  if (os_test::in_child(body, os_test::kOrdinary)) {
    while (heard.size() < 4) REQUIRE(loop->run_once());
    CHECK(heard[3].uid == os_test::kOrdinary);
  }
}

TEST_CASE("notify relay: descriptors are closed, what is too long is not heard") {
  auto loop = Loop::make().value();
  std::vector<Notification> heard;
  auto relay = NotifyRelay::make(*loop, [&](const Notification& n) { heard.push_back(n); }).value();
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  const Fd read(ends[0]);
  REQUIRE(send_to(relay->address(), "BARRIER=1", ends[1]));
  ::close(ends[1]);
  REQUIRE(send_to(relay->address(), "READY=1\nSTATUS=" + std::string(5000, 'x')));
  REQUIRE(send_to(relay->address(), "STATUS=last"));
  while (heard.size() < 2) REQUIRE(loop->run_once());
  char c = 0;
  CHECK(::read(read.get(), &c, 1) == 0);  // nobody holds the other end: the barrier is answered
  CHECK_FALSE(heard[1].ready);
  CHECK(heard[1].status == "last");
}

TEST_CASE("listening sockets are taken once, by whom they are for") {
  os_test::in_child([]() -> std::string {
    // 3 and 4, wherever they are now.
    const Fd a(::open("/dev/null", O_RDONLY));
    GW_EXPECT(::dup2(a.get(), 3) == 3 && ::dup2(a.get(), 4) == 4);
    const auto set = [](const std::string& pid, const char* fds, const char* names) {
      ::setenv("LISTEN_PID", pid.c_str(), 1);
      ::setenv("LISTEN_FDS", fds, 1);
      ::setenv("LISTEN_FDNAMES", names, 1);
      return take_listening_sockets();
    };
    const std::string self = std::to_string(::getpid());
    GW_EXPECT(take_listening_sockets().value().empty());
    GW_EXPECT(set(std::to_string(::getppid()), "2", "a:b").value().empty());
    GW_EXPECT(std::getenv("LISTEN_FDS") == nullptr && std::getenv("LISTEN_PID") == nullptr);
    {
      const auto sockets = set(self, "2", "http");
      GW_EXPECT(sockets && sockets->size() == 2);
      GW_EXPECT((*sockets)[0].fd.get() == 3 && (*sockets)[0].name == "http");
      GW_EXPECT((*sockets)[1].fd.get() == 4 && (*sockets)[1].name.empty());
      GW_EXPECT((::fcntl(3, F_GETFD) & FD_CLOEXEC) != 0);
      GW_EXPECT(std::getenv("LISTEN_FDNAMES") == nullptr);
    }
    GW_EXPECT(::fcntl(3, F_GETFD) == -1);
    GW_EXPECT(::dup2(a.get(), 3) == 3);
    GW_EXPECT(set(self, "2", "").error().kind == ErrorKind::kUsage);  // 4 is closed
    for (const char* bad : {"", "x", "-1", "99999"}) {
      GW_EXPECT(set(self, bad, "").error().kind == ErrorKind::kUsage);
    }
    GW_EXPECT(set(self, "0", "").value().empty());
    return {};
  });
}

TEST_CASE("listening sockets are handed on to a child") {
  // As supervise does for its service: numbers from 3 on, and the pid that only the child has.
  const Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  Spawn spawn;
  spawn.argv = {"/bin/sh", "-c", "[ $LISTEN_PID = $$ ] && readlink /proc/$$/fd/3"};
  spawn.environment = {"PATH=/usr/bin:/bin", "LISTEN_FDS=1"};
  spawn.pid_variables = {"LISTEN_PID"};
  spawn.descriptors = {{socket.get(), 3}};
  auto ran = run(std::move(spawn), {.capture_output = true});
  REQUIRE(ran);
  CHECK(ran->output.starts_with("socket:["));
}

TEST_CASE("what the next program of this process is told", "[systemd]") {
  CHECK(Notifier().environment().empty());
  CHECK(Notifier("/run/x", std::chrono::microseconds(5)).environment() ==
        std::vector<std::string>{"NOTIFY_SOCKET=/run/x", "WATCHDOG_USEC=5"});
  CHECK(Notifier("@abstract").environment() == std::vector<std::string>{"NOTIFY_SOCKET=@abstract"});
}

TEST_CASE("a relay from before an exec", "[systemd]") {
  auto loop = *Loop::make();
  auto first = *NotifyRelay::make(*loop, [](const Notification&) {});
  std::string said;
  auto second =
      *NotifyRelay::adopt(*loop, Fd(::fcntl(first->fd(), F_DUPFD_CLOEXEC, 3)), first->address(),
                          [&](const Notification& n) { said = n.status.value_or(""); });
  CHECK(second->address() == first->address());
  first.reset();
  CHECK(Notifier(second->address()).status("here"));
  while (said.empty()) REQUIRE(loop->run_once(std::chrono::seconds(20)));
  CHECK(said == "here");
}
