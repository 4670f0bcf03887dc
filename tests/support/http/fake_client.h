// A server's connection driven by hand: what a client sends is appended to a text, what it gets is
// read from another, the clock moves when told.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "base/clock.h"
#include "http/connection.h"

namespace gw::http::test {

// The wire between the two.
struct Wire {
  std::string to_server;
  std::string to_client;
  bool client_ended = false;
  bool server_ended = false;
  std::size_t room = SIZE_MAX;   // bytes that the client still takes
  std::size_t piece = SIZE_MAX;  // at most, in one read
  bool waits_for_handshake = false;
};

class FakeTransport : public Transport {
 public:
  explicit FakeTransport(Wire& wire) : wire_(wire) {}

  Outcome handshake() override {
    return {wire_.waits_for_handshake ? Io::kWantRead : Io::kDone, 0};
  }
  Outcome read(char* out, std::size_t size) override {
    if (size == 0) return {Io::kEnd, 0};  // as recv(2) would say
    const std::size_t n = std::min({size, wire_.to_server.size(), wire_.piece});
    if (n == 0) return {wire_.client_ended ? Io::kEnd : Io::kWantRead, 0};
    std::copy_n(wire_.to_server.begin(), n, out);
    wire_.to_server.erase(0, n);
    return {Io::kDone, n};
  }
  Outcome write(std::string_view bytes, bool /*more*/) override {
    const std::size_t n = std::min(bytes.size(), wire_.room);
    if (n == 0) return {Io::kWantWrite, 0};
    wire_.room -= wire_.room == SIZE_MAX ? 0 : n;
    wire_.to_client += bytes.substr(0, n);
    return {Io::kDone, n};
  }
  Outcome send_file(int file, std::uint64_t offset, std::uint64_t size) override {
    std::array<char, 4096> part;
    const ssize_t n = ::pread(file, part.data(), std::min<std::uint64_t>(size, part.size()),
                              static_cast<off_t>(offset));
    if (n <= 0) return {n == 0 ? Io::kDone : Io::kBroken, 0};
    return write({part.data(), static_cast<std::size_t>(n)}, false);
  }
  void finish() override { wire_.server_ended = true; }
  bool has_buffered() const override { return !wire_.to_server.empty(); }
  bool is_tls() const override { return false; }

 private:
  Wire& wire_;
};

class FakeWaker : public Waker {
 public:
  void wake(std::uint64_t /*connection*/) override { ++wakes; }
  int wakes = 0;
};

struct FakeClient {
  using Dispatch = std::function<void(Request, Reply)>;
  explicit FakeClient(Dispatch dispatch, Limits with = {})
      : limits(with),
        context{.limits = limits,
                .clock = clock,
                .waker = waker,
                .dispatch = std::move(dispatch),
                .scratch = scratch},
        connection(1, std::make_unique<FakeTransport>(wire), std::nullopt, context) {
    connection.step();
  }

  // Sends the bytes and lets the server do what it can; what it has sent since the last time.
  std::string send(std::string_view bytes) {
    wire.to_server += bytes;
    return step();
  }
  std::string step() {
    do {
      connection.step();
    } while (connection.wants_turn());
    return std::exchange(wire.to_client, std::string());
  }
  std::string end() {
    wire.client_ended = true;
    return step();
  }
  // Time passes; the server does what it does at a deadline that comes meanwhile.
  std::string pass(std::chrono::seconds time) {
    clock.advance(time);
    if (connection.deadline() <= clock.mono()) connection.expire();
    return std::exchange(wire.to_client, std::string());
  }

  Limits limits;
  FakeClock clock{from_unix(1'800'000'000)};
  Wire wire;
  std::shared_ptr<FakeWaker> waker = std::make_shared<FakeWaker>();
  std::array<char, 4096> scratch;
  ConnectionContext context;
  Connection connection;
};

}  // namespace gw::http::test
