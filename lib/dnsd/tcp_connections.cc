#include "dnsd/tcp_connections.h"

#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "base/metrics.h"
#include "dns/wire.h"

namespace gw::dnsd {

namespace {

constexpr std::size_t kLength = 2;  // octets before each message
// What is read and not answered is kept with the connection: about as much as a turn can answer.
constexpr std::size_t kReadSize = 4 << 10;
constexpr std::size_t kOutSize = 256 << 10;
constexpr int kAcceptsAtOnce = 64;
constexpr int kReadsAtEnd = 64;  // what one connection may have sent before the end
constexpr std::chrono::milliseconds kPause{100};      // without descriptors
constexpr std::chrono::milliseconds kShortPause{10};  // one is about to be free
constexpr std::chrono::milliseconds kDefer{5};
constexpr std::chrono::seconds kStuck{2};  // a message that has begun, an answer that is not taken

}  // namespace

struct TcpConnections::Connection {
  os::Fd fd;
  os::SocketAddress peer;
  std::unique_ptr<ConnectionCounts::Place> place;
  EpollTag tag;
  std::uint32_t events = 0;       // what epoll watches for
  bool eof = false;               // the client sends no more
  bool broken = false;            // nothing can be sent any more
  bool deferred = false;          // in deferred_, its next query waits for the signing budget
  bool ready = false;             // in ready_, its next query waits for its turn
  std::string in;                 // bytes not answered yet: part of a message, or what waits
  std::string out;                // answers that the kernel did not take yet
  MonoTime since{};               // of its beginning or last complete query
  std::optional<MonoTime> stuck;  // in the middle of something since then
  Connection* older = nullptr;
  Connection* newer = nullptr;
};

TcpConnections::TcpConnections(int epoll, std::vector<int> listeners, ConnectionCounts& counts,
                               QueryHandler& handler, const Clock& clock)
    : epoll_(epoll),
      listeners_(std::move(listeners)),
      counts_(counts),
      handler_(handler),
      clock_(clock) {
  watch_listeners(EPOLL_CTL_ADD, EPOLLIN);
}

TcpConnections::~TcpConnections() {
  for (auto& c : connections_) {
    if (c) counts_.remove(std::move(c->place));
  }
}

// ---- the list by age ----

void TcpConnections::unlink(Connection& c) {
  (c.older != nullptr ? c.older->newer : oldest_) = c.newer;
  (c.newer != nullptr ? c.newer->older : newest_) = c.older;
  c.older = c.newer = nullptr;
}

void TcpConnections::touch(Connection& c) {
  if (newest_ != &c) {
    if (c.older != nullptr || c.newer != nullptr || oldest_ == &c) unlink(c);
    c.older = newest_;
    (newest_ != nullptr ? newest_->newer : oldest_) = &c;
    newest_ = &c;
  }
  c.since = clock_.mono();
  c.place->touch(c.since);
}

// ---- connections come and go ----

void TcpConnections::pause_accepting(Duration pause) {
  accepting_ = false;
  resume_accepting_ = clock_.mono() + pause;
  watch_listeners(EPOLL_CTL_MOD, 0);
}

void TcpConnections::watch_listeners(int operation, std::uint32_t events) {
  for (std::uint32_t i = 0; i < listeners_.size(); ++i) {
    epoll_event event{.events = events,
                      .data = {.u64 = EpollTag{EpollTag::Kind::kTcpListener, i}.pack()}};
    ::epoll_ctl(epoll_, operation, listeners_[i], &event);
  }
}

// What has its query with it is answered before the next is taken: one that waits to be read is
// among those that go when there are too many. Others than TCP's have their turn after kTurn
// answers here, too.
void TcpConnections::accept(std::size_t listener) {
  const unsigned enough = answered_ + kTurn;
  for (int i = 0; i < kAcceptsAtOnce && (draining_ || answered_ < enough); ++i) {
    sockaddr_storage storage{};
    socklen_t size = sizeof(storage);
    os::Fd fd(::accept4(listeners_[listener], reinterpret_cast<sockaddr*>(&storage), &size,
                        SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd) {
      const int e = errno;
      if (e == EAGAIN || e == EWOULDBLOCK) return;
      metric_add(Metric::kServeReceiveErrors);
      // No descriptor or memory left: the listener would stay readable, so look away for a moment.
      // Anything else concerned that one connection.
      if (e == EMFILE || e == ENFILE || e == ENOBUFS || e == ENOMEM) {
        const bool soon = counts_.end_oldest(clock_.mono());
        return pause_accepting(soon ? kShortPause : kPause);
      }
      continue;
    }
    if (auto peer = os::SocketAddress::from_sockaddr(reinterpret_cast<sockaddr*>(&storage), size)) {
      take_in(std::move(fd), *peer);
    }
  }
}

void TcpConnections::take_in(os::Fd fd, const os::SocketAddress& peer) {
  auto c = std::make_unique<Connection>();
  c->peer = peer;
  const auto verdict = counts_.add(peer.ip_bytes(), fd.get(), clock_.mono(), c->place);
  if (verdict != ConnectionCounts::Verdict::kTaken) {
    metric_add(Metric::kServeTcpRefused, RefusalReason::kTotal);
    return;
  }
  metric_add(Metric::kServeTcpAccepted);
  const int on = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(connections_.size()));
    connections_.emplace_back();
  }
  c->fd = std::move(fd);
  // An event that was fetched before the last connection of this index was closed must not hit this
  // one.
  static thread_local std::uint32_t generation = 0;
  c->tag = {EpollTag::Kind::kTcpConnection, free_.back(), ++generation & EpollTag::kGenerationMask};
  c->events = EPOLLIN;
  epoll_event event{.events = EPOLLIN, .data = {.u64 = c->tag.pack()}};
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, c->fd.get(), &event) != 0) {
    metric_add(Metric::kServeReceiveErrors);
    counts_.remove(std::move(c->place));
    return;
  }
  free_.pop_back();
  touch(*c);
  Connection& taken = *c;
  connections_[taken.tag.index] = std::move(c);
  on_readable(taken);
}

void TcpConnections::defer(Connection& c) {
  if (!std::exchange(c.deferred, true)) deferred_.push_back(&c);
}

void TcpConnections::undefer(Connection& c) {
  if (std::exchange(c.deferred, false)) std::erase(deferred_, &c);
}

void TcpConnections::wait_for_turn(Connection& c) {
  if (!std::exchange(c.ready, true)) ready_.push_back(&c);
}

void TcpConnections::no_more_turns(Connection& c) {
  if (std::exchange(c.ready, false)) std::erase(ready_, &c);
}

void TcpConnections::take_turn() {
  if (!ready_.empty()) resume(*ready_.front());
}

void TcpConnections::close(Connection& c) {
  unlink(c);
  undefer(c);
  no_more_turns(c);
  counts_.remove(std::move(c.place));
  free_.push_back(c.tag.index);
  connections_[c.tag.index].reset();
}

// ---- bytes ----

void TcpConnections::watch(Connection& c, std::uint32_t events) {
  if (c.events == events) return;
  c.events = events;
  epoll_event event{.events = events, .data = {.u64 = c.tag.pack()}};
  ::epoll_ctl(epoll_, EPOLL_CTL_MOD, c.fd.get(), &event);
}

// Hands what is in out_ to the kernel, and keeps the rest with the connection. False: it is gone.
// Either way out_ is empty then, for it is the next connection's too.
bool TcpConnections::flush(Connection& c) {
  const std::size_t size = std::exchange(out_size_, 0);
  std::size_t sent = 0;
  if (c.broken) return false;
  if (c.out.empty()) {
    while (sent < size) {
      const ssize_t n = ::send(c.fd.get(), out_.data() + sent, size - sent, MSG_NOSIGNAL);
      if (n > 0) {
        sent += static_cast<std::size_t>(n);
      } else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS)) {
        break;
      } else if (n < 0 && errno != EINTR) {
        c.broken = true;
        return false;
      }
    }
  }
  c.out.append(out_, sent, size - sent);
  return true;
}

bool TcpConnections::write_pending(Connection& c) {
  const ssize_t n = ::send(c.fd.get(), c.out.data(), c.out.size(), MSG_NOSIGNAL);
  if (n < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR || errno == ENOBUFS;
  c.out.erase(0, static_cast<std::size_t>(n));
  return true;
}

// Answers the whole messages at the front of `data` as far as it may, and returns how many bytes
// they were.
std::size_t TcpConnections::answer_messages(Connection& c, std::string_view data) {
  std::size_t at = 0;
  if (data.size() < kLength) return 0;
  out_.resize(kOutSize);
  out_size_ = 0;
  handler_.begin_batch();
  for (unsigned done = 0; data.size() - at >= kLength; ++done) {
    const std::size_t size = dns::load_u16(data.data() + at);
    if (data.size() - at - kLength < size) break;
    if (done == kTurn && !draining_) {
      wait_for_turn(c);
      break;
    }
    if (kOutSize - out_size_ < kLength + dns::kMaxMessage) {
      if (!flush(c) || !c.out.empty()) break;
    }
    char* out = out_.data() + out_size_;
    const auto answer = handler_.answer_tcp(data.substr(at + kLength, size), c.peer, !draining_,
                                            {out + kLength, dns::kMaxMessage});
    if (answer.try_later) {
      defer(c);
      break;
    }
    at += kLength + size;
    ++answered_;
    // What has no answer was no query, and keeps no connection alive.
    if (answer.size == 0) continue;
    touch(c);
    dns::store_u16(out, static_cast<std::uint16_t>(answer.size));
    out_size_ += kLength + answer.size;
  }
  handler_.end_batch();
  return at;
}

// Notes whether it is in the middle of something that its client has to go on with. A client that
// takes some of its answers has moved; one that sends a message octet by octet has not.
void TcpConnections::watch_progress(Connection& c, bool moved) {
  const bool amid = !c.out.empty() || (!c.in.empty() && !c.deferred && !c.ready);
  if (!amid) return c.stuck.reset();
  const MonoTime now = clock_.mono();
  // A query that was answered meanwhile is a step, too.
  moved = moved || (c.stuck && c.since > *c.stuck);
  if (c.stuck && (!moved || now - *c.stuck < kStuck / 8)) return;
  c.stuck = now;
  stuck_.push_back({now, c.tag});
}

void TcpConnections::close_stuck(MonoTime now) {
  for (; !stuck_.empty(); stuck_.pop_front()) {
    const Stuck& one = stuck_.front();
    Connection* c =
        one.tag.index < connections_.size() ? connections_[one.tag.index].get() : nullptr;
    if (c == nullptr || c->tag.generation != one.tag.generation || c->stuck != one.since) continue;
    if (now - one.since < kStuck) return;
    metric_add(Metric::kServeTcpTimeouts);
    close(*c);
  }
}

// What is to happen next with a connection on which everything possible was done. Closes it when
// there is nothing.
void TcpConnections::settle(Connection& c) {
  watch_progress(c, false);
  if (!c.out.empty()) return watch(c, EPOLLOUT);
  if (c.deferred || c.ready) return watch(c, 0);
  if (c.eof || draining_) return close(c);
  watch(c, EPOLLIN);
}

TcpConnections::Flow TcpConnections::read_some(Connection& c) {
  in_.resize(kLength + dns::kMaxMessage + kReadSize);
  std::memcpy(in_.data(), c.in.data(), c.in.size());
  const ssize_t n = ::recv(c.fd.get(), in_.data() + c.in.size(), kReadSize, 0);
  if (n < 0) {
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return Flow::kWait;
    return Flow::kClosed;
  }
  if (n == 0) {
    c.eof = true;
    return Flow::kWait;
  }
  const std::string_view data(in_.data(), c.in.size() + static_cast<std::size_t>(n));
  c.in.assign(data.substr(answer_messages(c, data)));
  if (c.in.empty() && c.in.capacity() > 4096) std::string().swap(c.in);
  if (!flush(c)) return Flow::kClosed;
  // A short read is all there was: the next one would only say so.
  const bool held = !c.out.empty() || c.deferred || c.ready;
  return held || static_cast<std::size_t>(n) < kReadSize ? Flow::kWait : Flow::kGoOn;
}

void TcpConnections::on_readable(Connection& c) {
  // Once: what is left is told again, and others have their turn before.
  const int most = draining_ ? kReadsAtEnd : 1;
  for (int i = 0; i < most; ++i) {
    const Flow flow = read_some(c);
    if (flow == Flow::kClosed) return close(c);
    if (flow == Flow::kWait) break;
  }
  settle(c);
}

void TcpConnections::on_event(EpollTag tag, std::uint32_t events) {
  if (tag.kind == EpollTag::Kind::kTcpListener) return accept(tag.index);
  if (tag.index >= connections_.size() || !connections_[tag.index]) return;
  Connection& c = *connections_[tag.index];
  if (c.tag.generation != tag.generation) return;
  if ((events & EPOLLOUT) != 0 && !c.out.empty()) {
    const std::size_t before = c.out.size();
    if (!write_pending(c)) return close(c);
    if (!c.out.empty()) return watch_progress(c, c.out.size() < before);
    touch(c);
    resume(c);
    return;
  }
  if ((events & EPOLLIN) != 0) return on_readable(c);
  if ((events & (EPOLLERR | EPOLLHUP)) != 0) close(c);
}

// Goes on with the queries that were read before their turn came.
void TcpConnections::resume(Connection& c) {
  undefer(c);
  no_more_turns(c);
  // No more answers before these are taken: on_event() comes back here then.
  if (!c.out.empty()) return settle(c);
  if (!answer_kept(c)) return close(c);
  settle(c);
}

// Answers what was read before; false: the connection is gone.
bool TcpConnections::answer_kept(Connection& c) {
  no_more_turns(c);
  const std::string data = std::move(c.in);
  c.in.assign(data, answer_messages(c, data));
  return flush(c);
}

int TcpConnections::tick() {
  const MonoTime now = clock_.mono();
  // Each one that waits now, once: those that still cannot go on wait again, behind the others.
  for (std::size_t n = deferred_.size(); n != 0 && !deferred_.empty(); --n) {
    resume(*deferred_.front());
  }
  while (oldest_ != nullptr && now - oldest_->since >= counts_.limits().idle) {
    metric_add(Metric::kServeTcpTimeouts);
    close(*oldest_);
  }
  close_stuck(now);
  if (!accepting_ && now >= resume_accepting_ && !draining_) {
    accepting_ = true;
    watch_listeners(EPOLL_CTL_MOD, EPOLLIN);
  }
  if (!ready_.empty()) return 0;
  Duration next = Duration::max();
  if (!deferred_.empty()) next = kDefer;
  if (!accepting_ && !draining_) next = std::min(next, Duration(resume_accepting_ - now));
  if (oldest_ != nullptr)
    next = std::min(next, Duration(oldest_->since + counts_.limits().idle - now));
  if (!stuck_.empty()) next = std::min(next, Duration(stuck_.front().since + kStuck - now));
  if (next == Duration::max()) return -1;
  return static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(next).count()) + 1;
}

std::size_t TcpConnections::drain() {
  if (!draining_) {
    draining_ = true;
    // Those that the kernel already took for us, then no more.
    for (std::size_t i = 0; i < listeners_.size(); ++i) {
      accept(i);
      ::epoll_ctl(epoll_, EPOLL_CTL_DEL, listeners_[i], nullptr);
    }
    for (std::size_t i = 0; i < connections_.size(); ++i) {
      Connection* c = connections_[i].get();
      if (c == nullptr || !c->out.empty()) continue;
      if (c->deferred) {
        resume(*c);
      } else if (c->ready && !answer_kept(*c)) {
        close(*c);
      } else {
        on_readable(*c);
      }
    }
  }
  return connections_.size() - free_.size();
}

}  // namespace gw::dnsd
