#include "dnsd/worker.h"

#include <fmt/format.h>
#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>

namespace gw::dnsd {

namespace {

constexpr int kUdpBatches = 8;      // in a row, before TCP gets its turn
constexpr int kDrainBatches = 256;  // at the end: what the socket's buffer can hold, and no more
constexpr std::chrono::seconds kDrainTime{2};
constexpr int kEvents = 64;

bool watch(const os::Fd& epoll, int fd, EpollTag tag) {
  epoll_event event{.events = EPOLLIN, .data = {.u64 = tag.pack()}};
  return ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

}  // namespace

Worker::Worker(const Serving& serving, std::vector<WorkerSocket> sockets, ConnectionCounts& counts,
               const os::Stop& stop)
    : serving_(serving), sockets_(std::move(sockets)), counts_(counts), stop_(stop) {}

Worker::~Worker() {
  if (thread_.joinable()) thread_.join();
}

Status Worker::start() {
  epoll_ = os::Fd(::epoll_create1(EPOLL_CLOEXEC));
  bool ok = static_cast<bool>(epoll_) && watch(epoll_, stop_.fd(), {EpollTag::Kind::kStop});
  for (std::uint32_t i = 0; ok && i < sockets_.size(); ++i) {
    ok = watch(epoll_, sockets_[i].udp, {EpollTag::Kind::kUdp, i});
  }
  if (!ok) return io_error(fmt::format("starting a worker: {}", std::strerror(errno)));
  batch_ = std::make_unique<UdpBatch>();
  GW_TRY(thread_, os::start_thread([this] { run(); }));
  return {};
}

// A batch of each UDP socket, once TCP has made so many answers that those who ask by UDP would
// notice.
void Worker::look_at_udp(TcpConnections& tcp, QueryHandler& handler) {
  tcp_answers_ += tcp.take_answered();
  if (tcp_answers_ < TcpConnections::kTurn) return;
  tcp_answers_ = 0;
  for (const WorkerSocket& s : sockets_) batch_->serve(s.udp, s.wildcard, handler);
}

void Worker::run() {
  QueryHandler handler(serving_);
  std::vector<int> listeners;
  for (const WorkerSocket& s : sockets_) listeners.push_back(s.tcp);
  TcpConnections tcp(epoll_.get(), std::move(listeners), counts_, handler, serving_.clock);
  std::array<epoll_event, kEvents> events;
  while (!stop_.requested()) {
    const int n = ::epoll_wait(epoll_.get(), events.data(), kEvents, tcp.tick());
    for (int i = 0; i < n; ++i) {
      const EpollTag tag = EpollTag::unpack(events[i].data.u64);
      if (tag.kind == EpollTag::Kind::kUdp) {
        const WorkerSocket& s = sockets_[tag.index];
        // A batch that was not full emptied the socket.
        for (int k = 0; k < kUdpBatches; ++k) {
          if (batch_->serve(s.udp, s.wildcard, handler) < UdpBatch::kMessages) break;
        }
      } else if (tag.kind != EpollTag::Kind::kStop) {
        tcp.on_event(tag, events[i].events);
        look_at_udp(tcp, handler);
      }
    }
    for (std::size_t k = tcp.waiting(); k != 0 && tcp.waiting() != 0; --k) {
      tcp.take_turn();
      look_at_udp(tcp, handler);
    }
  }
  drain(tcp, handler);
}

// Answers what had arrived when the stop was requested.
void Worker::drain(TcpConnections& tcp, QueryHandler& handler) {
  for (const WorkerSocket& s : sockets_) {
    for (int k = 0; k < kDrainBatches && batch_->serve(s.udp, s.wildcard, handler) != 0; ++k) {
    }
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, s.udp, nullptr);
  }
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, stop_.fd(), nullptr);
  const MonoTime deadline = serving_.clock.mono() + kDrainTime;
  std::array<epoll_event, kEvents> events;
  while (tcp.drain() != 0 && serving_.clock.mono() < deadline) {
    const int n = ::epoll_wait(epoll_.get(), events.data(), kEvents, 50);
    for (int i = 0; i < n; ++i) {
      // Nothing else is watched any more.
      tcp.on_event(EpollTag::unpack(events[i].data.u64), events[i].events);
    }
  }
}

}  // namespace gw::dnsd
