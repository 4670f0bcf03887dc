#include "os/sandbox.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "os/sandbox_plan.h"
#include "support/os/as_user.h"

using namespace gw;
using namespace gw::os;
using namespace std::chrono_literals;

namespace {

namespace fs = std::filesystem;

// A directory of whoever runs the body, gone with this object.
class OwnDirectory {
 public:
  OwnDirectory() {
    std::string name = (fs::temp_directory_path() / "gw-sandbox-XXXXXX").string();
    path_ = ::mkdtemp(name.data()) == nullptr ? "" : name;
    fs::create_directory(path_ + "/ro");
    std::ofstream(path_ + "/ro/kept") << "kept\n";
  }
  ~OwnDirectory() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Scripts try to do harm in our own directories only: a sandbox that fails to hold must fail the
// test, not the machine. `out` holds a directory "ro".
SandboxRoot small_root(const std::string& out) {
  SandboxRoot root;
  root.binds = {{.from = "/usr", .to = "/usr"},
                {.from = "/bin", .to = "/bin"},
                {.from = "/lib", .to = "/lib"},
                {.from = out, .to = "/area/out", .writable = true, .programs = false},
                {.from = out + "/ro", .to = "/area/ro"}};
  if (fs::exists("/lib64")) root.binds.push_back({.from = "/lib64", .to = "/lib64"});
  root.tmpfs = {{.path = "/tmp", .bytes = 1 << 20}};
  return root;
}

// What a script in the sandbox prints; with "refused: …" in front when a part was refused.
struct Tried {
  std::string output;
  Refusals refused;
  Exit exit;
  bool has(SandboxPart part) const {
    for (const Refusal& r : refused) {
      if (r.part == part) return false;
    }
    return true;
  }
};

Spawn program(const std::string& script, bool python = false) {
  Spawn spawn;
  spawn.file = python ? "/usr/bin/python3" : "/bin/sh";
  spawn.argv = {"program", "-c", script};
  spawn.environment = {"PATH=/usr/bin:/bin"};
  spawn.directory = "/";
  return spawn;
}

Tried try_it(SandboxPolicy policy, Spawn spawn) {
  Tried tried;
  policy.required = 0;
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return {"pipe", {}, {}};
  const Fd from(ends[0]);
  Fd to(ends[1]);
  spawn.descriptors = {{FdMap::kNull, 0}, {to.get(), 1}, {to.get(), 2}};
  if (const auto s = apply_sandbox(policy, spawn); !s)
    return {"apply: " + s.error().message, {}, {}};
  auto child = os::spawn(std::move(spawn));
  to.reset();
  if (!child) return {"spawn: " + child.error().message, {}, {}};
  tried.refused = sandbox_refusals(child->refused());
  for (const Refusal& r : tried.refused) os_test::not_tried(refusal_text(r));
  char buffer[4096];
  for (ssize_t n = 0; (n = ::read(from.get(), buffer, sizeof buffer)) > 0;) {
    tried.output.append(buffer, static_cast<std::size_t>(n));
  }
  tried.exit = child->reap().value();
  return tried;
}

#define GW_SAME(a, b)                                                       \
  do {                                                                      \
    const std::string got = (a);                                            \
    if (got != (b)) return "line " + std::to_string(__LINE__) + ": " + got; \
  } while (false)

// With a child of another user when we are root.
std::optional<Identity> ordinary() {
  if (::geteuid() != 0) return std::nullopt;
  return Identity{os_test::kOrdinary, os_test::kOrdinary, {os_test::kOrdinary}};
}

// Every way to run one: root for another user, root for root, an ordinary user.
void each_way(const std::function<std::string(std::optional<Identity>)>& body) {
  os_test::in_child([&] { return body(ordinary()); });
  os_test::in_child([&] { return body(std::nullopt); });
  if (!os_test::in_child([&] { return body(std::nullopt); }, os_test::kOrdinary)) {
    os_test::not_tried("as root: the tests run as an ordinary user");
  }
}

}  // namespace

TEST_CASE("sandbox: nothing is there but what was bound") {
  each_way([](std::optional<Identity> who) -> std::string {
    const OwnDirectory out;
    if (who) {
      for (const char* name : {"", "/ro", "/ro/kept"}) {
        GW_EXPECT(::chown((out.path() + name).c_str(), who->uid, who->gid) == 0);
      }
    }
    const auto sh = [&](const std::string& script) {
      Spawn spawn = program(script);
      spawn.identity = who;
      return try_it({.root = small_root(out.path())}, std::move(spawn));
    };
    const Tried list = sh("for f in /* /area/* /dev/*; do echo -n $f' '; done");
    if (!list.has(SandboxPart::kRoot)) return {};
    const std::string lib64 = fs::exists("/lib64") ? "/lib64 " : "";
    const std::string proc = list.has(SandboxPart::kProc) ? "/proc " : "";
    GW_SAME(list.output,
            "/area /bin /dev /lib " + lib64 + proc + "/tmp /usr /area/out /area/ro /dev/null ");
    GW_SAME(sh("cat /etc/passwd 2>/dev/null || cat /../etc/passwd 2>/dev/null; "
               "ls /old /new /usr/../../etc 2>/dev/null; cd /; cd ..; pwd")
                .output,
            "/\n");
    if (list.has(SandboxPart::kProc)) {  // the host's tree is not even hidden somewhere
      GW_SAME(sh("grep -c '^[^ ]* [^ ]* [^ ]* [^ ]* / ' /proc/self/mountinfo").output, "1\n");
    }
    // Read-only, also for a root inside.
    GW_SAME(sh("for d in / /area /area/ro /dev; do (echo x >$d/x) 2>/dev/null && echo $d; done; "
               "rm -r /area/ro/kept 2>/dev/null && echo removed; "
               "(echo x >>/area/ro/kept) 2>/dev/null && echo appended; cat /area/ro/kept")
                .output,
            "kept\n");
    GW_SAME(sh("echo kept >/area/out/file && cat /area/out/file").output, "kept\n");
    GW_SAME(read_file(out.path() + "/file", 100).value_or("none"), "kept\n");
    GW_SAME(sh("echo x >/tmp/x && echo fine; head -c 2000000 /dev/zero >/tmp/y 2>/dev/null; "
               "[ $(stat -c %s /tmp/y) -le 1048576 ] && echo bounded")
                .output.substr(0, 13),
            "fine\nbounded\n");
    // No programs from where it may write.
    GW_SAME(sh("for d in /tmp /area/out; do cp /bin/true $d/t && chmod 755 $d/t; "
               "$d/t 2>/dev/null && echo ran; done; true")
                .output,
            "");
    GW_SAME(sh("echo x >/dev/null && echo null; mknod /tmp/m c 1 3 2>/dev/null && echo made; true")
                .output,
            "null\n");
    GW_SAME(
        sh("mount -t tmpfs x /area/ro 2>/dev/null && echo mounted; umount /area/ro 2>/dev/null && "
           "echo unmounted; mount -o remount,rw,bind /area/ro 2>/dev/null && echo writable; true")
            .output,
        "");
    return {};
  });
}

TEST_CASE("sandbox: other processes, networks, queues and names are not there") {
  each_way([](std::optional<Identity> who) -> std::string {
    const OwnDirectory out;
    if (who) {
      for (const char* name : {"", "/ro", "/ro/kept"}) {
        GW_EXPECT(::chown((out.path() + name).c_str(), who->uid, who->gid) == 0);
      }
    }
    const auto run_in = [&](const std::string& script, bool loopback = false, bool python = false) {
      Spawn spawn = program(script, python);
      spawn.identity = who;
      return try_it({.root = small_root(out.path()), .loopback = loopback, .host_name = "sandbox"},
                    std::move(spawn));
    };
    const Tried pids = run_in("echo $$; kill -0 " + std::to_string(::getpid()) +
                              " 2>/dev/null && echo seen; ls -d /proc/[0-9]* | grep -vc '/[1-9]$'");
    if (pids.has(SandboxPart::kPidNamespace)) {
      GW_EXPECT(pids.output.starts_with("1\n"));
      GW_EXPECT(pids.output.find("seen") == std::string::npos);
      if (pids.has(SandboxPart::kProc)) GW_SAME(pids.output, "1\n0\n");
    }
    if (pids.has(SandboxPart::kHostName)) GW_SAME(run_in("uname -n").output, "sandbox\n");
    if (!pids.has(SandboxPart::kNetwork)) return {};
    // A server on our loopback, which must not be reached.
    const Fd server(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    GW_EXPECT(::bind(server.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
    GW_EXPECT(::listen(server.get(), 1) == 0);
    GW_EXPECT(::getsockname(server.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    const std::string connect =
        "import socket, errno\n"
        "s = socket.socket()\n"
        "print(errno.errorcode.get(s.connect_ex(('127.0.0.1', " +
        std::to_string(ntohs(address.sin_port)) + ")), 0))\n";
    if (!fs::exists("/usr/bin/python3")) {
      os_test::not_tried("connecting from inside: no python3");
      return {};
    }
    GW_SAME(run_in(connect, false, true).output, "ENETUNREACH\n");
    GW_SAME(run_in(connect, true, true).output, "ECONNREFUSED\n");
    return {};
  });
}

TEST_CASE("sandbox: no capabilities, no way to more") {
  each_way([](std::optional<Identity> who) -> std::string {
    Spawn spawn = program("grep -E '^(Cap(Inh|Prm|Eff|Amb)|NoNewPrivs)' /proc/self/status");
    spawn.identity = who;
    GW_SAME(try_it({}, std::move(spawn)).output,
            "CapInh:\t0000000000000000\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n"
            "CapAmb:\t0000000000000000\nNoNewPrivs:\t1\n");
    return {};
  });
}

TEST_CASE("sandbox: its end is the end of all that it started") {
  each_way([](std::optional<Identity> who) -> std::string {
    // The output's end is theirs: a survivor would be waited for, and be heard.
    Spawn spawn = program("setsid sh -c 'sleep 3; echo late' & exit 0");
    spawn.identity = who;
    const Tried tried = try_it({}, std::move(spawn));
    if (!tried.has(SandboxPart::kPidNamespace)) return {};
    GW_EXPECT(tried.output.empty() && tried.exit.ok());
    return {};
  });
}

TEST_CASE("sandbox: Landlock") {
  const int abi = landlock_abi();
  WARN("Landlock ABI " << abi);
  each_way([abi](std::optional<Identity> who) -> std::string {
    const OwnDirectory dir;
    fs::create_directory(dir.path() + "/in");
    fs::create_directory(dir.path() + "/out");
    std::ofstream(dir.path() + "/out/secret") << "secret";
    std::ofstream(dir.path() + "/in/one") << "one";
    for (const char* name : {"", "/in", "/out", "/out/secret", "/in/one"}) {
      if (who) GW_EXPECT(::chown((dir.path() + name).c_str(), who->uid, who->gid) == 0);
    }
    LandlockPolicy landlock;
    landlock.rules = {{"/usr", LandlockRule::Access::kExecute},
                      {"/bin", LandlockRule::Access::kExecute},
                      {"/lib", LandlockRule::Access::kExecute},
                      {"/dev/null", LandlockRule::Access::kWrite, true},
                      {dir.path() + "/in", LandlockRule::Access::kWrite}};
    if (fs::exists("/lib64")) landlock.rules.push_back({"/lib64", LandlockRule::Access::kExecute});
    const auto run_in = [&](const std::string& script, bool python = false) {
      Spawn spawn = program(script, python);
      spawn.identity = who;
      spawn.directory = dir.path();
      return try_it({.pids = false, .network = false, .ipc = false, .landlock = landlock},
                    std::move(spawn));
    };
    const Tried first = run_in("cat in/one");
    if (!first.has(SandboxPart::kLandlock)) return {};
    GW_SAME(first.output, "one");
    GW_SAME(run_in("cat out/secret 2>/dev/null; cat in/../out/secret 2>/dev/null; "
                   "ls out 2>/dev/null; cat /etc/passwd 2>/dev/null; true")
                .output,
            "");
    GW_SAME(run_in("(echo x >out/new) 2>/dev/null && echo new; "
                   "rm out/secret 2>/dev/null && echo removed; "
                   "mv out/secret in/ 2>/dev/null && echo moved; "
                   "ln out/secret in/l 2>/dev/null && echo linked; true")
                .output,
            "");
    GW_SAME(
        run_in("echo x >in/new && mkdir in/d && mv in/new in/d/ && rm -r in/d && echo fine").output,
        "fine\n");
    GW_SAME(run_in("cp /bin/true in/t && in/t 2>/dev/null && echo ran; true").output, "");
    if (!fs::exists("/usr/bin/python3")) return {};
    if (abi >= 3) {
      GW_SAME(run_in("import os\ntry: os.truncate('out/secret', 0); print('cut')\n"
                     "except PermissionError: pass",
                     true)
                  .output,
              "");
    }
    if (abi >= 4) {
      GW_SAME(run_in("import socket, errno\nprint(errno.errorcode[socket.socket()"
                     ".connect_ex(('127.0.0.1', 9))])",
                     true)
                  .output,
              "EACCES\n");
    }
    if (abi >= 6) {
      GW_SAME(run_in("kill -0 " + std::to_string(::getpid()) + " 2>/dev/null && echo seen; true")
                  .output,
              "");
    }
    // A path that is not there: refused, and said.
    landlock.rules.push_back({dir.path() + "/none"});
    GW_EXPECT(!run_in("true").has(SandboxPart::kLandlock));
    return {};
  });
}

TEST_CASE("sandbox: seccomp") {
  each_way([](std::optional<Identity> who) -> std::string {
    const auto run_in = [&](const SeccompPolicy& policy, const std::string& script,
                            bool python = false) {
      Spawn spawn = program(script, python);
      spawn.identity = who;
      return try_it({.pids = false, .network = false, .ipc = false, .seccomp = policy},
                    std::move(spawn));
    };
    const SeccompPolicy no_kill{.deny = {"kill"}, .error = EXDEV};
    const Tried first = run_in(no_kill, "kill -0 $$ 2>&1; echo goes on");
    if (!first.has(SandboxPart::kSeccomp)) return {};
    GW_EXPECT(first.output.find("cross-device") != std::string::npos);
    GW_EXPECT(first.output.ends_with("goes on\n"));
    const SeccompPolicy killing{.deny = {"kill"}, .otherwise = SeccompPolicy::Otherwise::kKill};
    GW_EXPECT(run_in(killing, "kill -0 $$; echo goes on").exit == Exit{.signal = SIGSYS});
    // What a shell needs to start, but no kill.
    SeccompPolicy listed{.allow = {"brk",
                                   "mmap",
                                   "munmap",
                                   "mprotect",
                                   "openat",
                                   "close",
                                   "read",
                                   "fstat",
                                   "newfstatat",
                                   "pread64",
                                   "arch_prctl",
                                   "getrandom",
                                   "set_tid_address",
                                   "set_robust_list",
                                   "rseq",
                                   "prlimit64",
                                   "access",
                                   "getuid",
                                   "getgid",
                                   "geteuid",
                                   "getegid",
                                   "getpid",
                                   "getppid",
                                   "rt_sigaction",
                                   "rt_sigprocmask",
                                   "fcntl",
                                   "getcwd",
                                   "stat",
                                   "uname",
                                   "readlink",
                                   "dup2",
                                   "faccessat",
                                   "futex"}};
    GW_SAME(run_in(listed, "echo listed").output, "listed\n");
    GW_EXPECT(run_in(listed, "kill -0 $$ 2>&1").output.find("not permitted") != std::string::npos);
    listed.otherwise = SeccompPolicy::Otherwise::kKill;
    GW_EXPECT(run_in(listed, "kill -0 $$").exit == Exit{.signal = SIGSYS});

    const SeccompPolicy spaces{.refuse_namespaces = true};
    GW_SAME(run_in(spaces,
                   "for n in -U -Um -Un; do unshare $n true 2>/dev/null && echo $n; done; "
                   "unshare -Upf true 2>/dev/null && echo forked; true")
                .output,
            "");
    if (!fs::exists("/usr/bin/python3")) return {};
    const std::string sockets =
        "import socket as s, subprocess, threading\n"
        "for f in (s.AF_INET, s.AF_INET6, s.AF_NETLINK, s.AF_PACKET):\n"
        "  try: s.socket(f, s.SOCK_RAW if f > 10 else s.SOCK_STREAM); print('made', f)\n"
        "  except PermissionError: pass\n"
        "s.socket(s.AF_UNIX); s.socketpair()\n"
        "threading.Thread(target=print, args=('thread',)).start()\n"
        "subprocess.run(['/bin/true'])\n";
    GW_SAME(run_in({.sockets = SeccompPolicy::Sockets::kLocal, .refuse_namespaces = true}, sockets,
                   true)
                .output,
            "thread\n");
    return {};
  });
  CHECK(compile_seccomp({.deny = {"no_such_call"}}).error().kind == ErrorKind::kUsage);
  CHECK(compile_seccomp({.allow = {"read", "no_such_call"}}).error().kind == ErrorKind::kUsage);
  CHECK(compile_seccomp({.allow = {"read"}, .deny = {"write"}}).error().kind == ErrorKind::kUsage);
  CHECK(compile_seccomp({.allow = {"read", "mount"}, .refuse_namespaces = true}).error().kind ==
        ErrorKind::kUsage);
}

// As in a container whose own filter refuses namespaces.
TEST_CASE("sandbox: what the kernel refuses is said, and required parts must work") {
  os_test::as_root_and_user([]() -> std::string {
    CallList calls;
    plan_seccomp(compile_seccomp({.refuse_namespaces = true}).value(), 0, calls);
    GW_EXPECT(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    run_calls(calls.calls(), 0, 0, STDERR_FILENO);
    const OwnDirectory out;
    SandboxPolicy policy{.root = small_root(out.path()), .host_name = "x"};
    policy.landlock = LandlockPolicy{};
    policy.landlock->rules = {{"/", LandlockRule::Access::kExecute}};
    const auto refused = probe_sandbox(policy, {});
    GW_EXPECT(bool(refused));
    Parts parts = 0;
    for (const Refusal& r : *refused) parts |= bit(r.part);
    for (const SandboxPart part :
         {SandboxPart::kPidNamespace, SandboxPart::kRoot, SandboxPart::kProc, SandboxPart::kNetwork,
          SandboxPart::kIpc, SandboxPart::kHostName}) {
      GW_EXPECT((parts & bit(part)) != 0);
    }
    GW_EXPECT((parts & bit(SandboxPart::kLandlock)) == 0 || landlock_abi() == 0);
    GW_EXPECT(refused->front().error == EPERM);
    GW_EXPECT(refusal_text(refused->front()).ends_with(": clone: Operation not permitted"));
    // Each required one keeps the program from starting.
    for (const SandboxPart part : {SandboxPart::kPidNamespace, SandboxPart::kRoot,
                                   SandboxPart::kNetwork, SandboxPart::kProc}) {
      policy.required = bit(part);
      Spawn spawn = program("echo ran");
      GW_EXPECT(bool(apply_sandbox(policy, spawn)));
      GW_EXPECT(!os::spawn(std::move(spawn)));
    }
    // With the rest it runs, and what is left holds.
    if (landlock_abi() > 0) {
      GW_SAME(try_it(policy, program("cp /bin/true " + out.path() + "/x 2>&- || echo held")).output,
              "held\n");
    }
    return {};
  });
}

TEST_CASE("sandbox: the same policy, all required, on a kernel that grants it") {
  each_way([](std::optional<Identity> who) -> std::string {
    const OwnDirectory out;
    SandboxPolicy policy{.root = small_root(out.path()), .loopback = true, .host_name = "x"};
    policy.seccomp =
        SeccompPolicy{.sockets = SeccompPolicy::Sockets::kLocal, .refuse_namespaces = true};
    policy.landlock = LandlockPolicy{};
    policy.landlock->rules = {{"/", LandlockRule::Access::kExecute}};
    Spawn as;
    as.identity = who;
    const auto refused = probe_sandbox(policy, std::move(as));
    GW_EXPECT(bool(refused));
    if (!refused->empty()) {
      for (const Refusal& r : *refused) os_test::not_tried(refusal_text(r));
      return {};
    }
    Spawn spawn = program("test -e /etc || echo small");
    spawn.identity = who;
    GW_EXPECT(bool(apply_sandbox(policy, spawn)));
    auto ran = run(std::move(spawn), {.capture_output = true, .errors_to_output = true});
    GW_EXPECT(bool(ran));
    GW_SAME(ran->output, "small\n");
    return {};
  });
}

TEST_CASE("sandbox: policies that cannot be") {
  const auto error = [](const SandboxRoot& root) {
    CallList calls;
    const auto s = plan_root(root, {}, 0, 0, calls);
    return s ? ErrorKind::kInternal : s.error().kind;
  };
  for (const char* bad : {"", "/", "relative", "/a/../b", "/a/", "//a", "/a/./b"}) {
    CAPTURE(bad);
    CHECK(error({.binds = {{.from = "/usr", .to = bad}}}) == ErrorKind::kUsage);
    CHECK(error({.tmpfs = {{.path = bad, .bytes = 1}}}) == ErrorKind::kUsage);
  }
  CHECK(error({.tmpfs = {{.path = "/t"}}}) == ErrorKind::kUsage);
  CHECK(error({.binds = {{.from = "/nonexistent", .to = "/x"}}}) == ErrorKind::kNotFound);
}
