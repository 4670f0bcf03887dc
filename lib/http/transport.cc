#include "http/transport.h"

#include <sys/sendfile.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace gw::http {

namespace {

class PlainTransport : public Transport {
 public:
  explicit PlainTransport(int fd) : fd_(fd) {}

  Outcome handshake() override { return {Io::kDone, 0}; }

  Outcome read(char* out, std::size_t size) override {
    const ssize_t n = ::recv(fd_, out, size, 0);
    if (n == 0) return {Io::kEnd, 0};
    return outcome(n, Io::kWantRead);
  }

  Outcome write(std::string_view bytes, bool more) override {
    const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | (more ? MSG_MORE : 0));
    return outcome(n, Io::kWantWrite);
  }

  Outcome send_file(int file, std::uint64_t offset, std::uint64_t size) override {
    // One client's file must not keep the thread from the others.
    constexpr std::uint64_t kMost = 1 << 20;
    auto position = static_cast<off_t>(offset);
    const ssize_t n = ::sendfile(fd_, file, &position, std::min(size, kMost));
    return outcome(n, Io::kWantWrite);
  }

  void finish() override { ::shutdown(fd_, SHUT_WR); }
  bool has_buffered() const override { return false; }
  bool is_tls() const override { return false; }

 private:
  static Outcome outcome(ssize_t n, Io when_full) {
    if (n >= 0) return {Io::kDone, static_cast<std::size_t>(n)};
    return {errno == EAGAIN || errno == EINTR ? when_full : Io::kBroken, 0};
  }

  const int fd_;
};

}  // namespace

std::unique_ptr<Transport> plain_transport(int fd) { return std::make_unique<PlainTransport>(fd); }

}  // namespace gw::http
