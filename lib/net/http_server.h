// A small HTTP/1.1 server (RFC 9112) for pages about this process: /metrics, /healthz.
//
// It runs on a thread of its own: a slow or hostile client can delay other clients of these pages,
// and nothing else. Everything a client sends is bounded: headers, body, time, connections, and
// what is not plainly one request is refused. Bodies come with a Content-Length, not in chunks. No
// TLS: it listens on loopback or behind something that speaks it.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/http.h"
#include "os/address.h"

namespace gw::net {

struct ServerRequest {
  std::string method;  // one of HttpServerOptions::methods
  std::string path;    // decoded; begins with "/", holds no NUL
  std::string query;   // after the "?", as sent
  std::vector<HttpHeader> headers;
  std::string body;
  os::SocketAddress peer;

  // The first header of that name (lower case), or nullptr.
  const std::string* header(std::string_view name) const;
};

struct ServerResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::vector<HttpHeader> headers = {};  // besides those that every response has
  std::string body = {};
};

// Called on the server's thread, one request at a time; must not block for long.
using ServerHandler = std::function<ServerResponse(const ServerRequest&)>;

struct HttpServerOptions {
  os::SocketAddress listen = {};
  std::vector<std::string> methods = {"GET", "HEAD"};  // others get 405, unknown ones 501
  std::size_t max_headers = 16 << 10;                  // bytes, more get 431
  std::size_t max_body = 64 << 10;                     // bytes, more get 413
  // For a whole request, from the connection or the last response on; a response may take six
  // times as long to be read.
  std::chrono::seconds idle_timeout{10};
  // More wait in the kernel's queue until there is room.
  unsigned max_connections = 64;
};

class HttpServer {
 public:
  // Listening when it returns. kUsage: the address is in use, not one of this machine, or needs
  // privileges; the message names it.
  static Result<std::unique_ptr<HttpServer>> start(HttpServerOptions options,
                                                   ServerHandler handler);
  // Closes every connection, whatever is in flight, and joins the thread.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // With the port that the kernel chose, if it was asked to.
  const os::SocketAddress& address() const;

 private:
  struct Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Serves /metrics (Prometheus text) and /healthz: 200 "ok", or 503 with the text that `health`
// returns when it is not empty. `refresh` runs before the metrics are formatted, to set gauges;
// both may be null, and are called on the server's thread.
ServerHandler metrics_handler(std::function<std::string()> health = nullptr,
                              std::function<void()> refresh = nullptr);

}  // namespace gw::net
