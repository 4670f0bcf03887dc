// A TCP server in the test's own process that answers each HTTP request with the bytes it is told
// to: right, wrong, cut, slow or never.
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "os/address.h"
#include "os/file.h"
#include "os/stop.h"

namespace gw::test {

struct Reply {
  std::string bytes = {};              // written as they are
  bool close = false;                  // and then the connection is closed
  bool hold = false;                   // and then nothing, until the client or the server goes away
  std::chrono::milliseconds delay{0};  // before the bytes
  std::size_t repeat = 1;              // `bytes` so many times, for bodies without end
};

// A well-formed response.
inline Reply respond(int status, const std::string& body, const std::string& headers = "") {
  return {.bytes = "HTTP/1.1 " + std::to_string(status) + " Text\r\nContent-Length: " +
                   std::to_string(body.size()) + "\r\n" + headers + "\r\n" + body};
}

class TestServer {
 public:
  // `handler` gets a request's head and body as they came, on the connection's thread.
  using Handler = std::function<Reply(const std::string& request)>;

  explicit TestServer(Handler handler) : handler_(std::move(handler)) {
    listener_ = os::Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    os::SocketAddress any = *os::SocketAddress::parse("127.0.0.1:0");
    if (::bind(listener_.get(), any.data(), any.size()) != 0) std::abort();
    if (::listen(listener_.get(), 512) != 0) std::abort();
    sockaddr_storage bound{};
    socklen_t size = sizeof bound;
    ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&bound), &size);
    address_ = *os::SocketAddress::from_sockaddr(reinterpret_cast<sockaddr*>(&bound), size);
    acceptor_ = std::thread([this] { accept_all(); });
  }

  ~TestServer() {
    stop_.request();
    acceptor_.join();
    for (std::thread& t : threads_) t.join();
  }

  std::string url(const std::string& path = "") const {
    return "http://" + address_.format() + path;
  }
  const os::SocketAddress& address() const { return address_; }

  std::size_t connections() const { return connections_; }
  std::vector<std::string> requests() const {
    std::lock_guard lock(mutex_);
    return requests_;
  }
  // Requests that were being answered at one moment, at most.
  std::size_t most_at_once() const { return most_; }

 private:
  bool readable(int fd) const {
    pollfd fds[] = {{fd, POLLIN, 0}, {stop_.fd(), POLLIN, 0}};
    return ::poll(fds, 2, -1) > 0 && !stop_.requested();
  }

  void accept_all() {
    while (readable(listener_.get())) {
      os::Fd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!fd) continue;
      ++connections_;
      threads_.emplace_back([this, fd = std::move(fd)] { serve(fd.get()); });
    }
  }

  // False when the client went away.
  bool read_request(int fd, std::string& buffer, std::string& request) const {
    for (;;) {
      auto end = buffer.find("\r\n\r\n");
      if (end != std::string::npos) {
        auto field = buffer.find("Content-Length: ");
        std::size_t body = field < end ? std::stoul(buffer.substr(field + 16)) : 0;
        if (buffer.size() >= end + 4 + body) {
          request = buffer.substr(0, end + 4 + body);
          buffer.erase(0, request.size());
          return true;
        }
      }
      char chunk[4096];
      if (!readable(fd)) return false;
      ssize_t n = ::read(fd, chunk, sizeof chunk);
      if (n <= 0) return false;
      buffer.append(chunk, static_cast<std::size_t>(n));
    }
  }

  void serve(int fd) {
    std::string buffer;
    std::string request;
    while (read_request(fd, buffer, request)) {
      {
        std::lock_guard lock(mutex_);
        requests_.push_back(request);
        most_ = std::max<std::size_t>(most_, ++now_);
      }
      Reply reply = handler_(request);
      if (reply.delay.count() > 0 && stop_.wait_for(reply.delay)) return;
      bool sent = true;
      for (std::size_t i = 0; i < reply.repeat && sent; ++i) {
        sent = ::send(fd, reply.bytes.data(), reply.bytes.size(), MSG_NOSIGNAL) >= 0;
      }
      {
        std::lock_guard lock(mutex_);
        --now_;
      }
      if (reply.hold) readable(fd);
      if (reply.close || reply.hold || !sent) return;
    }
  }

  Handler handler_;
  os::Stop stop_;
  os::Fd listener_;
  os::SocketAddress address_;
  std::atomic<std::size_t> connections_{0};
  std::atomic<std::size_t> most_{0};
  std::size_t now_ = 0;
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

// "/latest" of "GET /latest HTTP/1.1…".
inline std::string request_path(const std::string& request) {
  auto begin = request.find(' ') + 1;
  return request.substr(begin, request.find(' ', begin) - begin);
}

}  // namespace gw::test
