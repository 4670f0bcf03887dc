// What is done with a child: waiting, signalling, and run(), which does it all.
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "os/process.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

namespace gw::os {

std::string exit_text(const Exit& exit) {
  return exit.signal != 0 ? fmt::format("was ended by signal {}", exit.signal)
                          : fmt::format("ended with {}", exit.code);
}

namespace {

Exit exit_of(const siginfo_t& info) {
  return info.si_code == CLD_EXITED ? Exit{.code = info.si_status} : Exit{.signal = info.si_status};
}

// Until `fds` have news or the deadline is over (false).
Result<bool> poll_until(std::span<pollfd> fds, std::optional<MonoTime> deadline) {
  while (true) {
    int wait = -1;
    if (deadline) {
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(*deadline - system_clock().mono());
      wait = static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 1 << 30));
    }
    const int n = ::poll(fds.data(), fds.size(), wait);
    if (n > 0) return true;
    if (n == 0 && wait < 1 << 30) return false;
    if (n < 0 && errno != EINTR) return errno_error("poll", errno);
  }
}

MonoTime after(Duration timeout) {
  // Far beyond any wait, and no overflow.
  constexpr std::chrono::hours kLongest{24 * 365 * 10};
  return system_clock().mono() + std::min<Duration>(timeout, kLongest);
}

}  // namespace

Child::Child(Child&& o) noexcept
    : pid_(std::exchange(o.pid_, -1)),
      pidfd_(std::move(o.pidfd_)),
      group_(o.group_),
      refused_(std::move(o.refused_)) {}

Result<Child> Child::adopt(pid_t pid) {
  Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  siginfo_t info{};
  // Ours, or waiting for it is refused.
  if (!pidfd || ::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(pidfd.get()), &info,
                         WEXITED | WNOHANG | WNOWAIT) != 0) {
    return not_found_error(fmt::format("process {} is no child of this one", pid));
  }
  return Child(pid, std::move(pidfd), true);
}

Child::~Child() {
  if (pid_ < 0) return;
  [[maybe_unused]] const Status killed = signal_group(SIGKILL);
  [[maybe_unused]] const auto exit = reap();
}

Result<std::optional<Exit>> Child::wait_for(Duration timeout) const {
  if (pid_ < 0) return internal_error("waiting for a child that was reaped");
  pollfd ended{pidfd_.get(), POLLIN, 0};
  GW_TRY(const bool has, poll_until({&ended, 1}, after(timeout)));
  if (!has) return std::optional<Exit>();
  siginfo_t info{};
  if (::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(pidfd_.get()), &info,
               WEXITED | WNOHANG | WNOWAIT) != 0) {
    return errno_error("waitid", errno);
  }
  if (info.si_pid == 0) return std::optional<Exit>();
  return std::optional<Exit>(exit_of(info));
}

Result<Exit> Child::reap() {
  if (pid_ < 0) return internal_error("reaping a child twice");
  siginfo_t info{};
  while (::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(pidfd_.get()), &info,
                  WEXITED) != 0) {
    if (errno != EINTR) return errno_error("waitid", errno);
  }
  pid_ = -1;
  pidfd_.reset();
  return exit_of(info);
}

Status Child::signal(int number) const {
  if (pid_ < 0) return {};
  if (::syscall(SYS_pidfd_send_signal, pidfd_.get(), number, nullptr, 0) != 0 && errno != ESRCH) {
    return errno_error(fmt::format("sending signal {}", number), errno);
  }
  return {};
}

Status Child::signal_group(int number) const {
  if (!group_) return signal(number);
  // Not reaped yet, so no other process or group can have this number.
  if (pid_ >= 0 && ::kill(-pid_, number) != 0 && errno != ESRCH) {
    return errno_error(fmt::format("sending signal {}", number), errno);
  }
  return {};
}

namespace {

// One stream that comes out of a child.
struct Capture {
  Fd pipe;  // ours; none: not captured, or at its end
  std::string* text = nullptr;
  bool* cut = nullptr;
  std::size_t max = 0;
  const std::function<void(std::string_view)>* seen = nullptr;  // borrowed

  // Reads what is there now.
  void drain() {
    std::array<char, 65536> buffer;
    while (pipe) {
      const ssize_t n = ::read(pipe.get(), buffer.data(), buffer.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && errno == EAGAIN) return;
      if (n <= 0) {
        pipe.reset();
        return;
      }
      const auto got = static_cast<std::size_t>(n);
      const std::size_t kept = std::min(got, max - text->size());
      text->append(buffer.data(), kept);
      *cut = *cut || kept < got;
      if (*seen) (*seen)({buffer.data(), got});
    }
  }
};

// The pipe's other end, for the child.
Result<Fd> open_capture(Capture& capture) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return errno_error("making a pipe", errno);
  capture.pipe = Fd(ends[0]);
  Fd child(ends[1]);
  if (::fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) return errno_error("fcntl", errno);
  return child;
}

// A file in memory: the child reads it whenever it likes, and nobody waits for a full pipe.
Result<Fd> input_file(const std::string& text) {
  Fd fd(::memfd_create("input", MFD_CLOEXEC));
  if (!fd) return errno_error("memfd_create", errno);
  for (std::size_t at = 0; at < text.size();) {
    const ssize_t n =
        ::pwrite(fd.get(), text.data() + at, text.size() - at, static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error("writing a child's input", errno);
    at += static_cast<std::size_t>(n);
  }
  return fd;
}

// Reads until the child has ended (kExited), or there is a reason to end it.
Result<Ran::End> watch(const Child& child, Capture& capture, const RunOptions& options) {
  RunGuard* const guard = options.guard;
  std::optional<MonoTime> deadline;
  if (options.timeout) deadline = after(*options.timeout);
  std::optional<MonoTime> next;
  if (guard != nullptr) next = after(guard->every());
  while (true) {
    const int guarded = guard == nullptr ? -1 : guard->fd();
    std::array<pollfd, 4> fds = {pollfd{child.pidfd(), POLLIN, 0},
                                 pollfd{options.stop_fd, POLLIN, 0},
                                 pollfd{capture.pipe.get(), POLLIN, 0}, pollfd{guarded, POLLIN, 0}};
    const bool look_first = next && (!deadline || *next < *deadline);
    GW_TRY(const bool news, poll_until(fds, look_first ? next : deadline));
    if (!news && !look_first) return Ran::End::kTimeout;
    capture.drain();
    // Also in the end: what it did last is of interest, too.
    const MonoTime now = system_clock().mono();
    if (guard != nullptr && (!news || fds[3].revents != 0 || fds[0].revents != 0 || now >= *next)) {
      if (!guard->look(child.pid())) return Ran::End::kGuard;
      next = after(guard->every());
    }
    if (fds[0].revents != 0) return Ran::End::kExited;
    if (fds[1].revents != 0) return Ran::End::kStopped;
    // A child that never stops talking must not keep the time from being over.
    if (deadline && now >= *deadline) return Ran::End::kTimeout;
  }
}

}  // namespace

Result<Ran> run(Spawn spawn, const RunOptions& options) {
  Ran ran;
  Capture capture{{}, &ran.output, &ran.output_cut, options.max_output, &options.on_output};
  std::vector<Fd> ends;
  const auto map = [&](Fd fd, int to) {
    spawn.descriptors.push_back({fd.get(), to});
    ends.push_back(std::move(fd));
  };
  if (options.input.empty()) {
    spawn.descriptors.push_back({FdMap::kNull, STDIN_FILENO});
  } else {
    GW_TRY(Fd input, input_file(options.input));
    map(std::move(input), STDIN_FILENO);
  }
  if (options.capture_output) {
    GW_TRY(Fd end, open_capture(capture));
    if (options.errors_to_output) spawn.descriptors.push_back({end.get(), STDERR_FILENO});
    map(std::move(end), STDOUT_FILENO);
  }
  GW_TRY(Child child, os::spawn(std::move(spawn)));
  ends.clear();
  GW_TRY(ran.end, watch(child, capture, options));
  // Before it is reaped: so long nobody else has the group's number.
  GW_CHECK(child.signal_group(SIGKILL));
  GW_TRY(ran.exit, child.reap());
  // What was written before the end is in the pipe; who still holds it is not waited for.
  capture.drain();
  return ran;
}

Result<HandOver> make_hand_over() {
  constexpr int kAboveStandard = 10;
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return errno_error("making a socket pair", errno);
  }
  HandOver out{Fd(ends[0]), {}};
  const Fd low(ends[1]);
  out.child = Fd(::fcntl(low.get(), F_DUPFD_CLOEXEC, kAboveStandard));
  if (!out.child) return errno_error("duplicating a socket", errno);
  return out;
}

}  // namespace gw::os
