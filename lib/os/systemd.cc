#include "os/systemd.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "base/bytes.h"

namespace gw::os {

Notifier::Notifier(std::string socket, std::chrono::microseconds watchdog) : watchdog_(watchdog) {
  const bool usable = socket.size() > 1 && socket.size() < sizeof(sockaddr_un{}.sun_path) &&
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
  const std::string usec = take("WATCHDOG_USEC");
  const std::string pid = take("WATCHDOG_PID");
  std::chrono::microseconds watchdog{};
  // Ten years: beyond that it is no watchdog, and arithmetic on it could overflow.
  constexpr std::uint64_t kMost = 10ULL * 365 * 86400 * 1'000'000;
  auto n = parse_decimal(usec);
  if (n && *n <= kMost && (pid.empty() || pid == std::to_string(::getpid()))) {
    watchdog = std::chrono::microseconds(static_cast<std::int64_t>(*n));
  }
  return Notifier(std::move(socket), watchdog);
}

std::vector<std::string> Notifier::environment() const {
  std::vector<std::string> out;
  if (!socket_.empty()) {
    std::string address = socket_;
    if (address[0] == '\0') address[0] = '@';
    out.push_back("NOTIFY_SOCKET=" + address);
  }
  if (watchdog_.count() > 0) out.push_back(fmt::format("WATCHDOG_USEC={}", watchdog_.count()));
  return out;
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
    ++length;
  }
  const Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
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
  for (const char c : text) line += c == '\n' ? ' ' : c;
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
  const std::int64_t usec = std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
  return send(fmt::format("RELOADING=1\nMONOTONIC_USEC={}\n", usec));
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
  if (!interval) return;
  auto thread = start_thread([this, every = *interval] { run(every); });
  if (thread) thread_ = *std::move(thread);  // else the watchdog bites, which is what it is for
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

}  // namespace gw::os
