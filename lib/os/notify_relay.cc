#include "os/notify_relay.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "base/bytes.h"
#include "base/text.h"

namespace gw::os {

Notification parse_notification(std::string_view text) {
  Notification n;
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view key = line.substr(0, equals);
    const std::string_view value = line.substr(equals + 1);
    const bool yes = value == "1";
    if (key == "READY") n.ready = n.ready || yes;
    if (key == "RELOADING") n.reloading = n.reloading || yes;
    if (key == "STOPPING") n.stopping = n.stopping || yes;
    if (key == "WATCHDOG") n.watchdog = n.watchdog || yes;
    if (key == "WATCHDOG") n.watchdog_trigger = n.watchdog_trigger || value == "trigger";
    if (key == "STATUS" && is_utf8(value)) n.status = std::string(value);
    if (key == "WATCHDOG_USEC") n.watchdog_usec = parse_decimal(value);
    if (key == "EXTEND_TIMEOUT_USEC") n.extend_usec = parse_decimal(value);
    if (key == "MONOTONIC_USEC") n.reload_usec = parse_decimal(value);
  }
  return n;
}

std::string relayed_lines(const Notification& n, bool stopping_too) {
  std::string lines;
  if (n.ready) lines += "READY=1\n";
  if (n.reloading) lines += "RELOADING=1\n";
  if (n.reload_usec) lines += fmt::format("MONOTONIC_USEC={}\n", *n.reload_usec);
  if (n.stopping && stopping_too) lines += "STOPPING=1\n";
  if (n.watchdog) lines += "WATCHDOG=1\n";
  if (n.watchdog_trigger) lines += "WATCHDOG=trigger\n";
  if (n.watchdog_usec) lines += fmt::format("WATCHDOG_USEC={}\n", *n.watchdog_usec);
  if (n.extend_usec) lines += fmt::format("EXTEND_TIMEOUT_USEC={}\n", *n.extend_usec);
  if (n.status) lines += fmt::format("STATUS={}\n", *n.status);
  return lines;
}

Result<std::unique_ptr<NotifyRelay>> NotifyRelay::make(
    Loop& loop, std::function<void(const Notification&)> heard) {
  Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return errno_error("making a notification socket", errno);
  // A name of the kernel's choice, without a file: the child may be any user, in any root.
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  socklen_t size = sizeof address.sun_family;
  const int on = 1;
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::setsockopt(fd.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0 ||
      ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &(size = sizeof address)) !=
          0) {
    return errno_error("binding a notification socket", errno);
  }
  constexpr std::size_t kPath = offsetof(sockaddr_un, sun_path);
  if (size <= kPath + 1) return internal_error("a notification socket without a name");
  const std::string name(address.sun_path + 1, size - kPath - 1);
  return adopt(loop, std::move(fd), "@" + name, std::move(heard));
}

Result<std::unique_ptr<NotifyRelay>> NotifyRelay::adopt(
    Loop& loop, Fd fd, std::string address, std::function<void(const Notification&)> heard) {
  std::unique_ptr<NotifyRelay> relay(
      new NotifyRelay(std::move(fd), std::move(address), std::move(heard)));
  GW_TRY(relay->watch_, loop.watch(relay->fd_.get(), EPOLLIN,
                                   [raw = relay.get()](std::uint32_t) { raw->receive(); }));
  return relay;
}

void NotifyRelay::receive() {
  std::array<char, 4096> text;
  // Room for more than a sender may put there, so that none of it is cut: cut descriptors leak.
  constexpr std::size_t kMostFds = 253;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(ucred)) + CMSG_SPACE(kMostFds * sizeof(int))>
      control;
  iovec data{text.data(), text.size()};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t n = ::recvmsg(fd_.get(), &message, MSG_CMSG_CLOEXEC);
  if (n < 0) return;
  std::optional<ucred> sender;
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level != SOL_SOCKET) continue;
    if (c->cmsg_type == SCM_CREDENTIALS) {
      std::memcpy(&sender.emplace(), CMSG_DATA(c), sizeof(ucred));
    } else if (c->cmsg_type == SCM_RIGHTS) {
      const std::size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      for (std::size_t i = 0; i < count; ++i) {
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
        const Fd closed(fd);
      }
    }
  }
  // A message that was cut could say something else than it was.
  if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 || !sender || sender->pid <= 0) return;
  Notification notification =
      parse_notification(std::string_view(text.data(), static_cast<std::size_t>(n)));
  notification.pid = sender->pid;
  notification.uid = sender->uid;
  heard_(notification);
}

}  // namespace gw::os
