#include "os/refused_calls.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "os/process.h"
#include "os/sandbox.h"
#include "support/os/as_user.h"

using namespace gw;
using namespace gw::os;

namespace {

// What a script said, and which refused calls were told of.
struct Heard {
  std::string output = {};
  std::string calls = {};  // each once, in their order
  bool tells = false;
};

class Listener : public RunGuard {
 public:
  explicit Listener(RefusedCalls calls) : calls_(std::move(calls)) {}
  int fd() const override { return calls_.fd(); }
  Duration every() const override { return std::chrono::hours(1); }
  bool look(pid_t /*child*/) override {
    for (int fd = -1; calls_.fd() >= 0; fd = calls_.fd()) {
      const auto call = calls_.answer();
      if (!call && fd == calls_.fd()) break;
      if (!call) continue;
      const std::string text = refused_call_text(*call);
      if (heard.find(text) == std::string::npos) heard += text + ";";
    }
    return true;
  }
  std::string heard;

 private:
  RefusedCalls calls_;
};

Heard hear(const SeccompPolicy& seccomp, const std::string& python) {
  auto channel = make_hand_over();
  if (!channel) return {channel.error().message};
  SandboxPolicy policy{.pids = false, .network = false, .ipc = false, .seccomp = seccomp};
  policy.tell_to = channel->child.get();
  policy.required = 0;
  Spawn spawn;
  spawn.argv = {"/usr/bin/python3", "-IS", "-c", python};  // -S: no look at the users
  spawn.environment = std::vector<std::string>();
  const auto applied = apply_sandbox(policy, spawn);
  if (!applied) return {applied.error().message};
  Listener listener(RefusedCalls(std::move(channel->ours), EPERM));
  RunOptions options;
  options.capture_output = true;
  options.errors_to_output = true;
  options.guard = &listener;
  const auto ran = run(std::move(spawn), options);
  if (!ran) return {ran.error().message};
  return {ran->output, listener.heard, true};
}

}  // namespace

TEST_CASE("refused calls are told of, and fail") {
  if (!std::filesystem::exists("/usr/bin/python3")) return os_test::not_tried("python3");
  os_test::as_root_and_user([]() -> std::string {
    SeccompPolicy policy{.deny = {"ptrace"}, .otherwise = SeccompPolicy::Otherwise::kTell};
    policy.sockets = SeccompPolicy::Sockets::kNone;
    policy.refuse_shared_memory = true;
    const Heard heard = hear(policy,
                             "import ctypes, mmap, os, socket as s, errno, threading\n"
                             "def t(f):\n"
                             "  try: f(); print('made')\n"
                             "  except OSError as e: print(errno.errorcode[e.errno])\n"
                             "t(lambda: s.socket(s.AF_INET))\n"
                             "x = threading.Thread(target=t, args=(lambda: s.socket(s.AF_NETLINK, "
                             "s.SOCK_RAW),)); x.start(); x.join()\n"
                             "t(lambda: s.socketpair())\n"
                             "t(lambda: mmap.mmap(-1, 4096))\n"
                             "t(lambda: os.memfd_create('x'))\n"
                             "print(ctypes.CDLL(None).ptrace(0, 0, 0, 0))\n");
    if (heard.output != "EPERM\nEPERM\nEPERM\nEPERM\nEPERM\n-1\n") return heard.output;
    const std::string wanted =
        "socket (inet);socket (netlink);socketpair (unix);mmap;memfd_create;ptrace;";
    return heard.calls == wanted ? "" : heard.calls;
  });
}

TEST_CASE("a filter for sockets of the Internet refuses all others") {
  if (!std::filesystem::exists("/usr/bin/python3")) return os_test::not_tried("python3");
  os_test::as_root_and_user([]() -> std::string {
    SeccompPolicy policy{.otherwise = SeccompPolicy::Otherwise::kTell};
    policy.sockets = SeccompPolicy::Sockets::kInet;
    const Heard heard = hear(policy,
                             "import socket as s\n"
                             "s.socket(s.AF_INET).close(); s.socket(s.AF_INET6).close()\n"
                             "for f in list(range(0, 46)):\n"
                             "  if f in (2, 10): continue\n"
                             "  try: s.socket(f, s.SOCK_DGRAM); print(f)\n"
                             "  except PermissionError: pass\n"
                             "print('end')\n");
    if (heard.output != "end\n") return heard.output;
    return heard.calls.find("(inet)") == std::string::npos ? "" : heard.calls;
  });
}

TEST_CASE("what nobody can hear of is refused all the same, and the lack is said") {
  SandboxPolicy policy{.pids = false, .network = false, .ipc = false};
  policy.seccomp = SeccompPolicy{.deny = {"ptrace"}, .otherwise = SeccompPolicy::Otherwise::kTell};
  Spawn spawn;
  spawn.argv = {"/bin/true"};
  CHECK(apply_sandbox(policy, spawn).error().kind == ErrorKind::kUsage);
  // A socket that is none: the listener cannot be handed over.
  const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  const Fd high(::fcntl(null.get(), F_DUPFD_CLOEXEC, 20));
  policy.tell_to = high.get();
  const auto refused = probe_sandbox(policy, {});
  REQUIRE(refused);
  REQUIRE(refused->size() == 1);
  CHECK(refused->front().part == SandboxPart::kTelling);
  CHECK(refusal_text(refused->front()).starts_with("telling of refused calls: handing a seccomp"));
}

TEST_CASE("names of system calls") {
  CHECK(refused_call_text({.number = SYS_ptrace}) == "ptrace");
  CHECK(refused_call_text({.number = SYS_socket, .arguments = {1}}) == "socket (unix)");
  CHECK(refused_call_text({.number = SYS_socket, .arguments = {99}}) == "socket (family 99)");
  CHECK(refused_call_text({.number = 99'999}) == "system call 99999");
  CHECK(refused_call_text({.number = SYS_ptrace, .foreign = true}) ==
        "a system call of another architecture");
}
