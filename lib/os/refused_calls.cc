#include "os/refused_calls.h"

#include <fmt/format.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "os/seccomp.h"

namespace gw::os {

namespace {

std::string family_name(std::uint64_t family) {
  struct Family {
    std::uint64_t number;
    const char* name;
  };
  constexpr auto kFamilies = std::to_array<Family>({{AF_UNIX, "unix"},
                                                    {AF_INET, "inet"},
                                                    {AF_INET6, "inet6"},
                                                    {AF_NETLINK, "netlink"},
                                                    {AF_PACKET, "packet"},
                                                    {AF_ALG, "alg"},
                                                    {AF_VSOCK, "vsock"},
                                                    {AF_BLUETOOTH, "bluetooth"}});
  for (const Family& known : kFamilies) {
    if (known.number == family) return known.name;
  }
  return fmt::format("family {}", family);
}

bool is_foreign(const seccomp_data& call) {
#if defined(__x86_64__)
  constexpr int kX32 = 0x40000000;
  return call.arch != AUDIT_ARCH_X86_64 || (call.nr & kX32) != 0;
#elif defined(__aarch64__)
  return call.arch != AUDIT_ARCH_AARCH64;
#else
  return false;
#endif
}

bool is_readable(const Fd& fd, bool* ended) {
  pollfd look{fd.get(), POLLIN, 0};
  const int n = ::poll(&look, 1, 0);
  *ended = n > 0 && (look.revents & POLLIN) == 0;
  return n > 0 && (look.revents & POLLIN) != 0;
}

}  // namespace

std::string refused_call_text(const RefusedSystemCall& call) {
  if (call.foreign) return "a system call of another architecture";
  std::string name = system_call_name(call.number);
  // The kernel looks at so much of it.
  if (call.number == SYS_socket || call.number == SYS_socketpair) {
    return fmt::format("{} ({})", name, family_name(call.arguments[0] & 0xffffffffU));
  }
  return name;
}

// What came through the channel: the listener, or its end.
void RefusedCalls::take_listener() {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  char byte = 0;
  iovec data{&byte, 1};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t n = ::recvmsg(fd_.get(), &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (n < 0 && (errno == EINTR || errno == EAGAIN)) return;
  const cmsghdr* header = n > 0 ? CMSG_FIRSTHDR(&message) : nullptr;
  int listener = -1;
  if (header != nullptr && header->cmsg_type == SCM_RIGHTS) {
    std::memcpy(&listener, CMSG_DATA(header), sizeof listener);
  }
  fd_ = Fd(listener);
  seccomp_notif_sizes sizes{};
  if (!fd_ || ::syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) != 0) return fd_.reset();
  // The kernel's may be larger than those that this was compiled with.
  const auto words = [](std::size_t own, std::size_t kernels) {
    return std::max(own, kernels) / sizeof(std::uint64_t) + 1;
  };
  request_.resize(words(sizeof(seccomp_notif), sizes.seccomp_notif));
  response_.resize(words(sizeof(seccomp_notif_resp), sizes.seccomp_notif_resp));
  listening_ = true;
}

std::optional<RefusedSystemCall> RefusedCalls::answer() {
  bool ended = false;
  if (!is_readable(fd_, &ended)) {
    if (ended) fd_.reset();
    return std::nullopt;
  }
  if (!listening_) {
    take_listener();
    return std::nullopt;
  }
  // The kernel wants them empty.
  std::fill(request_.begin(), request_.end(), 0);
  std::fill(response_.begin(), response_.end(), 0);
  auto* request = reinterpret_cast<seccomp_notif*>(request_.data());
  auto* response = reinterpret_cast<seccomp_notif_resp*>(response_.data());
  if (::ioctl(fd_.get(), SECCOMP_IOCTL_NOTIF_RECV, request) != 0) return std::nullopt;
  response->id = request->id;
  response->error = -error_;
  // A caller that was killed meanwhile needs no answer.
  (void)::ioctl(fd_.get(), SECCOMP_IOCTL_NOTIF_SEND, response);
  RefusedSystemCall out{.number = request->data.nr, .foreign = is_foreign(request->data)};
  std::copy(std::begin(request->data.args), std::end(request->data.args), out.arguments.begin());
  return out;
}

}  // namespace gw::os
