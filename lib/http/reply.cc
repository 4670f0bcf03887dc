#include "http/reply.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "http/exchange.h"

namespace gw::http {

void Exchange::respond(Response response, bool streaming) {
  {
    const MutexLock lock(mutex_);
    if (answered_) return;
    answered_ = true;
    streaming_ = streaming;
    if (gone_) return;
    response_ = std::move(response);
  }
  waker_->wake(connection_);
}

bool Exchange::queue(std::string_view bytes) {
  bool room = true;
  {
    const MutexLock lock(mutex_);
    if (gone_ || ended_ || too_slow_ || !streaming_) return false;
    room = bytes_.size() + bytes.size() <= stream_buffer_;
    too_slow_ = !room;
    if (room) bytes_ += bytes;
  }
  waker_->wake(connection_);
  return room;
}

void Exchange::end_stream() {
  {
    const MutexLock lock(mutex_);
    if (ended_) return;
    ended_ = true;
    if (gone_) return;
  }
  waker_->wake(connection_);
}

bool Exchange::gone() const {
  const MutexLock lock(mutex_);
  return gone_;
}

std::optional<Exchange::Answer> Exchange::take_answer() {
  const MutexLock lock(mutex_);
  if (!response_) return std::nullopt;
  Answer answer{*std::move(response_), streaming_};
  response_.reset();
  return answer;
}

Exchange::News Exchange::take_stream() {
  const MutexLock lock(mutex_);
  return {std::exchange(bytes_, std::string()), ended_};
}

bool Exchange::too_slow() const {
  const MutexLock lock(mutex_);
  return too_slow_;
}

void Exchange::leave() {
  const MutexLock lock(mutex_);
  gone_ = true;
  response_.reset();
  bytes_.clear();
}

struct Reply::Last {
  std::shared_ptr<Exchange> exchange;
  explicit Last(std::shared_ptr<Exchange> e) : exchange(std::move(e)) {}
  ~Last() { exchange->respond(text_response(500, "internal server error"), false); }
  Last(const Last&) = delete;
  Last& operator=(const Last&) = delete;
};

struct Stream::Last {
  std::shared_ptr<Exchange> exchange;
  explicit Last(std::shared_ptr<Exchange> e) : exchange(std::move(e)) {}
  ~Last() { exchange->end_stream(); }
  Last(const Last&) = delete;
  Last& operator=(const Last&) = delete;
};

Reply::Reply(std::shared_ptr<Exchange> exchange)
    : last_(std::make_shared<const Last>(std::move(exchange))) {}

void Reply::send(Response response) const { last_->exchange->respond(std::move(response), false); }

Stream Reply::stream(Response response) const {
  Stream out;
  out.last_ = std::make_shared<const Stream::Last>(last_->exchange);
  last_->exchange->respond(std::move(response), true);
  return out;
}

bool Reply::gone() const { return last_->exchange->gone(); }

bool Stream::send(std::string_view bytes) const { return last_->exchange->queue(bytes); }

bool Stream::send_event(std::string_view name, std::string_view data) const {
  return send(format_event(name, data));
}

void Stream::end() const { last_->exchange->end_stream(); }
bool Stream::gone() const { return last_->exchange->gone(); }

std::string format_event(std::string_view name, std::string_view data) {
  std::string out;
  if (!name.empty()) out = fmt::format("event: {}\n", name);
  // Any of CR, LF and CRLF would end a line for the reader.
  for (;;) {
    const std::size_t end = std::min(data.find_first_of("\r\n"), data.size());
    out += fmt::format("data: {}\n", data.substr(0, end));
    if (end == data.size()) break;
    data.remove_prefix(data.substr(end).starts_with("\r\n") ? end + 2 : end + 1);
  }
  return out + "\n";
}

}  // namespace gw::http
