// One client's connection as a state machine without a loop, a socket or a clock of its own, so
// that tests drive it by hand. Part of the server.
//
//   state      what happens                              then
//   handshake  TLS                                       reading
//   reading    a request comes                           handling, or writing a refusal
//   handling   a handler has it; the client is watched   writing
//   writing    the response goes                         streaming, reading, or draining
//   streaming  more of the response is waited for        writing
//   draining   closed for writing; what comes is dropped closed
//   closed     nothing
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/clock.h"
#include "http/exchange.h"
#include "http/server.h"
#include "http/server_parser.h"
#include "http/transport.h"

namespace gw::http {

// What the connections of a server share; outlives them.
struct ConnectionContext {
  const Limits& limits;
  const Clock& clock;
  std::shared_ptr<Waker> waker;
  std::function<void(Request, Reply)> dispatch;
  std::span<char> scratch;  // to read into
  bool ending = false;      // every response is its connection's last
  WallTime date_time = {};  // of `date`
  std::string date = {};
};

class Connection {
 public:
  Connection(std::uint64_t id, std::unique_ptr<Transport> transport,
             std::optional<SocketAddress> peer, ConnectionContext& context);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Goes on as far as it can: after the socket was ready, after the exchange had news.
  void step();
  // Its deadline has passed. Like step(), changes what follows.
  void expire();
  // The server ends: closes what is idle, lets the rest finish.
  void end();

  bool closed() const { return state_ == State::kClosed; }
  bool wants_read() const { return wants_read_; }
  bool wants_write() const { return wants_write_; }
  bool wants_turn() const { return wants_turn_; }  // another step(), after the others had theirs
  MonoTime deadline() const { return deadline_; }
  // Since when there is no request to answer; nothing while there is one.
  std::optional<MonoTime> waiting_since() const {
    const bool waits = state_ == State::kHandshake || state_ == State::kReading;
    return waits ? std::optional(waiting_since_) : std::nullopt;
  }

 private:
  enum class State { kHandshake, kReading, kHandling, kWriting, kStreaming, kDraining, kClosed };

  // Each does one thing, and says whether more can be done now.
  bool turn();
  bool shake_hands();
  bool read_request();
  bool wait_for_answer();
  bool write_response();
  bool write_stream();
  bool drain();

  bool take_bytes(std::string_view bytes);
  bool watch_client();
  bool wait(Transport::Io io);
  void refuse(int status);
  void begin_response(Response response, bool streaming);
  void finish_response();
  void begin_write();
  void note_progress(std::size_t bytes);
  void append_chunk(std::string_view bytes);
  void close();
  std::string_view date();

  const std::uint64_t id_;
  const std::unique_ptr<Transport> transport_;
  const std::optional<SocketAddress> peer_;
  ConnectionContext& context_;

  State state_ = State::kHandshake;
  MonoTime waiting_since_;
  MonoTime deadline_;
  bool wants_read_ = false;
  bool wants_write_ = false;
  bool wants_turn_ = false;

  RequestParser parser_;
  std::string ahead_;  // came after the request that is being answered
  bool timed_body_ = false;

  std::shared_ptr<Exchange> exchange_;
  bool http10_ = false;
  bool head_only_ = false;
  bool keep_alive_ = false;

  std::string out_;
  std::size_t sent_ = 0;  // of out_
  std::string next_;      // after out_
  std::optional<FileBody> file_;
  std::size_t progress_ = 0;  // bytes since the deadline was set
  bool streaming_ = false;
  bool chunked_ = false;
  bool events_ = false;      // the stream is text/event-stream
  std::size_t drained_ = 0;  // bytes thrown away
};

}  // namespace gw::http
