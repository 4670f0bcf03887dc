#include "dnsd/status_socket.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

namespace gw::dnsd {

namespace {

constexpr int kBacklog = 16;
constexpr std::size_t kMaxDocument = 1 << 20;
constexpr timeval kTimeout{.tv_sec = 5, .tv_usec = 0};  // for a peer that does not read or write

Result<sockaddr_un> socket_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) {
    return usage_error(fmt::format("{}: the path of a socket has at most {} bytes", path,
                                   sizeof(address.sun_path) - 1),
                       "name another one with --status-socket");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

os::Fd new_socket() {
  os::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (fd) {
    ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &kTimeout, sizeof(kTimeout));
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &kTimeout, sizeof(kTimeout));
  }
  return fd;
}

bool connects(const os::Fd& fd, const sockaddr_un& address) {
  return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
}

}  // namespace

Result<std::unique_ptr<StatusSocket>> StatusSocket::start(const std::string& path,
                                                          std::function<Json()> document) {
  GW_TRY(const sockaddr_un address, socket_address(path));
  struct stat info {};
  if (::lstat(path.c_str(), &info) == 0) {
    if (!S_ISSOCK(info.st_mode)) {
      return usage_error(path + " exists and is no socket", "name another --status-socket");
    }
    // Only a refusal says that nobody listens: a server that is busy, or another user's, is one.
    if (connects(new_socket(), address) || errno != ECONNREFUSED) {
      return usage_error(path + ": another server answers there",
                         "stop it, or name another --status-socket for this one");
    }
    ::unlink(path.c_str());
  }
  os::Fd fd = new_socket();
  if (!fd || ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      ::listen(fd.get(), kBacklog) != 0) {
    return io_error(fmt::format("{}: {}", path, std::strerror(errno)));
  }
  std::unique_ptr<StatusSocket> socket(new StatusSocket(path, std::move(fd), std::move(document)));
  socket->thread_ = std::thread([s = socket.get()] { s->run(); });
  return socket;
}

StatusSocket::~StatusSocket() {
  stop_.request();
  if (thread_.joinable()) thread_.join();
  ::unlink(path_.c_str());
}

void StatusSocket::run() {
  while (!stop_.requested()) {
    std::array<pollfd, 2> fds = {pollfd{listener_.get(), POLLIN, 0}, pollfd{stop_.fd(), POLLIN, 0}};
    if (::poll(fds.data(), fds.size(), -1) <= 0 || (fds[0].revents & POLLIN) == 0) continue;
    os::Fd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!fd) {
      // Out of descriptors: the listener stays readable, so do not spin.
      stop_.wait_for(std::chrono::milliseconds(100));
      continue;
    }
    ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &kTimeout, sizeof(kTimeout));
    const std::string text = format_json(document_()) + "\n";
    std::size_t sent = 0;
    while (sent < text.size()) {
      const ssize_t n = ::send(fd.get(), text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
      if (n <= 0) break;
      sent += static_cast<std::size_t>(n);
    }
  }
}

Result<Json> StatusSocket::ask(const std::string& path) {
  GW_TRY(const sockaddr_un address, socket_address(path));
  os::Fd fd = new_socket();
  if (!fd || !connects(fd, address)) {
    return unavailable_error(fmt::format("no server answers at {}: {}", path, std::strerror(errno)),
                             "is it running, with this --db or --status-socket, and as this user?");
  }
  std::string text;
  std::array<char, 16384> buffer;
  for (;;) {
    const ssize_t n = ::recv(fd.get(), buffer.data(), buffer.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return unavailable_error(fmt::format("{}: {}", path, std::strerror(errno)));
    if (n == 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(n));
    if (text.size() > kMaxDocument) return corrupt_error(path + ": the status has no end");
  }
  std::optional<Json> document = parse_json(text);
  if (!document || !document->is_object()) {
    return corrupt_error(path + ": not the status of a server");
  }
  return *std::move(document);
}

namespace {

// One "name: value" line for every member; members of members are indented.
void append_text(std::string& out, const Json& value, const std::string& name, int depth) {
  const std::string indent(static_cast<std::size_t>(depth) * 2, ' ');
  if (value.is_object()) {
    out += fmt::format("{}{}:\n", indent, name);
    for (const auto& [key, member] : value.items()) append_text(out, member, key, depth + 1);
  } else if (value.is_array() && !value.empty() && value[0].is_object()) {
    for (const Json& element : value) append_text(out, element, name, depth);
  } else if (value.is_array()) {
    std::string list;
    for (const Json& element : value) {
      list += (list.empty() ? "" : " ") +
              (element.is_string() ? element.get<std::string>() : format_json(element));
    }
    out += fmt::format("{}{}: {}\n", indent, name, list);
  } else if (!value.is_null()) {
    out += fmt::format("{}{}: {}\n", indent, name,
                       value.is_string() ? value.get<std::string>() : format_json(value));
  }
}

}  // namespace

std::string format_status(const Json& status) {
  std::string out;
  for (const auto& [key, member] : status.items()) append_text(out, member, key, 0);
  return out;
}

}  // namespace gw::dnsd
