// How a handler answers: at once or later, from any thread, whole or as a stream.
//
// A Reply is a handle that may be copied into whatever will answer. When the last copy goes without
// an answer, the client gets a 500; when the last copy of a Stream goes, the stream ends. A client
// that leaves, and a server that ends, cancel: work for nobody can stop.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "http/response.h"

namespace gw::http {

class Exchange;

// A response without an end that is known: server-sent events, a log as it grows. Any thread.
class Stream {
 public:
  // Queues bytes. False when the client has left, or takes so little that more than
  // Limits::stream_buffer would wait for it: it is cut off then, and nothing more is of use.
  bool send(std::string_view bytes) const;
  // One server-sent event (WHATWG HTML section 9.2); lines of `data` become lines of the event. An
  // empty name is the default one, "message".
  bool send_event(std::string_view name, std::string_view data) const;
  void end() const;
  bool gone() const;

 private:
  friend class Reply;
  struct Last;
  std::shared_ptr<const Last> last_;
};

class Reply {
 public:
  explicit Reply(std::shared_ptr<Exchange> exchange);

  // The first answer counts; later ones are dropped.
  void send(Response response) const;
  // Sends the head of `response` (its body is not used) and keeps the response open. A quiet stream
  // of text/event-stream gets a comment now and then, so that proxies keep it too.
  Stream stream(Response response) const;

  // True once the client has left before it had the whole response, or the server has ended.
  bool gone() const;

 private:
  struct Last;
  std::shared_ptr<const Last> last_;
};

std::string format_event(std::string_view name, std::string_view data);

}  // namespace gw::http
