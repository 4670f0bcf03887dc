// Runs a program whose Nth fsync or fdatasync fails with EIO, as on a dying disk: that one, or it
// and all after it. Or one that is killed at the Nth call that changes something on the disk, of
// any of its threads, or of what it started. No call is made that fails, or that kills. For a
// static binary: the kernel asks us about each of these calls (seccomp's user notification).
//
//   gw_failsync N once|stay|kill COUNT-FILE PROGRAM ARGS...     ends as the program
//
// With N of 0 none fails. COUNT-FILE has the number of calls in the end. 125: the kernel knows no
// such notifications, or does not let us.
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace {

enum class How { kOnce, kStay, kKill };

constexpr std::array kSyncs{SYS_fsync, SYS_fdatasync};
constexpr std::array kChanges{
    SYS_fsync,    SYS_fdatasync, SYS_renameat2, SYS_linkat,    SYS_unlinkat, SYS_mkdirat,
    SYS_pwrite64, SYS_fchmod,    SYS_ftruncate, SYS_fallocate, SYS_syncfs,
#ifdef SYS_renameat
    SYS_renameat,
#endif
#ifdef SYS_rename  // newer architectures have only those that take a directory
    SYS_rename,   SYS_link,      SYS_unlink,    SYS_mkdir,
#endif
};

constexpr int kCannot = 125;
pid_t child = -1;

void pass_on(int number) {
  if (child > 0) (void)::kill(child, number);
}

// A descriptor on which the kernel asks about these calls of this process and its descendants.
template <typename Calls>
int listen_to(const Calls& calls) {
  constexpr auto kNumber = static_cast<unsigned>(offsetof(seccomp_data, nr));
  std::vector<sock_filter> code{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kNumber)};
  for (const auto call : calls) {
    code.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(call), 0, 1));
    code.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF));
  }
  code.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const sock_fprog program{static_cast<unsigned short>(code.size()), code.data()};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
  return static_cast<int>(
      ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program));
}

bool send_descriptor(int socket, int fd) {
  char byte = 'x';
  iovec part{&byte, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> room{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = room.data();
  message.msg_controllen = room.size();
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof fd);
  std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  return ::sendmsg(socket, &message, 0) == 1;
}

int receive_descriptor(int socket) {
  char byte = 0;
  iovec part{&byte, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> room{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = room.data();
  message.msg_controllen = room.size();
  if (::recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != 1) return -1;
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_type != SCM_RIGHTS) return -1;
  int fd = -1;
  std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
  return fd;
}

[[noreturn]] void run_program(int socket, How how, char** argv) {
  const int listener = how == How::kKill ? listen_to(kChanges) : listen_to(kSyncs);
  if (listener < 0 || !send_descriptor(socket, listener)) ::_exit(kCannot);
  ::close(listener);
  ::close(socket);
  ::execv(argv[0], argv);
  ::_exit(126);
}

// Answers until the program has ended; what it left behind gets ENOSYS then.
long answer(int listener, int program, long nth, How how) {
  long count = 0;
  for (;;) {
    std::array<pollfd, 2> events{pollfd{listener, POLLIN, 0}, pollfd{program, POLLIN, 0}};
    if (::poll(events.data(), events.size(), -1) < 0) {
      if (errno != EINTR) return count;
      continue;
    }
    if ((events[0].revents & POLLIN) == 0) {
      if (events[1].revents != 0) return count;
      continue;
    }
    seccomp_notif question{};
    if (::ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &question) != 0) continue;
    ++count;
    seccomp_notif_resp reply{};
    reply.id = question.id;
    const bool chosen = nth > 0 && (count == nth || (how != How::kOnce && count > nth));
    if (chosen && how == How::kKill) {
      (void)::kill(child, SIGKILL);
      // Nobody else goes on meanwhile.
      reply.error = -EIO;
    } else if (chosen) {
      reply.error = -EIO;
    } else {
      reply.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    }
    (void)::ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &reply);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) return 2;
  const long nth = std::atol(argv[1]);
  const How how = std::strcmp(argv[2], "kill") == 0   ? How::kKill
                  : std::strcmp(argv[2], "stay") == 0 ? How::kStay
                                                      : How::kOnce;
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) return kCannot;
  child = ::fork();
  if (child == 0) run_program(ends[1], how, argv + 4);
  ::close(ends[1]);
  (void)std::signal(SIGTERM, pass_on);
  (void)std::signal(SIGINT, pass_on);
  const int listener = receive_descriptor(ends[0]);
  if (listener < 0) return kCannot;
  const int program = static_cast<int>(::syscall(SYS_pidfd_open, child, 0));
  if (program < 0) return kCannot;
  const long count = answer(listener, program, nth, how);
  if (FILE* file = std::fopen(argv[3], "we")) {
    std::fprintf(file, "%ld\n", count);
    (void)std::fclose(file);
  }
  int status = 0;
  if (::waitpid(child, &status, 0) != child) return kCannot;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
