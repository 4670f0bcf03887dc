// What a connection and the handler of its request share: the answer on its way from whatever
// thread. Part of the server; handlers see Reply and Stream.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/mutex.h"
#include "http/response.h"

namespace gw::http {

// Tells the server's thread that a connection's exchange has news. Any thread; outlives the server.
class Waker {
 public:
  virtual ~Waker() = default;
  virtual void wake(std::uint64_t connection) = 0;
};

class Exchange {
 public:
  Exchange(std::uint64_t connection, std::shared_ptr<Waker> waker, std::size_t stream_buffer)
      : connection_(connection), waker_(std::move(waker)), stream_buffer_(stream_buffer) {}

  // For the handler's side; see Reply and Stream.
  void respond(Response response, bool streaming);
  bool queue(std::string_view bytes);
  void end_stream();
  bool gone() const;

  // For the connection's side.
  struct Answer {
    Response response;
    bool streaming = false;
  };
  std::optional<Answer> take_answer();  // once
  struct News {
    std::string bytes;   // of the stream, since the last time
    bool ended = false;  // with these bytes
  };
  News take_stream();
  bool too_slow() const;  // more of the stream than may wait
  void leave();           // the client is gone

 private:
  const std::uint64_t connection_;
  const std::shared_ptr<Waker> waker_;
  const std::size_t stream_buffer_;

  mutable Mutex mutex_;
  std::optional<Response> response_ GW_GUARDED_BY(mutex_);
  bool answered_ GW_GUARDED_BY(mutex_) = false;
  bool streaming_ GW_GUARDED_BY(mutex_) = false;
  std::string bytes_ GW_GUARDED_BY(mutex_);
  bool ended_ GW_GUARDED_BY(mutex_) = false;
  bool too_slow_ GW_GUARDED_BY(mutex_) = false;
  bool gone_ GW_GUARDED_BY(mutex_) = false;
};

}  // namespace gw::http
