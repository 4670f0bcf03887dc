#include "build/forwarder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include "base/bytes.h"
#include "base/json.h"
#include "base/text.h"
#include "build/build_failure.h"
#include "build/private_modules.h"
#include "module/proxy.h"

namespace gw::build {

namespace {

constexpr std::size_t kMaxHead = 16U << 10U;
constexpr unsigned kThreads = 16;  // they wait for a network, mostly
constexpr int kStepMilliseconds = 30'000;
constexpr int kBacklog = 128;

// Waits for one of both; false when a stop was asked for, or the time was over.
bool wait_for(int fd, short events, const os::Stop& stop, int milliseconds) {
  std::array<pollfd, 2> fds = {pollfd{fd, events, 0}, pollfd{stop.fd(), POLLIN, 0}};
  while (true) {
    const int n = ::poll(fds.data(), fds.size(), milliseconds);
    if (n < 0 && errno == EINTR) continue;
    return n > 0 && fds[1].revents == 0 && fds[0].revents != 0;
  }
}

// Percent-encoded bytes as themselves; the go command encodes "!" in some versions.
std::string decode_path(std::string_view path) {
  std::string out;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '%' && i + 2 < path.size()) {
      if (const auto byte = decode_hex(path.substr(i + 1, 2))) {
        out += *byte;
        i += 2;
        continue;
      }
    }
    out += path[i];
  }
  return out;
}

}  // namespace

struct Forwarder::Answer {
  int status = 200;
  std::string body = {};
  os::Fd file = os::Fd();  // instead of a body
};

Forwarder::Forwarder(ModuleStore& store, std::string module, std::string version)
    : store_(store), module_(std::move(module)), version_(std::move(version)) {}

Forwarder::~Forwarder() { stop(); }

Result<Forwarder::Listener> Forwarder::listen() {
  os::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* any = reinterpret_cast<sockaddr*>(&address);
  if (!fd || ::bind(fd.get(), any, size) != 0 || ::listen(fd.get(), kBacklog) != 0 ||
      ::getsockname(fd.get(), any, &size) != 0) {
    return errno_error("listening on 127.0.0.1", errno);
  }
  return Listener{std::move(fd), ntohs(address.sin_port)};
}

void Forwarder::serve(os::Fd listener) {
  listener_ = std::move(listener);
  // All threads wake up for a connection; those that come too late must not wait for the next.
  const int flags = ::fcntl(listener_.get(), F_GETFL);
  ::fcntl(listener_.get(), F_SETFL, flags | O_NONBLOCK);
  for (unsigned i = 0; i < kThreads; ++i) {
    auto thread = os::start_thread([this] { accept_loop(listener_.get()); });
    if (thread) {
      workers_.push_back(*std::move(thread));
    } else if (workers_.empty()) {
      failed(std::move(thread).error());
      listener_.reset();  // nobody waits for answers that nobody gives
      return;
    }
  }
}

void Forwarder::serve_from(os::Fd channel) {
  // Shared: what a std::function holds can be copied.
  auto thread = os::start_thread([this, channel = std::make_shared<os::Fd>(std::move(channel))] {
    if (!wait_for(channel->get(), POLLIN, stop_, -1)) return;
    char byte = 0;
    iovec data{&byte, 1};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    if (::recvmsg(channel->get(), &message, MSG_CMSG_CLOEXEC) <= 0) return;
    const cmsghdr* header = CMSG_FIRSTHDR(&message);
    if (header == nullptr || header->cmsg_type != SCM_RIGHTS) return;
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
    serve(os::Fd(fd));
  });
  if (thread) {
    waiting_ = *std::move(thread);
  } else {
    failed(std::move(thread).error());
  }
}

void Forwarder::stop() {
  stop_.request();
  if (waiting_.joinable()) waiting_.join();
  for (os::Thread& worker : workers_) worker.join();
  workers_.clear();
  listener_.reset();
}

std::optional<Error> Forwarder::error() const {
  const MutexLock lock(mutex_);
  return error_;
}

std::vector<Forwarder::Zip> Forwarder::zips() const {
  const MutexLock lock(mutex_);
  return zips_;
}

void Forwarder::accept_loop(int listener) {
  while (wait_for(listener, POLLIN, stop_, -1)) {
    const os::Fd connection(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (connection) handle(connection);
  }
}

namespace {

// The request up to its blank line; empty when it does not come.
std::string read_head(int fd, const os::Stop& stop) {
  std::string head;
  std::array<char, 4096> buffer;
  while (head.find("\r\n\r\n") == std::string::npos) {
    if (head.size() > kMaxHead || !wait_for(fd, POLLIN, stop, kStepMilliseconds)) return {};
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n <= 0) return {};
    head.append(buffer.data(), static_cast<std::size_t>(n));
  }
  return head;
}

bool write_all(int fd, std::string_view bytes, const os::Stop& stop) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EAGAIN && wait_for(fd, POLLOUT, stop, kStepMilliseconds)) continue;
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

void send_file(int fd, int file, std::uint64_t size, const os::Stop& stop) {
  off_t at = 0;
  while (static_cast<std::uint64_t>(at) < size) {
    const ssize_t n = ::sendfile(fd, file, &at, size - static_cast<std::uint64_t>(at));
    if (n < 0 && errno == EAGAIN && wait_for(fd, POLLOUT, stop, kStepMilliseconds)) continue;
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
  }
}

std::string_view status_text(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    default:
      return "Bad Gateway";
  }
}

}  // namespace

void Forwarder::handle(const os::Fd& connection) {
  const std::string head = read_head(connection.get(), stop_);
  if (head.empty()) return;
  const Answer out = answer(head);
  std::uint64_t size = out.body.size();
  if (out.file) {
    struct stat info {};
    if (::fstat(out.file.get(), &info) != 0) return;
    size = static_cast<std::uint64_t>(info.st_size);
  }
  const std::string header = fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
      out.status, status_text(out.status),
      out.status == 200 ? "application/octet-stream" : "text/plain", size);
  if (!write_all(connection.get(), header + out.body, stop_)) return;
  if (out.file) send_file(connection.get(), out.file.get(), size, stop_);
}

Forwarder::Answer Forwarder::answer(std::string_view head) {
  std::string_view line = take_line(head);
  if (!line.starts_with("GET /")) return {.status = 405};
  line.remove_prefix(5);
  return answer_path(decode_path(line.substr(0, line.find(' '))));
}

Forwarder::Answer Forwarder::failed(Error error) {
  const bool refused =
      dynamic_cast<const PrivateRefusal*>(error.detail.get()) != nullptr || is_failure(error);
  if (!refused && (error.kind == ErrorKind::kNotFound || error.kind == ErrorKind::kUsage)) {
    return {.status = 404, .body = error.message + "\n"};
  }
  const std::string text = error.message + "\n";
  const MutexLock lock(mutex_);
  // That something is not what it should be matters more than that something cannot be had.
  if (!error_ || (error_->kind != ErrorKind::kUntrusted && error.kind == ErrorKind::kUntrusted)) {
    error_ = std::move(error);
  }
  return {.status = 502, .body = text};
}

Forwarder::Answer Forwarder::answer_path(std::string_view path) {
  using Kind = mod::ProxyRequest::Kind;
  const auto request = mod::parse_proxy_path(path);
  if (!request) return {.status = 404};
  const bool own = request->module == module_;
  switch (request->kind) {
    case Kind::kList:
      if (own) return {.body = version_ + "\n"};
      searched_ = true;
      return {.status = 404};
    case Kind::kLatest:
      searched_ = true;
      return {.status = 404};
    case Kind::kInfo: {
      if (own && request->version == version_) {
        return {.body = format_json({{"Version", version_}})};
      }
      // The longest module that has the package counts: what is around it is never taken.
      if (module_.starts_with(request->module + "/")) return {.status = 404};
      const auto info = store_.info(request->module, request->version);
      if (!info) return failed(info.error());
      return {.body = format_json({{"Version", info->version}})};
    }
    case Kind::kMod: {
      auto text = store_.gomod(request->module, request->version);
      if (!text) return failed(std::move(text).error());
      return {.body = *std::move(text)};
    }
    case Kind::kZip: {
      auto file = store_.zip(request->module, request->version);
      if (!file) return failed(std::move(file).error());
      auto sum = store_.sums().zip_sum(request->module, request->version);
      if (!sum) return failed(std::move(sum).error());
      const MutexLock lock(mutex_);
      zips_.push_back({request->module, request->version, *std::move(sum)});
      return {.file = *std::move(file)};
    }
  }
  return {.status = 404};
}

}  // namespace gw::build
