#include "base/service.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "base/bytes.h"

namespace gw {

using std::chrono::milliseconds;

Stop::Stop() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

void Stop::request() {
  requested_.store(true, std::memory_order_release);
  std::uint64_t one = 1;
  int saved = errno;  // may run in a signal handler
  [[maybe_unused]] ssize_t n = ::write(event_.get(), &one, sizeof one);
  errno = saved;
}

bool Stop::wait_for(Duration timeout) const {
  // Without a descriptor the flag itself is looked at now and then.
  constexpr milliseconds kLook{20};
  const MonoTime end = system_clock().mono() + timeout;
  while (!requested()) {
    auto left = std::chrono::ceil<milliseconds>(end - system_clock().mono());
    if (left <= milliseconds::zero()) return false;
    left = std::min(left, event_ ? milliseconds(std::chrono::hours(24)) : kLook);
    pollfd p{event_.get(), POLLIN, 0};
    ::poll(&p, 1, static_cast<int>(left.count()));
  }
  return true;
}

namespace {

// Signals whose inherited disposition is to ignore them (nohup, `sh -c "… &"`) never reach a
// signalfd, which is what whoever set that wants.
sigset_t handled_set(const SignalThread::Callbacks& callbacks) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  if (callbacks.hangup) sigaddset(&set, SIGHUP);
  if (callbacks.user1) sigaddset(&set, SIGUSR1);
  return set;
}

}  // namespace

Result<std::unique_ptr<SignalThread>> SignalThread::start(Stop& stop, Callbacks callbacks) {
  ignore_sigpipe();
  sigset_t set = handled_set(callbacks);
  Fd fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) return errno_error("making a signal descriptor", errno);
  if (int err = ::pthread_sigmask(SIG_BLOCK, &set, nullptr); err != 0) {
    return errno_error("blocking signals", err);
  }
  std::unique_ptr<SignalThread> self(new SignalThread(stop, std::move(callbacks), std::move(fd)));
  self->thread_ = std::thread([raw = self.get()] { raw->run(); });
  return self;
}

SignalThread::~SignalThread() {
  ending_.request();
  if (thread_.joinable()) thread_.join();
}

void SignalThread::run() {
  for (;;) {
    pollfd fds[] = {{signals_.get(), POLLIN, 0}, {ending_.fd(), POLLIN, 0}};
    // The time limit only matters when ending_ got no descriptor.
    if (::poll(fds, 2, ending_.fd() < 0 ? 50 : -1) < 0 && errno != EINTR) return;
    if (ending_.requested()) return;
    signalfd_siginfo info{};
    while (::read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
      handle(static_cast<int>(info.ssi_signo));
    }
  }
}

void SignalThread::handle(int signal) {
  if (signal == SIGHUP) return callbacks_.hangup();
  if (signal == SIGUSR1) return callbacks_.user1();
  int none = 0;
  if (stopped_by_.compare_exchange_strong(none, signal)) {
    stop_.request();
    return;
  }
  // Asked twice: whatever is not done by now is not waited for.
  ::signal(signal, SIG_DFL);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  ::kill(::getpid(), signal);
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

void ignore_sigpipe() { ::signal(SIGPIPE, SIG_IGN); }

void reset_signals_for_child() {
  ::signal(SIGPIPE, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
}

Notifier::Notifier(std::string socket, std::chrono::microseconds watchdog) : watchdog_(watchdog) {
  bool usable = socket.size() > 1 && socket.size() < sizeof(sockaddr_un{}.sun_path) &&
                (socket[0] == '/' || socket[0] == '@');
  if (usable) socket_ = std::move(socket);
}

Notifier Notifier::from_environment() {
  auto take = [](const char* name) {
    const char* value = std::getenv(name);
    std::string text = value == nullptr ? "" : value;
    ::unsetenv(name);
    return text;
  };
  std::string socket = take("NOTIFY_SOCKET");
  std::string usec = take("WATCHDOG_USEC");
  std::string pid = take("WATCHDOG_PID");
  std::chrono::microseconds watchdog{};
  // Ten years: beyond that it is no watchdog, and arithmetic on it could overflow.
  constexpr std::uint64_t kMost = 10ULL * 365 * 86400 * 1'000'000;
  auto n = parse_decimal(usec);
  if (n && *n <= kMost && (pid.empty() || pid == std::to_string(::getpid()))) {
    watchdog = std::chrono::microseconds(static_cast<std::int64_t>(*n));
  }
  return Notifier(std::move(socket), watchdog);
}

bool Notifier::send(std::string_view message) const {
  if (socket_.empty()) return true;
  sockaddr_un addr{};
  addr.sun_family = AF_UNIX;
  std::memcpy(addr.sun_path, socket_.data(), socket_.size());
  auto length = offsetof(sockaddr_un, sun_path) + socket_.size();
  if (addr.sun_path[0] == '@') {
    addr.sun_path[0] = '\0';  // abstract: the length ends the name
  } else {
    length++;
  }
  Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd) return false;
  ssize_t n = 0;
  do {
    n = ::sendto(fd.get(), message.data(), message.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                 reinterpret_cast<const sockaddr*>(&addr), static_cast<socklen_t>(length));
  } while (n < 0 && errno == EINTR);
  return n == static_cast<ssize_t>(message.size());
}

namespace {

// A line ends an assignment, so one inside a status would be taken for another.
std::string status_line(std::string_view text) {
  std::string line = "STATUS=";
  for (char c : text) line += c == '\n' ? ' ' : c;
  return line + "\n";
}

}  // namespace

bool Notifier::ready(std::string_view status) const {
  return send(status.empty() ? "READY=1\n" : "READY=1\n" + status_line(status));
}

bool Notifier::status(std::string_view text) const { return send(status_line(text)); }

bool Notifier::reloading() const {
  // Type=notify-reload wants the time at which the reload began, on the clock below.
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  std::int64_t usec = std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
  return send("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(usec) + "\n");
}

bool Notifier::stopping() const { return send("STOPPING=1\n"); }

bool Notifier::watchdog() const { return watchdog_.count() == 0 || send("WATCHDOG=1\n"); }

std::optional<std::chrono::microseconds> Notifier::watchdog_interval() const {
  if (watchdog_.count() == 0) return std::nullopt;
  return watchdog_ / 2;
}

Heartbeat::Heartbeat(const Notifier& notifier, Duration limit)
    : notifier_(notifier), limit_(limit), last_(system_clock().mono()) {
  const auto interval = notifier.watchdog_interval();
  if (interval) thread_ = std::thread([this, every = *interval] { run(every); });
}

Heartbeat::~Heartbeat() {
  ending_.request();
  if (thread_.joinable()) thread_.join();
}

void Heartbeat::run(Duration every) {
  do {
    if (system_clock().mono() - last_.load(std::memory_order_relaxed) < limit_) {
      notifier_.watchdog();
    }
  } while (!ending_.wait_for(every));
}

}  // namespace gw
