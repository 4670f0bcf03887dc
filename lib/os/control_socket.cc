#include "os/control_socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

namespace gw::os {

namespace {

constexpr int kBacklog = 16;

Result<sockaddr_un> socket_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  // A zero byte would make it a name of the abstract kind, which has no owner.
  if (path.empty() || path.size() >= sizeof address.sun_path ||
      path.find('\0') != std::string::npos) {
    return usage_error(fmt::format("{}: the path of a socket has at most {} bytes", path,
                                   sizeof address.sun_path - 1));
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

Fd new_socket() { return Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)); }

bool connects(const Fd& fd, const sockaddr_un& address) {
  return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

// Takes away what a dead server left.
Status make_room(const std::string& path, const sockaddr_un& address, const std::string& flag) {
  const std::string other = flag.empty() ? "" : "name another " + flag;
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return {};
  if (!S_ISSOCK(info.st_mode)) return usage_error(path + " exists and is no socket", other);
  // Only a refusal says that nobody listens: a server that is busy, or another user's, is one.
  if (connects(new_socket(), address) || errno != ECONNREFUSED) {
    return usage_error(
        path + ": another server answers there",
        flag.empty() ? "stop it" : fmt::format("stop it, or {} for this one", other));
  }
  ::unlink(path.c_str());
  return {};
}

bool listens_at(const Fd& fd, const std::string& path) {
  int listens = 0;
  socklen_t size = sizeof listens;
  struct stat info {};
  return ::getsockopt(fd.get(), SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens != 0 &&
         ::lstat(path.c_str(), &info) == 0 && S_ISSOCK(info.st_mode);
}

}  // namespace

Result<std::unique_ptr<ControlSocket>> ControlSocket::listen(Loop& loop, const std::string& path,
                                                             ControlOptions options,
                                                             Handler handler) {
  auto address = socket_address(path);
  if (!address && !options.flag.empty()) {
    address.error().hint = "name another one with " + options.flag;
  }
  Fd taken(options.listening);
  if (!address) return std::move(address).error();
  if (taken && listens_at(taken, path)) {
    if (options.mode && ::chmod(path.c_str(), *options.mode) != 0) return errno_error(path, errno);
    std::unique_ptr<ControlSocket> self(
        new ControlSocket(loop, path, std::move(options), std::move(handler)));
    GW_CHECK(self->start(std::move(taken)));
    return self;
  }
  taken.reset();
  GW_CHECK(make_room(path, *address, options.flag));
  Fd fd = new_socket();
  // The mode of a socket that is not bound yet is that of its file, but for what the umask takes;
  // so it never lets in more than it will.
  if (!fd || (options.mode && ::fchmod(fd.get(), *options.mode) != 0) ||
      ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0 ||
      (options.mode && ::chmod(path.c_str(), *options.mode) != 0) ||
      ::listen(fd.get(), kBacklog) != 0) {
    return io_error(fmt::format("{}: {}", path, std::strerror(errno)));
  }
  std::unique_ptr<ControlSocket> self(
      new ControlSocket(loop, path, std::move(options), std::move(handler)));
  GW_CHECK(self->start(std::move(fd)));
  return self;
}

Status ControlSocket::start(Fd listener) {
  listener_ = std::move(listener);
  struct stat info {};
  if (::lstat(path_.c_str(), &info) != 0) return errno_error("looking at " + path_, errno);
  device_ = info.st_dev;
  inode_ = info.st_ino;
  GW_TRY(retry_, loop_.timer([this](Loop::Timer::Why) {
    [[maybe_unused]] const Status again = watch_.change(EPOLLIN);
  }));
  GW_TRY(watch_, loop_.watch(listener_.get(), EPOLLIN, [this](std::uint32_t) { accept(); }));
  return {};
}

ControlSocket::~ControlSocket() {
  struct stat info {};
  const bool ours = ::lstat(path_.c_str(), &info) == 0 && info.st_dev == device_ &&
                    info.st_ino == inode_ && S_ISSOCK(info.st_mode);
  if (ours) ::unlink(path_.c_str());
}

bool ControlSocket::allowed(const Peer& peer) const {
  if (!options_.users) return true;
  return std::find(options_.users->begin(), options_.users->end(), peer.uid) !=
         options_.users->end();
}

void ControlSocket::accept() {
  Fd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
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
  while (!connects(fd, address)) {
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
  GW_TRY(const sockaddr_un address, socket_address(path));
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
