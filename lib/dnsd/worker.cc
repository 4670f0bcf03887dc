#include "dnsd/worker.h"

#include <fmt/format.h>
#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>

namespace gw::dnsd {

namespace {

constexpr std::uint64_t kTagShift = 56;
constexpr std::uint64_t kUdpTag = std::uint64_t{1} << kTagShift;
constexpr std::uint64_t kTcpTag = std::uint64_t{2} << kTagShift;
constexpr std::uint64_t kStopTag = std::uint64_t{3} << kTagShift;
constexpr int kUdpBatches = 8;      // in a row, before TCP gets its turn
constexpr int kDrainBatches = 256;  // at the end: what the socket's buffer can hold, and no more
constexpr std::chrono::seconds kDrainTime{2};
constexpr int kEvents = 64;

bool watch(const os::Fd& epoll, int fd, std::uint64_t data) {
  epoll_event event{.events = EPOLLIN, .data = {.u64 = data}};
  return ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

}  // namespace

Worker::Worker(const Serving& serving, std::vector<WorkerSocket> sockets, const TcpLimits& limits,
               ConnectionCounts& counts, const os::Stop& stop)
    : serving_(serving),
      sockets_(std::move(sockets)),
      limits_(limits),
      counts_(counts),
      stop_(stop) {}

Worker::~Worker() {
  if (thread_.joinable()) thread_.join();
}

Status Worker::start() {
  epoll_ = os::Fd(::epoll_create1(EPOLL_CLOEXEC));
  bool ok = static_cast<bool>(epoll_) && watch(epoll_, stop_.fd(), kStopTag);
  for (std::size_t i = 0; ok && i < sockets_.size(); i++) {
    ok = watch(epoll_, sockets_[i].udp, kUdpTag | i);
  }
  if (!ok) return io_error(fmt::format("starting a worker: {}", std::strerror(errno)));
  batch_ = std::make_unique<UdpBatch>();
  thread_ = std::thread([this] { run(); });
  return {};
}

void Worker::run() {
  QueryHandler handler(serving_);
  std::vector<int> listeners;
  for (const WorkerSocket& s : sockets_) listeners.push_back(s.tcp);
  TcpConnections tcp(epoll_.get(), kTcpTag, std::move(listeners), limits_, counts_, handler,
                     serving_.clock);
  std::array<epoll_event, kEvents> events;
  while (!stop_.requested()) {
    const int n = ::epoll_wait(epoll_.get(), events.data(), kEvents, tcp.tick());
    for (int i = 0; i < n; i++) {
      const std::uint64_t data = events[i].data.u64;
      const std::uint64_t rest = data & ((std::uint64_t{1} << kTagShift) - 1);
      if (data - rest == kTcpTag) {
        tcp.on_event(rest, events[i].events);
      } else if (data - rest == kUdpTag) {
        const WorkerSocket& s = sockets_[rest];
        // A batch that was not full emptied the socket.
        for (int k = 0; k < kUdpBatches; k++) {
          if (batch_->serve(s.udp, s.wildcard, handler) < UdpBatch::kMessages) break;
        }
      }
    }
  }
  drain(tcp, handler);
}

// Answers what had arrived when the stop was requested.
void Worker::drain(TcpConnections& tcp, QueryHandler& handler) {
  for (const WorkerSocket& s : sockets_) {
    for (int k = 0; k < kDrainBatches && batch_->serve(s.udp, s.wildcard, handler) != 0; k++) {
    }
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, s.udp, nullptr);
  }
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, stop_.fd(), nullptr);
  const MonoTime deadline = serving_.clock.mono() + kDrainTime;
  std::array<epoll_event, kEvents> events;
  while (tcp.drain() != 0 && serving_.clock.mono() < deadline) {
    const int n = ::epoll_wait(epoll_.get(), events.data(), kEvents, 50);
    for (int i = 0; i < n; i++) {
      const std::uint64_t data = events[i].data.u64;
      if ((data >> kTagShift) == (kTcpTag >> kTagShift)) {
        tcp.on_event(data & ((std::uint64_t{1} << kTagShift) - 1), events[i].events);
      }
    }
  }
}

}  // namespace gw::dnsd
