#include "build/forwarder.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/json.h"
#include "build/build_failure.h"
#include "build/private_modules.h"
#include "module/proxy.h"

namespace gw::build {

namespace {

constexpr unsigned kThreads = 16;  // they wait for a network, mostly
// All are the go command's, from one address, and all may wait for a thread.
constexpr unsigned kConnections = 256;

// Waits for bytes, or their end; false when a stop was asked for.
bool wait_readable(int fd, const os::Stop& stop) {
  std::array<pollfd, 2> fds = {pollfd{fd, POLLIN, 0}, pollfd{stop.fd(), POLLIN, 0}};
  while (true) {
    const int n = ::poll(fds.data(), fds.size(), -1);
    if (n < 0 && errno == EINTR) continue;
    return n > 0 && fds[1].revents == 0;
  }
}

// What a child handed over; nothing when it never did.
os::Fd take_listener(int channel) {
  char byte = 0;
  iovec data{&byte, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  if (::recvmsg(channel, &message, MSG_CMSG_CLOEXEC) <= 0) return {};
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_type != SCM_RIGHTS) return {};
  int fd = -1;
  std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
  return os::Fd(fd);
}

}  // namespace

Forwarder::Forwarder(ModuleStore& store, std::string module, std::string version)
    : store_(store), module_(std::move(module)), version_(std::move(version)) {}

Forwarder::~Forwarder() { stop(); }

// `listener`: as http::ServerOptions::listening.
Status Forwarder::start(int listener) {
  http::ServerOptions options;
  GW_TRY(options.listen.address, os::SocketAddress::parse("127.0.0.1:0"));
  options.listening = listener;
  options.limits.connections = kConnections;
  options.limits.connections_per_address = kConnections;
  options.workers = kThreads;
  options.slow_waiting = kConnections;
  options.names.emplace();
  http::Router router;
  router.add({.pattern = "/*",
              .handler = http::simple([this](const http::Request& request) {
                return answer(std::string_view(request.path).substr(1));
              }),
              .slow = true});
  GW_TRY(server_, http::Server::start(std::move(options), std::move(router)));
  return {};
}

Result<std::uint16_t> Forwarder::serve() {
  GW_CHECK(start(-1));
  return server_->endpoint().address.port();
}

void Forwarder::serve_from(os::Fd channel) {
  // Shared: what a std::function holds can be copied.
  auto thread = os::start_thread([this, channel = std::make_shared<os::Fd>(std::move(channel))] {
    if (!wait_readable(channel->get(), stop_)) return;
    // Ours only until the server has it: nobody waits for answers that nobody gives.
    const os::Fd listener = take_listener(channel->get());
    if (!listener) return;
    if (Status started = start(listener.get()); !started) failed(std::move(started).error());
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
  server_.reset();
}

std::optional<Error> Forwarder::error() const {
  const MutexLock lock(mutex_);
  return error_;
}

std::vector<Forwarder::Zip> Forwarder::zips() const {
  const MutexLock lock(mutex_);
  return zips_;
}

http::Response Forwarder::failed(Error error) {
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

http::Response Forwarder::answer(std::string_view path) {
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
    case Kind::kZip:
      return answer_zip(*request);
  }
  return {.status = 404};
}

http::Response Forwarder::answer_zip(const mod::ProxyRequest& request) {
  auto file = store_.zip(request.module, request.version);
  if (!file) return failed(std::move(file).error());
  struct stat info {};
  if (::fstat(file->get(), &info) != 0) return failed(errno_error("a module's zip", errno));
  auto sum = store_.sums().zip_sum(request.module, request.version);
  if (!sum) return failed(std::move(sum).error());
  const MutexLock lock(mutex_);
  zips_.push_back({request.module, request.version, *std::move(sum)});
  return {.content_type = "application/zip",
          .file = http::FileBody{*std::move(file), 0, static_cast<std::uint64_t>(info.st_size)}};
}

}  // namespace gw::build
