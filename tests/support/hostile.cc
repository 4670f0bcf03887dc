// A program in the place of Go's `compile` that tries to get out, or to take all there is.
//
// Asked for its version it is the compiler, whose name is compile.real beside it. Else it does what
// the file `kind` at the top of the toolchain says: `all` makes every attempt of the table and says
// a line for each, "hostile NAME RESULT", where RESULT is `got` or an errno's name; any other word
// is something that takes all of it. Further lines there are NAME=VALUE: places of the host.
//
// Used by tests/cli/build_hostile.test.py; compiled there, without a library but libc.
#include <fcntl.h>
#include <linux/io_uring.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace {

std::map<std::string, std::string> places;
std::string goroot;

// 0: it worked. All calls as system calls, so that libc thinks nothing of it.
int call(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0) {
  return ::syscall(number, a, b, c, d, e) < 0 ? errno : 0;
}
long arg(const void* p) { return reinterpret_cast<long>(p); }

int make_socket(int family, int type = SOCK_STREAM) { return call(SYS_socket, family, type, 0); }

int read_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY);
  char byte = 0;
  if (fd < 0) return errno;
  const int error = ::read(fd, &byte, 1) < 0 ? errno : 0;
  ::close(fd);
  return error;
}
int write_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT, 0644);
  return fd < 0 ? errno : ::write(fd, "x", 1) < 0 ? errno : 0;
}

// Whether a program that was made here can be run.
int run_dropped() {
  std::ifstream in("/proc/self/exe", std::ios::binary);
  const std::string self((std::istreambuf_iterator<char>(in)), {});
  const std::string path = "./dropped";
  std::ofstream(path, std::ios::binary) << self;
  if (::chmod(path.c_str(), 0755) != 0) return errno;
  const char* const argv[] = {"dropped", nullptr};
  return call(SYS_execve, arg(path.c_str()), arg(argv), arg(argv + 1));
}

// Through a symbolic link of our own, or another name for a file.
int read_by_link(const std::string& path) {
  ::unlink("./link");
  if (::symlink(path.c_str(), "./link") != 0) return errno;
  return read_file("./link");
}
int read_by_hard_link(const std::string& path) {
  if (::link(path.c_str(), "./hard") != 0) return errno;
  return read_file("./hard");
}

int clone_with(unsigned long flags) {
  const long pid = ::syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
  if (pid == 0) ::_exit(0);
  return pid < 0 ? errno : 0;
}

int map_shared() {
  void* p = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return p == MAP_FAILED ? errno : 0;
}

// In a process of its own, as it may be what ends it. A system call's result, or the signal.
int apart(const std::function<int()>& make) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(make());
  int status = 0;
  if (pid < 0 || ::waitpid(pid, &status, 0) != pid) return errno;
  return WIFSIGNALED(status) ? ENOSYS : WEXITSTATUS(status);
}

// getpid by the doors for programs of other kinds, where the numbers mean other calls.
int call_as_i386() {
  long result = 20;
  __asm__ volatile("int $0x80" : "+a"(result) : : "memory");
  return result > 0 ? 0 : static_cast<int>(-result);
}
int call_as_x32() { return call(0x40000000 | SYS_getpid); }

// Descriptors that somebody forgot to close.
int look_for_descriptors() {
  for (int fd = 3; fd < 1024; ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0) return 0;
  }
  return EBADF;
}

int look_for_host_name() {
  struct utsname name {};
  ::uname(&name);
  return std::string(name.nodename) == places["HOST"] ? 0 : ENOENT;
}

struct Attempt {
  const char* name;
  std::function<int()> make;
};

std::vector<Attempt> attempts() {
  const std::string up = "../../../../../../../../../..";
  const long host = std::atol(places["PID"].c_str());
  static char vector[64];
  return {
      // the network
      {"inet", [] { return make_socket(AF_INET); }},
      {"inet6", [] { return make_socket(AF_INET6); }},
      {"raw", [] { return make_socket(AF_INET, SOCK_RAW); }},
      {"unix", [] { return make_socket(AF_UNIX); }},
      {"abstract", [] { return make_socket(AF_UNIX, SOCK_DGRAM); }},
      {"netlink", [] { return make_socket(AF_NETLINK, SOCK_RAW); }},
      {"vsock", [] { return make_socket(AF_VSOCK); }},
      {"packet", [] { return make_socket(AF_PACKET, SOCK_RAW); }},
      {"alg", [] { return make_socket(AF_ALG, SOCK_SEQPACKET); }},
      {"socketpair", [] { return call(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, arg(vector)); }},
      {"io_uring",
       [] {
         io_uring_params params{};
         return call(SYS_io_uring_setup, 4, arg(&params));
       }},
      // what is not its own
      {"etc", [] { return read_file("/etc/passwd"); }},
      {"up", [up] { return read_file(up + "/etc/passwd"); }},
      {"sys", [] { return read_file("/sys/kernel/uevent_seqnum"); }},
      {"proc", [host] { return read_file("/proc/" + std::to_string(host) + "/environ"); }},
      {"proc_root", [] { return read_file("/proc/1/root/etc/passwd"); }},
      {"proc_kernel", [] { return read_file("/proc/cpuinfo"); }},
      {"environment", [] { return std::getenv("SECRET") != nullptr ? 0 : ENOENT; }},
      {"secret", [] { return read_file(places["SECRET"]); }},
      {"signing_key", [] { return read_file(places["KEY"]); }},
      {"other_build", [] { return read_file(places["OTHER"]); }},
      {"module_store", [] { return read_file(places["STORE"]); }},
      {"link", [] { return read_by_link(places["SECRET"]); }},
      {"hard_link", [] { return read_by_hard_link(places["SECRET"]); }},
      {"host_name", look_for_host_name},
      {"descriptors", look_for_descriptors},
      {"device",
       [] { return ::mknod("./memory", S_IFCHR | 0600, makedev(1, 1)) != 0 ? errno : 0; }},
      {"handle", [] { return call(SYS_open_by_handle_at, AT_FDCWD, arg(vector), O_RDONLY); }},
      {"name_to_handle",
       [] { return call(SYS_name_to_handle_at, AT_FDCWD, arg("/"), arg(vector), arg(vector), 0); }},
      // what others read
      {"write_toolchain", [] { return write_file(goroot + "/VERSION"); }},
      {"write_root", [] { return write_file("/x"); }},
      {"write_store", [] { return write_file(places["STORE"]); }},
      {"write_library", [] { return write_file(places["LIBRARY"]); }},
      {"run_dropped", run_dropped},
      // others
      {"signal", [host] { return call(SYS_kill, host, 0); }},
      {"trace", [host] { return call(SYS_ptrace, PTRACE_SEIZE, host, 0, 0); }},
      {"read_memory",
       [host] { return call(SYS_process_vm_readv, host, arg(vector), 1, arg(vector), 1); }},
      {"take_descriptor", [] { return call(SYS_pidfd_getfd, 0, 0, 0); }},
      {"hold_process", [host] { return call(SYS_pidfd_open, host, 0); }},
      {"advise_memory", [] { return call(SYS_process_madvise, 0, arg(vector), 0, 0, 0); }},
      {"kcmp", [] { return call(SYS_kcmp, ::getpid(), ::getpid(), 0, 0, 0); }},
      {"perf", [] { return call(SYS_perf_event_open, arg(vector), 0, -1, -1, 0); }},
      // out
      {"mount", [] { return call(SYS_mount, arg("none"), arg("."), arg("tmpfs"), 0, 0); }},
      {"open_tree", [] { return call(SYS_open_tree, AT_FDCWD, arg("/"), 1); }},
      {"chroot", [] { return call(SYS_chroot, arg(".")); }},
      {"pivot_root", [] { return call(SYS_pivot_root, arg("."), arg(".")); }},
      {"setns", [] { return call(SYS_setns, 0, 0); }},
      {"unshare", [] { return call(SYS_unshare, CLONE_NEWUSER); }},
      {"user_namespace", [] { return clone_with(CLONE_NEWUSER); }},
      {"network_namespace", [] { return clone_with(CLONE_NEWNET); }},
      {"clone3",
       [] {
         std::uint64_t how[11] = {CLONE_NEWUSER};
         return call(SYS_clone3, arg(how), sizeof how);
       }},
      {"become_root", [] { return call(SYS_setresuid, 0, 0, 0); }},
      {"keyring", [] { return call(SYS_add_key, arg("user"), arg("x"), arg("y"), 1, -3); }},
      {"request_key", [] { return call(SYS_request_key, arg("user"), arg("x"), 0, -3); }},
      {"i386", [] { return apart(call_as_i386); }},
      {"x32", [] { return apart(call_as_x32); }},
      {"new_mount", [] { return call(SYS_fsopen, arg("tmpfs"), 0); }},
      {"old_mount", [] { return call(SYS_umount2, arg("/"), MNT_DETACH); }},
      {"remount", [] { return call(SYS_mount_setattr, AT_FDCWD, arg("/"), 0, arg(vector), 32); }},
      {"openat2",
       [up] {
         const std::uint64_t how[3] = {O_RDONLY, 0, 0};
         return call(SYS_openat2, AT_FDCWD, arg((up + "/etc/passwd").c_str()), arg(how),
                     sizeof how);
       }},
      {"setuid_file",
       [] {
         return call(452, AT_FDCWD, arg("/dev/null"), 04755, 0); /* fchmodat2 */
       }},
      {"terminal", [] { return read_file("/dev/tty"); }},
      {"push_input", [] { return call(SYS_ioctl, 0, TIOCSTI, arg("x")); }},
      {"fanotify", [] { return call(SYS_fanotify_init, 0, O_RDONLY); }},
      {"quota", [] { return call(SYS_quotactl, 0, 0, 0, 0); }},
      {"ldt", [] { return call(SYS_modify_ldt, 0, arg(vector), sizeof vector); }},
      {"ports", [] { return call(SYS_iopl, 3); }},
      {"keyctl", [] { return call(SYS_keyctl, 0, -3, 1); }},
      {"bpf", [] { return call(SYS_bpf, 0, arg(vector), 64); }},
      {"userfaultfd", [] { return call(SYS_userfaultfd, 1); }},
      {"personality", [] { return call(SYS_personality, 0x0040000); }},
      {"module", [] { return call(SYS_init_module, arg(vector), 1, arg("")); }},
      {"clock", [] { return call(SYS_settimeofday, arg(vector), 0); }},
      {"set_host_name", [] { return call(SYS_sethostname, arg("x"), 1); }},
      // memory that nobody counts
      {"memfd", [] { return call(SYS_memfd_create, arg("x"), 0); }},
      {"memfd_secret", [] { return call(SYS_memfd_secret, 0); }},
      {"message_queue", [] { return call(SYS_mq_open, arg("x"), O_RDWR | O_CREAT, 0600, 0); }},
      {"messages", [] { return call(SYS_msgget, 0, 0600 | 01000); }},
      {"semaphores", [] { return call(SYS_semget, 0, 1, 0600 | 01000); }},
      {"shared_memory", map_shared},
      {"shm", [] { return call(SYS_shmget, 0, 4096, 0600 | 01000); }},
      {"aio", [] { return call(SYS_io_setup, 1, arg(vector)); }},
  };
}

[[noreturn]] void wait_for_the_end() {
  while (true) ::pause();
}

// ---- what takes all ----

[[noreturn]] void take_memory() {
  constexpr std::size_t kStep = 1U << 20U;
  while (true) {
    void* p = ::mmap(nullptr, kStep, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) wait_for_the_end();
    std::memset(p, 1, kStep);
  }
}

[[noreturn]] void take_processes() {
  while (true) {
    const pid_t pid = ::fork();
    if (pid == 0 || pid < 0) wait_for_the_end();
  }
}

constexpr std::size_t kFileBytes = std::size_t{20} << 20U;

void fill(int fd) {
  const std::string block(1U << 20U, 'x');
  for (std::size_t at = 0; at < kFileBytes; at += block.size()) {
    if (::write(fd, block.data(), block.size()) < 0) wait_for_the_end();
  }
}

[[noreturn]] void take_disk(bool named) {
  for (int i = 0; i < 50; ++i) {
    const std::string name = "./fill" + std::to_string(i);
    const int fd = ::open(name.c_str(), O_WRONLY | O_CREAT, 0600);
    if (fd < 0) wait_for_the_end();
    if (!named) ::unlink(name.c_str());
    fill(fd);
    if (named) ::close(fd);
  }
  wait_for_the_end();
}

[[noreturn]] void take_names() {
  for (int i = 0; i < 200'000; ++i) {
    const int fd = ::open(("./n" + std::to_string(i)).c_str(), O_WRONLY | O_CREAT, 0);
    if (fd < 0) break;
    ::close(fd);
  }
  wait_for_the_end();
}

// Where nobody looks. The first that cannot go closes the way for all.
[[noreturn]] void go_deep() {
  for (int i = 0; i < 400; ++i) {
    if (::mkdir("d", 0700) != 0 || ::chdir("d") != 0) break;
  }
  for (int i = 0; i < 3; ++i) ::chmod(".", 0), ::chdir("..");
  wait_for_the_end();
}

// Processes that want to outlive the build, of another session each.
void leave_processes() {
  for (int i = 0; i < 3; ++i) {
    if (::fork() != 0) continue;
    ::setsid();
    for (int number = 1; number < 32; ++number) ::signal(number, SIG_IGN);
    ::prctl(PR_SET_PDEATHSIG, 0);
    if (::fork() != 0) ::_exit(0);
    ::close(0), ::close(1), ::close(2);
    wait_for_the_end();
  }
}

int make_all_attempts() {
  for (const Attempt& attempt : attempts()) {
    const int error = attempt.make();
    std::printf("hostile %s %s\n", attempt.name, error == 0 ? "got" : ::strerrorname_np(error));
  }
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  char self[4096] = {};
  if (::readlink("/proc/self/exe", self, sizeof self - 1) < 0) return 99;
  const std::string tool = self;
  if (std::string(argv[0]) == "dropped") return 0;
  goroot = tool.substr(0, tool.find("/pkg/tool/"));
  std::ifstream in(goroot + "/kind");
  std::string kind;
  std::getline(in, kind);
  for (std::string line; std::getline(in, line);) {
    const auto equals = line.find('=');
    places[line.substr(0, equals)] = line.substr(equals + 1);
  }
  in.close();
  const bool asked = argc > 1 && std::string(argv[1]).starts_with("-V");
  // While modules are fetched it has a network, of one port.
  if (asked && kind == "fetch")
    kind = "all";
  else if (asked) {
    ::execv((tool + ".real").c_str(), argv);
    return 98;
  }
  if (kind == "memory") take_memory();
  if (kind == "processes") take_processes();
  if (kind == "disk") take_disk(true);
  if (kind == "nameless") take_disk(false);
  if (kind == "names") take_names();
  if (kind == "deep") go_deep();
  if (kind == "time") wait_for_the_end();
  if (kind == "kill_all") {
    ::kill(-1, SIGKILL);
    return 1;
  }
  if (kind == "leave") leave_processes();
  return make_all_attempts();
}
