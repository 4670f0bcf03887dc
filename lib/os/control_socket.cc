#include "os/control_socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

namespace gw::os {

namespace {

// The socket, if it listens at the path.
Result<std::optional<PathListener>> listens_already(Fd fd, const std::string& path,
                                                    std::optional<mode_t> mode) {
  int listens = 0;
  socklen_t size = sizeof listens;
  if (::getsockopt(fd.get(), SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || listens == 0) {
    return std::optional<PathListener>();
  }
  auto file = SocketFile::of(fd.get(), path);
  if (!file) return std::optional<PathListener>();
  if (mode && ::chmod(path.c_str(), *mode) != 0) return errno_error(path, errno);
  return std::optional(PathListener{std::move(fd), *std::move(file)});
}

}  // namespace

Result<std::unique_ptr<ControlSocket>> ControlSocket::listen(Loop& loop, const std::string& path,
                                                             ControlOptions options,
                                                             Handler handler) {
  GW_TRY(std::optional<PathListener> listener,
         listens_already(Fd(options.listening), path, options.mode));
  if (!listener) {
    GW_TRY(listener, listen_on_path(path, {.mode = options.mode, .flag = options.flag}));
  }
  std::unique_ptr<ControlSocket> self(
      new ControlSocket(loop, std::move(options), std::move(handler), *std::move(listener)));
  GW_CHECK(self->start());
  return self;
}

Status ControlSocket::start() {
  GW_TRY(retry_, loop_.timer([this](Loop::Timer::Why) {
    [[maybe_unused]] const Status again = watch_.change(EPOLLIN);
  }));
  GW_TRY(watch_, loop_.watch(listener_.fd.get(), EPOLLIN, [this](std::uint32_t) { accept(); }));
  return {};
}

ControlSocket::~ControlSocket() { listener_.file.remove(); }

bool ControlSocket::allowed(const Peer& peer) const {
  if (!options_.users) return true;
  return std::find(options_.users->begin(), options_.users->end(), peer.uid) !=
         options_.users->end();
}

void ControlSocket::accept() {
  Fd fd(::accept4(listener_.fd.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!fd && (errno == EAGAIN || errno == ECONNABORTED || errno == EINTR)) return;
  if (!fd) {
    // Out of descriptors: the listener stays readable, so it is not looked at for a while.
    constexpr std::chrono::milliseconds kPause{100};
    if (!retry_.after(kPause)) return;
    [[maybe_unused]] const Status paused = watch_.change(0);
    return;
  }
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return;
  const Peer peer{credentials.pid, credentials.uid, credentials.gid};
  if (!allowed(peer)) return;
  // One that finds no place is dropped, and the listener watched again when there is one.
  [[maybe_unused]] const Status s = serve(std::move(fd), peer);
  if (connections_.size() >= options_.max_connections) {
    [[maybe_unused]] const Status paused = watch_.change(0);
  }
}

Status ControlSocket::serve(Fd fd, const Peer& peer) {
  const std::uint64_t id = next_id_++;
  auto connection = std::make_unique<Connection>();
  connection->fd = std::move(fd);
  connection->peer = peer;
  GW_TRY(connection->timer, loop_.timer([this, id](Loop::Timer::Why) { drop(id); }));
  GW_CHECK(connection->timer.after(options_.timeout));
  Connection* raw = connection.get();
  GW_TRY(connection->watch, loop_.watch(raw->fd.get(), EPOLLIN, [this, id, raw](std::uint32_t) {
    if (!(raw->out.empty() ? read(*raw) : write(*raw))) drop(id);
  }));
  connections_.emplace(id, std::move(connection));
  return {};
}

void ControlSocket::finish(Duration most) {
  const MonoTime deadline = system_clock().mono() + most;
  while (!connections_.empty()) {
    std::vector<pollfd> waits;
    std::vector<std::uint64_t> ids;
    for (const auto& [id, connection] : connections_) {
      const short events = connection->out.empty() ? POLLIN : POLLOUT;
      waits.push_back({connection->fd.get(), events, 0});
      ids.push_back(id);
    }
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - system_clock().mono());
    if (left.count() <= 0) return;
    const int n = ::poll(waits.data(), waits.size(), static_cast<int>(left.count()));
    if (n == 0 || (n < 0 && errno != EINTR)) return;
    for (std::size_t i = 0; n > 0 && i < waits.size(); ++i) {
      if (waits[i].revents == 0) continue;
      Connection& connection = *connections_.at(ids[i]);
      if (!(connection.out.empty() ? read(connection) : write(connection))) drop(ids[i]);
    }
  }
}

void ControlSocket::drop(std::uint64_t id) {
  connections_.erase(id);
  [[maybe_unused]] const Status resumed = watch_.change(EPOLLIN);
}

bool ControlSocket::read(Connection& connection) {
  std::array<char, 4096> buffer;
  const ssize_t n = ::recv(connection.fd.get(), buffer.data(), buffer.size(), 0);
  if (n < 0) return errno == EAGAIN || errno == EINTR;
  if (n == 0) return false;  // without a whole line there is no command
  connection.in.append(buffer.data(), static_cast<std::size_t>(n));
  const auto end = connection.in.find('\n');
  if (std::min(end, connection.in.size()) > options_.max_command) return false;
  if (end == std::string::npos) return true;
  connection.in.resize(end);
  connection.out = handler_(connection.peer, connection.in);
  return write(connection);
}

bool ControlSocket::write(Connection& connection) {
  while (!connection.out.empty()) {
    const ssize_t n =
        ::send(connection.fd.get(), connection.out.data(), connection.out.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return bool(connection.watch.change(EPOLLOUT));
    if (n < 0) return false;
    connection.out.erase(0, static_cast<std::size_t>(n));
  }
  return false;
}

// ---- the other side ----

namespace {

// Until the socket is ready for it or the time is over (false).
bool wait_for(const Fd& fd, short events, MonoTime deadline) {
  while (true) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - system_clock().mono());
    if (left.count() <= 0) return false;
    pollfd p{fd.get(), events, 0};
    const int n = ::poll(&p, 1, static_cast<int>(std::min<std::int64_t>(left.count(), 1 << 30)));
    if (n > 0) return true;
    if (n < 0 && errno != EINTR) return false;
  }
}

// While others wait there, too, as the server is busy, so do we. Not blocking any more then.
bool connects_within(const Fd& fd, const sockaddr_un& address, Duration timeout) {
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(timeout).count();
  constexpr std::int64_t kSecond = 1'000'000;
  timeval most{us / kSecond, us % kSecond};
  if (us <= 0) most.tv_usec = 1;  // 0 is for ever
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &most, sizeof most);
  while (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    if (errno != EINTR) return false;
  }
  return ::fcntl(fd.get(), F_SETFL, O_NONBLOCK) == 0;
}

Error no_answer(const std::string& path) {
  return unavailable_error(path + ": the server does not answer");
}

}  // namespace

Result<std::string> ask_control(const std::string& path, std::string_view command, Duration timeout,
                                std::size_t max_answer, std::string hint) {
  GW_TRY(const sockaddr_un address, unix_address(path));
  const MonoTime deadline = system_clock().mono() + timeout;
  const Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd || !connects_within(fd, address, timeout)) {
    if (errno == EAGAIN) return no_answer(path);
    const bool nobody = errno == ENOENT || errno == ECONNREFUSED;
    return unavailable_error(fmt::format("no server answers at {}: {}", path, std::strerror(errno)),
                             nobody ? std::move(hint) : std::string());
  }
  const std::string line = std::string(command) + "\n";
  for (std::size_t sent = 0; sent < line.size();) {
    const ssize_t n = ::send(fd.get(), line.data() + sent, line.size() - sent, MSG_NOSIGNAL);
    if (n > 0) sent += static_cast<std::size_t>(n);
    if (n < 0 && errno == EAGAIN && wait_for(fd, POLLOUT, deadline)) continue;
    if (n < 0 && errno != EINTR) return no_answer(path);
  }
  std::string answer;
  std::array<char, 16384> buffer;
  while (true) {
    const ssize_t n = ::recv(fd.get(), buffer.data(), buffer.size(), 0);
    if (n == 0) return answer.empty() ? Result<std::string>(no_answer(path)) : answer;
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno != EAGAIN || !wait_for(fd, POLLIN, deadline))) return no_answer(path);
    if (n > 0) answer.append(buffer.data(), static_cast<std::size_t>(n));
    if (answer.size() > max_answer) return corrupt_error(path + ": an answer without an end");
  }
}

}  // namespace gw::os
