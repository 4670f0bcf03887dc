#include "http/connection.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace gw::http {

namespace {

constexpr int kTurns = 64;                   // of one connection before the others' turns
constexpr std::size_t kOneWrite = 16 << 10;  // a body up to this is copied behind its head
constexpr std::size_t kDrainMost = 256 << 10;
constexpr Duration kLinger = std::chrono::seconds(1);

bool may_have_body(int status) { return status >= 200 && status != 204 && status != 304; }

}  // namespace

Connection::Connection(std::uint64_t id, std::unique_ptr<Transport> transport,
                       std::optional<SocketAddress> peer, ConnectionContext& context)
    : id_(id),
      transport_(std::move(transport)),
      peer_(peer),
      context_(context),
      waiting_since_(context.clock.mono()),
      deadline_(waiting_since_ + context.limits.header_time),
      parser_(context.limits.request) {}

Connection::~Connection() { close(); }

void Connection::step() {
  wants_read_ = wants_write_ = wants_turn_ = false;
  for (int i = 0; i < kTurns; ++i) {
    if (!turn()) return;
  }
  wants_turn_ = true;
}

bool Connection::turn() {
  switch (state_) {
    case State::kHandshake:
      return shake_hands();
    case State::kReading:
      return read_request();
    case State::kHandling:
      return wait_for_answer();
    case State::kWriting:
      return write_response();
    case State::kStreaming:
      return write_stream();
    case State::kDraining:
      return drain();
    case State::kClosed:
      return false;
  }
  return false;
}

bool Connection::wait(Transport::Io io) {
  if (io == Transport::Io::kWantRead) {
    wants_read_ = true;
  } else if (io == Transport::Io::kWantWrite) {
    wants_write_ = true;
  } else {
    close();
  }
  return false;
}

bool Connection::shake_hands() {
  const auto outcome = transport_->handshake();
  if (outcome.io != Transport::Io::kDone) return wait(outcome.io);
  state_ = State::kReading;
  return true;
}

bool Connection::read_request() {
  if (!ahead_.empty()) return take_bytes(std::exchange(ahead_, std::string()));
  const auto outcome = transport_->read(context_.scratch.data(), context_.scratch.size());
  if (outcome.io != Transport::Io::kDone) return wait(outcome.io);
  return take_bytes({context_.scratch.data(), outcome.size});
}

bool Connection::take_bytes(std::string_view bytes) {
  const bool begun = parser_.begun();
  const RequestParser::State state = parser_.feed(bytes);
  if (state == RequestParser::State::kRefused) {
    refuse(parser_.status());
    return true;
  }
  if (state == RequestParser::State::kIncomplete) {
    const MonoTime now = context_.clock.mono();
    if (!begun && parser_.begun()) deadline_ = now + context_.limits.header_time;
    if (parser_.in_body() && !std::exchange(timed_body_, true)) {
      deadline_ = now + context_.limits.body_time;
    }
    if (parser_.take_expectation()) {
      constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
      // Everything before was taken: a client for whom there is no room even for this is none.
      if (transport_->write(kContinue, false).size != kContinue.size()) close();
    }
    return true;
  }
  auto taken = parser_.take();
  ahead_ = bytes;
  timed_body_ = false;
  keep_alive_ = taken.keep_alive;
  http10_ = taken.http10;
  head_only_ = taken.request.method == "HEAD";
  taken.request.peer = peer_;
  taken.request.tls = transport_->is_tls();
  exchange_ = std::make_shared<Exchange>(id_, context_.waker, context_.limits.stream_buffer);
  state_ = State::kHandling;
  deadline_ = MonoTime::max();
  context_.dispatch(std::move(taken.request), Reply(exchange_));
  return true;
}

bool Connection::wait_for_answer() {
  if (auto answer = exchange_->take_answer()) {
    begin_response(std::move(answer->response), answer->streaming);
    return true;
  }
  return watch_client();
}

// While nothing is to be written: what a client sends ahead is kept, up to a head's size, to see it
// leave.
bool Connection::watch_client() {
  const std::size_t most = context_.limits.request.head.bytes;
  if (ahead_.size() >= most) return false;
  const auto outcome = transport_->read(context_.scratch.data(),
                                        std::min(context_.scratch.size(), most - ahead_.size()));
  if (outcome.io != Transport::Io::kDone) return wait(outcome.io);
  ahead_.append(context_.scratch.data(), outcome.size);
  return true;
}

void Connection::refuse(int status) {
  Response response = text_response(status, reason_phrase(status));
  if (status == 405) response.headers.push_back({"Allow", "GET, HEAD, POST"});
  keep_alive_ = false;
  head_only_ = parser_.is_head();
  begin_response(std::move(response), false);
}

void Connection::begin_response(Response response, bool streaming) {
  if (context_.ending || (streaming && http10_)) keep_alive_ = false;
  HeadOptions options{.keep_alive = keep_alive_, .date = date()};
  if (streaming) options.framing = http10_ ? Framing::kClose : Framing::kChunked;
  auto head = format_head(response, options);
  if (!head) {
    response = text_response(500, reason_phrase(500));
    streaming = keep_alive_ = false;
    head = format_head(response, {.keep_alive = false, .date = date()});
  }
  streaming_ = streaming && !head_only_;
  if (streaming && head_only_) exchange_->leave();  // nobody asked for what would come
  chunked_ = options.framing == Framing::kChunked;
  events_ = response.content_type.starts_with("text/event-stream");
  out_ = *std::move(head);
  sent_ = 0;
  if (!head_only_ && !streaming && may_have_body(response.status)) {
    file_ = std::move(response.file);
    if (!file_ && response.body.size() <= kOneWrite) {
      out_ += response.body;
    } else if (!file_) {
      next_ = std::move(response.body);
    }
  }
  begin_write();
}

void Connection::begin_write() {
  state_ = State::kWriting;
  progress_ = 0;
  deadline_ = context_.clock.mono() + context_.limits.write_time;
}

void Connection::note_progress(std::size_t bytes) {
  progress_ += bytes;
  if (progress_ < context_.limits.write_least) return;
  progress_ = 0;
  deadline_ = context_.clock.mono() + context_.limits.write_time;
}

bool Connection::write_response() {
  if (streaming_ && exchange_->too_slow()) {
    close();
    return false;
  }
  if (sent_ < out_.size()) {
    const bool more = !next_.empty() || (file_ && file_->size > 0);
    const auto outcome = transport_->write(std::string_view(out_).substr(sent_), more);
    if (outcome.io != Transport::Io::kDone) return wait(outcome.io);
    sent_ += outcome.size;
    note_progress(outcome.size);
    return true;
  }
  sent_ = 0;
  out_ = std::exchange(next_, std::string());
  if (!out_.empty()) return true;
  if (file_ && file_->size > 0) {
    const auto outcome = transport_->send_file(file_->fd.get(), file_->offset, file_->size);
    if (outcome.io != Transport::Io::kDone) return wait(outcome.io);
    // A file that shrank: the client must see that this is not all.
    if (outcome.size == 0) return wait(Transport::Io::kBroken);
    file_->offset += outcome.size;
    file_->size -= outcome.size;
    note_progress(outcome.size);
    return true;
  }
  if (streaming_) {
    state_ = State::kStreaming;
    deadline_ = context_.clock.mono() + context_.limits.stream_quiet;
    return true;
  }
  finish_response();
  // What is not here yet is waited for, not asked for.
  if (state_ != State::kReading || !ahead_.empty() || transport_->has_buffered()) return true;
  return wait(Transport::Io::kWantRead);
}

bool Connection::write_stream() {
  const Exchange::News news = exchange_->take_stream();
  append_chunk(news.bytes);
  if (news.ended) {
    if (chunked_) out_ += "0\r\n\r\n";
    streaming_ = false;
  }
  if (!out_.empty() || news.ended) {
    begin_write();
    return true;
  }
  return watch_client();
}

void Connection::append_chunk(std::string_view bytes) {
  if (bytes.empty()) return;
  if (chunked_) {
    fmt::format_to(std::back_inserter(out_), "{:x}\r\n{}\r\n", bytes.size(), bytes);
  } else {
    out_ += bytes;
  }
}

void Connection::finish_response() {
  exchange_.reset();
  file_.reset();
  const MonoTime now = context_.clock.mono();
  if (keep_alive_ && !context_.ending) {
    state_ = State::kReading;
    waiting_since_ = now;
    deadline_ = now + context_.limits.idle_time;
    return;
  }
  // Closing with unread bytes would reset the connection, and with it take back the response.
  transport_->finish();
  state_ = State::kDraining;
  deadline_ = now + kLinger;
}

bool Connection::drain() {
  const auto outcome = transport_->read(context_.scratch.data(), context_.scratch.size());
  if (outcome.io != Transport::Io::kDone) return wait(outcome.io);
  drained_ += outcome.size;
  if (drained_ > kDrainMost) close();
  return true;
}

void Connection::expire() {
  switch (state_) {
    case State::kReading:
      if (!parser_.begun()) return close();
      refuse(408);
      break;
    case State::kStreaming:
      deadline_ = context_.clock.mono() + context_.limits.stream_quiet;
      if (!events_) return;
      append_chunk(":\n\n");
      begin_write();
      break;
    case State::kHandling:
      return;
    case State::kHandshake:
    case State::kWriting:
    case State::kDraining:
    case State::kClosed:
      return close();
  }
  step();
}

void Connection::end() {
  if (state_ == State::kHandshake) return close();
  if (state_ == State::kReading && !parser_.begun() && ahead_.empty()) return close();
  if (!streaming_) return;
  streaming_ = keep_alive_ = false;
  exchange_->leave();
  if (chunked_) next_ += "0\r\n\r\n";
  if (state_ == State::kStreaming) begin_write();
  step();
}

void Connection::close() {
  if (std::exchange(state_, State::kClosed) == State::kClosed) return;
  wants_read_ = wants_write_ = false;
  if (exchange_) exchange_->leave();
  exchange_.reset();
}

std::string_view Connection::date() {
  const WallTime now = context_.clock.now();
  if (context_.date.empty() || now != context_.date_time) {
    context_.date_time = now;
    context_.date = http_date(now);
  }
  return context_.date;
}

}  // namespace gw::http
