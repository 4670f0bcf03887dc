#include "os/process.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "base/bytes.h"
#include "support/os/as_user.h"

using namespace gw;
using namespace gw::os;
using namespace std::chrono_literals;

namespace {

Spawn shell(const std::string& script) {
  Spawn spawn;
  spawn.file = "/bin/sh";
  spawn.argv = {"sh", "-c", script};
  return spawn;
}

Ran run_shell(const std::string& script, RunOptions options = {}) {
  options.capture_output = true;
  auto ran = run(shell(script), options);
  if (!ran) FAIL(ran.error().message);
  return *std::move(ran);
}

std::string output_of(Spawn spawn) {
  auto ran = run(std::move(spawn), {.capture_output = true});
  return ran ? ran->output : "error: " + ran.error().message;
}

std::string read_some(int fd) {
  char buffer[4096];
  const ssize_t n = ::read(fd, buffer, sizeof buffer);
  return n < 0 ? "error" : std::string(buffer, static_cast<std::size_t>(n));
}

}  // namespace

TEST_CASE("process: exit codes and signals") {
  CHECK(run_shell("exit 0").exit == Exit{});
  CHECK(run_shell("exit 7").exit == Exit{.code = 7});
  CHECK(run_shell("kill -TERM $$").exit == Exit{.signal = SIGTERM});
  CHECK(exit_text({.code = 3}) == "ended with 3");
  CHECK(exit_text({.signal = 9}) == "was ended by signal 9");
}

TEST_CASE("process: what cannot start says which step failed") {
  auto none = spawn({.argv = {"/nonexistent/program"}});
  REQUIRE_FALSE(none);
  CHECK(none.error().kind == ErrorKind::kNotFound);
  CHECK(none.error().message.find("/nonexistent/program") != std::string::npos);

  auto denied = spawn({.argv = {"/etc/passwd"}});
  REQUIRE_FALSE(denied);
  CHECK(denied.error().kind == ErrorKind::kIo);
  CHECK(denied.error().message == "starting /etc/passwd: exec: Permission denied");

  auto directory = shell("true");
  directory.directory = "/nonexistent";
  auto moved = spawn(std::move(directory));
  REQUIRE_FALSE(moved);
  CHECK(moved.error().message ==
        "starting /bin/sh: changing the directory: No such file or directory");

  CHECK(spawn({}).error().kind == ErrorKind::kUsage);
  CHECK(spawn({.argv = {"sh"}}).error().kind == ErrorKind::kUsage);  // PATH is not looked at
  // Nothing is left behind of those that failed.
  CHECK_FALSE(ended_child().value());
}

TEST_CASE("process: arguments, environment, directory") {
  auto s = shell("printf '%s|' \"$0\" \"$@\"; pwd; env");
  s.argv.insert(s.argv.end(), {"zero", "a b", "", "$x"});
  s.environment = {"ONE=1", "LISTEN_PID=7"};
  s.pid_variables = {"LISTEN_PID"};
  s.directory = "/";
  auto ran = run(std::move(s), {.capture_output = true});
  REQUIRE(ran);
  CHECK(ran->output.starts_with("zero|a b||$x|/\n"));
  CHECK(ran->output.find("\nONE=1\n") != std::string::npos);
  CHECK(ran->output.find("HOME=") == std::string::npos);

  auto pid = shell("echo $LISTEN_PID $$; env | grep -c LISTEN_PID");
  pid.environment = {"LISTEN_PID=7"};
  pid.pid_variables = {"LISTEN_PID"};
  const std::string text = output_of(std::move(pid));
  const auto blank = text.find(' ');
  REQUIRE(blank != std::string::npos);
  CHECK(text == text.substr(0, blank) + " " + text.substr(0, blank) + "\n1\n");
  ::setenv("GW_TEST_INHERITED", "yes", 1);
  CHECK(run_shell("echo $GW_TEST_INHERITED").output == "yes\n");
}

TEST_CASE("process: a child has its mapped descriptors and no other") {
  // One without O_CLOEXEC, as a careless library opens it, at a high number.
  const Fd leak(::fcntl(STDIN_FILENO, F_DUPFD, 200));
  REQUIRE(leak);
  int a[2];
  int b[2];
  REQUIRE(::pipe2(a, O_CLOEXEC) == 0);
  REQUIRE(::pipe2(b, O_CLOEXEC) == 0);
  const Fd a_read(a[0]), a_write(a[1]), b_read(b[0]), b_write(b[1]);
  // Crosswise: each one's target is the other's source.
  auto s = shell("echo first >&" + std::to_string(b[1]) + "; echo second >&" +
                 std::to_string(a[1]) + "; ls -l /proc/self/fd | wc -l");
  s.descriptors = {{a[1], b[1]}, {b[1], a[1]}};
  const std::string text = output_of(std::move(s));
  CHECK(read_some(a[0]) == "first\n");
  CHECK(read_some(b[0]) == "second\n");
  // "total", the three standard ones, the two mapped ones, and ls's own for the directory.
  CHECK(text == "7\n");
  CHECK(spawn([] {
          auto bad = shell("true");
          bad.descriptors = {{0, -1}};
          return bad;
        }())
            .error()
            .kind == ErrorKind::kUsage);
}

TEST_CASE("process: input, output and errors") {
  CHECK(run_shell("cat", {.input = "some text"}).output == "some text");
  CHECK(run_shell("cat").output.empty());
  CHECK(run_shell("echo out; echo err >&2", {.errors_to_output = true}).output == "out\nerr\n");
  // More than a pipe holds, and more than we want: cut, but the child ends.
  const auto long_one = run_shell("head -c 300000 /dev/zero; exit 5", {.max_output = 1000});
  CHECK(long_one.output == std::string(1000, '\0'));
  CHECK(long_one.output_cut);
  CHECK(long_one.exit.code == 5);
  CHECK_FALSE(run_shell("head -c 1000 /dev/zero", {.max_output = 1000}).output_cut);
  // Input larger than a pipe, never read.
  CHECK(run_shell("exit 3", {.input = std::string(1 << 20, 'x')}).exit.code == 3);
}

TEST_CASE("process: a time limit ends the whole group") {
  os_test::as_root_and_user([]() -> std::string {
    GW_EXPECT(bool(become_subreaper()));
    auto ran = run(shell("sleep 1000 & echo $!; sleep 1000; echo never"),
                   {.timeout = 100ms, .capture_output = true});
    GW_EXPECT(ran && ran->end == Ran::End::kTimeout && ran->exit.signal == SIGKILL);
    // Those that it started are ours now, and end by what was sent to their group.
    std::size_t ended = 0;
    siginfo_t info{};
    while (::waitid(P_ALL, 0, &info, WEXITED) == 0) {
      GW_EXPECT(info.si_code == CLD_KILLED && info.si_status == SIGKILL);
      ++ended;
    }
    GW_EXPECT(ended > 0 || ran->output.empty());
    return {};
  });
  // A child that talks without end is ended, too.
  CHECK(run_shell("while :; do echo y; done", {.timeout = 200ms}).end == Ran::End::kTimeout);
  // One that only leaves something behind that holds the pipe is not waited for.
  CHECK(run_shell("setsid sleep 3 & echo done").output == "done\n");
}

TEST_CASE("process: a stop ends it") {
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  const Fd stop(ends[0]);
  ::close(ends[1]);  // the end of a pipe is readable
  CHECK(run_shell("sleep 1000", {.stop_fd = stop.get()}).end == Ran::End::kStopped);
}

TEST_CASE("process: signals are as new in the child") {
  struct sigaction old {};
  struct sigaction ours {};
  ours.sa_handler = [](int) {};
  REQUIRE(::sigaction(SIGUSR1, &ours, &old) == 0);
  const auto old_pipe = ::signal(SIGPIPE, SIG_IGN);
  const auto old_hup = ::signal(SIGHUP, SIG_IGN);
  sigset_t set;
  sigset_t before;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  REQUIRE(::pthread_sigmask(SIG_BLOCK, &set, &before) == 0);
  const std::string text =
      run_shell("exec sed -nE '/^Sig(Blk|Ign|Cgt)/p' /proc/self/status").output;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::signal(SIGPIPE, old_pipe);
  ::signal(SIGHUP, old_hup);
  ::sigaction(SIGUSR1, &old, nullptr);
  CHECK(text ==
        "SigBlk:\t0000000000000000\n"
        "SigIgn:\t0000000000000001\n"  // SIGHUP, as nohup leaves it
        "SigCgt:\t0000000000000000\n");
}

TEST_CASE("process: groups and sessions") {
  auto own = spawn(shell("exec sleep 1000"));
  REQUIRE(own);
  CHECK(::getpgid(own->pid()) == own->pid());
  CHECK(own->wait_for(0s).value() == std::nullopt);
  REQUIRE(own->signal(SIGTERM));
  const auto ended = own->wait_for(60s).value();
  REQUIRE(ended);
  CHECK(ended->signal == SIGTERM);
  CHECK(own->signal(SIGTERM));        // a zombie
  CHECK(own->signal_group(SIGTERM));  // its group, too
  CHECK(own->reap().value().signal == SIGTERM);
  CHECK(own->signal(SIGTERM));
  CHECK_FALSE(own->reap());

  auto s = shell("exec sleep 1000");
  s.group = ProcessGroup::kSession;
  auto session = spawn(std::move(s));
  REQUIRE(session);
  CHECK(::getsid(session->pid()) == session->pid());
  auto o = shell("exec sleep 1000");
  o.group = ProcessGroup::kOurs;
  auto ours = spawn(std::move(o));
  REQUIRE(ours);
  CHECK(::getpgid(ours->pid()) == ::getpgrp());
  // Both are killed and reaped by their destructors; with kOurs we must survive that.
}

TEST_CASE("process: a child that is forgotten is killed and reaped") {
  pid_t pid = 0;
  {
    auto child = spawn(shell("exec sleep 1000"));
    REQUIRE(child);
    pid = child->pid();
    Child moved = std::move(*child);
    CHECK(moved.pid() == pid);
  }
  CHECK(::kill(pid, 0) == -1);
  CHECK(errno == ESRCH);
}

TEST_CASE("process: threads that spawn at once get each their own") {
  std::atomic<int> right = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 10; ++i) {
        auto ran = run(shell("echo " + std::to_string(t * 100 + i)), {.capture_output = true});
        if (ran && ran->output == std::to_string(t * 100 + i) + "\n") ++right;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(right == 40);
}

TEST_CASE("process: limits and no_new_privs") {
  auto s = shell("ulimit -n; ulimit -Hn; ulimit -c; grep NoNewPrivs /proc/self/status");
  s.limits = {{RLIMIT_NOFILE, 100, 200}, {RLIMIT_CORE, 0, 0}};
  s.no_new_privileges = true;
  CHECK(output_of(std::move(s)) == "100\n200\n0\nNoNewPrivs:\t1\n");
  auto bad = shell("true");
  bad.limits = {{RLIMIT_NOFILE, 200, 100}};
  const auto refused = spawn(std::move(bad));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message == "starting /bin/sh: setting a resource limit: Invalid argument");
}

TEST_CASE("process: a child dies with the thread that made it") {
  os_test::as_root_and_user([]() -> std::string {
    GW_EXPECT(bool(become_subreaper()));
    int ends[2];
    GW_EXPECT(::pipe2(ends, O_CLOEXEC) == 0);
    const pid_t parent = ::fork();
    if (parent == 0) {
      auto s = shell("echo $$; exec sleep 1000");
      s.death_signal = SIGKILL;
      s.descriptors = {{ends[1], STDOUT_FILENO}};
      auto child = spawn(std::move(s));
      if (child) ::pause();
      ::_exit(1);
    }
    ::close(ends[1]);
    const std::string text = read_some(ends[0]);
    GW_EXPECT(text.size() > 1);
    ::kill(parent, SIGKILL);
    ::waitpid(parent, nullptr, 0);
    // The end of the pipe is the child's end.
    GW_EXPECT(read_some(ends[0]).empty());
    const auto orphan = static_cast<pid_t>(*parse_decimal(text.substr(0, text.size() - 1)));
    GW_EXPECT(reap_adopted(orphan).value().signal == SIGKILL);
    return {};
  });
}

TEST_CASE("process: identity and capabilities of a child") {
  const std::string show = "grep -E '^(Uid|Gid|Groups|Cap)' /proc/self/status";
  if (::geteuid() != 0) {
    os_test::not_tried("a child as another user: that needs root");
    auto s = shell("true");
    s.identity = Identity{::geteuid() + 1, 1, {1}};
    CHECK(spawn(std::move(s)).error().message ==
          "starting /bin/sh: setting groups: Operation not permitted");
    return;
  }
  SECTION("an ordinary user has nothing") {
    auto s = shell(show);
    s.identity = Identity{61234, 61235, {61235, 61236}};
    s.drop_capabilities = true;
    CHECK(output_of(std::move(s)) ==
          "Uid:\t61234\t61234\t61234\t61234\nGid:\t61235\t61235\t61235\t61235\n"
          "Groups:\t61235 61236 \n"
          "CapInh:\t0000000000000000\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n"
          "CapBnd:\t0000000000000000\nCapAmb:\t0000000000000000\n");
  }
  SECTION("but the ambient ones") {
    auto s = shell(show + " | grep -v Bnd");
    s.identity = Identity{61234, 61235, {61235}};
    s.ambient = {CAP_NET_BIND_SERVICE};
    s.death_signal = SIGKILL;
    CHECK(output_of(std::move(s)) ==
          "Uid:\t61234\t61234\t61234\t61234\nGid:\t61235\t61235\t61235\t61235\nGroups:\t61235 \n"
          "CapInh:\t0000000000000400\nCapPrm:\t0000000000000400\nCapEff:\t0000000000000400\n"
          "CapAmb:\t0000000000000400\n");
  }
  SECTION("root without capabilities") {
    auto s = shell(show + " | grep Cap; cat /etc/shadow && echo read");
    s.drop_capabilities = true;
    const auto text = output_of(std::move(s));
    CHECK(text.find("CapEff:\t0000000000000000\nCapBnd:\t0000000000000000\n") != std::string::npos);
  }
  SECTION("no way back") {
    auto s = shell("exec setpriv --reuid 0 true");
    s.identity = Identity{61234, 61235, {61235}};
    auto ran = run(std::move(s), {.capture_output = true, .errors_to_output = true});
    REQUIRE(ran);
    CHECK_FALSE(ran->exit.ok());
    CHECK(ran->output.find("not permitted") != std::string::npos);
  }
  SECTION("a capability that the kernel does not know") {
    auto s = shell("true");
    s.ambient = {63};
    CHECK(spawn(std::move(s)).error().kind == ErrorKind::kUsage);
  }
}

TEST_CASE("process: calls of a hook, required and not") {
  Spawn s = shell("echo ran");
  // Part 1 is refused, so its second call and part 2, which needs it, are left out; part 4 works.
  s.hook.early.add({.what = "refused", .number = SYS_chroot, .args = {0}, .part = 1});
  s.hook.early.add({.what = "left out", .number = SYS_exit_group, .args = {3}, .part = 1});
  s.hook.early.add(
      {.what = "left out", .number = SYS_exit_group, .args = {4}, .part = 2, .needs = 1});
  s.hook.early.write_file("never there", "/nonexistent/file", "x", 8);
  s.hook.late.add({.what = "works", .number = SYS_getpid, .part = 4});
  SECTION("not required") {
    auto child = spawn(std::move(s));
    REQUIRE(child);
    REQUIRE(child->refused().size() == 3);
    CHECK(child->refused()[0].part == 1);
    CHECK(child->refused()[0].what == "refused");
    CHECK(child->refused()[0].error == EFAULT);
    CHECK(child->refused()[1].part == 2);
    CHECK(child->refused()[1].error == ECANCELED);
    CHECK(child->refused()[2].part == 8);
    CHECK(child->refused()[2].error == ENOENT);
    CHECK(child->reap().value().ok());
  }
  SECTION("required") {
    s.hook.required = 8;
    auto child = spawn(std::move(s));
    REQUIRE_FALSE(child);
    CHECK(child.error().message ==
          "starting /bin/sh: never there: No such file or directory; refused before: refused: "
          "Bad address");
  }
  SECTION("required, but left out with what it needs") {
    s.hook.required = 2;
    CHECK_FALSE(spawn(std::move(s)));
  }
  SECTION("a rehearsal runs no program") {
    auto refused = rehearse(std::move(s));
    REQUIRE(refused);
    CHECK(refused->size() == 3);
  }
}

TEST_CASE("process: what is left of a tree is found and ended") {
  os_test::as_root_and_user([]() -> std::string {
    GW_EXPECT(bool(become_subreaper()));
    // A grandchild and its child in a session of their own, whose parent ends.
    int ends[2];
    GW_EXPECT(::pipe2(ends, O_CLOEXEC) == 0);
    auto s = shell("setsid sh -c 'sleep 1000 & echo up; exec sleep 1000' & wait");
    s.descriptors = {{ends[1], STDOUT_FILENO}};
    auto child = spawn(std::move(s));
    GW_EXPECT(bool(child));
    GW_EXPECT(read_some(ends[0]) == "up\n");
    GW_EXPECT(bool(child->signal_group(SIGKILL)));
    GW_EXPECT(child->reap().value().signal == SIGKILL);
    GW_EXPECT(*signal_descendants(0) == 2);
    std::size_t ended = 0;
    while (*signal_descendants(SIGKILL) > 0) {
      siginfo_t info{};
      GW_EXPECT(::waitid(P_ALL, 0, &info, WEXITED | WNOWAIT) == 0);
      const auto pid = ended_child();
      GW_EXPECT(pid && *pid);
      GW_EXPECT(bool(reap_adopted(**pid)));
      ++ended;
    }
    while (const auto pid = *ended_child()) {
      GW_EXPECT(bool(reap_adopted(*pid)));
      ++ended;
    }
    GW_EXPECT(ended == 2);
    return {};
  });
}

TEST_CASE("process: who is passed over keeps what it started", "[process]") {
  os_test::as_root_and_user([]() -> std::string {
    int ends[2];
    GW_EXPECT(::pipe2(ends, O_CLOEXEC) == 0);
    auto kept = shell("sleep 1000 & echo up; wait");
    kept.descriptors = {{ends[1], STDOUT_FILENO}};
    auto child = spawn(std::move(kept));
    GW_EXPECT(bool(child));
    GW_EXPECT(read_some(ends[0]) == "up\n");
    auto other = spawn(shell("exec sleep 1000"));
    GW_EXPECT(bool(other));
    GW_EXPECT(*signal_descendants(0) == 3);
    GW_EXPECT(*signal_descendants(SIGKILL, {child->pid()}) == 1);
    GW_EXPECT(other->reap().value().signal == SIGKILL);
    GW_EXPECT(*signal_descendants(0) == 2);
    // Both; the shell may see its child's end, and end by itself first.
    GW_EXPECT(*signal_descendants(SIGKILL) >= 1);
    GW_EXPECT(bool(child->reap()));
    return {};
  });
}

TEST_CASE("a child from before an exec", "[process]") {
  CHECK(Child::adopt(1).error().kind == ErrorKind::kNotFound);
  CHECK_FALSE(Child::adopt(::getpid()));
  const pid_t pid = ::fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    ::pause();
    ::_exit(3);
  }
  (void)::setpgid(pid, pid);
  auto child = Child::adopt(pid);
  REQUIRE(child);
  CHECK(child->pid() == pid);
  CHECK_FALSE(*child->wait_for(std::chrono::milliseconds(0)));
  CHECK(child->signal_group(SIGKILL));
  CHECK(child->reap()->signal == SIGKILL);
  // one that has ended and was not reaped is still ours
  const pid_t other = ::fork();
  REQUIRE(other >= 0);
  if (other == 0) ::_exit(4);
  siginfo_t info{};
  REQUIRE(::waitid(P_PID, static_cast<id_t>(other), &info, WEXITED | WNOWAIT) == 0);
  CHECK(Child::adopt(other)->reap()->code == 4);
  CHECK_FALSE(Child::adopt(other));
}
